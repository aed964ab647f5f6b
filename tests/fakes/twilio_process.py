"""The fake Twilio as a test holds it: started, its faults switched, its books read, ended."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from tests.fakes.twilio_account import ACCOUNT_SID, AUTH_TOKENS, SENDER

ROOT = Path(__file__).parents[2]
OPENER = build_opener(ProxyHandler({}))
SECONDS_FOR_AN_ANSWER = 30
# What the product is told so that it speaks to the fake, but for the address.
SETTINGS = {
    "SMS_GATEWAY": "twilio",
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": AUTH_TOKENS[0],
    "TWILIO_FROM": SENDER,
}


@dataclass(frozen=True)
class FakeTwilio:
    """A running one."""

    address: str

    def settings(self, **changes: str) -> dict[str, str]:
        """Settings without their prefix, for ``tests.processes``."""
        return {**SETTINGS, "TWILIO_BASE_URL": self.address, **changes}

    def switch(self, **faults: Any) -> dict[str, Any]:
        """Change what goes wrong (``tests.fakes.twilio_faults.Faults``); what is not named stays."""
        return self._ask("/faults", faults)

    def books(self) -> dict[str, Any]:
        """All that it accepted and all that it did not, in the order of arrival."""
        return self._ask("/ledger")

    def accepted(self) -> int:
        """How many texts it accepted so far."""
        return int(self._ask("/ledger/count")["accepted"])

    def tell_texts_to(self, url: str) -> None:
        """Inbound texts go there from now on."""
        self._ask("/webhook", {"url": url})

    def write(self, number: str, text: str, *, to: str = SENDER) -> dict[str, Any]:
        """Somebody writes on that phone; what the product answered: ``sid``, ``status``, ``body``."""
        return self._ask(f"/phones/{quote(number)}/texts", {"text": text, "to": to})

    def call_back(self, url: str, **form: str) -> dict[str, Any]:
        """Say this to that address, signed; what was answered: ``status``, ``body``."""
        return self._ask("/callbacks", {"url": url, "form": form})

    def _ask(self, path: str, said: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if said is None else json.dumps(said).encode()
        with OPENER.open(Request(self.address + path, body), timeout=SECONDS_FOR_AN_ANSWER) as answer:
            return dict(json.load(answer))


@contextmanager
def a_fake_twilio() -> Iterator[FakeTwilio]:
    """A process of its own, which ends with us however we end."""
    command = [sys.executable, "-m", "tests.fakes.twilio_server", "--port", "0", "--until-input-ends"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield FakeTwilio(process.stdout.readline().strip())
        finally:
            process.stdin.close()
            process.wait()

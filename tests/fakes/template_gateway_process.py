"""The fake gateway of templates as a test holds it: started, told our templates, switched, its books read."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import yaml

from backend.terms import Language
from notifications.channels.template_gateway import as_registered
from notifications.templates import Template, load_templates
from tests.fakes.template_gateway_books import APP_ID, SECRET, SIGN_NAME

ROOT = Path(__file__).parents[2]
OPENER = build_opener(ProxyHandler({}))
SECONDS_FOR_AN_ANSWER = 30


@dataclass(frozen=True)
class FakeGateway:
    """A running one."""

    address: str

    def settings(self, map_file: Path, **changes: str) -> dict[str, str]:
        """Settings without their prefix, for ``tests.processes``."""
        return {
            "SMS_GATEWAY": "template",
            "TEMPLATE_BASE_URL": self.address,
            "TEMPLATE_APP_ID": APP_ID,
            "TEMPLATE_SECRET": SECRET,
            "TEMPLATE_SIGN_NAME": SIGN_NAME,
            "TEMPLATE_MAP": str(map_file),
            **changes,
        }

    def switch(self, **faults: Any) -> None:
        """Change what goes wrong (``tests.fakes.template_gateway_books.Faults``); what is not named stays."""
        self._ask("switch", faults)

    def next(self, do: str, *, on: str = "/sms/send", **how: Any) -> None:
        """The next request there goes wrong like this."""
        self.switch(next=[{"on": on, "do": do, **how}])

    def books(self) -> dict[str, Any]:
        """All that it took, has to tell and refused."""
        return self._ask("books")

    def texts(self) -> list[str]:
        """What telephones show, in the order in which it was taken."""
        return [row["text"] for row in self.books()["taken"].values()]

    def write(self, phone: str, text: str) -> str:
        """Somebody writes to our code; the gateway's id for it."""
        return str(self._ask("write", {"phone": phone, "text": text})["done"])

    def tell(self, kind: str, *rows: Mapping[str, Any]) -> None:
        """Put these among its ``reports`` or ``replies``, as they stand."""
        self._ask("tell", {"list": kind, "rows": rows})

    def release(self) -> None:
        """Late reports come now."""
        self._ask("release")

    def forget(self) -> None:
        """As when it was started, but for the templates."""
        self._ask("forget")

    def register(self, templates: Mapping[str, Any]) -> None:
        """Approve these."""
        self._ask("register", {"templates": templates})

    def _ask(self, what: str, said: Mapping[str, Any] | None = None) -> Any:
        body = json.dumps(said or {}).encode()
        with OPENER.open(Request(f"{self.address}/fake/{what}", body), timeout=SECONDS_FOR_AN_ANSWER) as answer:
            return json.load(answer)


@contextmanager
def a_fake_gateway(*, window: float = 0) -> Iterator[FakeGateway]:
    """A process of its own that has approved our templates, and ends with us however we end."""
    command = [sys.executable, "-m", "tests.fakes.template_gateway_server", "--window", str(window)]
    with subprocess.Popen(
        [*command, "--until-input-ends"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            gateway = FakeGateway(process.stdout.readline().strip())
            gateway.register(registered())
            yield gateway
        finally:
            process.stdin.close()
            process.wait()


def texts() -> Mapping[str, Template]:
    """Our text messages."""
    return {name: template for name, template in load_templates().items() if template.is_text_message}


def entries() -> dict[str, Any]:
    """What a deployer would write down: a number for every text, and its values in the order of the alphabet."""
    return {
        name: {
            language.value: {"id": f"T-{name}-{language}", "parameters": sorted(template.placeholders)}
            for language in Language
        }
        for name, template in texts().items()
    }


def registered() -> dict[str, Any]:
    """The same texts as the gateway has approved them."""
    listed = entries()
    return {
        listed[name][language]["id"]: {
            "state": "APPROVED",
            "text": as_registered(template, language, listed[name][language]["parameters"]),
        }
        for name, template in texts().items()
        for language in Language
    }


def write_map(place: Path, **changes: Any) -> Path:
    """The deployer's file; ``changes`` stand at its top."""
    place.write_text(yaml.safe_dump({"templates": entries(), **changes}, allow_unicode=True, sort_keys=False), "utf-8")
    return place

"""What the provider says by itself: signed status callbacks in whatever order the faults ask for, and inbound texts."""

import base64
import hashlib
import heapq
import hmac
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from tests.fakes.twilio_account import ACCOUNT_SID, API, SENDER, Account, Status, Text, new_sid
from tests.fakes.twilio_faults import Switchboard

SECONDS_FOR_AN_ANSWER = 10
LETTERBOXES = 4
# Loopback only: a proxy of the machine's has no say.
OPENER = build_opener(ProxyHandler({}))
# Every inbound text says where its phone is registered, mostly with nothing; what is empty is signed too.
PLACES = ("City", "State", "Zip", "Country")


class Postman:
    """Carries texts from state to state in their own time, and tells their sender of each."""

    def __init__(self, account: Account, switchboard: Switchboard, token: str) -> None:
        self.answers: Counter[str] = Counter()
        self._account = account
        self._switchboard = switchboard
        self._token = token
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._letterboxes = ThreadPoolExecutor(LETTERBOXES)
        threading.Thread(target=self._go_round, daemon=True).start()

    def carry(self, text: Text) -> None:
        """A text was accepted: its states follow, and their callbacks, each as the faults have it."""
        faults = self._switchboard.faults
        states = _states_of(text, faults.undelivered.get(text.to))
        for turn, (status, code) in enumerate(states, 1):
            self._at(faults.step_seconds * turn, lambda s=status, c=code: self._move(text.sid, s, c))
        if text.callback:
            self._announce(text, text.callback, states)

    def tell(self, url: str, said: Mapping[str, str]) -> tuple[int, str]:
        """One signed request; its status (0 when nobody answers) and its body, both remembered."""
        signed = sign(url, said, "a token of somebody else" if self._is_forged else self._token)
        headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"}
        request = Request(url, urlencode(said).encode(), headers, method="POST")
        try:
            with OPENER.open(request, timeout=SECONDS_FOR_AN_ANSWER) as answer:
                heard = (int(answer.status), answer.read().decode())
        except HTTPError as refused:
            heard = (refused.code, refused.read().decode(errors="replace"))
        except OSError:
            heard = (0, "")
        with self._changed:
            self.answers[str(heard[0])] += 1
        return heard

    def waiting(self) -> int:
        """How much is still to be carried or told."""
        with self._changed:
            return len(self._due)

    @property
    def _is_forged(self) -> bool:
        return self._switchboard.faults.callbacks_forged

    def _announce(self, text: Text, url: str, states: Sequence[tuple[Status, int | None]]) -> None:
        faults = self._switchboard.faults
        callbacks = [(url, _about(text, status, code)) for status, code in states]
        if faults.callbacks_doubled:
            callbacks = [one for one in callbacks for _ in range(2)]
        if faults.callbacks_for_strangers:
            callbacks.append(
                (_of_another_attempt(url), _about(text, Status.DELIVERED, None) | {"MessageSid": new_sid()})
            )
        if faults.callbacks_shuffled:
            callbacks = self._switchboard.shuffled(callbacks)
        for turn, (where, said) in enumerate(callbacks, 1):
            if faults.callbacks_early and turn <= len(callbacks) // 2:
                self.tell(where, said)
                continue
            later = faults.callbacks_late * self._switchboard.somewhere()
            self._at(faults.step_seconds * turn + later, lambda w=where, s=said: self._post(w, s))

    def _post(self, url: str, said: Mapping[str, str]) -> None:
        self._letterboxes.submit(self.tell, url, said)

    def _move(self, sid: str, status: Status, code: int | None) -> None:
        self._account.move(sid, status, code)

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act))
            self._changed.notify()

    def _go_round(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                act = heapq.heappop(self._due)[2]
            act()


def sign(url: str, said: Mapping[str, str], token: str) -> str:
    """Twilio's public scheme: the whole address, then each name and value in the order of the names; HMAC-SHA1."""
    signed = url + "".join(f"{name}{said[name]}" for name in sorted(said))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def inbound(text: Text) -> dict[str, str]:
    """What is said of a text that came in."""
    return {
        **{f"{end}{place}": "" for end in ("From", "To") for place in PLACES},
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": API,
        "Body": text.body,
        "From": text.sender or "",
        "MessageSid": text.sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": text.status.value,
        "To": text.to,
    }


def _about(text: Text, status: Status, code: int | None) -> dict[str, str]:
    said = {
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": API,
        "From": text.sender or SENDER,
        "MessageSid": text.sid,
        "MessageStatus": status.value,
        "SmsSid": text.sid,
        "SmsStatus": status.value,
        "To": text.to,
    }
    if text.service:
        said["MessagingServiceSid"] = text.service
    return said if code is None else {**said, "ErrorCode": str(code)}


def _states_of(text: Text, undelivered: int | None) -> Sequence[tuple[Status, int | None]]:
    begins = [(Status.QUEUED, None)] if text.service else []
    end = (Status.DELIVERED, None) if undelivered is None else (Status.UNDELIVERED, undelivered)
    return [*begins, (Status.SENT, None), end]


def _of_another_attempt(url: str) -> str:
    """The same address for an attempt that was never made."""
    parts = urlsplit(url)
    query = [(name, str(uuid4()) if name == "attempt" else value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode(query)))

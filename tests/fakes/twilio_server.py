"""A fake Twilio as a process of its own: ``python -m tests.fakes.twilio_server --port 0`` prints its address.

It answers as the public API (2010-04-01) does - create, list, fetch one text - and keeps its own books, so that what
it accepted can be held against what we believe. What goes wrong is switched by request (``POST /faults``), since
that must happen while others are in the middle of a call. Loopback only.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.fakes.twilio_account import ACCOUNT_SID, API, AUTH_TOKENS, SENDER, Account, Refused, Text, moment
from tests.fakes.twilio_callbacks import Postman, inbound
from tests.fakes.twilio_faults import NOT_ACCEPTED, Fate, Switchboard
from tests.fakes.twilio_listing import page_of

MESSAGES = f"/{API}/Accounts/(?P<account>AC[0-9a-f]{{32}})/Messages"
A_PAGE = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>Please try again</h1></body></html>"
FAILED = (503, 20503, "Service unavailable")
TOO_MANY = (429, 20429, "Too Many Requests")
NO_SUCH = (404, 20404, "The requested resource was not found")


@dataclass
class Provider:
    """All that the process knows."""

    tokens: Sequence[str] = AUTH_TOKENS
    inbound_url: str = ""
    account: Account = field(default_factory=Account)
    switchboard: Switchboard = field(default_factory=Switchboard)
    fates: Counter[str] = field(default_factory=Counter)
    # In the order of arrival: what was asked for, and what became of it.
    asked: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    postman: Postman = field(init=False)

    def __post_init__(self) -> None:
        self.postman = Postman(self.account, self.switchboard, self.tokens[0])

    def note(self, form: Mapping[str, str], fate: str, sid: str | None) -> None:
        """One call to create a text, for the books."""
        line = {
            "at": moment().isoformat(),
            "attempt": attempt_in(form.get("StatusCallback", "")),
            "to": form.get("To", ""),
            "body_hash": hashlib.sha256(form.get("Body", "").encode()).hexdigest(),
            "fate": fate,
            "sid": sid,
        }
        with self.lock:
            self.fates[fate] += 1
            self.asked.append(line)

    def books(self) -> dict[str, Any]:
        """Everything that was asked for, and all that was accepted with its state now."""
        with self.lock:
            asked, fates = list(self.asked), dict(self.fates)
        states = {text.sid: text.status.value for text in self.account.newest_first()}
        return {
            "accepted": [{**line, "status": states[line["sid"]]} for line in asked if line["sid"]],
            "not_accepted": [line for line in asked if not line["sid"]],
            "fates": fates,
            "callbacks": dict(self.postman.answers),
            "callbacks_waiting": self.postman.waiting(),
        }


def attempt_in(callback: str) -> str | None:
    """The attempt's id, as its sender put it into the address of the callbacks."""
    return dict(parse_qsl(urlsplit(callback).query)).get("attempt")


class Desk(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # A small answer must not wait for the client's acknowledgement of its first half.
    disable_nagle_algorithm = True
    server: "Front"

    def log_message(self, *_: object) -> None:
        """The books say enough, and texts are nobody's business."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    @property
    def provider(self) -> Provider:
        return self.server.provider

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            # Whoever asked broke off in the middle. Half a request asks for nothing.
            with self.provider.lock:
                self.provider.fates["broken off by the client"] += 1
            self.close_connection = True
            return None
        path = urlsplit(self.path).path
        try:
            for verb, pattern, act in ROUTES:
                found = re.fullmatch(pattern, path)
                if verb == method and found:
                    return act(self, **found.groupdict())
            raise Refused(*NO_SUCH)
        except Refused as refused:
            self.say(refused.status, refused.as_json())

    # The public API

    def create(self, account: str) -> None:
        self._authenticate(account)
        form = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        time.sleep(self.provider.switchboard.latency())
        fate = self.provider.switchboard.fate_of_a_create()
        text = None
        try:
            if fate not in NOT_ACCEPTED and (fate is not Fate.HANGING or self.provider.switchboard.faults.hang_accepts):
                text = self.provider.account.accept(form)
        except Refused as refused:
            self.provider.note(form, f"refused {refused.code}", None)
            raise
        self.provider.note(form, fate.value, text.sid if text else None)
        if text:
            self.provider.postman.carry(text)
        self._as_fated(fate, text)

    def find(self, account: str) -> None:
        self._authenticate(account)
        query = {name: said[0] for name, said in parse_qs(urlsplit(self.path).query).items()}
        time.sleep(self.provider.switchboard.latency())
        fate = self.provider.switchboard.fate_of_a_listing()
        with self.provider.lock:
            self.provider.fates[f"listing {fate}"] += 1
        if fate is not Fate.ANSWERED:
            self._as_fated(fate, None)
            return
        lag = self.provider.switchboard.faults.listing_lag
        shown = self.provider.account.newest_first(lambda text: (moment() - text.created).total_seconds() >= lag)
        self.say(200, page_of(shown, query, urlsplit(self.path).path))

    def fetch(self, account: str, sid: str) -> None:
        self._authenticate(account)
        self.say(200, self.provider.account.fetch(sid).as_json())

    def account_itself(self, account: str) -> None:
        self._authenticate(account)
        kind = "Trial" if self.provider.switchboard.faults.is_trial else "Full"
        self.say(200, {"sid": ACCOUNT_SID, "status": "active", "type": kind})

    def _authenticate(self, account: str) -> None:
        kind, _, sent = self.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(sent).decode().partition(":")
        except (binascii.Error, ValueError):
            user = password = ""
        is_known = any(hmac.compare_digest(password.encode(), token.encode()) for token in self.provider.tokens)
        if kind.lower() != "basic" or user != ACCOUNT_SID or account != ACCOUNT_SID or not is_known:
            raise Refused(401, 20003, "Authenticate")

    def _as_fated(self, fate: Fate, text: Text | None) -> None:
        faults = self.provider.switchboard.faults
        match fate:
            case Fate.THROTTLED:
                raise Refused(*TOO_MANY)
            case Fate.FAILED | Fate.FAILED_AFTER_ACCEPTING:
                raise Refused(*FAILED)
            case Fate.DROPPED:
                self._hang_up()
            case Fate.HANGING:
                time.sleep(faults.hang_seconds)
                self._hang_up()
            case Fate.HTML:
                self._write(faults.html_status, "text/html", A_PAGE)
            case Fate.GARBLED:
                self._write(201, "application/json", b'{"sid": "SM')
            case Fate.ANSWERED if text:
                self.say(201, text.as_json())

    def _hang_up(self) -> None:
        """Reset, not closed: whoever waits learns that nothing more will come, and not what became of it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    # For whoever holds it in hand

    def faults(self) -> None:
        self.say(200, self.provider.switchboard.as_json())

    def switch(self) -> None:
        try:
            faults = self.provider.switchboard.switch(self.said())
        except (TypeError, ValueError) as wrong:
            raise Refused(400, 0, str(wrong)) from wrong
        self.provider.account.carrier_blocks, self.provider.account.is_trial = faults.carrier_blocks, faults.is_trial
        self.faults()

    def books(self) -> None:
        self.say(200, self.provider.books())

    def count(self) -> None:
        self.say(200, {"accepted": len(self.provider.account)})

    def listen(self) -> None:
        """Where inbound texts are told from now on."""
        self.provider.inbound_url = str(self.said()["url"])
        self.say(200, {})

    def text(self, number: str) -> None:
        """Somebody writes on that phone. What our product answered to the webhook is the answer."""
        said = self.said()
        text = self.provider.account.receive(unquote(number), said.get("to", SENDER), said["text"])
        switchboard = self.provider.switchboard
        if switchboard.chance(switchboard.faults.webhooks_dropped_share):
            self.say(201, {"sid": text.sid, "status": 0, "body": ""})
            return
        status, body = self.provider.postman.tell(self.provider.inbound_url, inbound(text))
        self.say(201, {"sid": text.sid, "status": status, "body": body})

    def callback(self) -> None:
        """Say one thing to one address, signed, whatever it is."""
        said = self.said()
        status, body = self.provider.postman.tell(said["url"], said["form"])
        self.say(200, {"status": status, "body": body})

    def said(self) -> dict[str, Any]:
        """The JSON of the body."""
        try:
            return dict(json.loads(self.body or b"{}"))
        except ValueError as wrong:
            raise Refused(400, 0, "That is no JSON.") from wrong

    def say(self, status: int, said: Mapping[str, Any]) -> None:
        self._write(status, "application/json", json.dumps(said).encode())

    def _write(self, status: int, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind};charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # Whoever asked was killed meanwhile: that is what we are here for.
            self.close_connection = True


ROUTES: Sequence[tuple[str, str, Callable[..., None]]] = (
    ("POST", f"{MESSAGES}\\.json", Desk.create),
    ("GET", f"{MESSAGES}\\.json", Desk.find),
    ("GET", f"{MESSAGES}/(?P<sid>[A-Z]{{2}}[0-9a-f]{{32}})\\.json", Desk.fetch),
    ("GET", f"/{API}/Accounts/(?P<account>AC[0-9a-f]{{32}})\\.json", Desk.account_itself),
    ("GET", "/faults", Desk.faults),
    ("POST", "/faults", Desk.switch),
    ("GET", "/ledger", Desk.books),
    ("GET", "/ledger/count", Desk.count),
    ("POST", "/webhook", Desk.listen),
    ("POST", "/phones/(?P<number>[^/]+)/texts", Desk.text),
    ("POST", "/callbacks", Desk.callback),
)


class Front(ThreadingHTTPServer):
    """Many desks, one provider."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, provider: Provider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", port), Desk)

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no error of ours."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(*_)


def main(words: Sequence[str] | None = None) -> None:
    """Answer until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--inbound-url", default="", help="where inbound texts are told")
    parser.add_argument("--until-input-ends", action="store_true", help="end with whoever holds standard input")
    options = parser.parse_args(words)
    server = Front(options.port, Provider(inbound_url=options.inbound_url))
    if options.until_input_ends:
        threading.Thread(target=_end_with_input, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


def _end_with_input() -> None:
    """The pipe closes when whoever started us ends, even by SIGKILL."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()

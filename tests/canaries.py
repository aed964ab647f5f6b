"""What must never leave: names, numbers, words, passwords, tokens. Watched during every test of the suite.

A canary is whatever the product itself treats as secret while a test runs: each value it seals, each token and code
it takes a fingerprint of, each password it is sent. What leaves is every log line as production writes it, every
answer that is an error, the health pages, and each text on its way to a phone. Whoever starts a process of its own
gives what that wrote to ``refuse_leaks``.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import marshmallow
from flask import Flask, Response, request, request_finished
from sqlalchemy import event
from sqlalchemy.orm import object_session
from werkzeug.exceptions import HTTPException

import backend
import notifications
import schemas
from backend import logs, sealing
from backend.db import Database, Transaction, system
from backend.sealing import unseal
from backend.terms import Direction
from backend.unit_of_work import SessionOfWork
from notifications.models import SimulatedText

# A shorter word stands in other words by chance; Chinese says in two letters what takes English seven.
SHORTEST, SHORTEST_CHINESE, SHORTEST_TOKEN = 7, 2, 10
# What we say is no canary of ours, a wrapped key is no text, and an address is the number that is sealed elsewhere.
SAID_BY_US = ("data_key:", "message_attempt:", "simulated_text:")
# What a person asks a patient is as secret as an answer, but for the phone it is meant for.
MEANT_FOR_THE_PHONE = frozenset({"what message:words_sealed seals", "what candidate_question:text_sealed seals"})
A_TEXT = "a text to a phone"
TOKENS = re.compile(r"access|refresh|code|session|token")
# What the product's own source says, such as an outcome or the title of an error, is no secret when a patient's record
# says it too. A fuzzer makes up bodies from the strings it finds there.
OUR_ROOMS = (Path(backend.__file__), Path(notifications.__file__), Path(schemas.__file__), Path(marshmallow.__file__))
NUMBER = re.compile(r"\+\d{8,15}")
SENT_IN_SECRET = frozenset(
    {"name", "phone", "email", "text", "note", "cause", "informant", "relation", "refresh_token"}
)
PASSWORDS = frozenset({"password", "new_password", "totp", "code"})
OPEN_PAGES = frozenset({"/metrics", "/readyz", "/healthz"})


class Leak(AssertionError):
    """Something left that must not."""


class Watch:
    """What is secret in this module's tests, and what has left since the test began."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.left: list[tuple[str, str]] = []
        self.module: object = None

    def begin(self, module: object) -> None:
        """A test begins. What its module's fixtures sealed before stays secret."""
        if module is not self.module:
            self.secrets.clear()
            self.module = module
        self.left.clear()
        listen_to_logs()

    def keep_secret(self, what: str, value: str, *, shortest: int = SHORTEST) -> None:
        """From now on ``value`` must not leave. ``what`` is for the complaint, which does not quote the value."""
        for spelling in spellings(value):
            if len(spelling) >= (shortest if spelling.isascii() else SHORTEST_CHINESE):
                self.secrets[spelling] = what

    def hear(self, where: str, text: str) -> None:
        """This has left."""
        self.left.append((where, text))

    def refuse_leaks(self) -> None:
        """Raise ``Leak`` when a secret was among what has left; then forget what has left."""
        heard, self.left = self.left, []
        found = [f"{what} in {where}" for where, what in self._found(heard)]
        if found:
            raise Leak("Must not leave: " + "; ".join(sorted(set(found))))

    def _found(self, heard: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        everything = "\n".join(text for _, text in heard)
        for secret, what in list(self.secrets.items()):
            if secret in everything:
                may_be_texted = what in MEANT_FOR_THE_PHONE
                told = ((where, text) for where, text in heard if not (may_be_texted and where == A_TEXT))
                yield from ((where, what) for where, text in told if secret in text)


WATCH = Watch()


def refuse_leaks(output: str | bytes, *, where: str = "the output of a process") -> None:
    """Raise ``Leak`` when what a process wrote holds a secret of the running test."""
    WATCH.hear(where, output.decode("utf-8", "replace") if isinstance(output, bytes) else output)
    WATCH.refuse_leaks()


def spellings(value: str) -> Iterator[str]:
    """A value as it is written, and a number also as people write it."""
    yield value
    if NUMBER.fullmatch(value):
        yield value[1:]
        yield value[-11:]


def install() -> None:
    """Begin to watch this process. Nothing is replaced: what is watched is told of and then done."""
    _tell_before(sealing, "_lock", _sealed)
    _tell_before(sealing.Keyring, "fingerprint", _fingerprinted)
    request_finished.connect(_answered)
    event.listen(SimulatedText, "before_insert", _texted)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    listen_to_logs()


def listen_to_logs() -> None:
    """As long as nobody has taken the handler away, it is there."""
    root = logging.getLogger()
    if LINES not in root.handlers:
        root.addHandler(LINES)


class _Lines(logging.Handler):
    """Hears every record as the line that production would write."""

    def emit(self, record: logging.LogRecord) -> None:
        """A record that cannot be written is a defect of its own, and loud."""
        WATCH.hear("a log line", self.format(record))


LINES = _Lines()
LINES.setFormatter(logs.as_json())


def _tell_before(owner: Any, name: str, tell: Callable[..., None]) -> None:
    done = getattr(owner, name)

    def told(*given: Any) -> Any:
        tell(*given)
        return done(*given)

    setattr(owner, name, told)


def _sealed(_key: object, value: bytes, place: str) -> None:
    if place.startswith(SAID_BY_US):
        return
    for word in _words(value.decode()):
        if not is_ours(word):
            WATCH.keep_secret(f"what {place.rpartition(':')[0]} seals", word)


@cache
def our_source() -> bytes:
    """All that is written in the rooms whose sentences we send. Bytes are looked through in half the time of text."""
    return b"\n".join(file.read_bytes() for room in OUR_ROOMS for file in room.parent.rglob("*.py"))


@cache
def is_ours(word: str) -> bool:
    """Whether it is written there. The same few patients are sealed all day, and looking is slow."""
    return word.encode() in our_source()


def _words(sealed: str) -> Iterable[str]:
    """What was sealed as a list of symptoms is told symptom by symptom."""
    if not sealed.startswith("[{"):
        return [sealed]
    return [str(one.get("text")) for one in json.loads(sealed)]


def _fingerprinted(_keyring: object, purpose: str, token: str) -> None:
    if TOKENS.search(purpose) and not purpose.startswith("attempts"):
        WATCH.keep_secret(f"a token ({purpose})", token, shortest=SHORTEST_TOKEN)


def _answered(_app: Flask, response: Response, **_: object) -> None:
    sent = _sent()
    for value in (value for value, name in sent.items() if name in PASSWORDS):
        WATCH.keep_secret("a password", value, shortest=SHORTEST_TOKEN)
    if response.direct_passthrough or (response.status_code < 400 and request.path not in OPEN_PAGES):
        return
    text = response.get_data(as_text=True)
    where = f"{request.method} {request.url_rule or 'an unknown address'} {response.status_code}"
    WATCH.hear(where, text)
    # What was refused was never sealed, and must not come back all the same.
    for value in (value for value, name in sent.items() if name in SENT_IN_SECRET and len(value) > SHORTEST):
        if value in text:
            WATCH.keep_secret("what was sent", value)


def _sent() -> dict[str, str]:
    """The names of the request's strings by value; of a body that nobody could read, none."""
    try:
        return dict(_strings(request.get_json(silent=True) if request.is_json else None))
    except (HTTPException, RecursionError, ValueError):
        return {}


def _strings(body: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every (value, name) of a JSON body, however deep."""
    if isinstance(body, dict):
        for key, inner in body.items():
            yield from _strings(inner, key)
    elif isinstance(body, list):
        for inner in body:
            yield from _strings(inner, name)
    elif isinstance(body, str):
        yield body, name


def _texted(_mapper: object, _connection: object, row: SimulatedText) -> None:
    session = object_session(row)
    if row.direction != Direction.OUTBOUND or not isinstance(session, SessionOfWork):
        return
    # It was sealed in this transaction, so its key is open, and no keyring is needed.
    txn = Transaction(session.work, cast(Database, None), system("canaries"), row.at)
    WATCH.hear(A_TEXT, unseal(txn, row, "text_sealed") or "")

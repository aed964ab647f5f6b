"""How a gateway of templates is spoken to: signed JSON over HTTP, once, within a time, and without a word in any log.

Every request is a POST. Its headers name the application, the time in seconds, a number used once, and the signature:
HMAC-SHA256 under the account's secret, in hexadecimal, over six lines - ``POST``, the path, the application, the time,
the number used once, and the SHA-256 of the body in hexadecimal. Every answer is an object with a ``code``.
"""

import hashlib
import hmac
import json
import logging
import queue
import secrets
import ssl
from collections.abc import Callable
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from backend import clock
from backend.template_account import TemplateAccount

# The whole of a call, well below the lease of a message; of it, for getting a connection.
SECONDS_FOR_AN_ANSWER, SECONDS_TO_CONNECT = 35.0, 5.0
LONGEST_ANSWER = 2_000_000
WELL = "OK"

# What is asked and answered holds numbers and words.
logging.getLogger("urllib3").setLevel(logging.WARNING)


class Unanswered(Exception):
    """Nobody knows what became of a request. Only the kind of failure is told: a library's words may hold more."""


class Unreached(Unanswered):
    """Nothing was said, because there was no connection to say it on."""


class Answered(Exception):
    """The gateway understood us and said no, with a code of its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Wire:
    """One account's way to the gateway."""

    def __init__(self, account: TemplateAccount, seconds: float = SECONDS_FOR_AN_ANSWER) -> None:
        """``seconds`` for a whole call, however often a little of the answer arrives."""
        self._account, self._seconds = account, seconds

    def ask(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """What was answered. Raises ``Answered`` for a no, ``Unreached`` if nothing was said, else ``Unanswered``."""
        status, words = self._within(lambda: self._posted(self._account.base_url + path, json.dumps(said).encode()))
        answer = _read(words)
        code = answer.get("code")
        if status == requests.codes.too_many_requests and not isinstance(code, str):
            raise Answered(str(status))
        if status >= 500 or not isinstance(code, str):
            raise Unanswered(f"HTTP {status}")
        if code != WELL:
            raise Answered(code)
        if status != requests.codes.ok:
            raise Unanswered(f"{WELL} with HTTP {status}")
        return answer

    def _within(self, call: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """A library counts the seconds between two bytes, and here it is the whole that must end."""
        outcome: queue.Queue[tuple[int, bytes] | Unanswered] = queue.Queue(1)

        def carry_out() -> None:
            try:
                outcome.put(call())
            except Unanswered as failure:
                outcome.put(failure)
            except BaseException as failure:
                outcome.put(Unanswered(type(failure).__name__))

        Thread(target=carry_out, daemon=True, name="template gateway").start()
        try:
            answer = outcome.get(timeout=self._seconds)
        except queue.Empty:
            raise Unanswered("no answer in time") from None
        if isinstance(answer, Unanswered):
            raise answer
        return answer

    def _posted(self, where: str, body: bytes) -> tuple[int, bytes]:
        """On a connection of its own: one that is kept may be dead, and then nobody knows what was said on it."""
        with requests.Session() as session:
            session.mount("https://", HTTPAdapter(max_retries=0))
            session.mount("http://", HTTPAdapter(max_retries=0))
            # This machine's proxy is for the world outside.
            session.trust_env = not self._account.is_here
            try:
                with session.post(
                    where,
                    data=body,
                    headers=self._headers(urlsplit(where).path, body),
                    timeout=(min(SECONDS_TO_CONNECT, self._seconds), self._seconds),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return answer.status_code, answer.raw.read(LONGEST_ANSWER, decode_content=True)
            except Exception as failure:
                said = Unreached if _never_left(failure) else Unanswered
                raise said(type(failure).__name__) from None

    def _headers(self, path: str, body: bytes) -> dict[str, str]:
        at, once = str(int(clock.wall().timestamp())), secrets.token_hex(16)
        lines = ("POST", path, self._account.app_id, at, once, hashlib.sha256(body).hexdigest())
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-App-Id": self._account.app_id,
            "X-Timestamp": at,
            "X-Nonce": once,
            "X-Signature": hmac.new(self._account.secret.encode(), "\n".join(lines).encode(), "sha256").hexdigest(),
        }


def _read(words: bytes) -> dict[str, Any]:
    """An object, or nothing: the page of somebody in between is no answer."""
    try:
        answer = json.loads(words)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _never_left(failure: Exception) -> bool:
    """Nobody at the door, or somebody who could not show who he is: before a byte of the request was written."""
    if isinstance(failure, requests.ConnectTimeout):
        return True
    if not isinstance(failure, requests.ConnectionError) or not failure.args:
        return False
    why = getattr(failure.args[0], "reason", None)
    return isinstance(why, NewConnectionError) or any(
        isinstance(one, ssl.SSLCertVerificationError) for one in getattr(why, "args", ())
    )

"""How a gateway of templates is spoken to: signed JSON over HTTP, once, within a time, and without a word in any log.

Every request is a POST. Its headers name the application, the time in seconds, a number used once, and the signature:
HMAC-SHA256 under the account's secret, in hexadecimal, over six lines - ``POST``, the path, the application, the time,
the number used once, and the SHA-256 of the body in hexadecimal. Every answer is an object with a ``code``.
"""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from backend import clock
from backend.template_account import TemplateAccount
from notifications.channels.calls import (
    LONGEST_ANSWER,
    SECONDS_FOR_AN_ANSWER,
    SECONDS_TO_CONNECT,
    Unanswered,
    Unreached,
    WordsInTime,
    asking_once,
    never_left,
    within,
)

WELL = "OK"


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

    def speak_now_or_never(self) -> float:
        """Until when, by the clock that nobody sets, whatever is asked from now on may leave."""
        return time.monotonic() + self._seconds

    def ask(self, path: str, said: dict[str, Any], *, until: float | None = None) -> dict[str, Any]:
        """What was answered. Raises ``Answered`` for a no, ``Unreached`` if nothing was said, else ``Unanswered``.

        Nothing leaves after ``until``; without one the time of the call counts from here.
        """
        where, body = self._account.base_url + path, json.dumps(said).encode()
        last = self.speak_now_or_never() if until is None else until
        status, words = within(self._seconds, lambda: self._posted(where, body, last))
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

    def _posted(self, where: str, body: bytes, until: float) -> tuple[int, bytes]:
        """On a connection of its own: one that is kept may be dead, and then nobody knows what was said on it."""
        with asking_once() as session:
            # This machine's proxy is for the world outside.
            session.trust_env = not self._account.is_here
            try:
                with session.post(
                    where,
                    data=WordsInTime(body, until),
                    headers=self._headers(urlsplit(where).path, body),
                    timeout=(min(SECONDS_TO_CONNECT, self._seconds), self._seconds),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return answer.status_code, answer.raw.read(LONGEST_ANSWER, decode_content=True)
            except Unreached:
                raise
            except Exception as failure:
                said = Unreached if never_left(failure) else Unanswered
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

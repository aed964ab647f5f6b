"""What calls to text gateways have in common: how long one may take, and what is known when it went wrong."""

import logging
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from io import BytesIO
from threading import Thread
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

# The whole of a call, well below the lease of a message; of it, for getting a connection.
SECONDS_FOR_AN_ANSWER, SECONDS_TO_CONNECT = 35.0, 5.0
LONGEST_ANSWER = 2_000_000

# What is asked and answered holds numbers and words.
logging.getLogger("urllib3").setLevel(logging.WARNING)

Answer = TypeVar("Answer")


class Unanswered(Exception):
    """Nobody knows what became of a call. Only the kind of failure is told: the libraries' words hold numbers."""


class Unreached(Unanswered):
    """Nothing was said, because there was no connection to say it on."""


class WordsInTime(BytesIO):
    """The body of a request, read when its head has left, just before the rest does.

    A process that was halted may wake long after others have found that the gateway does not have the message, and
    have said it again. It must not finish its sentence then; and a head alone is nothing to a gateway.
    """

    def __init__(self, words: bytes, until: float) -> None:
        """Nothing is read after ``until``, by the clock that nobody sets (``time.monotonic``)."""
        super().__init__(words)
        self._until = until

    def read(self, size: int | None = -1, /) -> bytes:
        """The words, or ``Unreached`` if it is too late for them."""
        if time.monotonic() > self._until:
            raise Unreached("too late")
        return super().read(size)


def asking_once() -> requests.Session:
    """A session that says nothing twice."""
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.mount("http://", HTTPAdapter(max_retries=0))
    return session


def never_left(failure: Exception) -> bool:
    """Nobody at the door, or somebody who could not show that it is his: before a byte of the request was written."""
    if isinstance(failure, requests.ConnectTimeout):
        return True
    if not isinstance(failure, requests.ConnectionError) or not failure.args:
        return False
    why = getattr(failure.args[0], "reason", None)
    return isinstance(why, NewConnectionError) or any(
        isinstance(one, ssl.SSLCertVerificationError) for one in getattr(why, "args", ())
    )


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """The answer, or ``Unanswered`` when the time is up: a library counts only from one byte to the next."""
    future: Future[Answer] = Future()

    def carry_out() -> None:
        try:
            future.set_result(call())
        except BaseException as failure:
            future.set_exception(failure)

    Thread(target=carry_out, daemon=True, name="text gateway").start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        raise Unanswered(f"nothing within {seconds:.0f} s") from None

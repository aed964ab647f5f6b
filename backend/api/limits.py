"""How often one address may knock at the doors that anybody may try, counted before a transaction opens.

The figures stand in ``FIGURES`` and nowhere else. They keep a flood of guesses from using up the machine; what
keeps a guess from being right is elsewhere: the lock-out of an account, the voiding of a code, the length of a
token. So they are wide enough for a hospital, or a telephone company, whose people all come from one address.
Nothing else is limited: a report of symptoms is never refused because there were many.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from flask import Flask, request
from flask_limiter import Limit, Limiter, RequestLimit
from limits.storage import Storage
from sqlalchemy.exc import SQLAlchemyError

from backend.api.lines import Line
from backend.clock import wall
from backend.db import Database
from backend.errors import TooManyAttempts
from backend.limits import add, count_of, give_back

# Requests of one address to one door, whatever comes of them. Thirty people at shift change behind one address,
# two hundred phones behind one telephone company; decision 0018 has the reckoning.
FIGURES: Mapping[str, str] = {
    "sign_in.StaffSignIns": "120 per minute",
    "sign_in.Activations": "300 per minute",
    "sign_in.Authenticators": "120 per minute",
    "sign_in.Confirmations": "120 per minute",
    "sign_in.RecoveryCodes": "120 per minute",
    "sign_in.Password": "120 per minute",
    "acknowledge.take_on": "120 per minute",
    # Calendar programs ask from the servers of a few companies, each for many patients.
    "calendar.feed": "600 per minute",
}
COUNTED_METHODS = ("POST", "GET", "HEAD")

PURPOSE = "requests of an address"
# Whoever has one address of the new kind has 2**64 of them.
IPV6_HOST_BITS = 64


class CountsInDatabase(Storage):
    """Where Flask-Limiter counts: our own table, one statement a request, shared by every process."""

    STORAGE_SCHEME = ["followup"]

    def __init__(self, uri: str, db: Database, **options: Any) -> None:
        """Count in ``db``; ``uri`` only names this class to the library."""
        super().__init__(uri, **options)
        self._db = db
        # While the database stands still, guesses must not hold the threads that others are answered by.
        self._line = Line(1)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong here; it passes unchanged and becomes a 503, never an open door."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and say how often it was by now; ``expiry`` is the window in seconds."""
        with self._line.inside():
            return add(self._db, PURPOSE, key, window=timedelta(seconds=expiry), hits=amount).hits

    def get(self, key: str) -> int:
        """How often it was in the window that is running."""
        count = count_of(self._db, PURPOSE, key)
        return count.hits if count else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in seconds since 1970."""
        count = count_of(self._db, PURPOSE, key)
        return (count.ends_at if count else wall()).timestamp()

    def check(self) -> bool:
        """Nobody asks: there is no other place to count in when this one is away."""
        return True

    def reset(self) -> int | None:
        """Not offered: counts end by themselves, and an account's are lifted one by one."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Forget one count."""
        give_back(self._db, PURPOSE, key)


def limit_requests(app: Flask, db: Database) -> None:
    """Count before every request to a door in ``FIGURES``; ``TooManyAttempts`` beyond its figure.

    Register it after what names the request and before anything that opens a transaction.
    """
    # It logs whom it refused; the answer's own line in the access log says enough.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    options: Any = {"db": db}
    Limiter(
        caller_network,
        app=app,
        default_limits=[Limit(_figure, methods=COUNTED_METHODS)],
        storage_uri="followup://",
        storage_options=options,
        strategy="fixed-window",
        headers_enabled=False,
        swallow_errors=False,
        in_memory_fallback_enabled=False,
        on_breach=_refusing(db),
    )


def _figure() -> str:
    """The figure of the door asked for; nothing is counted for the others."""
    return FIGURES.get(request.endpoint or "", "")


def caller_network() -> str:
    """Whom to count: an address, or the network of one. Never empty, for then nobody would be counted."""
    said = request.remote_addr or "unknown"
    address = _address(said) or _address(_without_port(said))
    if not isinstance(address, IPv6Address):
        return str(address or said)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> IPV6_HOST_BITS << IPV6_HOST_BITS))


def _address(said: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(said)
    except ValueError:
        return None


def _without_port(said: str) -> str:
    """Some proxies tell the caller's port as well, and every connection has another."""
    host, _, port = said.rpartition(":")
    return host.strip("[]") if port.isdecimal() else said


def _refusing(db: Database) -> Callable[[RequestLimit], None]:
    def refuse(breached: RequestLimit) -> None:
        count = count_of(db, PURPOSE, breached.key)
        raise TooManyAttempts(retry_after=count.seconds_left if count else 1)

    return refuse

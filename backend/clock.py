"""The only two clocks, and the only place where wall-clock times become instants.

``now()`` is trial time: it dates reports, agenda items, messages and decisions, and may be moved ahead in
demo mode and in simulation. ``wall()`` is real time: it governs what protects us (sessions, tokens, codes,
lock-outs, rate limits, leases, heartbeats), which no visitor of a demo may move.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_ahead = timedelta(0)
_stands_at: datetime | None = None


def wall() -> datetime:
    """Real time, aware UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """Trial time, aware UTC. Read it once per act, so that every row of one act carries one time."""
    return _stands_at or wall() + _ahead


def ahead() -> timedelta:
    """How far trial time runs ahead of real time; zero outside demo mode and simulation."""
    return _ahead


def set_ahead(interval: timedelta) -> None:
    """Put trial time ``interval`` ahead of real time (negative: behind)."""
    global _ahead
    _ahead = interval


def move_to(moment: datetime) -> None:
    """Make ``now()`` say ``moment`` at this instant; it then runs on at real speed."""
    set_ahead(moment - wall())


def stand_at(moment: datetime | None) -> None:
    """Make ``now()`` say ``moment`` however long the work takes, until told otherwise; None: it runs again.

    For simulations, of which the same seed must give the same, on however slow a machine.
    """
    global _stands_at
    _stands_at = moment


def at_local(day: date, hour: time, zone: str) -> datetime:
    """The instant, in UTC, at which a clock on a wall in ``zone`` shows ``day`` and ``hour``.

    A time that a clock change skips moves forward by the gap; one that happens twice means the first.
    Both are what ``fold=0`` gives.
    """
    return datetime.combine(day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of a local day: the closed end of every half-open window written in days."""
    return at_local(day, time(0), zone)


def local(moment: datetime, zone: str) -> datetime:
    """``moment`` as a clock on a wall in ``zone`` shows it."""
    return moment.astimezone(ZoneInfo(zone))


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day it is in ``zone`` at ``moment``."""
    return local(moment, zone).date()


def is_time_zone(name: str) -> bool:
    """Whether ``name`` is an IANA time zone this machine knows."""
    return name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())

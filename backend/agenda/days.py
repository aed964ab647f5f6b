"""Arithmetic with calendar days: months clamped to the month's last day, and the instants at which days begin."""

from calendar import monthrange
from datetime import date, datetime, time
from functools import lru_cache

from backend import clock

DAYS_KEPT = HOURS_KEPT = 65_536


def plus_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last: 31 January + 1 is 28 February, + 2 is 31 March."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=DAYS_KEPT)
def start_of(day: date, zone: str) -> datetime:
    """The first instant of a local day. Remembered, because all patients of a site share their days."""
    return clock.start_of_day(day, zone)


@lru_cache(maxsize=HOURS_KEPT)
def hour_of(day: date, hour: time, zone: str) -> datetime:
    """The instant of a wall time on a local day. Remembered, because the hours of prompts and calls are few."""
    return clock.at_local(day, hour, zone)

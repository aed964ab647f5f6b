"""On which days a site works: the public holidays of the protocol's country, and the days its government moves. Pure.

A weekend day that is worked in exchange for a holiday counts as a working day.
"""

from datetime import date, timedelta
from functools import lru_cache

import holidays

ONE_DAY = timedelta(days=1)
DAYS_KEPT = 16_384


def next_working_day(day: date, country: str) -> date:
    """The first working day after ``day``; ``country`` is the protocol's (ISO 3166-1)."""
    following = day + ONE_DAY
    while not is_working_day(following, country):
        following += ONE_DAY
    return following


def last_working_day_before(day: date, country: str) -> date:
    """The latest working day before ``day``."""
    preceding = day - ONE_DAY
    while not is_working_day(preceding, country):
        preceding -= ONE_DAY
    return preceding


@lru_cache(maxsize=DAYS_KEPT)
def is_working_day(day: date, country: str) -> bool:
    """Whether the country works that day, days moved by its government included.

    Years whose days off are not yet announced have the fixed holidays alone, and no moved days. Remembered, because it
    is asked about the same days for every patient.
    """
    return bool(_calendar(country, day.year).is_working_day(day))


@lru_cache(maxsize=128)
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)

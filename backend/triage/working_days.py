"""When a tier falls due, and whether a site can still call today. Pure.

T1 and T2 run in elapsed time, every day of the year. T3 runs in the site's working days: Chinese public
holidays do not count, and a weekend day worked in exchange for one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import holidays

from backend import clock
from backend.terms import Tier

T1_WITHIN = timedelta(minutes=30)
T2_WITHIN = timedelta(hours=24)
T3_WORKING_DAYS = 3
LAST_CALLS_FROM = time(16)


@dataclass(frozen=True)
class WorkingHours:
    """A site's hours on a working day, in its own zone."""

    opens: time = time(8)
    closes: time = time(17)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "WorkingHours":
        """Read a site's ``working_hours`` (``{"opens": "08:00", "closes": "17:00"}``); ours where it says nothing."""
        usual = cls()
        return cls(
            opens=time.fromisoformat(content["opens"]) if "opens" in content else usual.opens,
            closes=time.fromisoformat(content["closes"]) if "closes" in content else usual.closes,
        )


def due_at(tier: Tier, received_at: datetime, site_zone: str, hours: WorkingHours) -> datetime:
    """When somebody must have looked: T1 in 30 minutes, T2 in a day, T3 at the close of the third working day."""
    if tier is Tier.T1:
        return received_at + T1_WITHIN
    if tier is Tier.T2:
        return received_at + T2_WITHIN
    day = clock.local_day(received_at, site_zone)
    for _ in range(T3_WORKING_DAYS):
        day = next_working_day(day)
    return clock.at_local(day, hours.closes, site_zone)


def can_call_today(moment: datetime, site_zone: str) -> bool:
    """Whether a patient who asks for a call now may expect it today: a working day, before 16:00."""
    there = clock.local(moment, site_zone)
    return is_working_day(there.date()) and there.time() < LAST_CALLS_FROM


def next_working_day(day: date) -> date:
    """The first working day after ``day``."""
    following = day + timedelta(days=1)
    while not is_working_day(following):
        following += timedelta(days=1)
    return following


def is_working_day(day: date) -> bool:
    """Whether China works that day. Years whose holidays are not yet announced use the fixed ones."""
    return bool(_calendar(day.year).is_working_day(day))


@lru_cache(maxsize=128)
def _calendar(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("CN", years=year)

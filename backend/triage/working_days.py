"""When a tier falls due, and whether a site can still call today. Pure.

T1 and T2 run in elapsed time, every day of the year. T3 runs in working days of the protocol's country: its
public holidays do not count, and a weekend day worked in exchange for one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from backend import clock
from backend.staff.days_off import is_working_day, next_working_day
from backend.terms import Tier
from backend.triage.clocks import Clocks


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


def due_at(tier: Tier, received_at: datetime, site_zone: str, hours: WorkingHours, *, clocks: Clocks) -> datetime:
    """When somebody must have looked.

    T1 before the investigator is called as well, T2 in its hours, T3 at the close of its last working day after the
    day of receipt; ``clocks`` are the protocol's.
    """
    if tier is Tier.T1:
        return received_at + clocks.t1_investigator_after
    if tier is Tier.T2:
        return received_at + clocks.t2_due_after
    day = clock.local_day(received_at, site_zone)
    for _ in range(clocks.t3_working_days):
        day = next_working_day(day, clocks.country)
    return clock.at_local(day, hours.closes, site_zone)


def can_call_today(moment: datetime, site_zone: str, hours: WorkingHours, *, clocks: Clocks) -> bool:
    """Whether a patient who asks for a call now may expect it today: a working day, before the last calls.

    A site that closes before the hour of the last calls makes them until it closes.
    """
    there = clock.local(moment, site_zone)
    return is_working_day(there.date(), clocks.country) and there.time() < min(clocks.last_calls_from, hours.closes)

"""Invented courses of patients, and the trial's own protocol, for tests of the calendar."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend import clock
from backend.agenda.calendar import AgendaItem, Course, CycleCourse, agenda, by_key
from backend.protocol.definition import Protocol
from backend.terms import CycleStatus
from schemas.protocol import ProtocolFile
from schemas.seed_files import read_seed_file

SEED = Path(__file__).parents[2] / "seeds" / "protocol" / "nct04162158.yaml"
BEIJING = "Asia/Shanghai"
RANDOMISED = date(2027, 1, 31)


@lru_cache(maxsize=1)
def the_protocol() -> Protocol:
    """The trial as it is shipped."""
    return Protocol.from_content(read_seed_file(SEED, ProtocolFile()))


def at(moment: str, zone: str = BEIJING) -> datetime:
    """``2027-03-17 19:00`` on a wall in ``zone``."""
    local = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return clock.at_local(local.date(), local.time(), zone)


def cycle(number: int, collected: str, **facts: Any) -> CycleCourse:
    """A confirmed cycle, with its days where the culture puts them."""
    collected_on = date.fromisoformat(collected)
    days: dict[str, Any] = {
        "day_1_on": collected_on + timedelta(days=15),
        "day_2_on": collected_on + timedelta(days=16),
        "attempt": 1,
        "status": CycleStatus.CONFIRMED,
    }
    return CycleCourse(number=number, donor_collection_on=collected_on, **(days | facts))


def infused(number: int, collected: str, **facts: Any) -> CycleCourse:
    """A cycle given as confirmed, each day at ten in Beijing."""
    planned = cycle(number, collected)
    assert planned.day_2_on
    starts: dict[str, Any] = {
        "day_1_started_at": clock.at_local(planned.day_1_on, time(10), BEIJING),
        "day_2_started_at": clock.at_local(planned.day_2_on, time(10), BEIJING),
    }
    return cycle(number, collected, **(starts | facts))


THREE_CYCLES = (cycle(1, "2027-02-01"), cycle(2, "2027-03-01"), cycle(3, "2027-03-29"))


def course(arm: str = "nk", **facts: Any) -> Course:
    """A patient randomised on 31 January 2027 in Beijing, unless the test says otherwise."""
    known: dict[str, Any] = {
        "arm": arm,
        "randomised_on": RANDOMISED,
        "site_zone": BEIJING,
        "patient_zone": BEIJING,
    }
    return Course(**(known | facts))


def calendar(now: str = "2027-01-31 09:00", arm: str = "nk", **facts: Any) -> Mapping[str, AgendaItem]:
    """The patient's agenda by key."""
    one = course(arm, **facts)
    return by_key(agenda(the_protocol(), one, at(now, one.patient_zone)))


def days(item: AgendaItem) -> tuple[str, str]:
    """The first day of the window and the first day after it, where the item's window is."""
    return str(clock.local_day(item.opens_at, item.zone)), str(clock.local_day(item.closes_at, item.zone))

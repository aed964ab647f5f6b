"""The patients whose whole calendars are written out, one text file each."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from backend.agenda.course import Course, CycleCourse
from backend.terms import CycleStatus
from tests.agenda.courses import RANDOMISED, at, course, cycle, infused

ON_TIME = (3, 31, 59)
LATE = (28, 70, 119)
FIVE_YEARS_ON = "2032-06-15 09:00"


@dataclass(frozen=True)
class Case:
    """One patient: the file's name, the sentence above the calendar, the course, and the day it is looked at."""

    name: str
    says: str
    course: Course
    seen: str = FIVE_YEARS_ON


def collected(study_day: int, randomised_on: date = RANDOMISED) -> str:
    """The date of a donor's collection so many days after randomisation."""
    return (randomised_on + timedelta(days=study_day)).isoformat()


def all_given(*collections: int, randomised_on: date = RANDOMISED) -> tuple[CycleCourse, ...]:
    """Cycles from the first, each collected on that day of the study and given as planned."""
    return tuple(infused(number, collected(day, randomised_on)) for number, day in enumerate(collections, start=1))


def _missed_day_2() -> tuple[CycleCourse, ...]:
    first, second, third = all_given(*ON_TIME)
    missed = replace(
        second, day_2_started_at=None, day_2_missed=True, day_2_missed_at=at(f"{_plus(second.day_2_on, 1)} 11:00")
    )
    return first, missed, third


def _put_off_day_2() -> tuple[CycleCourse, ...]:
    first, second, third = all_given(*ON_TIME)
    later = _plus(second.day_2_on, 2)
    return first, replace(second, day_2_on=later, day_2_started_at=at(f"{later} 10:00")), third


def _failed_then_given() -> tuple[CycleCourse, ...]:
    failed = cycle(1, collected(3), status=CycleStatus.RELEASE_FAILED)
    again = infused(1, collected(24), attempt=2)
    return failed, again, infused(2, collected(52)), infused(3, collected(80))


def _stopped_between_the_days() -> tuple[CycleCourse, ...]:
    first, second, _ = all_given(*ON_TIME)
    return first, replace(second, day_2_started_at=None)


def _plus(day: date | None, days: int) -> date:
    assert day
    return day + timedelta(days=days)


def _on(randomised_on: str, arm: str, **facts: Any) -> Course:
    return course(arm, randomised_on=date.fromisoformat(randomised_on), **facts)


CASES = (
    Case("control-on-time", "A patient of the control arm, randomised on the last day of a month.", course("control")),
    Case(
        "control-month-ends",
        "A patient of the control arm whose months end on the 31st: month 6 falls on 29 February of a leap year.",
        _on("2027-08-31", "control"),
        "2033-01-15 09:00",
    ),
    Case(
        "control-leap-day",
        "A patient of the control arm, randomised on 29 February: months later on the 29th, or the last of February.",
        _on("2028-02-29", "control"),
        "2033-06-15 09:00",
    ),
    Case(
        "nk-on-time",
        "Donor collections on days 3, 31 and 59; every infusion given as planned.",
        course(cycles=all_given(*ON_TIME)),
    ),
    Case(
        "nk-late",
        "Cycles later than proposed: the infusions end on days 44, 86 and 135, and weekly reports go on until day 163.",
        course(cycles=all_given(*LATE)),
    ),
    Case(
        "nk-leap-day",
        "Collections on days 3, 31 and 59 in a leap year: day 1 of the second cycle falls on 29 February.",
        _on("2028-01-14", "nk", cycles=all_given(*ON_TIME, randomised_on=date(2028, 1, 14))),
        "2033-06-15 09:00",
    ),
    Case(
        "nk-missed-day-2",
        "As on time, but day 2 of cycle 2 was missed, recorded the next morning: days count from day 1, and those\n"
        "that were past by then are cancelled, not missed.",
        course(cycles=_missed_day_2()),
    ),
    Case(
        "nk-put-off-day-2",
        "As on time, but day 2 of cycle 2 was given two days later: the checks before it go on until then.",
        course(cycles=_put_off_day_2()),
    ),
    Case(
        "nk-failed-release",
        "The first collection, on day 3, failed its release after the dates were confirmed; collected again on day 24\n"
        "for the next attempt, then on days 52 and 80.",
        course(cycles=_failed_then_given()),
    ),
    Case(
        "nk-discontinued",
        "Cells were stopped on day 60, after two cycles on time: weekly reports end with week 12, and the watch\n"
        "follows until 100 days after the last infusion.",
        course(cycles=all_given(*ON_TIME[:2]), cells_discontinued_on=RANDOMISED + timedelta(days=60)),
    ),
    Case(
        "nk-stopped-between-the-days",
        "Cells were stopped on day 47, between the two infusions of cycle 2: its day 2 is cancelled, and days count\n"
        "from its day 1.",
        course(cycles=_stopped_between_the_days(), cells_discontinued_on=RANDOMISED + timedelta(days=47)),
    ),
    Case(
        "nk-cells-past-month-12",
        "The third cycle was put off so long that its infusions end on day 351: weekly reports end with month 12, and\n"
        "the watch begins there, so that no week up to day 100 after the last infusion is without a question.",
        course(cycles=all_given(3, 31, 335)),
    ),
)

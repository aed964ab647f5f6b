"""Whether an adverse event emerged in the study, under the cells or under the targeted drug. Pure.

An event emerges in a period when it begins in it, or when its grade rises in it. Where a date is only known to the
month or the year, any day of it may have been the one: what may have emerged counts as emerged, and says so.

- study: from the day of randomisation to month 24 by the protocol's own arithmetic, both included.
- cells: from the day of the first infusion to 30 days after the last that was given, both included.
- drug: from randomisation, for the record does not say when the drug was begun, to 30 days after it was stopped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from backend.adverse_events.grades import Step, worsenings
from backend.partial_dates import is_before_day, lies_within, may_lie_within

ONE_DAY = timedelta(days=1)
AFTER_TREATMENT = timedelta(days=30)


class Because(StrEnum):
    """Why an event emerged in a period, or did not. Its words stand in ``words``, in every language."""

    BEGAN = "began"
    MAY_HAVE_BEGUN = "may_have_begun"
    WORSENED = "worsened"
    MAY_HAVE_WORSENED = "may_have_worsened"
    BEFORE = "before"
    AFTER = "after"
    NO_CELLS_IN_ARM = "no_cells_in_arm"
    NEVER_INFUSED = "never_infused"


@dataclass(frozen=True)
class Facts:
    """What the flags rest on, besides the event itself.

    ``study_ends_on`` is month 24 and belongs to the study; ``drug_stopped_on`` is None while the drug is taken.
    """

    randomised_on: date
    study_ends_on: date
    receives_cells: bool
    first_infusion_on: date | None
    last_infusion_on: date | None
    drug_stopped_on: date | None


@dataclass(frozen=True)
class Period:
    """A half-open period of days: ``starts <= day < ends``; without an end it goes on."""

    starts: date
    ends: date | None

    @property
    def last_on(self) -> date | None:
        """Its last day, for whoever reads it."""
        return self.ends - ONE_DAY if self.ends else None


@dataclass(frozen=True)
class Flag:
    """Whether it emerged in a period, and why; ``on`` and ``grade`` are of the beginning or rise that decided."""

    emergent: bool
    because: Because
    period: Period | None
    on: str
    grade: int


@dataclass(frozen=True)
class Emergence:
    """The three flags, with the facts and the course they rest on."""

    study: Flag
    cells: Flag
    drug: Flag
    facts: Facts
    course: tuple[Step, ...]
    ended_on: str | None

    @property
    def stored(self) -> dict[str, Any]:
        """As JSON: the facts, the course, and of each flag what decided it."""
        return {
            "facts": _plain(asdict(self.facts)),
            "course": [asdict(step) for step in self.course],
            "ended_on": self.ended_on,
            **{name: _stored(flag) for name, flag in self.flags.items()},
        }

    @property
    def flags(self) -> Mapping[str, Flag]:
        """By period."""
        return {"study": self.study, "cells": self.cells, "drug": self.drug}


def emergence_of(course: tuple[Step, ...], ended_on: str | None, facts: Facts) -> Emergence:
    """The flags of an event with this course of grades, the first step of which is its onset."""
    study = Period(facts.randomised_on, facts.study_ends_on + ONE_DAY)
    drug_ends = facts.drug_stopped_on + AFTER_TREATMENT + ONE_DAY if facts.drug_stopped_on else None
    return Emergence(
        study=_flag(course, ended_on, study),
        cells=_of_cells(course, ended_on, facts),
        drug=_flag(course, ended_on, Period(facts.randomised_on, drug_ends)),
        facts=facts,
        course=course,
        ended_on=ended_on,
    )


def _of_cells(course: tuple[Step, ...], ended_on: str | None, facts: Facts) -> Flag:
    onset = course[0]
    if facts.first_infusion_on is None or facts.last_infusion_on is None:
        why = Because.NEVER_INFUSED if facts.receives_cells else Because.NO_CELLS_IN_ARM
        return Flag(False, why, None, onset.from_on, onset.grade)
    return _flag(course, ended_on, Period(facts.first_infusion_on, facts.last_infusion_on + AFTER_TREATMENT + ONE_DAY))


def _flag(course: tuple[Step, ...], ended_on: str | None, period: Period) -> Flag:
    """What is certain decides before what is possible, and the onset before a rise."""
    moments = list(_moments(course, ended_on, period))
    certain = (one for one in moments if one.because in (Because.BEGAN, Because.WORSENED))
    first = next(certain, None) or next(iter(moments), None)
    if first is not None:
        return first
    onset = course[0]
    why = Because.BEFORE if is_before_day(onset.from_on, period.starts) else Because.AFTER
    if _is_over_before(ended_on, period):
        why = Because.BEFORE
    return Flag(False, why, period, onset.from_on, onset.grade)


def _moments(course: tuple[Step, ...], ended_on: str | None, period: Period) -> Iterator[Flag]:
    """The onset and each rise that lie in the period, or may."""
    if _is_over_before(ended_on, period):
        return
    kinds = ((Because.BEGAN, Because.MAY_HAVE_BEGUN), (Because.WORSENED, Because.MAY_HAVE_WORSENED))
    for step, (certain, possible) in (
        (course[0], kinds[0]),
        *((step, kinds[1]) for step in worsenings(course)),
    ):
        if lies_within(step.from_on, period.starts, period.ends):
            yield Flag(True, certain, period, step.from_on, step.grade)
        elif may_lie_within(step.from_on, period.starts, period.ends):
            yield Flag(True, possible, period, step.from_on, step.grade)


def _is_over_before(ended_on: str | None, period: Period) -> bool:
    """What had ended by then neither began nor worsened in it, however vague its onset."""
    return ended_on is not None and is_before_day(ended_on, period.starts)


def _stored(flag: Flag) -> dict[str, Any]:
    starts, last_on = (flag.period.starts, flag.period.last_on) if flag.period else (None, None)
    said = {"because": flag.because, "on": flag.on, "grade": flag.grade, "from": starts, "to": last_on}
    return _plain(said)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, StrEnum) else value
        for name, value in values.items()
    }

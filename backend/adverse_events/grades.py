"""The course of an adverse event: which grade it had from which day on. Pure.

Rows are only added. Of two for the same day the later one counts, so a mistake is corrected by saying it again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from backend.partial_dates import earliest, is_before


class GradeRow(Protocol):
    """A grade as somebody recorded it; ``number`` counts from 1."""

    @property
    def number(self) -> int:
        """In which order it was recorded."""

    @property
    def grade(self) -> int:
        """Which grade."""

    @property
    def from_on(self) -> str:
        """From which day on; it may be partial."""


@dataclass(frozen=True)
class Step:
    """A grade the event had from a day on, until the next step."""

    grade: int
    from_on: str


def course_of_grades(rows: Iterable[GradeRow], onset_on: str) -> tuple[Step, ...]:
    """What the rows come to, the first step first. The first begins with the onset, wherever that was corrected to."""
    standing = {row.from_on: row for row in sorted(rows, key=lambda row: row.number)}
    ordered = sorted(standing.values(), key=lambda row: (earliest(row.from_on), row.number))
    before = [row for row in ordered if is_before(row.from_on, onset_on)]
    # Of what was said about days before the onset, the last is what it began with, unless the onset's own day says.
    kept = ordered[max(len(before) - 1, 0) :]
    if before and len(kept) > 1 and kept[1].from_on == onset_on:
        kept = kept[1:]
    return tuple(Step(row.grade, onset_on if place == 0 else row.from_on) for place, row in enumerate(kept))


def worst_grade(steps: Iterable[Step]) -> int:
    """The highest grade of the course."""
    return max(step.grade for step in steps)


def worsenings(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps at which the grade rose over the one before."""
    return tuple(step for before, step in zip(steps, steps[1:], strict=False) if step.grade > before.grade)

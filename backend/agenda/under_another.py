"""What another protocol would do to a patient's calendar: a comparison of two calendars of one course. Pure.

What has begun under a patient's own version stays under it, whatever another one says. So an item whose window has
opened is neither lost nor moved, and a new one whose window has closed already is not gained: nobody was asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backend.agenda.calendar import agenda, by_key
from backend.agenda.course import AgendaItem, Course
from backend.protocol.definition import Protocol
from backend.terms import AgendaState


@dataclass(frozen=True)
class Changed:
    """One item that stands in both calendars, and differs."""

    before: AgendaItem
    after: AgendaItem


@dataclass(frozen=True)
class CalendarDifference:
    """What a patient's calendar would gain, lose and move, and where it would ask with another form."""

    gained: tuple[AgendaItem, ...]
    lost: tuple[AgendaItem, ...]
    moved: tuple[Changed, ...]
    asked_otherwise: tuple[Changed, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.gained or self.lost or self.moved or self.asked_otherwise)


def calendar_difference(own: Protocol, other: Protocol, course: Course, now: datetime) -> CalendarDifference:
    """Compare the two calendars from ``now`` on. Raises ``ValueError`` if ``other`` has no such arm."""
    if course.arm not in other.arms:
        raise ValueError(f"There is no arm {course.arm!r}.")
    before, after = agenda(own, course, now), agenda(other, course, now)
    known = by_key(before)
    standing = {item.key: item for item in after if item.state is not AgendaState.CANCELLED}
    ahead = [item for item in before if item.opens_at > now and item.state is not AgendaState.CANCELLED]
    changed = [Changed(item, standing[item.key]) for item in ahead if item.key in standing]
    return CalendarDifference(
        gained=tuple(item for item in standing.values() if item.closes_at > now and _is_new(item, known)),
        lost=tuple(item for item in ahead if item.key not in standing),
        moved=tuple(one for one in changed if _days(one.before) != _days(one.after)),
        asked_otherwise=tuple(one for one in changed if one.before.instrument != one.after.instrument),
    )


def _is_new(item: AgendaItem, known: dict[str, AgendaItem]) -> bool:
    before = known.get(item.key)
    return before is None or before.state is AgendaState.CANCELLED


def _days(item: AgendaItem) -> Iterable[object]:
    return item.due_on, item.opens_at, item.closes_at

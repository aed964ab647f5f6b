"""What another version would do to a patient's calendar: a comparison of two calendars of one course. Pure.

What has begun under a patient's own version stays under it, whatever another one says. So an item whose window has
opened is neither lost nor moved, and a new one whose window has closed already is not gained: nobody was asked.
The calendar itself keeps to that (``calendar.agenda``); here two of them are only held against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from backend.agenda.calendar import agenda, by_key
from backend.agenda.course import AgendaItem, Course, Earlier
from backend.protocol.definition import Protocol
from backend.terms import AgendaState


@dataclass(frozen=True)
class Changed:
    """One item that stands in both calendars, and differs."""

    before: AgendaItem
    after: AgendaItem


@dataclass(frozen=True)
class CalendarDifference:
    """What a patient's calendar gains, loses and moves, what stays, and where it asks with another form.

    ``left_as_begun`` is what the other version has on another day, under a key that has begun: it stays as it was.
    """

    gained: tuple[AgendaItem, ...]
    lost: tuple[AgendaItem, ...]
    moved: tuple[Changed, ...]
    kept: tuple[AgendaItem, ...]
    asked_otherwise: tuple[Changed, ...]
    left_as_begun: tuple[Changed, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.gained or self.lost or self.moved or self.asked_otherwise)


def calendar_difference(own: Protocol, other: Protocol, course: Course, now: datetime) -> CalendarDifference:
    """What a move from ``own`` to ``other`` would do now. Raises ``ValueError`` if ``other`` has no such arm."""
    if course.arm not in other.arms:
        raise ValueError(f"There is no arm {course.arm!r}.")
    after_it = replace(course, earlier=(*course.earlier, Earlier(own, now)))
    after = by_key(agenda(other, after_it, now))
    found = difference(by_key(agenda(own, course, now)), after)
    theirs = [one for one in agenda(other, replace(course, earlier=()), now) if _is_asked(one, now)]
    taken = (Changed(after[one.key], one) for one in theirs if one.key in after)
    return replace(found, left_as_begun=tuple(one for one in taken if one.before.due_on != one.after.due_on))


def difference(before: Mapping[str, AgendaItem], after: Mapping[str, AgendaItem]) -> CalendarDifference:
    """Two calendars of one patient, before and after something was done, in the order of their items."""
    lost = [item for key, item in before.items() if key not in after or _was_cancelled(item, after[key])]
    gained = [item for key, item in after.items() if key not in before or _was_cancelled(item, before[key])]
    changed = {item.key for item in (*lost, *gained)}
    common = [Changed(item, after[key]) for key, item in before.items() if key in after and key not in changed]
    return CalendarDifference(
        gained=tuple(gained),
        lost=tuple(lost),
        moved=tuple(one for one in common if _days(one.before) != _days(one.after)),
        kept=tuple(one.before for one in common if _days(one.before) == _days(one.after)),
        asked_otherwise=tuple(one for one in common if one.before.instrument != one.after.instrument),
    )


def _is_asked(item: AgendaItem, now: datetime) -> bool:
    return item.closes_at > now and item.state is not AgendaState.CANCELLED


def _was_cancelled(standing: AgendaItem, cancelled: AgendaItem) -> bool:
    return cancelled.state is AgendaState.CANCELLED and standing.state is not AgendaState.CANCELLED


def _days(item: AgendaItem) -> tuple[object, ...]:
    return item.due_on, item.opens_at, item.closes_at

"""What decides about one message of the agenda: the item it is about, and those it may have to make way for.

The whole calendar of a patient has hundreds of items. Whether a message is still wanted depends on its own item; for
what asks for answers, on what else asks on the same days; and for what is asked until it is answered, on the rest of
its family.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache

from backend.agenda.calendar import Part, agenda
from backend.agenda.course import AgendaItem, Course
from backend.agenda.reminders import ASKS_FOR_ANSWERS
from backend.protocol.definition import Protocol
from backend.protocol.rules import Rule, UntilNext
from backend.terms import AgendaKind

# A prompt held back after an infusion falls on the day of the infusion in one zone or the next in another, and then as
# many hours later as the row says.
DAYS_OF_REST = 3
ROWS_KEPT = 4_096
HAS_AN_END = frozenset({"due_day", "window_end"})


def what_decides(
    protocol: Protocol,
    course_about: Callable[[frozenset[AgendaKind]], Course],
    key: str,
    speaks_of: date,
    now: datetime,
) -> tuple[AgendaItem, ...]:
    """``item_and_neighbours``, for which no more is read of what was answered than they rest on.

    ``course_about``: as much of the course as tells how items that ask for answers, of these kinds alone, stand.
    """
    known = _kinds_that_decide(protocol, key) & ASKS_FOR_ANSWERS
    course = course_about(known)
    items = item_and_neighbours(protocol, course, key, speaks_of, now)
    beside = known.union(item.kind for item in items if item.kind in ASKS_FOR_ANSWERS)
    # Of several versions, what has been answered decides which of them an item is of.
    needed = ASKS_FOR_ANSWERS if course.earlier else beside
    return items if needed == known else item_and_neighbours(protocol, course_about(needed), key, speaks_of, now)


def item_and_neighbours(
    protocol: Protocol, course: Course, key: str, speaks_of: date, now: datetime
) -> tuple[AgendaItem, ...]:
    """Of the patient's agenda as much as decides about a message on the item of this key, due on that day.

    Each exactly as it stands among all. If the item is due on another day by now, its neighbours may be missing.
    """
    if course.earlier:
        return agenda(protocol, course, now)
    beside = _beside(protocol, _rows_of(protocol, key), speaks_of)
    return agenda(protocol, course, now, only=Part(lambda rule: True, key, beside))


@lru_cache(maxsize=ROWS_KEPT)
def _kinds_that_decide(protocol: Protocol, key: str) -> frozenset[AgendaKind]:
    """The kind of the item of this key, and the kinds of those whose opening ends its wait.

    All that decides about a message on it, but for what turns out to lie beside it.
    """
    own = _rows_of(protocol, key)
    awaited = {family for rule in own if isinstance(rule.overdue, UntilNext) for family in rule.overdue.families}
    return frozenset(rule.kind for rule in protocol.rules if rule in own or rule.family in awaited)


@lru_cache(maxsize=ROWS_KEPT)
def _rows_of(protocol: Protocol, key: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in protocol.rules if key.startswith(rule.key.partition("{")[0]))


def _beside(protocol: Protocol, own: tuple[Rule, ...], speaks_of: date) -> Callable[[Rule, date], bool]:
    """Which items may be prompted for on a day on which one of these rows, due on ``speaks_of``, is."""
    families = {rule.family for rule in own if any(prompt.expires not in HAS_AN_END for prompt in rule.prompts)}
    # Only what asks for answers makes way for another message of its day.
    days = _days_beside(protocol, own) if any(rule.kind in ASKS_FOR_ANSWERS for rule in own) else {}

    def is_beside(rule: Rule, due_on: date) -> bool:
        if rule.family in families:
            return True
        near = days.get(rule)
        return near is not None and near[0] <= (due_on - speaks_of).days <= near[1]

    return is_beside


@lru_cache(maxsize=ROWS_KEPT)
def _days_beside(protocol: Protocol, own: tuple[Rule, ...]) -> Mapping[Rule, tuple[int, int]]:
    """By row that asks for answers, or tells what is the evening of an infusion: on which due dates it may matter.

    In days after the one that the message speaks of.
    """
    spans = [_span(rule) for rule in own if rule.prompts]
    earliest = min((first for first, _ in spans), default=0)
    latest = max((last for _, last in spans), default=0)
    beside = {
        rule: _span(rule)
        for rule in protocol.rules
        if rule.prompts and (rule.kind in ASKS_FOR_ANSWERS or rule.hours_after_start)
    }
    return {rule: (earliest - last, latest - first) for rule, (first, last) in beside.items()}


@lru_cache(maxsize=ROWS_KEPT)
def _span(rule: Rule) -> tuple[int, int]:
    """From which day on, counted from the day an item is due, until which its prompts may fall."""
    days = [prompt.day for prompt in rule.prompts]
    rest = DAYS_OF_REST + rule.hours_after_start // 24 if rule.hours_after_start else max(days)
    return min(days), max(*days, rest)

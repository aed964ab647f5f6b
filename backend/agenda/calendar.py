"""One patient's calendar: a pure function of the protocol, the patient's course and the moment.

Keys are the same every time and never renumber; moving an anchor moves what hangs on it and nothing else.
Windows are half-open instants, made from local days: of the site for visits and infusions, of the patient
for everything else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from backend import clock
from backend.agenda.course import AgendaItem, Course, CycleCourse, Earlier, Reported
from backend.agenda.dated import AT_THE_SITE, Dated, Days, days_of
from backend.agenda.days import plus_months
from backend.agenda.standing import Standings
from backend.protocol.definition import Protocol
from backend.protocol.rules import Rule, UntilNext

__all__ = [
    "AT_THE_SITE",
    "AgendaItem",
    "Course",
    "CycleCourse",
    "Earlier",
    "Reported",
    "agenda",
    "by_key",
    "visible_to_patient",
]

MONTHS_AHEAD = 12
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """Of the rows for which ``rows`` holds, the item of that key; without a key, all items that have opened.

    With ``beside``, also those items for whose row and day it holds.
    """

    rows: Callable[[Rule], bool]
    key: str | None = None
    beside: Callable[[Rule, date], bool] | None = None

    def holds(self, item: AgendaItem, now: datetime) -> bool:
        """Whether the item is of this part."""
        return self.takes(item.row, item.key, item.due_on, item.opens_at, now)

    def takes(self, rule: Rule, key: str, due_on: date, opens_at: datetime, now: datetime) -> bool:
        """The same, of an item that is not made yet."""
        if not self.rows(rule):
            return False
        if self.beside and self.beside(rule, due_on):
            return True
        return opens_at <= now if self.key is None else key == self.key


def agenda(protocol: Protocol, course: Course, now: datetime, *, only: Part | None = None) -> tuple[AgendaItem, ...]:
    """Every item from randomisation to the last planned month or a year from now, by due date and key.

    With ``only``, the items of that part, exactly as they stand among all. ``protocol`` is the version the patient is
    under; what had begun before a move to it is as the version of before has it.
    """
    if course.earlier:
        return _under_several(protocol, course, now, only)
    return _under_one(protocol, course, now, only)


def _under_several(protocol: Protocol, course: Course, now: datetime, only: Part | None) -> tuple[AgendaItem, ...]:
    """Of each version what had begun before the patient left it; of the next, what was still to be done after.

    A key that has begun is taken: whatever a later version says of it, nobody is asked for the same thing twice.
    """
    items: dict[str, AgendaItem] = {}
    since: datetime | None = None
    for one in (*course.earlier, Earlier(protocol, FOR_EVER)):
        for item in _under_one(one.protocol, course, now, None):
            is_after = since is None or item.closes_at > since
            if item.key not in items and is_after and has_begun(course, item, one.until):
                items[item.key] = item
        since = one.until
    wanted = (item for item in items.values() if only is None or only.holds(item, now))
    return tuple(sorted(wanted, key=lambda item: (item.due_on, item.key)))


def has_begun(course: Course, item: AgendaItem, moment: datetime) -> bool:
    """Whether by that moment its window had opened, or it was answered or decided before it opened."""
    if item.opens_at <= moment or (item.completed_at is not None and item.completed_at <= moment):
        return True
    said = course.attended.get(item.key)
    return said is not None and said[1] <= clock.local_day(moment, item.zone)


def _under_one(protocol: Protocol, course: Course, now: datetime, only: Part | None) -> tuple[AgendaItem, ...]:
    rules = protocol.rules if only is None else _judging(protocol, only.rows)
    today = clock.local_day(now, course.patient_zone)
    last_planned = plus_months(course.randomised_on, protocol.last_planned_month)
    horizon = max(last_planned, plus_months(today, MONTHS_AHEAD))
    return _items(protocol, course, days_of(protocol, course, horizon, rules), now, only)


def visible_to_patient(items: Iterable[AgendaItem]) -> tuple[AgendaItem, ...]:
    """Without planned infusions, and without cancelled ones the patient was never told of."""
    return tuple(item for item in items if item.was_announced)


def by_key(items: Iterable[AgendaItem]) -> dict[str, AgendaItem]:
    """The same items, found by key."""
    return {item.key: item for item in items}


def _judging(protocol: Protocol, rows: Callable[[Rule], bool]) -> list[Rule]:
    """The rows asked for, those whose opening ends their wait, and every questionnaire if one can cover another."""
    asked = [rule for rule in protocol.rules if rows(rule)]
    following = {family for rule in asked if isinstance(rule.overdue, UntilNext) for family in rule.overdue.families}
    covered = any(rule.covered_by for rule in asked)
    return [
        rule
        for rule in protocol.rules
        if rule in asked or rule.family in following or (covered and rule.instrument is not None)
    ]


def _items(protocol: Protocol, course: Course, days: Days, now: datetime, only: Part | None) -> tuple[AgendaItem, ...]:
    standings = Standings(protocol, course, days.instruments, now)
    return tuple(
        _item(course, one, standings)
        for one in days.items
        if only is None or only.takes(one.draft.rule, one.draft.key, one.draft.due_on, one.opens_at, now)
    )


def _item(course: Course, dated: Dated, standings: Standings) -> AgendaItem:
    draft = dated.draft
    state, completed_at = standings.of(draft, dated.opens_at, dated.closes_at, dated.expires_at)
    reply = course.replies.get(draft.key)
    # A reply was about a date: when the date moves, it is void.
    standing = reply[0] if reply and reply[1] == draft.due_on else None
    said = (state, standing, completed_at)
    item = dated.made.get(said)
    if item is None:
        item = dated.made[said] = replace(dated.ahead, state=state, reply=standing, completed_at=completed_at)
    return item

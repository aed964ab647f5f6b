"""One patient's calendar: a pure function of the protocol, the patient's course and the moment.

Keys are the same every time and never renumber; moving an anchor moves what hangs on it and nothing else.
Windows are half-open instants, made from local days: of the site for visits and infusions, of the patient
for everything else.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from backend import clock
from backend.agenda.course import AgendaItem, Course, CycleCourse, Earlier, Reported
from backend.agenda.days import plus_months, start_of
from backend.agenda.drafts import Draft, drafts_of
from backend.agenda.infusions import infusions_of
from backend.agenda.standing import Standings
from backend.protocol.definition import Protocol
from backend.protocol.rules import ForDays, NeverOverdue, Rule, UntilNext
from backend.terms import AgendaKind

__all__ = ["AgendaItem", "Course", "CycleCourse", "Earlier", "Reported", "agenda", "by_key", "visible_to_patient"]

MONTHS_AHEAD = 12
FOR_EVER = datetime.max.replace(tzinfo=UTC)
AT_THE_SITE = frozenset({AgendaKind.VISIT, AgendaKind.INFUSION})


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
    drafts = drafts_of(protocol, course, infusions_of(protocol, course), horizon, rules)
    drafts.sort(key=lambda draft: (draft.due_on, draft.key))
    return _items(protocol, course, drafts, now, only)


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


def _items(
    protocol: Protocol, course: Course, drafts: Sequence[Draft], now: datetime, only: Part | None
) -> tuple[AgendaItem, ...]:
    windows = [_window(course, draft) for draft in drafts]
    openings = _openings(drafts, windows)
    standings = Standings(protocol, course, drafts, now)
    return tuple(
        _item(course, draft, window, openings, standings)
        for draft, window in zip(drafts, windows, strict=True)
        if only is None or only.takes(draft.rule, draft.key, draft.due_on, window[1], now)
    )


def _item(
    course: Course,
    draft: Draft,
    window: tuple[str, datetime, datetime],
    openings: Mapping[str, list[datetime]],
    standings: Standings,
) -> AgendaItem:
    rule = draft.rule
    zone, opens_at, closes_at = window
    expires_at = _expiry(draft, zone, opens_at, closes_at, openings)
    state, completed_at = standings.of(draft, opens_at, closes_at, expires_at)
    reply = course.replies.get(draft.key)
    return AgendaItem(
        key=draft.key,
        family=rule.family,
        kind=rule.kind,
        instrument=rule.instrument_of(draft.n),
        due_on=draft.due_on,
        opens_at=opens_at,
        closes_at=closes_at,
        expires_at=expires_at,
        zone=zone,
        state=state,
        # A reply was about a date: when the date moves, it is void.
        reply=reply[0] if reply and reply[1] == draft.due_on else None,
        completed_at=completed_at,
        titles=draft.titles,
        rule=rule.name,
        row=rule,
        not_before=draft.not_before,
        was_announced=draft.infusion.was_announced if draft.infusion else True,
    )


def _window(course: Course, draft: Draft) -> tuple[str, datetime, datetime]:
    """Zone, opening and closing: from 00:00 of the first day to 00:00 of the day after the last."""
    rule, due_on = draft.rule, draft.due_on
    zone = course.site_zone if rule.kind in AT_THE_SITE else course.patient_zone
    opens_at = start_of(due_on + timedelta(days=rule.opens), zone)
    return zone, opens_at, start_of(due_on + timedelta(days=rule.closes + 1), zone)


def _openings(
    drafts: Sequence[Draft], windows: Sequence[tuple[str, datetime, datetime]]
) -> Mapping[str, list[datetime]]:
    """When the items of each family open, in order."""
    openings: dict[str, list[datetime]] = {}
    for draft, window in zip(drafts, windows, strict=True):
        openings.setdefault(draft.rule.family, []).append(window[1])
    for instants in openings.values():
        instants.sort()
    return openings


def _expiry(
    draft: Draft, zone: str, opens_at: datetime, closes_at: datetime, openings: Mapping[str, list[datetime]]
) -> datetime | None:
    """Until when it is worth doing late; None for what waits for ever."""
    match draft.rule.overdue:
        case NeverOverdue():
            return closes_at
        case ForDays(days):
            return start_of(draft.due_on + timedelta(days=draft.rule.closes + 1 + days), zone)
        case UntilNext(families, else_days):
            nexts = [_next_after(opens_at, openings.get(family, ())) for family in families]
            following = min((instant for instant in nexts if instant), default=None)
            if following is None:
                return start_of(draft.due_on + timedelta(days=draft.rule.closes + 1 + else_days), zone)
            return max(closes_at, following)
    return None


def _next_after(moment: datetime, instants: Sequence[datetime]) -> datetime | None:
    place = bisect_right(instants, moment)
    return instants[place] if place < len(instants) else None

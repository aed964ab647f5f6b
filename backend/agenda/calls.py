"""When a person must see to a silence: a patient's, or the site's about an infusion day; pure, from ``calls``.

A call is about one item. What was missed is looked at where the patient lives; the call falls due at a working
hour of the site. Its key holds the date it speaks of, so that a moved infusion has other calls.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from backend.agenda.course import AgendaItem, Reported
from backend.agenda.days import hour_of, start_of
from backend.protocol.rules import Call, Rule
from backend.staff.days_off import is_working_day, last_working_day_before, next_working_day
from backend.terms import AgendaKind, AgendaState, Duty, WorkReason

ONE_DAY = timedelta(days=1)
# Days missed within so long are one silence: a task about one of them speaks for all.
ONE_SILENCE = timedelta(days=7)
UNANSWERED = frozenset({AgendaState.NOT_YET_OPEN, AgendaState.OPEN, AgendaState.OVERDUE, AgendaState.EXPIRED})
ANSWERED = frozenset({AgendaState.COMPLETED, AgendaState.COMPLETED_LATE})
# An infusion day of which nobody has said whether it began, was missed, or is to be another day.
UNRECORDED = frozenset({AgendaState.PLANNED, AgendaState.CONFIRMED})


@dataclass(frozen=True)
class Callers:
    """Where those who telephone sit, and whose public holidays they keep (ISO 3166-1)."""

    zone: str
    country: str


class WantedCall(NamedTuple):
    """A call that should be made unless the item is answered before ``opens_at``.

    Still not made at ``passes_on_at``, it becomes the duty of ``passes_on_to``.
    """

    key: str
    agenda_key: str
    family: str
    due_on: date
    reason: WorkReason
    opens_at: datetime
    due_at: datetime
    duty: Duty
    passes_on_at: datetime | None
    passes_on_to: Duty | None
    is_over: bool

    def is_same_silence(self, other: "WantedCall") -> bool:
        """Whether a task about one of the two speaks for the other as well."""
        return self.family == other.family and abs(self.due_on - other.due_on) < ONE_SILENCE


def wanted_now(calls: Iterable[WantedCall], now: datetime) -> tuple[WantedCall, ...]:
    """Which of the ``calls`` somebody should be asked to make now: of each family only the newest.

    So three days missed during an outage are one call. What nobody can answer any more is called about for a week.
    """
    newest: dict[str, WantedCall] = {}
    for call in calls:
        if call.opens_at <= now and not (call.is_over and call.due_at + ONE_SILENCE <= now):
            newest[call.family] = call
    return tuple(newest.values())


def until_the_next(calls: Iterable[WantedCall], now: datetime) -> tuple[WantedCall, ...]:
    """The ``calls`` that are due, and those that might be the next: in the order of the days they are about.

    No call opens before its item's day. So once one is to come, those about later days are not thought of.
    """
    found: list[WantedCall] = []
    last_day = date.max
    for call in calls:
        if call.due_on > last_day:
            break
        found.append(call)
        if call.opens_at > now:
            # Wherever on earth that day begins.
            last_day = min(last_day, call.opens_at.date() + ONE_DAY)
    return tuple(found)


def calls_about(items: Sequence[AgendaItem], reported: Iterable[Reported], callers: Callers) -> Iterator[WantedCall]:
    """Every call there would be if the patient stayed silent, in the order of the ``items``, which is by due date.

    Whoever has answered something of the kind since is not silent about it, whichever item the report was for.
    """
    known = _Known(items, reported)
    for item in items:
        rule = item.row
        if not rule.calls or known.answers(item, rule):
            continue
        for call in rule.calls:
            if known.wants(call, item):
                yield from _call(item, call, callers)


def speaks_of(key: str, due_on: date) -> bool:
    """Whether the key of a call's task is about this day."""
    return key.endswith(f"@{due_on.isoformat()}")


class _Known:
    """What a patient has answered, arranged so that each item finds its own."""

    def __init__(self, items: Iterable[AgendaItem], reported: Iterable[Reported]) -> None:
        self.reported_until: dict[str | None, datetime] = {}
        self.answered_until: dict[str, date] = {}
        self.before: dict[str, AgendaItem | None] = {}
        latest: dict[str, AgendaItem] = {}
        for one in reported:
            self.reported_until[one.instrument] = max(
                one.completed_at, self.reported_until.get(one.instrument, one.completed_at)
            )
        for item in items:
            if item.state is not AgendaState.CANCELLED:
                self.before[item.key] = latest.get(item.family)
                latest[item.family] = item
            if item.state in ANSWERED:
                self.answered_until[item.family] = item.due_on

    def answers(self, item: AgendaItem, rule: Rule) -> bool:
        """Whether a later item of the family, or a report with the same questions, was answered since."""
        if self.answered_until.get(item.family, date.min) >= item.due_on:
            return True
        since = (self.reported_until.get(form) for form in rule.covered_by | {item.instrument})
        return any(at is not None and at >= item.opens_at for at in since)

    def wants(self, call: Call, item: AgendaItem) -> bool:
        """Whether the item as it stands is a reason for this call."""
        match call.when:
            case "unrecorded":
                return item.state in UNRECORDED
            case "unanswered_twice":
                return item.state in UNANSWERED and self.is_second(item)
        return item.state in UNANSWERED

    def is_second(self, item: AgendaItem) -> bool:
        """Whether the one before it was not answered either."""
        before = self.before[item.key]
        return before is not None and before.state in UNANSWERED


def _call(item: AgendaItem, call: Call, callers: Callers) -> Iterator[WantedCall]:
    looked_at = _look(item, call)
    if looked_at is not None and looked_at >= item.closes_at:
        # The rest after a late infusion outlasts the day: nobody is silent who was not asked.
        return
    day = _day_of(item, call, looked_at, callers)
    is_day_off = call.on_days_off is not None and not is_working_day(day, callers.country)
    yield WantedCall(
        key=f"{call.name}:{item.key}@{item.due_on.isoformat()}",
        agenda_key=item.key,
        family=item.family,
        due_on=item.due_on,
        reason=_reason(item),
        opens_at=looked_at or start_of(day, callers.zone),
        due_at=hour_of(day, call.at, callers.zone),
        duty=call.on_days_off if is_day_off and call.on_days_off else call.to,
        passes_on_at=hour_of(day, call.still_open_at, callers.zone) if call.still_open_at else None,
        passes_on_to=call.then_to,
        is_over=item.state is AgendaState.EXPIRED,
    )


def _reason(item: AgendaItem) -> WorkReason:
    match item.kind:
        case AgendaKind.SURVIVAL_CHECK:
            return WorkReason.SURVIVAL_CHECK_UNANSWERED
        case AgendaKind.INFUSION:
            return WorkReason.INFUSION_NOT_RECORDED
    return WorkReason.PATIENT_SILENT


def _look(item: AgendaItem, call: Call) -> datetime | None:
    """At which instant it is seen that nobody has answered; None: on the day of the call itself."""
    if call.looked_at is None:
        return None
    usual = hour_of(item.due_on, call.looked_at, item.zone)
    return max(usual, item.not_before) if item.not_before else usual


def _day_of(item: AgendaItem, call: Call, looked_at: datetime | None, callers: Callers) -> date:
    """The site's day of the call: never before it was looked at, and moved to a working day where that is wanted."""
    day = item.due_on + ONE_DAY * call.day
    while looked_at is not None and hour_of(day, call.at, callers.zone) < looked_at:
        day += ONE_DAY
    if call.working_day is None or is_working_day(day, callers.country):
        return day
    if call.working_day == "previous":
        before = last_working_day_before(day, callers.country)
        # A week of holidays may begin before anything was asked; a call then would be about no silence.
        if before > item.due_on:
            return before
    return next_working_day(day, callers.country)

"""From agenda items to the messages that should exist about them: pure, and the same every time.

A message's key holds the date it speaks of, so a moved date makes other messages and recalls the old ones.
Times are wall times where the patient lives. Nothing here is sent: what may go out is decided at release.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from backend import clock
from backend.agenda.course import AgendaItem
from backend.agenda.days import hour_of, start_of
from backend.protocol.definition import Protocol
from backend.protocol.rules import Prompt, Rule
from backend.terms import AgendaKind, AgendaState, Recipient, Urgency

AHEAD_OR_OPEN = frozenset(
    {AgendaState.CONFIRMED, AgendaState.NOT_YET_OPEN, AgendaState.OPEN, AgendaState.OVERDUE},
)
ASKS_FOR_ANSWERS = frozenset({AgendaKind.ASSESSMENT, AgendaKind.SURVIVAL_CHECK})
# What may least be held back comes first: a message that stands for several is as urgent as the most urgent.
BY_URGENCY = (Urgency.SAFETY, Urgency.INFUSION, Urgency.REPLY, Urgency.ROUTINE)


@dataclass(frozen=True)
class Habits:
    """Where the patient and the site are, and at which hour the patient likes to be reminded."""

    zone: str
    site_zone: str
    preferred_time: time


class WantedMessage(NamedTuple):
    """A message that should exist. ``covered_by`` is the key of the one that goes out in its stead."""

    key: str
    agenda_key: str
    template: str
    recipient: Recipient
    urgency: Urgency
    local_date: date
    local_time: time
    zone: str
    send_at: datetime
    expires_at: datetime | None
    asks: str | None
    values: Mapping[str, str]
    covered_by: str | None = None


class _Planned(NamedTuple):
    """A wanted message with what it came from; ``turn`` tells the first prompt of a day from the second."""

    message: WantedMessage
    item: AgendaItem
    rule: Rule
    turn: int


def wanted(
    protocol: Protocol,
    items: Iterable[AgendaItem],
    habits: Habits,
    now: datetime,
    horizon_days: int,
) -> tuple[WantedMessage, ...]:
    """Every message that should exist from now to the horizon, in the order of their times.

    Prompts whose time has passed but that may still go are wanted too, only the newest for each item: after an
    outage one goes out, not three. Covered ones are included, marked, so that their suppression can be shown.
    """
    last_day = clock.local_day(now, habits.zone) + timedelta(days=horizon_days)
    last_due = last_day + timedelta(days=protocol.longest_notice_days)
    planned: list[_Planned] = []
    for item in items:
        if item.due_on <= last_due and item.state in AHEAD_OR_OPEN:
            planned.extend(_prompts_of(item, item.row, habits, now, last_day))
    messages = _merged_by_day(protocol, _without_outdated(planned, now))
    return tuple(sorted(messages, key=lambda message: (message.send_at, message.key)))


def message_key(agenda_key: str, speaks_of: date, label: str) -> str:
    """``cycle-2.day-1@2027-03-17:-1d``: unique for a patient, and another one once the date moves."""
    return f"{agenda_key}@{speaks_of.isoformat()}:{label}"


def _prompts_of(item: AgendaItem, rule: Rule, habits: Habits, now: datetime, last_day: date) -> Iterable[_Planned]:
    turns: dict[date, int] = {}
    for prompt in rule.prompts:
        local_date = item.due_on + timedelta(days=prompt.day)
        if local_date > last_day:
            continue
        turn = turns[local_date] = turns.get(local_date, -1) + 1
        message = _message(item, prompt, habits, local_date)
        ends = message.expires_at
        if ends is None or (now < ends and message.send_at < ends):
            yield _Planned(message, item, rule, turn)


def _message(item: AgendaItem, prompt: Prompt, habits: Habits, local_date: date) -> WantedMessage:
    local_time = prompt.at or habits.preferred_time
    send_at = hour_of(local_date, local_time, habits.zone)
    if item.not_before and item.not_before > send_at:
        send_at = item.not_before
        rested = clock.local(send_at, habits.zone)
        local_date, local_time = rested.date(), rested.time()
    return WantedMessage(
        key=message_key(item.key, item.due_on, prompt.label),
        agenda_key=item.key,
        template=prompt.template,
        recipient=prompt.to,
        urgency=prompt.urgency,
        local_date=local_date,
        local_time=local_time,
        zone=habits.zone,
        send_at=send_at,
        expires_at=_expiry(item, prompt),
        asks=prompt.asks,
        values={"date": item.due_on.isoformat()},
    )


def _expiry(item: AgendaItem, prompt: Prompt) -> datetime | None:
    """The late policy: at the start of the day it speaks of, with the item's window, or never."""
    match prompt.expires:
        case "due_day":
            return start_of(item.due_on, item.zone)
        case "window_end":
            return item.closes_at
    return None


def _without_outdated(planned: Sequence[_Planned], now: datetime) -> list[_Planned]:
    """Leave out what a later prompt for the same thing has overtaken.

    Prompts that never expire would pile up over years of silence, so of those the whole family counts as one
    thing: only the newest check is asked about, and its answer closes the older ones too.
    """
    newest: dict[tuple[str, Recipient], datetime] = {}
    for one in planned:
        if one.message.send_at <= now:
            thing = _thing(one)
            newest[thing] = max(one.message.send_at, newest.get(thing, one.message.send_at))
    return [one for one in planned if one.message.send_at > now or one.message.send_at == newest[_thing(one)]]


def _thing(one: _Planned) -> tuple[str, Recipient]:
    is_lasting = one.message.expires_at is None
    return (f"family {one.item.family}" if is_lasting else one.item.key), one.message.recipient


def _merged_by_day(protocol: Protocol, planned: Sequence[_Planned]) -> list[WantedMessage]:
    """Prompts to the patient that ask for answers on one day become one message, naming the longest form.

    Whatever is asked before the evening of an infusion does not speak for that evening.
    """
    messages: list[WantedMessage] = []
    evenings = {one.message.local_date: one.message.send_at for one in planned if one.rule.hours_after_start}
    groups: dict[tuple[date, int, bool], list[_Planned]] = {}
    for one in planned:
        if one.item.kind in ASKS_FOR_ANSWERS and one.message.recipient is Recipient.PATIENT:
            day, evening = one.message.local_date, evenings.get(one.message.local_date)
            is_before = evening is not None and one.message.send_at < evening
            groups.setdefault((day, one.turn, is_before), []).append(one)
        else:
            messages.append(one.message)
    length = {form: place for place, form in enumerate(protocol.forms)}
    for group in groups.values():
        messages.extend(_as_one(sorted(group, key=lambda one: _rank(one, length))))
    return messages


def _rank(one: _Planned, length: Mapping[str, int]) -> tuple[int, date, str]:
    """The longest form first; of equal ones the one due first, then by key."""
    return -length.get(one.item.instrument or "", -1), one.item.due_on, one.item.key


def _as_one(group: Sequence[_Planned]) -> list[WantedMessage]:
    """The first stands for all: at the earliest of their times, and as urgent as the most urgent."""
    first = group[0].message
    if len(group) == 1:
        return [first]
    earliest = min((one.message for one in group), key=lambda message: message.send_at)
    speaking = first._replace(
        local_date=earliest.local_date,
        local_time=earliest.local_time,
        send_at=earliest.send_at,
        urgency=min((one.message.urgency for one in group), key=BY_URGENCY.index),
    )
    return [speaking, *(one.message._replace(covered_by=first.key) for one in group[1:])]

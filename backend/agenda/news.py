"""News of infusion days - confirmed, moved, cancelled - goes out by itself; a near one also needs a call.

The consecutive days of a cycle are one thing to the patient: one text names them all, and one answer is for all.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select

import notifications
from backend import clock
from backend.agenda.course import AgendaItem
from backend.agenda.history import protocol_for
from backend.db import Transaction
from backend.patients.models import Patient
from backend.terms import NO_LONGER_FOLLOWED, AgendaKind, AgendaState, Recipient, Urgency, WorkReason
from backend.worklist.items import open_item, resolve
from backend.worklist.models import WorkItem
from notifications.models import Message
from notifications.outbox import Letter

# What an act sends by itself; the plan neither wants these nor recalls them.
NEWS = frozenset({"infusion_confirmed", "infusion_moved", "infusion_cancelled"})
CANCELLED = "cancelled"

# In the values of a message of a move: the day the patient may still come on, where that is nearer than the new one.
NEAREST = "nearest"
# What came of a call that newer news of the same pair has made pointless.
OVERTAKEN = "newer_news"


class _Day(NamedTuple):
    """An infusion day that there is news of: the day it speaks of, and the nearest day that the patient may act on."""

    item: AgendaItem
    on: str
    nearest: str


Days = list[_Day]


def pair_of(key: str) -> str:
    """What the days of one attempt at a cycle have in common: ``cycle-1.2`` of ``cycle-1.2.day-2``."""
    return key.rpartition(".day-")[0] or key


def tell_of_infusions(
    txn: Transaction, patient: Patient, before: Mapping[str, AgendaItem], after: Mapping[str, AgendaItem]
) -> None:
    """Compare the agenda before and after an act, and tell the patient what they need to hear.

    Whoever has left hears nothing, and nobody is asked to telephone them.
    """
    if patient.status in NO_LONGER_FOLLOWED:
        return
    news: dict[tuple[str, str], Days] = {}
    for key in sorted(after):
        if after[key].kind is AgendaKind.INFUSION:
            found = _news_of(txn, patient, before.get(key), after[key])
            if found is not None:
                label, day = found
                day_moved = label == "moved" and key in before
                nearest = min(day, before[key].due_on.isoformat()) if day_moved else day
                news.setdefault((pair_of(key), label), []).append(_Day(after[key], day, nearest))
    for (_, label), days in news.items():
        _call_if_near(txn, patient, _send(txn, patient, label, days), days)


def days_in(message: Message) -> tuple[str, ...]:
    """The days a message speaks of, as ISO dates."""
    said = message.values.get("dates") or message.values.get("date", "")
    return tuple(day for day in said.split(",") if day)


def nearest_day(message: Message) -> date:
    """By which day a piece of news must have been heard: whoever is moved away from tomorrow must not come tomorrow."""
    return date.fromisoformat(message.values.get(NEAREST) or days_in(message)[0])


def _news_of(
    txn: Transaction, patient: Patient, before: AgendaItem | None, after: AgendaItem
) -> tuple[str, str] | None:
    """(what is new, the day it speaks of), or None when there is nothing the patient needs to hear."""
    was_confirmed = before is not None and before.state is AgendaState.CONFIRMED
    old_day = before.due_on.isoformat() if before is not None else ""
    new_day = after.due_on.isoformat()
    was_told = was_confirmed and _was_told_of(txn, patient, after.key, old_day)
    if after.state is AgendaState.CONFIRMED and _needs_no_news(txn, patient, before, after):
        return None
    if after.state is AgendaState.CONFIRMED and not was_confirmed:
        # Who was told that it was off must hear that it is on, in words that were not said of this day before.
        was_off = before is not None and before.state is AgendaState.CANCELLED
        return ("moved" if was_off and _was_told_of(txn, patient, after.key, new_day) else "confirmed"), new_day
    if after.state is AgendaState.CONFIRMED and new_day != old_day:
        return ("moved" if was_told else "confirmed"), new_day
    if after.state is AgendaState.CANCELLED and was_told:
        return CANCELLED, old_day
    return None


def _needs_no_news(txn: Transaction, patient: Patient, before: AgendaItem | None, after: AgendaItem) -> bool:
    """A day that is over, or one the patient knows of, on which a start or a miss was recorded by mistake."""
    if _end_of(after.due_on, after.zone) <= txn.now:
        return True
    was_recorded = before is not None and before.state in (AgendaState.COMPLETED, AgendaState.EXPIRED)
    return was_recorded and _was_told_of(txn, patient, after.key, after.due_on.isoformat())


def _was_told_of(txn: Transaction, patient: Patient, key: str, day: str) -> bool:
    """Whether anything about this infusion day, as planned for this date, has left for the patient."""
    about = select(Message).where(
        Message.patient_id == patient.id,
        Message.agenda_key.startswith(f"{pair_of(key)}.day-", autoescape=True),
        Message.channel.is_not(None),
    )
    return any(day in days_in(message) for message in txn.session.scalars(about))


def _send(txn: Transaction, patient: Patient, label: str, days: Days) -> str:
    """The key of what was queued."""
    (first, first_day, nearest), dates = days[0], ",".join(day.on for day in days)
    key = _unsaid(txn, patient, f"{first.key}@{first_day}:{label}")
    values = {"dates": dates} if nearest == first_day else {"dates": dates, NEAREST: nearest}
    notifications.queue(
        txn,
        Letter(
            key=key,
            template=f"infusion_{label}",
            recipient=Recipient.PATIENT,
            send_at=txn.now,
            expires_at=_end_of(date.fromisoformat(days[-1].on), first.zone),
            urgency=Urgency.INFUSION,
            patient_id=patient.id,
            site_id=patient.site_id,
            values=values,
            agenda_key=first.key,
            asks=None if label == CANCELLED else "infusion",
        ),
    )
    return key


def _unsaid(txn: Transaction, patient: Patient, key: str) -> str:
    """The key itself or, where this was said before of this day and something else since, the key with a number."""
    before = select(func.count(Message.id)).where(
        Message.patient_id == patient.id,
        or_(Message.key == key, Message.key.startswith(f"{key}:", autoescape=True)),
        Message.channel.is_not(None),
    )
    times = txn.session.scalar(before) or 0
    return f"{key}:{times + 1}" if times else key


def _call_if_near(txn: Transaction, patient: Patient, said: str, days: Days) -> None:
    cells = protocol_for(txn, patient).cells
    begins = clock.start_of_day(date.fromisoformat(days[0].nearest), days[0].item.zone)
    if cells is None or begins - txn.now >= timedelta(hours=cells.call_under_hours):
        return
    about = f"call:{pair_of(days[0].item.key)}.day-"
    for overtaken in _open_calls(txn, patient, about):
        resolve(txn, overtaken, OVERTAKEN)
    open_item(
        txn,
        reason=WorkReason.CALL_ABOUT_MOVED_DATE,
        key=f"call:{said}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def _open_calls(txn: Transaction, patient: Patient, about: str) -> Sequence[WorkItem]:
    """Calls about what is no longer the latest news: whoever is called hears that, once."""
    waiting = select(WorkItem).where(
        WorkItem.patient_id == patient.id,
        WorkItem.reason == WorkReason.CALL_ABOUT_MOVED_DATE,
        WorkItem.key.startswith(about, autoescape=True),
        WorkItem.resolved_at.is_(None),
    )
    return txn.session.scalars(waiting.order_by(WorkItem.created_at, WorkItem.id)).all()


def _end_of(day: date, zone: str) -> datetime:
    return clock.start_of_day(day + timedelta(days=1), zone)

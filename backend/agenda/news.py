"""News of infusion days - confirmed, moved, cancelled - goes out by itself; a near one also needs a call.

The consecutive days of a cycle are one thing to the patient: one text names them all, and one answer is for all.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select

import notifications
from backend import clock
from backend.agenda.course import AgendaItem
from backend.agenda.history import protocol_for
from backend.db import Transaction
from backend.patients.models import Patient
from backend.terms import AgendaKind, AgendaState, PatientStatus, Recipient, Urgency, WorkReason
from backend.worklist.items import open_item
from notifications.models import Message
from notifications.outbox import Letter

# What an act sends by itself; the plan neither wants these nor recalls them.
NEWS = frozenset({"infusion_confirmed", "infusion_moved", "infusion_cancelled"})
CANCELLED = "cancelled"

Days = list[tuple[AgendaItem, str]]


def pair_of(key: str) -> str:
    """What the days of one attempt at a cycle have in common: ``cycle-1.2`` of ``cycle-1.2.day-2``."""
    return key.rpartition(".day-")[0] or key


def tell_of_infusions(
    txn: Transaction, patient: Patient, before: Mapping[str, AgendaItem], after: Mapping[str, AgendaItem]
) -> None:
    """Compare the agenda before and after an act, and tell the patient what they need to hear.

    Whoever has left hears nothing, and nobody is asked to telephone them.
    """
    if patient.status in (PatientStatus.DIED, PatientStatus.WITHDRAWN):
        return
    news: dict[tuple[str, str], Days] = {}
    for key in sorted(after):
        if after[key].kind is AgendaKind.INFUSION:
            found = _news_of(txn, patient, before.get(key), after[key])
            if found is not None:
                label, day = found
                news.setdefault((pair_of(key), label), []).append((after[key], day))
    for (_, label), days in news.items():
        _call_if_near(txn, patient, _send(txn, patient, label, days), days)


def days_in(message: Message) -> tuple[str, ...]:
    """The days a message speaks of, as ISO dates."""
    said = message.values.get("dates") or message.values.get("date", "")
    return tuple(day for day in said.split(",") if day)


def _news_of(
    txn: Transaction, patient: Patient, before: AgendaItem | None, after: AgendaItem
) -> tuple[str, str] | None:
    """(what is new, the day it speaks of), or None when there is nothing the patient needs to hear."""
    was_confirmed = before is not None and before.state is AgendaState.CONFIRMED
    old_day = before.due_on.isoformat() if before is not None else ""
    new_day = after.due_on.isoformat()
    was_told = was_confirmed and _was_told_of(txn, patient, after.key, old_day)
    if after.state is AgendaState.CONFIRMED and not was_confirmed:
        # Who was told that it was off must hear that it is on, in words that were not said of this day before.
        was_off = before is not None and before.state is AgendaState.CANCELLED
        return ("moved" if was_off and _was_told_of(txn, patient, after.key, new_day) else "confirmed"), new_day
    if after.state is AgendaState.CONFIRMED and new_day != old_day:
        return ("moved" if was_told else "confirmed"), new_day
    if after.state is AgendaState.CANCELLED and was_told:
        return CANCELLED, old_day
    return None


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
    (first, first_day), dates = days[0], ",".join(day for _, day in days)
    key = _unsaid(txn, patient, f"{first.key}@{first_day}:{label}")
    notifications.queue(
        txn,
        Letter(
            key=key,
            template=f"infusion_{label}",
            recipient=Recipient.PATIENT,
            send_at=txn.now,
            expires_at=_end_of(date.fromisoformat(days[-1][1]), first.zone),
            urgency=Urgency.INFUSION,
            patient_id=patient.id,
            site_id=patient.site_id,
            values={"dates": dates},
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


def _call_if_near(txn: Transaction, patient: Patient, said: str, days: Iterable[tuple[AgendaItem, str]]) -> None:
    cells = protocol_for(txn, patient).cells
    item, day = next(iter(days))
    begins = clock.start_of_day(date.fromisoformat(day), item.zone)
    if cells is None or begins - txn.now >= timedelta(hours=cells.call_under_hours):
        return
    open_item(
        txn,
        reason=WorkReason.CALL_ABOUT_MOVED_DATE,
        key=f"call:{said}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def _end_of(day: date, zone: str) -> datetime:
    return clock.start_of_day(day + timedelta(days=1), zone)

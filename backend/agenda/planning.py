"""From a patient's agenda to the rows of the outbox: a diff that any node may apply, any number of times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

import notifications
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of, protocol_for
from backend.agenda.news import NEWS
from backend.agenda.reminders import AHEAD_OR_OPEN, Habits, WantedMessage, wanted
from backend.db import Transaction
from backend.patients import contact
from backend.patients.caregivers import caregivers_of
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.terms import AgendaState, PatientStatus, Recipient
from notifications.models import Message
from notifications.outbox import Letter, differs, expire, unsent

REPLANNED = "replanned"
# In the values of a message that says by another channel what one with this key did not bring.
INSTEAD_OF = "instead_of"
UNDONE = AHEAD_OR_OPEN | {AgendaState.EXPIRED}


@dataclass(frozen=True)
class Replanned:
    """How many stored messages were queued, and how many recalled."""

    queued: int
    recalled: int


def replan(txn: Transaction, patient: Patient) -> Replanned:
    """Make the outbox hold what the agenda now asks for, up to the horizon; what was sent stays as it is."""
    items = agenda_of(txn, patient)
    letters = wanted_letters(txn, patient, items)
    waiting = {message.key: message for message in unsent(txn, patient.id)}
    _note_what_was_missed(txn, patient, waiting, items)
    stale = [key for key, message in waiting.items() if _is_stale(message, letters)]
    recalled = notifications.cancel(txn, patient.id, keys=stale, reason=REPLANNED) if stale else 0
    # Nearly every letter waits already as it is wanted; to ask the database for each would cost most of the time.
    new = [letter for key, letter in letters.items() if key not in waiting or differs(waiting[key], letter)]
    queued = [letter for letter in new if notifications.queue(txn, letter) is not None]
    return Replanned(len(queued), recalled)


def wanted_letters(txn: Transaction, patient: Patient, items: Sequence[AgendaItem]) -> Mapping[str, Letter]:
    """By key, every reminder that the agenda's items call for now. None while contact is held or has ended."""
    if _hears_nothing(txn, patient):
        return {}
    protocol = protocol_for(txn, patient)
    habits = Habits(
        zone=patient.time_zone,
        site_zone=txn.session.get_one(Site, patient.site_id).time_zone,
        preferred_time=patient.preferred_time or protocol.messaging.preferred_time,
    )
    messages = wanted(protocol, items, habits, txn.now, protocol.messaging.horizon_days)
    return {letter.key: letter for message in messages for letter in _letters(txn, patient, message)}


def everyone(txn: Transaction) -> Sequence[UUID]:
    """Whose messages are planned: every patient who is still followed."""
    followed = Patient.status.not_in((PatientStatus.DIED, PatientStatus.WITHDRAWN))
    return txn.session.scalars(select(Patient.id).where(followed).order_by(Patient.id)).all()


def _hears_nothing(txn: Transaction, patient: Patient) -> bool:
    return patient.status in (PatientStatus.DIED, PatientStatus.WITHDRAWN) or bool(contact.holds(txn, patient))


def _note_what_was_missed(
    txn: Transaction, patient: Patient, waiting: dict[str, Message], items: Sequence[AgendaItem]
) -> None:
    """What no worker could send in time, while the patient was to hear of it, expires: it was not recalled by anybody.

    Not what had been done meanwhile, nor what another message spoke for. The missed are taken out of ``waiting``.
    """
    past = {key: message for key, message in waiting.items() if message.expires_at and message.expires_at <= txn.now}
    if not past or _hears_nothing(txn, patient):
        return
    undone = {item.key for item in items if item.state in UNDONE}
    missed = [key for key, one in past.items() if one.agenda_key in undone and "covered_by" not in one.values]
    if missed:
        expire(txn, patient.id, keys=missed)
    for key in missed:
        del waiting[key]


def _is_stale(message: Message, letters: Mapping[str, Letter]) -> bool:
    is_planned = message.agenda_key is not None and message.template not in NEWS and INSTEAD_OF not in message.values
    return is_planned and message.key not in letters


def _letters(txn: Transaction, patient: Patient, message: WantedMessage) -> Iterator[Letter]:
    """One letter to the patient, or one to each caregiver who may speak of the patient's health."""
    if message.recipient is not Recipient.CAREGIVER:
        yield _letter(patient, message)
        return
    for place, caregiver in enumerate(caregivers_of(txn, patient), start=1):
        if caregiver.may_confirm_survival and not caregiver.ended_at:
            yield _letter(patient, message, suffix=f":{place}", caregiver_id=caregiver.id)


def _letter(patient: Patient, message: WantedMessage, *, suffix: str = "", caregiver_id: UUID | None = None) -> Letter:
    covered = {"covered_by": message.covered_by} if message.covered_by else {}
    return Letter(
        key=message.key + suffix,
        template=message.template,
        recipient=message.recipient,
        send_at=message.send_at,
        urgency=message.urgency,
        patient_id=patient.id,
        site_id=patient.site_id,
        caregiver_id=caregiver_id,
        values={**message.values, **covered},
        agenda_key=message.agenda_key,
        asks=message.asks,
        local_date=message.local_date,
        local_time=message.local_time,
        zone=message.zone,
        expires_at=message.expires_at,
    )

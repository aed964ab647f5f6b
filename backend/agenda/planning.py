"""From a patient's agenda to the rows of the outbox: a diff that any node may apply, any number of times."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

import notifications
from backend.agenda.course import AgendaItem
from backend.agenda.history import Seen, protocol_for, see_all
from backend.agenda.news import NEWS
from backend.agenda.reminders import AHEAD_OR_OPEN, Habits, WantedMessage, wanted
from backend.among import among
from backend.db import Transaction
from backend.patients import contact
from backend.patients.caregivers import caregivers_of, caregivers_of_all
from backend.patients.models import Caregiver, Patient
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED, AgendaState, Recipient
from notifications.models import Message
from notifications.outbox import Letter, differs, expire, queue_all
from notifications.waiting import Planned, has_been_queued, unsent

REPLANNED = "replanned"
# What a hold on contact recalled, so that whoever looks sees why nothing was sent.
PAUSED = "paused"
# In the values of a message that says by another channel what one with this key did not bring.
INSTEAD_OF = "instead_of"
_PATIENTS = select(Patient).where(among(Patient.id, "whose")).order_by(Patient.id)
UNDONE = AHEAD_OR_OPEN | {AgendaState.EXPIRED}


@dataclass(frozen=True)
class Replanned:
    """How many stored messages were queued, and how many recalled."""

    queued: int
    recalled: int


@dataclass(frozen=True)
class _Change:
    """What is to become of one patient's messages: keys that were missed, keys that are stale, and new letters."""

    patient_id: UUID
    missed: Sequence[str]
    stale: Sequence[str]
    letters: Sequence[Letter]
    because: str

    def __bool__(self) -> bool:
        return bool(self.missed or self.stale or self.letters)


def replan(txn: Transaction, patient: Patient, seen: Seen | None = None) -> Replanned:
    """Make the outbox hold what the agenda now asks for, up to the horizon; what was sent stays as it is.

    ``seen`` is the agenda for whoever has just read it.
    """
    return _apply(txn, _changes(txn, [patient], {patient.id: seen} if seen else None))


def replan_all(txn: Transaction, patient_ids: Collection[UUID]) -> Replanned:
    """``replan`` for several patients, in few statements."""
    return _apply(txn, _changes_of(txn, patient_ids))


def behind(txn: Transaction, patient_ids: Collection[UUID]) -> Sequence[UUID]:
    """For which of these patients replanning would change something; whoever was never planned is taken to be one."""
    has_messages = exists().where(Message.patient_id == Patient.id)
    to_compare = txn.session.scalars(select(Patient.id).where(Patient.id.in_(patient_ids), has_messages)).all()
    changed = {change.patient_id for change in _changes_of(txn, to_compare)}
    return [one for one in patient_ids if one in changed or one not in to_compare]


def _apply(txn: Transaction, changes: Iterable[_Change]) -> Replanned:
    recalled = 0
    letters: list[Letter] = []
    for change in changes:
        if change.missed:
            expire(txn, change.patient_id, keys=change.missed)
        if change.stale:
            recalled += notifications.cancel(txn, change.patient_id, keys=change.stale, reason=change.because)
        letters.extend(change.letters)
    return Replanned(queue_all(txn, letters), recalled)


def _changes_of(txn: Transaction, patient_ids: Collection[UUID]) -> list[_Change]:
    if not patient_ids:
        return []
    patients = txn.session.scalars(_PATIENTS, {"whose": patient_ids}).all()
    return _changes(txn, patients)


def _changes(txn: Transaction, patients: Sequence[Patient], seen: Mapping[UUID, Seen] | None = None) -> list[_Change]:
    """Who needs what; those who need nothing are left out. Reads only."""
    ids = [patient.id for patient in patients]
    waiting, held = unsent(txn, ids), contact.whose_contact_is_held(txn, ids)
    # After the messages: of an act in between, its new dates are seen, and its new messages are not taken for stale.
    seen = seen or see_all(txn, patients)
    hear = [one for one in patients if one.id not in held and one.status not in NO_LONGER_FOLLOWED]
    letters = _letters_of_all(txn, hear, seen)
    found = [
        _change(txn, one, seen[one.id], waiting[one.id], letters.get(one.id), is_held=one.id in held)
        for one in patients
    ]
    # What has been sent may be wanted still, until it is answered or its time is over.
    unplanned = [
        letter for change in found for letter in change.letters if letter.key not in waiting[change.patient_id]
    ]
    queued = has_been_queued(txn, unplanned)
    kept = (
        replace(change, letters=[one for one in change.letters if (one.patient_id, one.key) not in queued])
        for change in found
    )
    return [change for change in kept if change]


def _change(
    txn: Transaction,
    patient: Patient,
    seen: Seen,
    waiting: Mapping[str, Planned],
    letters: Mapping[str, Letter] | None,
    *,
    is_held: bool,
) -> _Change:
    """``letters`` are what the patient should have; None for whoever is to hear nothing."""
    missed = [] if letters is None else _missed(waiting, seen.items, txn.now)
    letters = letters or {}
    return _Change(
        patient.id,
        missed,
        [key for key, message in waiting.items() if key not in missed and _is_stale(message, letters)],
        # Nearly every letter waits already as it is wanted.
        [letter for key, letter in letters.items() if key not in waiting or differs(waiting[key], letter)],
        PAUSED if is_held else REPLANNED,
    )


def _letters_of_all(
    txn: Transaction, patients: Iterable[Patient], seen: Mapping[UUID, Seen]
) -> Mapping[UUID, Mapping[str, Letter]]:
    """By patient and key. Caregivers are asked for only where one of them may be written to, which is seldom."""
    messages = {one.id: _messages_for(txn, one, seen[one.id].items, seen[one.id].course.site_zone) for one in patients}
    to_others = [whose for whose, some in messages.items() if any(one.recipient is Recipient.CAREGIVER for one in some)]
    named = caregivers_of_all(txn, to_others) if to_others else {}
    return {one.id: _by_key(one, messages[one.id], named.get(one.id, ())) for one in patients}


def wanted_letters(txn: Transaction, patient: Patient, items: Sequence[AgendaItem]) -> Mapping[str, Letter]:
    """By key, every reminder that the agenda's items call for now. None while contact is held or has ended."""
    if patient.status in NO_LONGER_FOLLOWED or contact.holds(txn, patient):
        return {}
    return letters_for(txn, patient, items, caregivers_of(txn, patient))


def letters_for(
    txn: Transaction, patient: Patient, items: Sequence[AgendaItem], named: Sequence[Caregiver]
) -> Mapping[str, Letter]:
    """The same for whoever may be written to; ``named`` are their caregivers."""
    site = txn.session.get_one(Site, patient.site_id)
    return _by_key(patient, _messages_for(txn, patient, items, site.time_zone), named)


def _messages_for(
    txn: Transaction, patient: Patient, items: Sequence[AgendaItem], site_zone: str
) -> tuple[WantedMessage, ...]:
    protocol = protocol_for(txn, patient)
    habits = Habits(
        zone=patient.time_zone,
        site_zone=site_zone,
        preferred_time=patient.preferred_time or protocol.messaging.preferred_time,
    )
    return wanted(protocol, items, habits, txn.now, protocol.messaging.horizon_days)


def _by_key(patient: Patient, messages: Iterable[WantedMessage], named: Sequence[Caregiver]) -> Mapping[str, Letter]:
    return {letter.key: letter for message in messages for letter in _letters(patient, message, named)}


def everyone(txn: Transaction) -> Sequence[UUID]:
    """Whose messages are planned: every patient who is still followed."""
    followed = Patient.status.not_in(NO_LONGER_FOLLOWED)
    return txn.session.scalars(select(Patient.id).where(followed).order_by(Patient.id)).all()


def _missed(waiting: Mapping[str, Planned], items: Sequence[AgendaItem], now: datetime) -> list[str]:
    """What no worker could send in time, while the patient was to hear of it, expires: it was not recalled by anybody.

    Not what had been done meanwhile, nor what another message spoke for.
    """
    past = {key: message for key, message in waiting.items() if message.expires_at and message.expires_at <= now}
    if not past:
        return []
    undone = {item.key for item in items if item.state in UNDONE}
    return [key for key, one in past.items() if one.agenda_key in undone and "covered_by" not in one.values]


def _is_stale(message: Planned, letters: Mapping[str, Letter]) -> bool:
    is_planned = message.agenda_key is not None and message.template not in NEWS and INSTEAD_OF not in message.values
    return is_planned and message.key not in letters


def _letters(patient: Patient, message: WantedMessage, named: Sequence[Caregiver]) -> Iterator[Letter]:
    """One letter to the patient, or one to each caregiver who may speak of the patient's health."""
    if message.recipient is not Recipient.CAREGIVER:
        yield _letter(patient, message)
        return
    for place, caregiver in enumerate(named, start=1):
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

"""Forgetting a patient: the key is shredded, and with it all that names anybody; what the trial learnt stays.

Answers, grades, dates and the audit trail are pseudonymous and are not touched. What was sealed is there still,
and nothing opens it any more. Copies made before know nothing of it: docs/decisions/0020.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, update

import notifications
from backend import audit
from backend.db import Transaction
from backend.errors import NoLongerPossible, StillNeeded
from backend.patients.models import Caregiver, FormerNumber, Patient
from backend.patients.sign_in import sign_phones_out, void_unused_codes
from backend.patients.turns import take_turn
from backend.sealing import DataKey, is_forgotten, shred
from backend.terms import NO_LONGER_FOLLOWED, ForgettingReason, MessageStatus
from notifications.models import InboundMessage, Message, NumberStop, OptOut

FORGOTTEN = "forgotten"
ON_ITS_WAY = (MessageStatus.SENDING, MessageStatus.IN_DOUBT)


@dataclass(frozen=True)
class Erased:
    """How many messages were recalled, and how many received texts were emptied, when a patient was forgotten."""

    recalled: int
    texts: int


def forget(txn: Transaction, patient: Patient, because: ForgettingReason) -> Erased:
    """Shred the patient's key, empty every look-up by a number of theirs, and end every way in and out.

    Raises ``StillNeeded`` while the patient is followed, or a message or a text still needs a name or a number;
    ``NoLongerPossible`` for somebody who was forgotten before. What waits for a person above this room, the caller
    refuses first.
    """
    take_turn(txn, patient)
    _refuse_what_is_needed(txn, patient)
    sign_phones_out(txn, patient, FORGOTTEN)
    void_unused_codes(txn, patient, FORGOTTEN)
    recalled = notifications.cancel(txn, patient.id, reason=FORGOTTEN)
    texts = _empty_texts(txn, patient)
    _empty_lookups(txn, patient)
    audit.note(txn, "patient.forgotten", patient, reason=because)
    txn.session.flush()
    shred(txn, patient.id)
    return Erased(recalled, texts)


def _refuse_what_is_needed(txn: Transaction, patient: Patient) -> None:
    if is_forgotten(txn, patient.id):
        raise NoLongerPossible(f"Patient {patient.subject_number} was forgotten before.")
    if patient.status not in NO_LONGER_FOLLOWED:
        raise StillNeeded(f"Patient {patient.subject_number} is {patient.status}: neither dead nor withdrawn.")
    # Reading only; a message that begins now waits for nobody, but finds the patient dead or withdrawn.
    on_its_way = select(Message.id).where(Message.patient_id == patient.id, Message.status.in_(ON_ITS_WAY))
    if txn.session.scalar(on_its_way.limit(1)):
        raise StillNeeded("A message is on its way at this moment; try again in a few minutes.")
    unread = select(InboundMessage.id).where(InboundMessage.handled_at.is_(None), _is_theirs(txn, patient))
    if txn.session.scalar(unread.limit(1)):
        raise StillNeeded("A text waits in the inbox for a person.")


def _empty_texts(txn: Transaction, patient: Patient) -> int:
    """The texts from their numbers: those not known to be theirs are sealed by the study's key, which stays."""
    nothing = dict.fromkeys(("number_index", "number_sealed", "text_sealed", "outcome_sealed", "note_sealed"))
    theirs = update(InboundMessage).where(_is_theirs(txn, patient)).values(nothing)
    return len(txn.session.scalars(theirs.returning(InboundMessage.id)).all())


def _empty_lookups(txn: Transaction, patient: Patient) -> None:
    """The patient's numbers and the caregivers', and a STOP from a number that reaches nobody else."""
    stopped = select(OptOut).where(OptOut.number_index.in_(_numbers_of_nobody_else(txn, patient)))
    for row in txn.session.scalars(stopped.order_by(OptOut.id)).all():
        row.number_index = f"{FORGOTTEN}:{row.id}"
    of_no_use = select(NumberStop).where(NumberStop.number_index.in_(_numbers_of_nobody_else(txn, patient)))
    for stop in txn.session.scalars(of_no_use.order_by(NumberStop.id)).all():
        stop.number_index = f"{FORGOTTEN}:{stop.id}"
    patient.phone_index = None
    named = select(Caregiver).where(Caregiver.patient_id == patient.id).order_by(Caregiver.id)
    for caregiver in txn.session.scalars(named):
        caregiver.phone_index = None
    given_up = select(FormerNumber).where(FormerNumber.patient_id == patient.id).order_by(FormerNumber.id)
    for former in txn.session.scalars(given_up):
        former.number_index = None
    txn.session.flush()


def _is_theirs(txn: Transaction, patient: Patient) -> ColumnElement[bool]:
    """A text known to be about the patient, or from a number that reaches nobody but them and their caregivers."""
    nobodys = InboundMessage.patient_id.is_(None)
    from_them = InboundMessage.number_index.in_(_numbers_of_nobody_else(txn, patient))
    return or_(InboundMessage.patient_id == patient.id, nobodys & from_them)


def _numbers_of_nobody_else(txn: Transaction, patient: Patient) -> list[str]:
    """Two patients may share a phone: what the other one said with it is not this one's to take away."""
    own = select(Patient.phone_index.label("number")).where(Patient.id == patient.id)
    relatives = select(Caregiver.phone_index.label("number")).where(Caregiver.patient_id == patient.id)
    given_up = select(FormerNumber.number_index.label("number")).where(FormerNumber.patient_id == patient.id)
    numbers = own.union(relatives, given_up).subquery()
    other_patient = exists().where(Patient.phone_index == numbers.c.number, Patient.id != patient.id)
    other_relative = exists().where(Caregiver.phone_index == numbers.c.number, Caregiver.patient_id != patient.id)
    alone = select(numbers.c.number).where(numbers.c.number.is_not(None), ~other_patient, ~other_relative)
    return [number for number in txn.session.scalars(alone) if number]


def forgotten_since(txn: Transaction) -> list[tuple[str, datetime]]:
    """Who was forgotten and when, by subject number: after a restore they are to be forgotten again."""
    found = txn.session.execute(
        select(Patient.subject_number, DataKey.forgotten_at)
        .join(DataKey, DataKey.owner_id == Patient.id)
        .where(DataKey.forgotten_at.is_not(None))
        .order_by(Patient.subject_number)
    )
    return [(row.subject_number, row.forgotten_at) for row in found]

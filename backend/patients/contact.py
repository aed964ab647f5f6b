"""Where and when a person may be reached: numbers, the hours of rest, and holds on all contact."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from backend import audit
from backend.among import among
from backend.db import Transaction, UTCDateTime
from backend.errors import NoLongerPossible
from backend.patients.models import Caregiver, ContactHold, Patient
from backend.patients.new_numbers import former_number_of
from backend.patients.turns import one_at_a_time_for
from backend.sealing import keyring_of, seal, unseal
from backend.staff.models import StaffMember
from backend.terms import Recipient
from notifications.models import Message

# Asked before every message and every plan, and so put together once.
_STANDS = and_(
    ContactHold.lifted_at.is_(None),
    or_(ContactHold.until.is_(None), ContactHold.until > bindparam("now", type_=UTCDateTime())),
)
_HOLDS = (
    select(ContactHold)
    .where(among(ContactHold.patient_id, "whose"), _STANDS)
    .order_by(ContactHold.held_at, ContactHold.id)
)
_HELD = _HOLDS.with_only_columns(ContactHold.patient_id).order_by(None)
_WHY = _HOLDS.with_only_columns(ContactHold.patient_id, ContactHold.reason)
_PATIENT = Patient.__table__.c
_WHOSE_PHONES = select(_PATIENT.phone_index, _PATIENT.id).where(among(_PATIENT.phone_index, "indexes"))
_PATIENTS = select(Patient).where(Patient.phone_index == bindparam("index")).order_by(Patient.subject_number)
_CAREGIVERS = (
    select(Caregiver)
    .where(Caregiver.phone_index == bindparam("index"), Caregiver.ended_at.is_(None))
    .order_by(Caregiver.named_at, Caregiver.id)
)
_SOMEBODY = aliased(Patient)
# Of the patient whom a statement is about: whether ``holds`` finds something, which needs ``now``, and whether
# ``whose_phones`` finds somebody else at the patient's own number.
IS_HELD = exists().where(ContactHold.patient_id == Patient.id, _STANDS).label("is_held")
SHARES = exists().where(_SOMEBODY.phone_index == Patient.phone_index, _SOMEBODY.id != Patient.id).label("shares")


@dataclass(frozen=True)
class QuietWindow:
    """The hours of rest on the patient's own wall: from the evening to the morning."""

    starts: time
    ends: time
    zone: str


def quiet_window(patient: Patient, *, usual_from: time, usual_to: time) -> QuietWindow:
    """The hours the patient chose, or the protocol's usual ones."""
    return QuietWindow(patient.quiet_from or usual_from, patient.quiet_to or usual_to, patient.time_zone)


def hold(
    txn: Transaction, patient: Patient, reason: str, *, until: datetime | None = None, words: str | None = None
) -> ContactHold:
    """Hold all contact with the patient and the caregivers. Holding twice for one reason is one hold.

    ``words`` are a person's own, why: sealed.
    """
    # Of two who hold at once, the second finds the first one's hold.
    one_at_a_time_for(txn, patient.id)
    standing = next((held for held in holds(txn, patient) if held.reason == reason), None)
    if standing:
        return standing
    held = ContactHold(patient_id=patient.id, site_id=patient.site_id, reason=reason, held_at=txn.now, until=until)
    held.held_by = txn.actor.id
    held.reason_sealed = seal(txn, held, "reason_sealed", words)
    audit.record(txn, "contact.held", held, reason=reason)
    txn.session.flush()
    return held


def lift(txn: Transaction, held: ContactHold) -> None:
    """Contact may resume as far as this hold goes: always a person's act."""
    one_at_a_time_for(txn, held.patient_id)
    txn.session.refresh(held)
    if held.lifted_at:
        raise NoLongerPossible("This hold was lifted before.")
    held.lifted_at = txn.now
    held.lifted_by = txn.actor.id
    audit.record(txn, "contact.resumed", held)
    txn.session.flush()


def holds(txn: Transaction, patient: Patient) -> Sequence[ContactHold]:
    """What holds contact with this patient now, earliest first."""
    return txn.session.scalars(_HOLDS, {"whose": [patient.id], "now": txn.now}).all()


def holds_of_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Sequence[ContactHold]]:
    """By patient, the same for many at once."""
    held: dict[UUID, list[ContactHold]] = {patient_id: [] for patient_id in patient_ids}
    for one in txn.session.scalars(_HOLDS, {"whose": list(held), "now": txn.now}):
        held[one.patient_id].append(one)
    return held


def why_held(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Sequence[str]]:
    """By patient, the reasons of what ``holds`` finds; nobody else is in it."""
    reasons: dict[UUID, list[str]] = {}
    for patient_id, reason in txn.connection.execute(_WHY, {"whose": patient_ids, "now": txn.now}):
        reasons.setdefault(patient_id, []).append(reason)
    return reasons


def whose_contact_is_held(txn: Transaction, patient_ids: Collection[UUID]) -> frozenset[UUID]:
    """Of these patients, those for whom ``holds`` finds something."""
    return frozenset(txn.connection.scalars(_HELD, {"whose": list(patient_ids), "now": txn.now}))


def address_of(txn: Transaction, message: Message) -> str | None:
    """The number a message goes to, read at the moment of release; None when there is none (any more)."""
    match Recipient(message.recipient):
        case Recipient.PATIENT:
            return _number(txn, Patient, message.patient_id)
        case Recipient.CAREGIVER:
            return _number(txn, Caregiver, message.caregiver_id)
        case Recipient.STAFF:
            return _number(txn, StaffMember, message.staff_id)
        case Recipient.FORMER_NUMBER:
            return former_number_of(txn, message)
        case Recipient.WRITER:
            # No record names it: it goes back to where the text came from.
            return None


def patients_by_phone(txn: Transaction, number: str) -> Sequence[Patient]:
    """Everybody whose own number this is. Two may share a phone; never take the first."""
    return txn.session.scalars(_PATIENTS, {"index": phone_index(txn, number)}).all()


def whose_phones(txn: Transaction, numbers: Collection[str]) -> Mapping[str, Collection[UUID]]:
    """By number, everybody whose own number it is."""
    by_index = {phone_index(txn, number): number for number in numbers}
    found: dict[str, list[UUID]] = {number: [] for number in numbers}
    for index, patient_id in txn.connection.execute(_WHOSE_PHONES, {"indexes": list(by_index)}):
        found[by_index[index or ""]].append(patient_id)
    return found


def caregivers_by_phone(txn: Transaction, number: str) -> Sequence[Caregiver]:
    """Every caregiver, of any patient, whose number this is."""
    return txn.session.scalars(_CAREGIVERS, {"index": phone_index(txn, number)}).all()


def phone_index(txn: Transaction, number: str) -> str:
    """What an E.164 number is looked up by."""
    return keyring_of(txn).blind_index("phone", number)


def _number(
    txn: Transaction, table: type[Patient] | type[Caregiver] | type[StaffMember], row_id: UUID | None
) -> str | None:
    row = txn.session.get(table, row_id) if row_id else None
    if not isinstance(row, Patient | Caregiver | StaffMember):
        return None
    if getattr(row, "ended_at", None) or getattr(row, "deactivated_at", None):
        return None
    return unseal(txn, row, "phone_sealed")

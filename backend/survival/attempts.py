"""Attempts to learn how a patient is: those that people make, and beside them what the mailroom has sent.

A message sent or delivered is an attempt, and never evidence of life. It is read from the mailroom's ledger.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from backend import audit, clock
from backend.contact_terms import ContactChannel, ContactOutcome, ContactPerson
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients.caregivers import NamedCaregiver
from backend.patients.models import Patient
from backend.sealing import seal, unseal
from backend.survival.ladder import Try
from backend.survival.models import ContactAttempt
from backend.terms import MessageStatus, Recipient, WorkReason
from notifications.models import Message

# What reached a telephone, as far as the provider has said.
WENT_OUT = (MessageStatus.SENT, MessageStatus.DELIVERED)
# What an attempt may be made for: to find out how a patient is.
TO_FIND_OUT = frozenset({WorkReason.SURVIVAL_CHECK_UNANSWERED, WorkReason.SEARCH_RECORDS})
SEVERAL = "The patient has named several such people; give the name, or with caregiver_id whom you mean."
PHYSICIANS = frozenset({"physician", "doctor", "general practitioner", "gp", "医生", "医师", "主治医生"})


@dataclass(frozen=True)
class Asked:
    """Who was asked: a kind of person, one whom the patient named or None, and the name that was given."""

    person: ContactPerson
    caregiver: NamedCaregiver | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attempted:
    """What a person tried and what came of it. ``as_of`` is a day, or of a death a month or a year as well."""

    channel: ContactChannel
    asked: Asked
    outcome: ContactOutcome
    relation: str | None = None
    as_of: str | None = None
    note: str | None = None
    tried_at: datetime | None = None
    key: str | None = None
    work_item_id: UUID | None = None


def who_is_meant(
    person: str,
    relation: str | None,
    named: Sequence[NamedCaregiver],
    caregiver_id: UUID | None = None,
    *,
    must_be_clear: bool = True,
) -> Asked:
    """``person`` is one of the words of ``ContactPerson``, or a name; a name or a relation finds a named caregiver.

    Never one of several: raises ``InvalidInput`` for a name or a relation that two of them have, or, where it need not
    be clear, leaves open which of them it was.
    """
    word, is_a = _plain(person), _plain(relation)
    kind = next((one for one in ContactPerson if one.value == word), None)
    name = None if kind else person
    if caregiver_id is not None:
        chosen = next((one for one in named if one.row.id == caregiver_id), None)
        return Asked(ContactPerson.CAREGIVER, chosen, name)
    if kind not in (None, ContactPerson.CAREGIVER):
        return Asked(kind, name=name)
    by_relation = [one for one in named if is_a and _plain(one.relation) == is_a]
    by_name = [one for one in named if kind is None and _plain(one.name) == word]
    by_both = [one for one in by_name if one in by_relation]
    only = list(named) if kind and len(named) == 1 else []
    meant = by_both or by_name or by_relation or only
    if len(meant) > 1 and must_be_clear:
        raise InvalidInput(fields={"person": [SEVERAL]})
    if meant or kind:
        return Asked(ContactPerson.CAREGIVER, meant[0] if len(meant) == 1 else None, name)
    return Asked(ContactPerson.PHYSICIAN if is_a in PHYSICIANS else ContactPerson.OTHER, name=name)


def keep(txn: Transaction, patient: Patient, said: Attempted) -> ContactAttempt:
    """Write an attempt down, the words sealed."""
    row = ContactAttempt(
        patient_id=patient.id,
        site_id=patient.site_id,
        tried_at=said.tried_at or txn.now,
        channel=said.channel,
        person=said.asked.person,
        caregiver_id=said.asked.caregiver.row.id if said.asked.caregiver else None,
        outcome=said.outcome,
        as_of=said.as_of,
        agenda_key=said.key,
        work_item_id=said.work_item_id,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    for name, words in (("name", said.asked.name), ("relation", said.relation), ("note", said.note)):
        setattr(row, f"{name}_sealed", seal(txn, row, f"{name}_sealed", words))
    audit.record(txn, "contact.attempted", row)
    txn.session.flush()
    return row


def attempts_of(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, list[ContactAttempt]]:
    """By patient, every attempt by a person, the earliest first."""
    found: dict[UUID, list[ContactAttempt]] = {patient_id: [] for patient_id in patient_ids}
    made = select(ContactAttempt).where(ContactAttempt.patient_id.in_(found))
    for row in txn.session.scalars(made.order_by(ContactAttempt.tried_at, ContactAttempt.id)):
        found[row.patient_id].append(row)
    return found


def messages_about(txn: Transaction, patient_id: UUID, keys: Collection[str]) -> Sequence[Message]:
    """What went out to the patient and the caregivers about these items of the agenda, the earliest first."""
    went_out = select(Message).where(
        Message.patient_id == patient_id,
        Message.agenda_key.in_(keys),
        Message.recipient.in_((Recipient.PATIENT, Recipient.CAREGIVER)),
        Message.status.in_(WENT_OUT),
    )
    return txn.session.scalars(went_out.order_by(Message.send_at, Message.id)).all()


def as_tries(txn: Transaction, patient: Patient, rows: Sequence[ContactAttempt]) -> tuple[Try, ...]:
    """The same as the rules of the ladder see them."""
    return tuple(
        Try(
            at=row.tried_at,
            on=clock.local_day(row.tried_at, patient.time_zone),
            person=ContactPerson(row.person),
            outcome=ContactOutcome(row.outcome),
            who=str(row.caregiver_id or _plain(unseal(txn, row, "name_sealed") or unseal(txn, row, "relation_sealed"))),
        )
        for row in rows
    )


def _plain(words: str | None) -> str:
    return (words or "").strip().casefold()

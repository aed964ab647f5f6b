"""Telephones that take no texts, and the tasks to find out why. Who closes such a task has the number tried again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.db import Transaction
from backend.patients.models import Patient
from backend.staff.models import StaffMember
from backend.terms import Recipient, WorkReason
from backend.worklist.items import open_item
from backend.worklist.models import WorkItem
from notifications import numbers
from notifications.models import Message, NumberStop


def owner_of(txn: Transaction, message: Message) -> tuple[UUID, UUID | None] | None:
    """The site, and the patient unless it is about a member of staff, whose task it is; None for nobody's."""
    patient_id = message.patient_id
    if message.recipient == Recipient.STAFF:
        patient_id = None
    site_id = message.site_id
    if site_id is None and message.patient_id is not None:
        site_id = txn.session.get_one(Patient, message.patient_id).site_id
    if site_id is None and message.staff_id is not None:
        site_id = txn.session.get_one(StaffMember, message.staff_id).home_site_id
    return (site_id, patient_id) if site_id is not None else None


def ask_to_check(txn: Transaction, message: Message, number: str) -> None:
    """Have somebody find out what is the matter with a number: once for each time that it was stopped."""
    stop = numbers.standing(txn, number)
    if stop is not None:
        _open(txn, message, f"check-phone:{stop.id}")


def ask_to_correct(txn: Transaction, message: Message) -> None:
    """Have somebody correct a number that no telephone can have: at most once a day for each person."""
    person = message.staff_id or message.caregiver_id or message.patient_id
    _open(txn, message, f"malformed-phone:{person}:{clock.local_day(txn.now, 'UTC')}")


def say_it_is_shared(txn: Transaction, message: Message, others: Sequence[Patient]) -> None:
    """Answers from a number of two patients are nobody's until a person has read them, and somebody should know."""
    _open(txn, message, f"shared-phone:{'+'.join(sorted(other.subject_number for other in others))}")


def checked(txn: Transaction) -> Sequence[NumberStop]:
    """Numbers of which a person says, by having closed the task, that they have been seen to."""
    standing = txn.session.scalars(select(NumberStop).where(NumberStop.lifted_at.is_(None))).all()
    keys = {f"check-phone:{stop.id}": stop for stop in standing}
    if not keys:
        return []
    closed = select(WorkItem.key).where(
        WorkItem.reason == WorkReason.CHECK_THE_PHONE, WorkItem.key.in_(keys), WorkItem.resolved_at.is_not(None)
    )
    return [keys[key] for key in txn.session.scalars(closed.distinct().order_by(WorkItem.key))]


def _open(txn: Transaction, message: Message, key: str) -> None:
    owner = owner_of(txn, message)
    if owner is not None:
        site_id, patient_id = owner
        reason = WorkReason.CHECK_THE_PHONE
        open_item(txn, reason=reason, key=key, site_id=site_id, patient_id=patient_id, due_at=txn.now)

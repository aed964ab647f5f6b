"""Telephones that take no texts, or whose nobody knows, and the tasks to find out. Who closes one that a provider
refused has it tried again; one that may be a stranger's only once they say that it is right after all.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.contact_terms import RIGHT_AFTER_ALL
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients import new_numbers
from backend.patients.caregivers import caregivers_of
from backend.patients.models import Patient
from backend.staff.models import StaffMember
from backend.terms import NO_LONGER_FOLLOWED, Recipient, WorkReason
from backend.worklist.items import open_item, resolve
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
    if stop is None:
        return
    if stop.code == numbers.WRITES_WRONG:
        _open(txn, message, _not_theirs(stop), WorkReason.WRONG_NUMBER)
    else:
        _open(txn, message, f"check-phone:{stop.id}")


def ask_whose_it_is(txn: Transaction, patient: Patient, stop: NumberStop) -> None:
    """Somebody at the number wrote that it is the wrong one: once for each time and each who is written to there."""
    open_item(
        txn,
        reason=WorkReason.WRONG_NUMBER,
        key=_not_theirs(stop),
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def close_wrong_number(txn: Transaction, item: WorkItem, outcome: str, note: str | None) -> WorkItem:
    """A correction of the record closes it by itself; who says that the number is right has it written to again.

    Raises ``InvalidInput`` for anything else while the patient's record still holds the number: nothing would be sent.
    """
    stop = txn.session.get(NumberStop, UUID(item.key.partition(":")[2]))
    if stop is not None and outcome == RIGHT_AFTER_ALL:
        numbers.lift(txn, stop.number_index, numbers.CHECKED)
    elif stop is not None and stop.lifted_at is None and _is_followed_at(txn, item, stop.number_index):
        complaint = f"Correct the number on the record, which closes this task, or say {RIGHT_AFTER_ALL}."
        raise InvalidInput(fields={"outcome": [complaint]})
    return resolve(txn, item, outcome, note)


def ask_who_answers(txn: Transaction, patient: Patient) -> WorkItem | None:
    """Nobody at a new number has shown who they are: somebody calls. None when that was asked before."""
    assert patient.phone_unconfirmed_since is not None, "There is a question."
    return open_item(
        txn,
        reason=WorkReason.CONFIRM_THE_PHONE,
        key=new_numbers.key_of(patient.phone_unconfirmed_since),
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def close_what_is_settled(txn: Transaction, patient: Patient, outcome: str) -> None:
    """After a number was corrected or confirmed: tasks about what the record holds no more, or is known now."""
    about = (WorkReason.WRONG_NUMBER, WorkReason.CONFIRM_THE_PHONE)
    waiting = select(WorkItem).where(
        WorkItem.patient_id == patient.id, WorkItem.reason.in_(about), WorkItem.resolved_at.is_(None)
    )
    for item in txn.session.scalars(waiting.order_by(WorkItem.id)).all():
        if _is_settled(txn, patient, item):
            resolve(txn, item, outcome)


def _is_settled(txn: Transaction, patient: Patient, item: WorkItem) -> bool:
    if item.reason == WorkReason.CONFIRM_THE_PHONE:
        since = patient.phone_unconfirmed_since
        return patient.status in NO_LONGER_FOLLOWED or since is None or item.key != new_numbers.key_of(since)
    stop = txn.session.get_one(NumberStop, UUID(item.key.partition(":")[2]))
    theirs = {patient.phone_index, *(one.phone_index for one in caregivers_of(txn, patient))}
    return stop.lifted_at is not None or stop.number_index not in theirs


def _is_followed_at(txn: Transaction, item: WorkItem, number_index: str) -> bool:
    patient = txn.session.get(Patient, item.patient_id) if item.patient_id else None
    followed = patient is not None and patient.status not in NO_LONGER_FOLLOWED
    return followed and patient is not None and patient.phone_index == number_index


def _not_theirs(stop: NumberStop) -> str:
    return f"not-theirs:{stop.id}"


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


def _open(txn: Transaction, message: Message, key: str, reason: WorkReason = WorkReason.CHECK_THE_PHONE) -> None:
    owner = owner_of(txn, message)
    if owner is not None:
        site_id, patient_id = owner
        open_item(txn, reason=reason, key=key, site_id=site_id, patient_id=patient_id, due_at=txn.now)

"""Calls to find out how somebody is, once their death is told of: a family in mourning is asked nothing.

They close by themselves in the transaction of the report, and come back with the contact where the report was mistaken.
"""

from collections.abc import Iterator

from sqlalchemy import select

from backend.agenda.silence import CALLER, NO_LONGER_NEEDED, UNKNOWN, attend_to
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Patient
from backend.terms import NO_LONGER_FOLLOWED, WorkReason
from backend.worklist.items import closed_by_itself, open_again, resolve
from backend.worklist.models import WorkItem


def stop_calling(txn: Transaction, patient: Patient) -> None:
    """Take every call off the list; the caller holds contact already.

    In nobody's name: what a person has closed would not be asked for again after a mistake.
    """
    by_itself = txn.acting_as(CALLER)
    for task in _asks_how_they_are(txn, patient):
        if task.resolved_at is None:
            resolve(by_itself, task, NO_LONGER_NEEDED)
    attend_to(by_itself, patient.id)


def call_again(txn: Transaction, patient: Patient) -> None:
    """The death was a mistake: ask again what nobody knew then and nobody has learnt since.

    Calls about the agenda come back by themselves with the next look at it.
    """
    if patient.status in NO_LONGER_FOLLOWED:
        return
    known_alive = life.last_known_alive(txn, patient)
    for task in _asks_how_they_are(txn, patient):
        is_answered = known_alive is not None and task.key.removeprefix(UNKNOWN) <= known_alive.isoformat()
        if closed_by_itself(task) and not is_answered:
            open_again(txn, task)


def _asks_how_they_are(txn: Transaction, patient: Patient) -> Iterator[WorkItem]:
    """Every task that was opened because somebody who was asked did not know, open or closed."""
    tasks = select(WorkItem).where(
        WorkItem.patient_id == patient.id,
        WorkItem.reason == WorkReason.SURVIVAL_CHECK_UNANSWERED,
        WorkItem.agenda_key.is_(None),
    )
    yield from txn.session.scalars(tasks.order_by(WorkItem.due_at, WorkItem.id)).all()

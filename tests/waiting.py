"""What waits for a person about a patient: a task, and a report of a death."""

from datetime import date
from uuid import UUID

from backend.agenda import changes
from backend.db import Database, system
from backend.patients.models import Patient
from backend.survival.deaths import report_death
from backend.terms import WorkReason
from backend.worklist.items import open_item


def a_task(db: Database, patient: Patient) -> UUID:
    """The id of a task that nobody has closed."""
    with db.transaction(system("test")) as txn:
        item = open_item(
            txn,
            reason=WorkReason.CHANGE_REQUESTED,
            key="a task",
            site_id=patient.site_id,
            patient_id=patient.id,
            due_at=txn.now,
        )
        assert item is not None
        return item.id


def a_confirmed_cycle_and_a_death_report(db: Database, patient: Patient) -> UUID:
    """The id of a report that nobody has decided about, of a patient who expected an infusion."""
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 21))
        changes.confirm_cycle(txn, row, 1)
        return report_death(txn, row, died_on="2027-02-28").id

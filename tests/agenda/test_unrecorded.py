"""An infusion day of which nobody says what became of it is a task for the site, and recording it closes the task."""

from datetime import date, datetime

from sqlalchemy import select

from backend.agenda import changes
from backend.db import Database, system
from backend.jobs import Work
from backend.patients import contact
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.terms import WorkReason
from backend.worklist.models import WorkItem
from tests import people

NOBODY = system("test")


def test_an_infusion_day_nobody_recorded_is_a_task_also_in_a_pause_until_it_is_recorded(db, clock, work: Work):
    clock.move_to("2027-03-08T09:00:00+08:00")
    patient = people.ann(db, randomised_on=date(2027, 3, 8))
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
        contact.hold(txn, row, "paused", until=datetime.fromisoformat("2027-03-20T00:00:00+08:00"))
    clock.move_to("2027-03-13T17:00:00+08:00")
    work.call()
    asked = infusion_tasks(db, patient)
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.start_infusion(txn, row, 1, 1, datetime.fromisoformat("2027-03-13T09:00:00+08:00"))
    work.call()

    assert asked == {"cycle-1.day-1": None}
    assert infusion_tasks(db, patient) == {"cycle-1.day-1": "recorded"}


def infusion_tasks(db: Database, patient: Patient) -> dict[str | None, str | None]:
    """By agenda key, what became of each task about an unrecorded infusion day."""
    with db.reading(NOBODY) as txn:
        about = WorkItem.reason == WorkReason.INFUSION_NOT_RECORDED
        rows = txn.session.scalars(select(WorkItem).where(WorkItem.patient_id == patient.id, about)).all()
        return {row.agenda_key: unseal(txn, row, "outcome_sealed") for row in rows}

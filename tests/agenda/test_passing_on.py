"""A task that nobody takes becomes another's; one that cannot be changed keeps back no other."""

from sqlalchemy import text

from backend import clock as the_clock
from backend.db import Database, system
from backend.jobs import Work
from backend.terms import Duty, WorkReason
from backend.worklist.items import Handover, open_item
from backend.worklist.models import WorkItem
from tests import people

NOBODY = system("test")


def refuse_to_change_the_first_task(db: Database) -> None:
    """The database refuses every change of the first task."""
    with db.engine.begin() as connection:
        stored = connection.execute(text("SELECT id FROM work_item ORDER BY id LIMIT 1")).scalar_one()
        body = "BEGIN SELECT RAISE(ABORT, 'not this one'); END" if db.is_sqlite else "EXECUTE FUNCTION refuse_change()"
        when = f"WHEN (OLD.id = '{stored}')"
        connection.execute(text(f"CREATE TRIGGER stays BEFORE UPDATE ON work_item FOR EACH ROW {when} {body}"))


def test_one_task_that_cannot_be_passed_on_does_not_keep_back_those_behind_it(db, clock, work: Work, caplog):
    clock.move_to("2027-03-15T11:00:00+08:00")
    handover = Handover(Duty.COORDINATOR, the_clock.now(), Duty.INVESTIGATOR)
    with db.transaction(NOBODY) as txn:
        site = people.site_row(txn, "site-01")
        about = {"reason": WorkReason.CALL_REQUESTED, "site_id": site.id, "due_at": txn.now, "handover": handover}
        opened = [open_item(txn, key=f"call-wanted:{number}", patient_id=None, **about) for number in range(3)]
        ids = sorted(task.id for task in opened if task)
    refuse_to_change_the_first_task(db)

    done = work.call()

    assert (done["calls_passed_on"], done["calls_failed"]) == (2, 1)
    with db.reading(NOBODY) as txn:
        roles = [txn.session.get_one(WorkItem, task_id).for_role for task_id in ids]
    assert roles == ["coordinator", "investigator", "investigator"]
    assert str(ids[0]) in str([record.__dict__ for record in caplog.records])

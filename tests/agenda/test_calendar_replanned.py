"""Planning again changes nothing: neither rows nor words, at any moment of a patient's course."""

from datetime import date, datetime

from sqlalchemy import select

from backend.agenda import changes
from backend.agenda.planning import Replanned, replan
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import Attendance
from notifications.models import Message
from tests import people
from tests.conftest import Clock

TEST = system("test")
NOTHING = Replanned(queued=0, recalled=0)


def planned(db: Database, whose: Patient) -> Replanned:
    with db.transaction(TEST) as txn:
        return replan(txn, txn.session.get_one(Patient, whose.id))


def rows(db: Database) -> list[tuple[object, ...]]:
    columns = (Message.key, Message.status, Message.reason, Message.send_at, Message.expires_at, Message.values)
    with db.reading(TEST) as txn:
        return [tuple(row) for row in txn.session.execute(select(*columns).order_by(Message.patient_id, Message.key))]


def test_re_planning_twice_equals_once_at_every_turn_of_a_course(db: Database, clock: Clock) -> None:
    clock.move_to("2027-03-08T09:00:00+08:00")
    ann = people.ann(db, randomised_on=date(2027, 3, 8))
    started = datetime.fromisoformat("2027-03-20T10:00:00+08:00")
    turns = (
        lambda txn, row: changes.plan_cycle(txn, row, 1, date(2027, 3, 1)),
        lambda txn, row: changes.confirm_cycle(txn, row, 1),
        lambda txn, row: changes.confirm_cycle(txn, row, 1, date(2027, 3, 20)),
        lambda txn, row: changes.start_infusion(txn, row, 1, 1, started),
        lambda txn, row: changes.record_attendance(txn, row, "cycle-1.day-2", Attendance.MISSED, date(2027, 3, 21)),
    )
    for turn, day in zip(turns, (8, 9, 10, 20, 21), strict=True):
        clock.move_to(f"2027-03-{day:02}T11:00:00+08:00")
        with db.transaction(TEST) as txn:
            turn(txn, txn.session.get_one(Patient, ann.id))
        planned(db, ann)
        once = rows(db)

        assert planned(db, ann) == NOTHING
        assert rows(db) == once


def test_two_passes_of_a_worker_queue_no_more_than_one(db: Database, clock: Clock, work: Work) -> None:
    people.ann(db)
    people.ben(db)

    for day in ("01", "04", "25"):
        clock.move_to(f"2027-03-{day}T08:30:00+08:00")
        work.plan()
        once = rows(db)
        work.plan()

        assert rows(db) == once != []

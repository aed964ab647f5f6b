"""Planning many patients at once does for each what planning it alone would do, and looks before it writes."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from backend.agenda import changes
from backend.agenda.pauses import pause
from backend.agenda.planning import behind, replan, replan_all
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import MessageStatus
from notifications.models import Message
from tests import people
from tests.conftest import Clock

TEST = system("test")
MORNING = "2027-03-04T08:30:00+08:00"


def those_behind(db: Database, patients: Sequence[Patient]) -> list[UUID]:
    with db.reading(TEST) as txn:
        return list(behind(txn, [one.id for one in patients]))


def rows(db: Database) -> list[tuple[object, ...]]:
    columns = (Message.patient_id, Message.key, Message.status, Message.send_at, Message.values)
    with db.reading(TEST) as txn:
        return [tuple(row) for row in txn.session.execute(select(*columns).order_by(Message.patient_id, Message.key))]


def planned(db: Database, patients: Sequence[Patient]) -> int:
    with db.transaction(TEST) as txn:
        return replan_all(txn, [one.id for one in patients]).queued


def test_several_planned_together_are_told_what_each_would_be_told_alone(db: Database, clock: Clock) -> None:
    clock.move_to(MORNING)
    both = [people.ann(db), people.ben(db)]
    for one in both:
        with db.transaction(TEST) as txn:
            replan(txn, txn.session.get_one(Patient, one.id))
    alone = rows(db)
    with db.transaction(TEST) as txn:
        txn.session.execute(update(Message).values(status=MessageStatus.CANCELLED))

    queued = planned(db, both)

    assert queued == len(alone) > 10
    assert rows(db) == alone


def test_whoever_was_never_planned_is_behind_and_nobody_is_afterwards(db: Database, clock: Clock) -> None:
    clock.move_to(MORNING)
    both = [people.ann(db), people.ben(db)]
    assert set(those_behind(db, both)) == {one.id for one in both}

    planned(db, both)

    assert those_behind(db, both) == []


def test_only_whose_calendar_has_changed_is_behind(db: Database, clock: Clock) -> None:
    clock.move_to(MORNING)
    ann, ben = people.ann(db), people.ben(db)
    planned(db, [ann, ben])
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
        txn.session.execute(update(Message).where(Message.patient_id == ann.id).values(urgency="reply"))

    assert those_behind(db, [ann, ben]) == [ann.id]


def test_whose_contact_is_held_is_behind_until_what_waits_is_recalled(db: Database, clock: Clock) -> None:
    clock.move_to(MORNING)
    ann = people.ann(db)
    planned(db, [ann])
    with db.transaction(TEST) as txn:
        pause(txn, txn.session.get_one(Patient, ann.id), "tired", date(2027, 3, 20))
        txn.session.execute(update(Message).values(status=MessageStatus.QUEUED, reason=None))
    assert those_behind(db, [ann]) == [ann.id]

    planned(db, [ann])

    assert {status for _, _, status, *_ in rows(db)} == {MessageStatus.CANCELLED}


def test_what_was_sent_and_is_still_open_leaves_nobody_behind(db: Database, clock: Clock) -> None:
    clock.move_to(MORNING)
    ann = people.ann(db)
    planned(db, [ann])
    clock.move_to("2027-03-04T09:30:00+08:00")
    with db.transaction(TEST) as txn:
        due = Message.send_at <= txn.now
        txn.session.execute(update(Message).where(due).values(status=MessageStatus.SENT, settled_at=txn.now))
    before = rows(db)
    assert MessageStatus.SENT in {status for _, _, status, *_ in before}

    assert those_behind(db, [ann]) == []
    assert planned(db, [ann]) == 0
    assert rows(db) == before


def test_a_second_pass_of_the_job_begins_no_writers_transaction(work: Work, clock: Clock) -> None:
    clock.move_to(MORNING)
    people.ann(work.db)
    ben = people.ben(work.db)
    work.plan()
    with work.db.transaction(TEST) as txn:
        pause(txn, txn.session.get_one(Patient, ben.id), "tired", date(2027, 3, 20))
    began: list[bool] = []
    event.listen(work.db.engine, "begin", lambda one: began.append(one.engine is work.db.readers))

    assert work.plan() == {"queued": 0, "recalled": 0}

    assert began
    assert all(began)


def test_a_patient_whose_calendar_cannot_be_computed_keeps_nobody_else_from_being_reminded(
    db: Database, work: Work, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.move_to(MORNING)
    broken, others = people.ann(db), [people.ben(db), people.ann(db, name="Zhao Lan")]
    with db.transaction(TEST) as txn:
        txn.session.execute(update(Patient).where(Patient.id == broken.id).values(time_zone="Nowhere/At_All"))

    counts = work.plan()

    assert counts["plans_failed"] == 1
    assert {row[0] for row in rows(db)} == {one.id for one in others}
    assert [record.patient_id for record in caplog.records if "patient_id" in vars(record)] == [str(broken.id)]

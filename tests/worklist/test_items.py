"""A task exists once, and is closed once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, true

from backend import audit
from backend.audit import AuditEvent
from backend.db import Database, Transaction, system
from backend.errors import NoLongerPossible
from backend.patients.models import Patient
from backend.terms import WorkReason
from backend.worklist.items import list_items, open_item, resolve
from backend.worklist.models import WorkItem
from tests.people import ann, ben, coordinator


def opened(db: Database, patient: Patient, key: str = "visit.m1:change", hours: int = 0) -> UUID | None:
    with db.transaction(system("test")) as txn:
        item = opened_in(txn, patient, key, hours)
        return item.id if item else None


def opened_in(txn: Transaction, patient: Patient, key: str = "visit.m1:change", hours: int = 0) -> WorkItem | None:
    return open_item(
        txn,
        reason=WorkReason.CHANGE_REQUESTED,
        key=key,
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now + timedelta(hours=hours),
    )


def test_a_task_is_opened_once_for_each_patient(db):
    patient, other = ann(db), ben(db)

    assert opened(db, patient)
    assert opened(db, patient) is None
    assert opened(db, other)


def test_of_many_who_open_a_task_at_once_one_does(db):
    patient = ann(db)

    with ThreadPoolExecutor(4) as workers:
        ids = [made for made in workers.map(lambda _: opened(db, patient), range(8)) if made]

    with db.reading(system("test")) as txn:
        stored = txn.session.scalar(select(func.count()).select_from(WorkItem))
        audited = txn.session.scalars(select(AuditEvent.record_id).where(AuditEvent.verb == "work_item.opened"))
        traces = set(audited)
    assert len(ids) == stored == 1
    assert traces == {str(ids[0])}


def test_a_task_is_closed_once_with_what_came_of_it(db):
    item_id, person = opened(db, ann(db)), coordinator(db)

    with db.transaction(person.actor) as txn:
        item = resolve(txn, txn.session.get_one(WorkItem, item_id), "called", "Will come on Friday.")
        closed_by = item.resolved_by

    with pytest.raises(NoLongerPossible), db.transaction(person.actor) as txn:
        resolve(txn, txn.session.get_one(WorkItem, item_id), "called again")
    assert closed_by == person.id


def test_a_closed_task_is_not_opened_again(db):
    patient = ann(db)
    item_id = opened(db, patient)
    with db.transaction(system("test")) as txn:
        resolve(txn, txn.session.get_one(WorkItem, item_id), "called")

    assert opened(db, patient) is None


def test_the_most_pressing_come_first_page_by_page(db):
    patient = ann(db)
    for number, hours in enumerate((5, 1, 3, 1, 2)):
        opened(db, patient, key=f"task {number}", hours=hours)

    seen, after = [], None
    with db.reading(system("test")) as txn:
        for _ in range(3):
            page = list_items(txn, true(), after=after, limit=2)
            seen += [(item.due_at - txn.now) // timedelta(hours=1) for item in page.items]
            after = page.after

    assert seen == [1, 1, 2, 3, 5]
    assert after is None


def test_a_task_may_be_opened_and_closed_in_one_act_and_each_has_its_entries(db):
    patient = ann(db)
    with db.transaction(system("test")) as txn:
        item = opened_in(txn, patient)
        assert item is not None
        resolve(txn, item, "spoke with her")
        item_id = item.id

    with db.reading(system("test")) as txn:
        entries = select(AuditEvent).where(AuditEvent.record_id == str(item_id), AuditEvent.field == "resolved_at")
        closed = txn.session.scalars(entries).one()
        assert (closed.verb, closed.old) == ("work_item.resolved", None)
        assert closed.new is not None


def closed_twice(txn: Transaction, item: WorkItem) -> None:
    resolve(txn, item, "spoke with her")
    resolve(txn, item, "spoke with her again")


def test_what_an_attempt_that_failed_has_closed_is_open_for_whoever_asks_in_the_same_act(db):
    patient = ann(db)
    item_id = opened(db, patient)

    with db.transaction(system("test")) as txn:
        item = txn.session.get_one(WorkItem, item_id)
        with pytest.raises(NoLongerPossible), audit.attempt(txn):
            closed_twice(txn, item)
        assert item.resolved_at is None
        assert item.outcome_sealed is None

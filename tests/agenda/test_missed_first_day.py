"""A patient who did not come on the first infusion day: no second day without it, and both days told anew."""

from datetime import date, datetime

import pytest

from backend.agenda import changes
from backend.agenda.calendar import by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of
from backend.db import Database, Transaction, system
from backend.errors import InvalidInput
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import AgendaState, Attendance
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
DAYS = ("cycle-1.day-1", "cycle-1.day-2")


@pytest.fixture
def ann(db: Database, work: Work, clock: Clock) -> Patient:
    """Expected on 20 and 21 March, and told so; now it is the evening of the 20th."""
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        changes.plan_cycle(txn, in_the_record(txn, ann), 1, date(2027, 3, 5))
        changes.confirm_cycle(txn, in_the_record(txn, ann), 1)
    plan_and_send(work)
    clock.move_to("2027-03-20T20:30:00+08:00")
    return ann


def in_the_record(txn: Transaction, ann: Patient) -> Patient:
    return txn.session.get_one(Patient, ann.id)


def misses(db: Database, ann: Patient, key: str = DAYS[0], on: date = date(2027, 3, 20)) -> changes.Diff:
    with db.transaction(TEST) as txn:
        return changes.record_attendance(txn, in_the_record(txn, ann), key, Attendance.MISSED, on).diff


def moved_to_the_23rd(db: Database, ann: Patient) -> changes.Diff:
    with db.transaction(TEST) as txn:
        return changes.confirm_cycle(txn, in_the_record(txn, ann), 1, date(2027, 3, 23)).diff


def agenda(db: Database, ann: Patient) -> dict[str, AgendaItem]:
    with db.reading(TEST) as txn:
        return by_key(agenda_of(txn, in_the_record(txn, ann)))


def test_there_is_no_second_day_without_the_first_and_the_patient_hears_so(
    db: Database, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)

    diff = misses(db, ann)
    plan_and_send(work)

    items = agenda(db, ann)
    assert [items[key].state for key in DAYS] == [AgendaState.EXPIRED, AgendaState.CANCELLED]
    assert DAYS[1] in diff.cancelled
    assert not [key for key in items if key.startswith("safety.c1")]
    assert any("Sun 21 March is called off" in text for text in phone.received)


def test_a_pair_moved_after_its_first_day_was_missed_is_expected_on_both_new_days(
    db: Database, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    misses(db, ann)
    plan_and_send(work)

    moved_to_the_23rd(db, ann)
    plan_and_send(work)

    items = agenda(db, ann)
    assert [items[key].state for key in DAYS] == [AgendaState.CONFIRMED, AgendaState.CONFIRMED]
    assert any("Tue 23 March and Wed 24 March" in text for text in phone.received)
    assert "safety.c1.d0" in items


def test_a_first_day_that_was_missed_can_be_begun_after_all(db: Database, clock: Clock, ann: Patient) -> None:
    misses(db, ann)
    clock.move_to("2027-03-21T11:00:00+08:00")

    with db.transaction(TEST) as txn:
        began = datetime.fromisoformat("2027-03-21T09:30:00+08:00")
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, began)

    items = agenda(db, ann)
    assert [items[key].state for key in DAYS] == [AgendaState.COMPLETED, AgendaState.CONFIRMED]
    assert items[DAYS[1]].due_on == date(2027, 3, 22)


def test_a_first_day_is_missed_on_its_own_day_only(db: Database, clock: Clock, ann: Patient) -> None:
    clock.move_to("2027-03-22T08:00:00+08:00")

    with pytest.raises(InvalidInput) as refusal:
        misses(db, ann, on=date(2027, 3, 21))

    assert refusal.value.fields == {"on": ["Day 1 was to be on 2027-03-20; whoever comes later is moved."]}

"""A simulated night does what the jobs would do by day, and asks no more than it must."""

from datetime import date

from sqlalchemy import select

from backend.agenda import pauses
from backend.db import Database, system
from backend.patients.models import Patient
from backend.simulation.nights import see_to_the_day
from backend.terms import WorkReason
from backend.worklist.models import WorkItem
from tests import people
from tests.conftest import Clock

NOBODY = system("test")


def reasons(db: Database) -> list[str]:
    with db.reading(NOBODY) as txn:
        return list(txn.session.scalars(select(WorkItem.reason)))


def test_a_night_on_which_nothing_is_over_does_nothing(db: Database, clock: Clock) -> None:
    people.ann(db, arm="control")

    done = see_to_the_day(db)

    assert not +done
    assert reasons(db) == []


def test_a_night_ends_the_pauses_that_are_over_and_asks_how_to_go_on(db: Database, clock: Clock) -> None:
    ann = people.ann(db, arm="control", consented_on=date(2027, 2, 25), randomised_on=date(2027, 3, 1))
    with db.transaction(NOBODY) as txn:
        pauses.pause(txn, txn.session.get_one(Patient, ann.id), "A funeral.", date(2027, 3, 4))

    clock.move_to("2027-03-03T00:05:00+08:00")
    before = see_to_the_day(db)
    clock.move_to("2027-03-04T00:05:00+08:00")
    after = see_to_the_day(db)

    assert not +before
    assert after["pauses_ended"] == 1
    assert reasons(db) == [WorkReason.PAUSE_ENDS]


def test_a_night_has_somebody_call_about_a_number_that_nobody_has_confirmed(db: Database, clock: Clock) -> None:
    ann = people.ann(db, arm="control")
    clock.move_to("2027-03-01T09:00:00+08:00")
    with db.transaction(NOBODY) as txn:
        txn.session.get_one(Patient, ann.id).phone_unconfirmed_since = txn.now

    clock.move_to("2027-03-03T00:05:00+08:00")
    before = see_to_the_day(db)
    clock.move_to("2027-03-05T00:05:00+08:00")
    after = see_to_the_day(db)

    assert not +before
    assert after["numbers_to_confirm"] == 1
    assert reasons(db) == [WorkReason.CONFIRM_THE_PHONE]

"""Every call that a worker asks for is asked for once, when two workers with connections of their own ask together."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from backend.agenda import changes, pauses
from backend.agenda.pauses import end_due_pauses
from backend.agenda.silence import ask_for_calls
from backend.db import Database, Transaction, system
from backend.errors import FollowupError
from backend.patients.models import Patient
from backend.worklist.models import WorkItem
from tests import people
from tests.databases import KEYRING

TEST = system("test")
Job = Callable[[Database], Mapping[str, int]]


@pytest.fixture
def workers(db: Database, database_url: str) -> Iterator[list[Database]]:
    """What two processes have: nothing in common but the database."""
    opened = [Database(database_url, KEYRING), Database(database_url, KEYRING)]
    yield opened
    for one in opened:
        one.close()


def together(workers: list[Database], job: Job) -> Counter[str]:
    """All begin at once; what they say they did, added up."""
    start, done = threading.Barrier(len(workers)), Counter[str]()

    def work(db: Database) -> None:
        start.wait()
        done.update(job(db))

    threads = [threading.Thread(target=work, args=[db]) for db in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def keys(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(WorkItem.key)))


def act(db: Database, patient: Patient, *acts: Callable[[Transaction, Patient], Any]) -> None:
    for one in acts:
        with db.transaction(TEST) as txn:
            one(txn, txn.session.get_one(Patient, patient.id))


def a_safety_check(db: Database, clock: Any) -> None:
    patient = people.ann(db, randomised_on=date(2027, 3, 1))
    act(db, patient, lambda txn, ann: changes.plan_cycle(txn, ann, 1, date(2027, 2, 26)))
    act(db, patient, lambda txn, ann: changes.confirm_cycle(txn, ann, 1))
    for day in (1, 2):
        started = datetime.fromisoformat(f"2027-03-{12 + day}T09:00:00+08:00")
        clock.move_to(started.isoformat())
        act(db, patient, lambda txn, ann, day=day, at=started: changes.start_infusion(txn, ann, 1, day, at))


def a_report(db: Database, _clock: Any) -> None:
    people.ben(db, randomised_on=date(2027, 3, 1))


def a_month_of_silence(db: Database, _clock: Any) -> None:
    people.ben(db, randomised_on=date(2026, 11, 9), consented_on=date(2026, 11, 1))


def a_survival_check(db: Database, _clock: Any) -> None:
    people.ben(db, randomised_on=date(2026, 12, 1), consented_on=date(2026, 11, 20))


SILENCES = {
    "silent:safety.c1.d0@2027-03-14": (a_safety_check, "2027-03-14T22:00:00+08:00"),
    "silent:weekly.w1@2027-03-08": (a_report, "2027-03-11T00:05:00+08:00"),
    "silent:four-weekly.w16@2027-03-01": (a_month_of_silence, "2027-03-05T00:05:00+08:00"),
    "unconfirmed:survival.m3@2027-03-01": (a_survival_check, "2027-03-09T00:05:00+08:00"),
}


@pytest.mark.parametrize("key", SILENCES)
def test_two_workers_ask_for_one_call_once(db: Database, workers: list[Database], clock: Any, key: str) -> None:
    arrange, moment = SILENCES[key]
    arrange(db, clock)
    clock.move_to(moment)

    done = together(workers, ask_for_calls)

    assert key in keys(db)
    assert done["calls_opened"] == len(keys(db))
    assert done["calls_failed"] == 0


def test_two_workers_pass_a_call_on_once(db: Database, workers: list[Database], clock: Any) -> None:
    a_safety_check(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    ask_for_calls(db)
    clock.move_to("2027-03-15T12:00:00+08:00")

    assert together(workers, ask_for_calls)["calls_passed_on"] == 1


def test_two_workers_end_a_pause_and_ask_how_to_go_on_once(db: Database, workers: list[Database], clock: Any) -> None:
    patient = people.ben(db)
    act(db, patient, lambda txn, ben: pauses.pause(txn, ben, "A journey.", date(2027, 3, 3)))
    clock.move_to("2027-03-04T00:05:00+08:00")

    assert together(workers, end_due_pauses)["pauses_ended"] == 1
    assert [key.partition(":")[0] for key in keys(db)] == ["pause-ends"]


def test_two_people_who_confirm_a_near_day_at_once_open_one_call(
    db: Database, workers: list[Database], clock: Any
) -> None:
    patient = people.ann(db)
    act(db, patient, lambda txn, ann: changes.plan_cycle(txn, ann, 1, date(2027, 2, 26)))
    clock.move_to("2027-03-12T09:00:00+08:00")

    def confirm(mine: Database) -> Mapping[str, int]:
        try:
            act(mine, patient, lambda txn, ann: changes.confirm_cycle(txn, ann, 1))
        except FollowupError:
            return {"refused": 1}
        return {"confirmed": 1}

    assert together(workers, confirm)["confirmed"] >= 1
    assert keys(db) == ["call:cycle-1.day-1@2027-03-13:confirmed"]

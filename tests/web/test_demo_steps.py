"""The demo's clock: whatever falls due on the way happens once, at its hour, as if one had waited."""

import threading
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend import demo_clock
from backend.agenda import changes
from backend.agenda.history import agenda_of
from backend.agenda.planning import wanted_letters
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import InvalidInput
from backend.jobs import ticker_of, work_of
from backend.patients.models import Patient
from backend.watch import Watch
from backend.web.demo_phones import write_from
from backend.web.demo_steps import AT_A_NEW_DAY, move_clock_by, move_clock_to
from backend.worklist.models import WorkItem
from notifications.channels.simulator import texts_of
from notifications.scheduler import last_heartbeat
from tests.databases import KEYRING
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben

MONTH = timedelta(days=30)


def wanted_until(db: Database, patient: Patient, end: datetime) -> list[tuple[datetime, str]]:
    """(when, local hour) of every text that the plan of this moment wants on the patient's own phone by then."""
    with db.reading(system("test")) as txn:
        here = txn.session.get_one(Patient, patient.id)
        letters = wanted_letters(txn, here, agenda_of(txn, here)).values()
    return sorted(
        (letter.send_at, str(letter.local_time))
        for letter in letters
        if letter.send_at <= end and letter.recipient == "patient" and "covered_by" not in letter.values
    )


def texts(db: Database, number: str) -> list[tuple[datetime, str]]:
    with db.reading(system("test")) as txn:
        return [(text.at, text.text) for text in texts_of(txn, number)]


def test_a_month_brings_each_reminder_once_at_its_local_hour(db, ticker):
    patients = {
        ANNS_PHONE: ann(db, time_zone="Asia/Urumqi"),
        BENS_PHONE: ben(db, caregivers=(), randomised_on=date(2027, 2, 22)),
    }
    end = the_clock.now() + MONTH
    wanted = {number: wanted_until(db, patient, end) for number, patient in patients.items()}

    ran = move_clock_by(db, ticker, MONTH)

    for number, patient in patients.items():
        arrived = [at for at, _ in texts(db, number)]
        hours = [str(the_clock.local(at, patient.time_zone).time()) for at in arrived]
        assert list(zip(arrived, hours, strict=True)) == wanted[number]
        assert len(arrived) > 5
    assert ran["sent"] == sum(len(listed) for listed in wanted.values())
    assert the_clock.now() == end


def test_moving_equals_waiting(db, ticker, databases, settings, clock):
    ann(db)
    began = the_clock.now()
    move_clock_by(db, ticker, timedelta(days=7))
    moved = texts(db, ANNS_PHONE)

    the_clock.move_to(began)
    url = databases.fresh_url("sqlite")
    other = Database(url, KEYRING)
    ann(other)
    waiting = ticker_of(work_of(other, settings))
    for hours in range(7 * 24 + 1):
        the_clock.move_to(began + timedelta(hours=hours))
        waiting.run_due_once()

    assert texts(other, ANNS_PHONE) == moved
    assert moved
    other.close()
    databases.drop(url)


def calls(db: Database) -> set[tuple[str, datetime, datetime, str | None, bool]]:
    """Every call there was: about what, since when, due when, whose duty, and whether it is still to be made."""
    with db.reading(system("test")) as txn:
        listed = txn.session.scalars(select(WorkItem).where(WorkItem.agenda_key.is_not(None)))
        return {(task.key, task.created_at, task.due_at, task.for_role, task.resolved_at is None) for task in listed}


def moments_of(db: Database, verb: str) -> list[datetime]:
    """When it was done, each time."""
    with db.reading(system("test")) as txn:
        return sorted(txn.session.scalars(select(AuditEvent.at).where(AuditEvent.verb == verb)))


def test_moving_asks_for_the_same_calls_as_waiting(db, ticker, databases, settings):
    """Over the Sunday and the Monday after an infusion nobody answers: an evening is missed, and noon passes."""
    began = datetime.fromisoformat("2027-03-14T10:00:00+08:00")
    url = databases.fresh_url("sqlite")
    other = Database(url, KEYRING)
    for home in (db, other):
        the_clock.move_to(began - timedelta(days=20))
        infused(home, ann(home, randomised_on=date(2027, 2, 22)))
    waiting = ticker_of(work_of(other, settings))
    for minutes in range(0, 27 * 60 + 1, 60):
        the_clock.move_to(began + timedelta(minutes=minutes))
        waiting.run_due_once()

    the_clock.move_to(began)
    move_clock_by(db, ticker, timedelta(hours=27))

    assert calls(db) == calls(other)
    assert {call[3] for call in calls(db)} == {"coordinator", "investigator"}
    assert moments_of(db, "work_item.passed_on") == moments_of(other, "work_item.passed_on") != []
    other.close()
    databases.drop(url)


def test_moving_pages_as_often_as_waiting(db, ticker, demo, databases, settings):
    """About words of danger that nobody takes note of: again and again, each time at its minute."""
    ann(db)
    began = the_clock.now()
    demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "I vomited blood"})
    move_clock_by(db, ticker, timedelta(hours=1))
    moved = moments_of(db, "staff_page.went_out")

    the_clock.move_to(began)
    url = databases.fresh_url("sqlite")
    other = Database(url, KEYRING)
    ann(other)
    waiting = ticker_of(work_of(other, settings))
    write_from(other, waiting, ANNS_PHONE, "I vomited blood")
    for minutes in range(0, 61, 10):
        the_clock.move_to(began + timedelta(minutes=minutes))
        waiting.run_due_once()

    assert moved == moments_of(other, "staff_page.went_out")
    assert len(moved) > 5
    other.close()
    databases.drop(url)


def infused(db: Database, patient: Patient) -> None:
    """Given both days, on 13 and 14 March at nine in Beijing."""
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    for day in (1, 2):
        started = datetime.fromisoformat(f"2027-03-{12 + day}T09:00:00+08:00")
        the_clock.move_to(started)
        with db.transaction(system("test")) as txn:
            changes.start_infusion(txn, txn.session.get_one(Patient, patient.id), 1, day, started)


def test_many_small_moves_equal_a_large_one(db, ticker, databases, settings):
    ann(db)
    began = the_clock.now()
    move_clock_by(db, ticker, timedelta(days=4))
    at_once = texts(db, ANNS_PHONE)

    the_clock.move_to(began)
    url = databases.fresh_url("sqlite")
    other = Database(url, KEYRING)
    ann(other)
    small = ticker_of(work_of(other, settings))
    for _ in range(4 * 24):
        move_clock_by(other, small, timedelta(hours=1))

    assert texts(other, ANNS_PHONE) == at_once
    other.close()
    databases.drop(url)


def test_the_moved_clock_is_kept_for_other_processes(db, ticker):
    move_clock_by(db, ticker, timedelta(days=2))
    there = the_clock.now()

    the_clock.set_ahead(timedelta(0))
    demo_clock.follow(db)

    assert the_clock.now() == there


def test_the_clock_does_not_go_back_or_years_ahead(db, ticker):
    for moment in (the_clock.now() - timedelta(seconds=1), the_clock.now() + timedelta(days=401)):
        with pytest.raises(InvalidInput) as refused:
            move_clock_to(db, ticker, moment)
        assert list(refused.value.fields) == ["to"]


# These go by real time, which no demo moves.
BY_REAL_TIME = {"keep_time", "seal", "checkpoint", "forget_old_counts", "see_to_the_ways", "settle_overtaken"}


def test_every_job_of_a_worker_that_goes_by_trial_time_runs_on_the_way(ticker):
    assert {*AT_A_NEW_DAY, *BY_REAL_TIME} == set(ticker._jobs)


def test_a_demo_without_patients_has_a_clock_too(db, ticker):
    assert not +move_clock_by(db, ticker, MONTH)


def test_nothing_reaches_the_phone_of_one_who_said_stop(db, ticker, demo):
    ann(db, channels=("sms",))
    demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "STOP"})
    before = len(texts(db, ANNS_PHONE))

    move_clock_by(db, ticker, timedelta(days=10))

    assert len(texts(db, ANNS_PHONE)) == before


def has_ticked(db: Database) -> bool:
    """Waits until a worker has said that it lives."""
    for _ in range(200):
        with db.reading(system("test")) as txn:
            if last_heartbeat(txn) is not None:
                return True
        threading.Event().wait(0.05)
    return False


def test_a_worker_whose_clock_is_being_moved_is_not_taken_for_a_dead_one(db, ticker, clock, caplog):
    ticker.start()
    try:
        assert has_ticked(db)
        with ticker.exclusive():
            # So long the steps before this one have taken.
            clock.move_to("2027-03-01T08:05:00+08:00")
            move_clock_by(db, ticker, timedelta(hours=1))
            is_silent = Watch(db).look()
    finally:
        ticker.stop()

    assert not is_silent
    assert "no worker ticks" not in caplog.text

"""After an outage: nothing twice, of several prompts for one thing the newest, and nothing that has become worthless.

A worker plans, then nothing ticks for a while, then two workers start at the same moment.
"""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.agenda import changes
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from notifications import ReceivedText, receive
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send
from tests.triage.called import on_call, staff

TEST = system("test")
DOWN_AT = datetime.fromisoformat("2027-03-04T08:59:58+08:00")


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def two_workers_start(work: Work) -> None:
    together = threading.Barrier(2)

    def one() -> None:
        together.wait()
        plan_and_send(work)

    workers = [threading.Thread(target=one) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def back_at(clock: Clock, work: Work, moment: str) -> None:
    """Nothing has run since it planned; now it does."""
    work.plan()
    clock.move_to(moment)
    two_workers_start(work)


def sent(db: Database, about: str) -> list[str]:
    with db.reading(TEST) as txn:
        left = select(Message.key).where(Message.channel.is_not(None), Message.key.startswith(about))
        return sorted(txn.session.scalars(left))


def became_of(db: Database, key: str) -> tuple[str, str | None]:
    with db.reading(TEST) as txn:
        status, reason = txn.session.execute(select(Message.status, Message.reason).where(Message.key == key)).one()
        return status, reason


def missed(client: Any) -> dict[str, float]:
    """What the numbers say of messages that expired unsent, by kind."""
    lines = client.get("/metrics").text.splitlines()
    counted = [line.split(" ") for line in lines if line.startswith("followup_missed_total{")]
    return {name.split('"')[1]: float(number) for name, number in counted}


def with_an_infusion(db: Database, ann: Patient) -> None:
    """Confirmed for 20 and 21 March, and told."""
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 3, 5))
        changes.confirm_cycle(txn, patient, 1)


@pytest.mark.parametrize(
    ("outage", "label"),
    [(timedelta(seconds=5), "0d"), (timedelta(hours=1), "0d"), (timedelta(days=3), "2d")],
    ids=["5 seconds", "1 hour", "3 days"],
)
def test_after_an_outage_one_prompt_for_one_thing_goes_out_and_it_is_the_newest(
    db: Database, clock: Clock, work: Work, ann: Patient, outage: timedelta, label: str
) -> None:
    work.plan()
    clock.move_to((DOWN_AT + outage).isoformat())

    two_workers_start(work)
    two_workers_start(work)
    clock.move_to((DOWN_AT + outage + timedelta(hours=1)).isoformat())
    two_workers_start(work)

    assert sent(db, "weekly.w1@") == [f"weekly.w1@2027-03-04:{label}"]
    assert len(Phone(work, people.ANNS_PHONE).received) == 1


def test_a_prompt_that_was_sent_just_before_the_outage_is_not_sent_again(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    clock.move_to("2027-03-04T09:00:01+08:00")
    plan_and_send(work)

    back_at(clock, work, "2027-03-04T12:00:00+08:00")

    assert len(Phone(work, people.ANNS_PHONE).received) == 1


def test_a_prompt_answered_during_the_outage_is_worthless(db: Database, clock: Clock, work: Work, ann: Patient) -> None:
    work.plan()
    clock.move_to("2027-03-18T12:00:00+08:00")
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.record_attendance(txn, patient, "visit.m1", changes.Attendance.ATTENDED, date(2027, 3, 18))

    two_workers_start(work)

    assert sent(db, "visit.m1@") == []


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        ("2027-03-24T20:59:59+08:00", True),
        # Quiet hours would hold it back into the day it speaks of.
        ("2027-03-24T21:00:00+08:00", False),
        ("2027-03-25T10:00:00+08:00", False),
    ],
)
def test_a_visit_reminder_expires_with_the_day_of_the_visit_and_is_counted_as_missed(
    db: Database, clock: Clock, work: Work, client: Any, ann: Patient, moment: str, goes: bool
) -> None:
    clock.move_to("2027-03-23T12:00:00+08:00")
    plan_and_send(work)

    back_at(clock, work, moment)

    last = "visit.m1@2027-03-25:-1d"
    assert (last in sent(db, "visit.m1@")) is goes
    assert became_of(db, last) == (("delivered", None) if goes else ("suppressed", "expired"))
    assert missed(client).get("visit_reminder", 0) == (0 if goes else 1)


@pytest.mark.parametrize(
    ("moment", "goes"), [("2027-03-21T20:59:59+08:00", True), ("2027-03-22T00:00:00+08:00", False)]
)
def test_what_is_said_of_the_second_infusion_day_expires_with_its_end(
    db: Database, clock: Clock, work: Work, client: Any, ann: Patient, moment: str, goes: bool
) -> None:
    with_an_infusion(db, ann)
    clock.move_to("2027-03-20T12:00:00+08:00")
    plan_and_send(work)

    back_at(clock, work, moment)

    assert sent(db, "cycle-1.day-2@") == (["cycle-1.day-2@2027-03-21:-1d"] if goes else [])
    assert missed(client).get("infusion_reminder", 0) == (0 if goes else 1)


def test_a_survival_check_never_expires_and_of_a_years_checks_the_newest_is_asked(
    db: Database, clock: Clock, work: Work, client: Any, ann: Patient
) -> None:
    clock.move_to("2027-05-24T12:00:00+08:00")

    back_at(clock, work, "2028-06-01T12:00:00+08:00")

    assert sent(db, "survival.") == ["survival.m15@2028-05-25:3d"]
    assert "survival_check" not in missed(client)


def test_a_call_to_an_emergency_never_expires_and_rings_once_after_the_outage(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    lin = staff(work)
    on_call(work, lin, hours=24 * 5)
    text = ReceivedText("an emergency", people.ANNS_PHONE, "", "I am bleeding")
    assert receive(db, text)
    work.understand()

    clock.move_to("2027-03-04T08:00:00+08:00")
    for _ in range(2):
        work.escalate()
        two_workers_start(work)

    assert len(lin.phone.received) == 1

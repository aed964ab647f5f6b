"""A temperature sent by itself is heard as a report is: after an infusion it rings."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

import notifications
from backend import clock as the_clock
from backend.agenda import changes
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.terms import Recipient
from notifications.channels.simulator import Simulator
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
FIRST_DAY = datetime.fromisoformat("2027-03-13T09:00:00+08:00")


def expected(db: Database, patient: Patient) -> None:
    """Two days of an infusion are confirmed."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)


def infused(db: Database, patient: Patient) -> None:
    """The first of the two was given."""
    expected(db, patient)
    the_clock.move_to(FIRST_DAY)
    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, txn.session.get_one(Patient, patient.id), 1, 1, FIRST_DAY)


def filed(db: Database) -> list[tuple[str, str, str | None, float]]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(SymptomReport).order_by(SymptomReport.received_at)).all()
        return [(one.instrument, one.mode, one.tier, one.measurements["temperature_c"]) for one in rows]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_temperature_that_nobody_asked_for_is_judged_like_any_other(db: Database, clock: Clock, work: Work) -> None:
    # No questionnaire is asked by text.
    ann, _ben = people.ann(db, channels=("in_app",)), people.ben(db, channels=("in_app",))
    hers, his = Phone(work, people.ANNS_PHONE), Phone(work, people.BENS_PHONE)
    infused(db, ann)
    said = []
    for minute, (phone, text) in enumerate(((hers, "体温38.4"), (his, "38,4"), (his, "36.8"), (his, "380"))):
        the_clock.move_to(FIRST_DAY.replace(hour=15, minute=minute))
        said += phone.writes(text)

    assert said[0].startswith("This may be an emergency. Call 120 now")
    assert ["有人看" in said[1], "收到" in said[2], "有人看" in said[3]] == [True] * 3
    assert filed(db) == [
        ("ad_hoc", "sms", "T1", 38.4),
        ("ad_hoc", "sms", "T2", 38.4),
        ("ad_hoc", "sms", None, 36.8),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_temperature_answers_the_questionnaire_that_asks_for_it_also_behind_a_newer_reminder(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    expected(db, ann)
    clock.move_to("2027-03-16T09:00:30+08:00")
    plan_and_send(work)
    clock.move_to("2027-03-16T09:45:30+08:00")
    work.see_to_surveys()
    work.dispatch()
    remind_of_a_visit(db, ann)
    clock.move_to("2027-03-16T10:20:30+08:00")
    work.see_to_surveys()
    work.dispatch()
    last = phone.received[-1]

    not_warm, fever = phone.writes("36.8"), phone.writes("39.2")

    assert "1 = coming" in last
    assert "danger signs" in not_warm[0]
    assert fever[0].startswith("This may be an emergency. Call 120 now")
    assert filed(db)[-1][2:] == ("T1", 39.2)


def remind_of_a_visit(db: Database, patient: Patient) -> None:
    with db.transaction(TEST) as txn:
        letter = notifications.Letter(
            key="visit.m1@2027-03-25:-1d", template="visit_reminder", recipient=Recipient.PATIENT, send_at=txn.now,
            patient_id=patient.id, site_id=patient.site_id, agenda_key="visit.m1", asks="visit",
            values={"date": "2027-03-25"},
        )  # fmt: skip
        notifications.queue(txn, letter)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_fever_that_was_written_before_its_question_left_rings_though_nobody_told_us_until_later(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    expected(db, ann)
    clock.move_to("2027-03-16T09:00:30+08:00")
    plan_and_send(work)
    clock.move_to("2027-03-16T09:05:30+08:00")
    simulator = work.channels["sms"]
    assert isinstance(simulator, Simulator)

    text = simulator.write_from(people.ANNS_PHONE, "39.2")
    notifications.receive(db, replace(text, written_at=the_clock.wall() - timedelta(minutes=10)))
    plan_and_send(work)

    assert filed(db) == [("ad_hoc", "sms", "T1", 39.2)]
    assert any(said.startswith("This may be an emergency. Call 120 now") for said in phone.received)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_1_is_no_temperature_and_answers_the_reminder_that_stands_beside_the_question(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    remind_of_a_visit(db, ann)
    work.dispatch()
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)
    last = phone.received[-1]

    coming, unreadable, card = phone.writes("1"), phone.writes("1"), phone.writes("36.8")

    assert "temperature" in last
    assert coming == ["Thank you, we have noted your answer. Take care."]
    assert unreadable[0].startswith("Sorry, we could not read that.")
    assert "danger signs" in card[0]

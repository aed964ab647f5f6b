"""Emergencies after an infusion: counted from the right day, whatever a phone's clock or the paperwork says."""

from datetime import date, datetime

import pytest

from backend.agenda import changes
from backend.db import Database
from backend.patients.models import Patient
from backend.reports.submit import Submission
from tests import people
from tests.conftest import Clock
from tests.reports.test_submit import TEST, candidates, submitted, weekly


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def given_an_infusion(db: Database, ann: Patient, clock: Clock) -> None:
    """Both days given on 7 and 8 March 2027."""
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 20))
        changes.confirm_cycle(txn, patient, 1)
    clock.move_to("2027-03-08T12:00:00+08:00")
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        for day in (1, 2):
            started = datetime.fromisoformat(f"2027-03-0{6 + day}T10:00:00+08:00")
            changes.start_infusion(txn, patient, 1, day, started)


def _signs(moment: str, sign: str) -> Submission:
    answers = ({"item": f"checklist.{sign}", "value": 1},)
    return weekly(moment, instrument="safety", answers=answers)


def test_fever_within_fourteen_days_of_the_actual_infusion_is_an_emergency_with_advice(
    db: Database, clock: Clock, ann: Patient
) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-03-22T22:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-22T21:00:00+08:00", measurements={"temperature_c": 38.0}))

    assert done.report.tier == "T1"
    assert done.report.advice[0]["phone"] == "120"
    assert candidates(db)["10016558"].due_at == datetime.fromisoformat("2027-03-22T22:30:00+08:00")


def test_the_same_fever_a_day_later_is_for_the_same_day(db: Database, clock: Clock, ann: Patient) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-03-23T22:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-23T21:00:00+08:00", measurements={"temperature_c": 38.0}))

    assert done.report.tier == "T2"


def test_two_of_three_signs_in_two_reports_a_week_apart_are_an_emergency(
    db: Database, clock: Clock, ann: Patient
) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-04-10T10:00:00+08:00")
    first = submitted(db, ann, _signs("2027-04-10T09:00:00+08:00", "new_rash"))
    clock.move_to("2027-04-17T10:00:00+08:00")

    second = submitted(db, ann, _signs("2027-04-17T09:00:00+08:00", "yellow_eyes"))

    assert (first.report.tier, second.report.tier) == ("T2", "T1")
    assert candidates(db)["10021428"].tier == "T1"


def confirmed_but_not_recorded(db: Database, ann: Patient) -> None:
    """Days confirmed for 7 and 8 March, and nobody has entered a start."""
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 20))
        changes.confirm_cycle(txn, patient, 1)


def test_a_fever_is_an_emergency_although_nobody_has_entered_the_infusion_yet(
    db: Database, clock: Clock, ann: Patient
) -> None:
    confirmed_but_not_recorded(db, ann)
    clock.move_to("2027-03-08T22:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-08T21:00:00+08:00", measurements={"temperature_c": 39.6}))

    assert done.report.tier == "T1"


def test_a_fever_before_the_confirmed_day_is_not_counted_from_it(db: Database, clock: Clock, ann: Patient) -> None:
    confirmed_but_not_recorded(db, ann)
    clock.move_to("2027-03-06T22:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-06T21:00:00+08:00", measurements={"temperature_c": 39.6}))

    assert done.report.tier == "T2"


def test_a_phone_whose_clock_is_weeks_slow_does_not_hide_an_emergency(db: Database, clock: Clock, ann: Patient) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-03-09T10:00:00+08:00")

    done = submitted(db, ann, weekly("2027-02-01T09:00:00+08:00", measurements={"temperature_c": 38.6}))

    assert done.report.tier == "T1"


def test_a_report_that_staff_date_in_the_past_is_counted_from_its_own_day(
    db: Database, clock: Clock, ann: Patient
) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-03-09T10:00:00+08:00")
    old = weekly("2027-03-01T09:00:00+08:00", mode="paper", respondent="staff", measurements={"temperature_c": 38.6})

    assert submitted(db, ann, old).report.tier == "T2"


def test_a_phone_whose_clock_runs_ahead_does_not_hide_two_signs_of_three(
    db: Database, clock: Clock, ann: Patient
) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-04-10T10:00:00+08:00")
    submitted(db, ann, _signs("2027-04-20T09:00:00+08:00", "diarrhea"))
    clock.move_to("2027-04-12T10:00:00+08:00")

    assert submitted(db, ann, _signs("2027-04-22T09:00:00+08:00", "new_rash")).report.tier == "T1"


def test_two_signs_of_three_are_seen_although_the_earlier_report_arrives_last(
    db: Database, clock: Clock, ann: Patient
) -> None:
    given_an_infusion(db, ann, clock)
    clock.move_to("2027-04-20T10:00:00+08:00")
    submitted(db, ann, _signs("2027-04-20T09:00:00+08:00", "diarrhea"))

    assert submitted(db, ann, _signs("2027-04-18T09:00:00+08:00", "new_rash")).report.tier == "T1"

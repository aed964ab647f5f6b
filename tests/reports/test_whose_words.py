"""Caregivers' answers: kept, alerted on, drawn apart, and never counted as what the patient said."""

from datetime import date

import pytest
from sqlalchemy import select

from backend.db import Actor, Database, system
from backend.patients import life
from backend.patients.caregivers import CaregiverForm, caregivers_of
from backend.patients.models import EvidenceOfLife, Patient
from backend.reports.submit import submit_report
from backend.terms import Originator
from tests import people
from tests.conftest import Clock
from tests.databases import KINDS
from tests.people import coordinator, phone_of
from tests.reports.test_submit import candidates, submitted, weekly
from tests.sent import answers, report_body

API = "/api/v1"


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def said(db: Database, clock: Clock, ann: Patient, day: int, who: str, **changes: object) -> str:
    """The tier of what a report of that day in March raised, from this respondent."""
    clock.move_to(f"2027-03-{day:02}T10:00:00+08:00")
    report = weekly(f"2027-03-{day:02}T09:00:00+08:00", respondent=who, **changes)
    return submitted(db, ann, report).report.tier or "nothing"


def test_what_a_caregiver_said_does_not_hide_that_the_patient_feels_worse(
    db: Database, clock: Clock, ann: Patient
) -> None:
    said(db, clock, ann, 1, "patient", answers=({"item": "itching.severity", "value": 0},))
    said(db, clock, ann, 8, "caregiver", answers=({"item": "itching.severity", "value": 2},))

    worse = said(db, clock, ann, 15, "patient", answers=({"item": "itching.severity", "value": 2},))

    assert worse == "T3"


def test_what_a_caregiver_said_does_not_make_the_patient_look_worse(db: Database, clock: Clock, ann: Patient) -> None:
    presence = "rash.presence"
    said(db, clock, ann, 1, "patient", answers=({"item": presence, "value": 1},))
    said(db, clock, ann, 8, "caregiver", answers=({"item": presence, "value": 0},))

    same = said(db, clock, ann, 15, "patient", answers=({"item": presence, "value": 1},))

    assert same == "nothing"


def test_a_caregivers_answers_are_alerted_on_and_compared_with_all_there_is(
    db: Database, clock: Clock, ann: Patient
) -> None:
    said(db, clock, ann, 1, "patient", answers=({"item": "itching.severity", "value": 0},))

    worse = said(db, clock, ann, 8, "caregiver", answers=({"item": "itching.severity", "value": 2},))
    urgent = said(db, clock, ann, 9, "caregiver", instrument="safety", answers=(), measurements={"temperature_c": 38.6})

    assert (worse, urgent) == ("T3", "T2")
    assert "10016558" in candidates(db)


def test_weight_is_weight_whoever_read_the_scales(db: Database, clock: Clock, ann: Patient) -> None:
    said(db, clock, ann, 1, "caregiver", instrument="baseline", measurements={"weight_kg": 60.0})

    lost = said(db, clock, ann, 8, "patient", measurements={"weight_kg": 56.0})

    assert lost == "T3"


def test_whose_words_they_are_is_shown_wherever_reports_are(db: Database, client, ann: Patient) -> None:
    person, phone = coordinator(db), phone_of(db, ann)
    body = report_body(respondent="caregiver", answers=answers(checklist__dark_urine=1))
    client.post(f"{API}/me/reports", json=body, headers=phone.headers)

    listed = client.get(f"{API}/patients/{ann.id}/reports", headers=person.headers).json["items"]
    queued = client.get(f"{API}/candidate-events", headers=person.headers).json["items"][0]["id"]
    found = client.get(f"{API}/candidate-events/{queued}", headers=person.headers).json["findings"]
    own = client.get(f"{API}/me/reports", headers=phone.headers).json["items"]

    assert [one["respondent"] for one in (listed[0], found[0]["report"], own[0])] == ["caregiver"] * 3


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
@pytest.mark.parametrize(("may_confirm", "shown_by"), [(False, "visit"), (True, "caregiver")])
def test_a_relatives_report_shows_a_life_only_where_the_patient_named_somebody_who_may_say_so(
    db: Database, clock: Clock, may_confirm: bool, shown_by: str
) -> None:
    sister = CaregiverForm(name="Li", phone="13800138077", relation="sister", may_confirm_survival=may_confirm)
    patient = people.ann(db, caregivers=(sister,))

    tier = said(
        db, clock, patient, 9, "caregiver", instrument="safety", answers=(), measurements={"temperature_c": 38.6}
    )

    with db.reading(system("test")) as txn:
        newest = select(EvidenceOfLife.source).order_by(EvidenceOfLife.as_of.desc(), EvidenceOfLife.recorded_at.desc())
        assert txn.session.scalars(newest).first() == shown_by
    assert tier == "T2"
    assert "10016558" in candidates(db)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_a_relative_whom_nobody_named_is_heard_on_the_patients_phone_and_shows_no_life(
    db: Database, client, ann: Patient
) -> None:
    phone = phone_of(db, ann)
    body = report_body(respondent="caregiver", answers=answers(checklist__dark_urine=1))

    sent = client.post(f"{API}/me/reports", json=body, headers=phone.headers)

    assert (sent.status_code, sent.json["tier"]) == (201, "T2")
    with db.reading(system("test")) as txn:
        assert life.last_known_alive(txn, ann) == date(2027, 2, 25)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_what_one_relative_may_say_another_may_not(db: Database) -> None:
    sister = CaregiverForm(name="Li", phone="13800138077", relation="sister", may_confirm_survival=True)
    son = CaregiverForm(name="Bo", phone="13800138078", relation="son", may_report=True)
    patient = people.ann(db, caregivers=(sister, son))

    known = []
    for may_confirm in (False, True):
        with db.transaction(system("test")) as txn:
            row = txn.session.get_one(Patient, patient.id)
            writer = next(one for one in caregivers_of(txn, row) if one.may_confirm_survival is may_confirm)
            by_text = txn.acting_as(Actor(Originator.PROXY, id=writer.id))
            submit_report(by_text, row, weekly("2027-03-01T07:30:00+08:00", respondent="caregiver", mode="sms"))
            known.append(life.last_known_alive(txn, row))

    assert known == [date(2027, 2, 25), date(2027, 3, 1)]

"""Caregivers' answers: kept, alerted on, drawn apart, and never counted as what the patient said."""

import pytest

from backend.db import Database
from backend.patients.models import Patient
from tests import people
from tests.conftest import Clock
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

"""The five journeys of the product, over HTTP and by the contract, on both databases, with a clock that moves.

A coordinator enrols a patient · the patient activates a phone and reports · the report opens candidates in the
queue · reminders for visits and the two infusion days arrive and are answered · the patient confirms being alive.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from backend.app import create_app
from backend.config import Mode, Settings
from backend.db import Database
from tests import people

API = "/api/v1"
PHONE = people.ANNS_PHONE


class Visitor:
    """Speaks HTTP in one person's name."""

    def __init__(self, client: Any, headers: dict[str, str] | None = None) -> None:
        self.client, self.headers = client, headers or {}

    def get(self, path: str) -> Any:
        answer = self.client.get(path, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def send(self, method: str, path: str, body: Any, expected: int) -> Any:
        answer = self.client.open(path, method=method, json=body, headers=self.headers)
        assert answer.status_code == expected, answer.text
        return answer.json


@pytest.fixture
def visitor(settings: Settings, db: Database) -> Visitor:
    app = create_app(replace(settings, mode=Mode.DEMO), db)
    return Visitor(app.test_client())


def texts_on(visitor: Visitor) -> list[str]:
    messages = visitor.get(f"/demo/phones/{PHONE}")["messages"]
    return [message["text"] for message in messages if message["direction"] == "outbound"]


def report(**changes: Any) -> dict[str, Any]:
    body = {
        "id": str(uuid4()),
        "instrument": "ad_hoc",
        "instrument_version": 1,
        "language": "en",
        "respondent": "patient",
        "mode": "app",
        "started_at": "2027-03-01T07:50:00+08:00",
        "completed_at": "2027-03-01T07:55:00+08:00",
        "answers": [{"item": "checklist.vomited_blood", "value": 1}, {"item": "nausea.frequency", "value": 4}],
        "measurements": {"temperature_c": 38.4},
        "other_symptoms": [{"text": "手抖", "severity": 2}],
        "wants_call": False,
    }
    return body | changes


def test_the_five_journeys(db: Database, visitor: Visitor) -> None:
    patient_id, ann = a_patient_is_enrolled_and_activates_a_phone(db, visitor)
    the_patient_reports_and_the_coordinator_takes_note(db, visitor, ann)
    both_infusion_days_are_told_and_answered(db, visitor, ann, patient_id)
    the_visit_is_told_and_another_day_is_asked_for(db, visitor, patient_id)
    the_patient_confirms_being_alive_and_is_not_asked_again(visitor, ann)


def coordinator_of(db: Database, visitor: Visitor) -> Visitor:
    """Signed in anew: a session does not outlive the journey's pauses."""
    return Visitor(visitor.client, people.coordinator(db).headers)


def a_patient_is_enrolled_and_activates_a_phone(db: Database, visitor: Visitor) -> tuple[str, Visitor]:
    coordinator = coordinator_of(db, visitor)
    patient = coordinator.send("POST", f"{API}/patients", people.enrolment_body(), 201)
    code = coordinator.send("POST", f"{API}/patients/{patient['id']}/activation-codes", None, 201)
    assert code["qr_svg"].startswith("<svg")
    activation = {"code": code["code"], "birth_year": 1961, "device_id": "a phone of Ann's"}
    tokens = visitor.send("POST", f"{API}/auth/activations", activation, 201)
    assert tokens["patient"] == {"id": patient["id"], "subject_number": patient["subject_number"]}
    return patient["id"], Visitor(visitor.client, people.bearer(tokens["access_token"]))


def the_patient_reports_and_the_coordinator_takes_note(db: Database, visitor: Visitor, ann: Visitor) -> None:
    """The answer says at once what to do, the same report again changes nothing, and the queue has it."""
    sent = report()
    answer = ann.send("POST", f"{API}/me/reports", sent, 201)
    assert (answer["tier"], answer["candidate_event_ids"]) == ("T1", [])
    assert answer["advice"][0]["phone"] == ann.get(f"{API}/me")["emergency_phone"]
    assert ann.send("POST", f"{API}/me/reports", sent, 200) == answer

    coordinator = coordinator_of(db, visitor)
    queue = coordinator.get(f"{API}/candidate-events?site=site-01")["items"]
    assert [one["tier"] for one in queue] == sorted(one["tier"] for one in queue)
    assert {(one["term"] or {}).get("name") for one in queue} >= {"Upper gastrointestinal hemorrhage", "Fever", None}
    first = coordinator.send("POST", f"{API}/candidate-events/{queue[0]['id']}/acknowledgements", {}, 201)
    assert first["status"] == "acknowledged"
    assert ann.get(f"{API}/me/reports/{sent['id']}")["progress"]["state"] == "seen"


def both_infusion_days_are_told_and_answered(db: Database, visitor: Visitor, ann: Visitor, patient_id: str) -> None:
    """Planned days are nobody's business but the site's; confirmed ones are told, and reminders come at their hour."""
    coordinator, cycles = coordinator_of(db, visitor), f"{API}/patients/{patient_id}/cycles"
    coordinator.send("POST", cycles, {"number": 1, "donor_collection_on": "2027-02-26"}, 201)
    assert not infusions_seen_by(ann)
    coordinator.send("PATCH", f"{cycles}/1", {"status": "confirmed"}, 200)
    visitor.send("POST", "/demo/clock", {"to": "2027-03-12T20:00:00+08:00"}, 200)
    told = [text for text in texts_on(visitor) if "hospital" in text]
    assert len(told) == 3, "the confirmation, two days before, one day before"
    visitor.send("POST", f"/demo/phones/{PHONE}", {"text": "1"}, 201)
    assert infusions_seen_by(ann) == [
        ("cycle-1.day-1", "coming", "confirmed"),
        ("cycle-1.day-2", "coming", "confirmed"),
    ]

    visitor.send("POST", "/demo/clock", {"to": "2027-03-14T12:00:00+08:00"}, 200)
    for day, hour in ((1, "2027-03-13T09:00:00+08:00"), (2, "2027-03-14T09:30:00+08:00")):
        coordinator.send("POST", f"{cycles}/1/infusions", {"day": day, "started_at": hour}, 201)


def the_visit_is_told_and_another_day_is_asked_for(db: Database, visitor: Visitor, patient_id: str) -> None:
    visitor.send("POST", "/demo/clock", {"to": "2027-03-24T12:00:00+08:00"}, 200)
    assert len([text for text in texts_on(visitor) if "Your visit is on Thu 25 March" in text]) == 2
    visitor.send("POST", f"/demo/phones/{PHONE}", {"text": "2"}, 201)
    tasks = coordinator_of(db, visitor).get(f"{API}/worklist?site=site-01&reason=change_requested")["items"]
    assert [(task["reason"], task["patient"]["id"]) for task in tasks] == [("change_requested", patient_id)]


def the_patient_confirms_being_alive_and_is_not_asked_again(visitor: Visitor, ann: Visitor) -> None:
    visitor.send("POST", "/demo/clock", {"to": "2027-05-25T12:00:00+08:00"}, 200)
    assert len([text for text in texts_on(visitor) if "1 = well" in text]) == 1
    alive = {"status": "alive", "respondent": "patient", "as_of": "2027-05-25", "key": "survival.m3"}
    ann.send("POST", f"{API}/me/survival-confirmations", alive, 201)
    states = {item["key"]: item["state"] for item in ann.get(f"{API}/me/agenda")["items"]}
    assert states["survival.m3"] == "completed"
    visitor.send("POST", "/demo/clock", {"by": "10d"}, 200)
    assert len([text for text in texts_on(visitor) if "1 = well" in text]) == 1


def infusions_seen_by(ann: Visitor) -> list[tuple[str, str | None, str]]:
    items = ann.get(f"{API}/me/agenda")["items"]
    return [(item["key"], item["reply"], item["state"]) for item in items if item["kind"] == "infusion"]

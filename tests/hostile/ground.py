"""One of everything at site-01, so that every address in the corpus leads to something."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from backend.api.permissions import Who
from backend.db import Database, system
from backend.patients.models import Patient
from backend.terms import Role
from backend.triage.models import CandidateEvent
from notifications.inbound import ReceivedText, receive
from tests.adverse_events.sent import in_control, judged
from tests.people import Person, member
from tests.sent import answers, report_body
from tests.waiting import a_confirmed_cycle_and_a_death_report, a_task


def ids_of(app: Any, db: Database, patient: Patient, people: dict[Any, Person]) -> dict[str, str]:
    """By the name that addresses give it, the id of each."""
    report = report_body(answers=answers(checklist__black_or_bloody_stool=1))
    taken = app.test_client().post("/api/v1/me/reports", json=report, headers=people[Who.PATIENT].headers)
    assert taken.status_code == 201, taken.json
    wrong = {"id": str(uuid4()), "of_version": 1, "instrument_version": 1, "respondent": "patient", "mode": "app"}
    wrong |= {"answers": answers(checklist__black_or_bloody_stool=0), "reason": "The wrong button."}
    path = f"/api/v1/me/reports/{report['id']}/corrections"
    corrected = app.test_client().post(path, json=wrong, headers=people[Who.PATIENT].headers)
    with db.reading(system("test")) as txn:
        candidate = txn.session.scalars(select(CandidateEvent.id)).first()
    ids = {
        "patient_id": patient.id,
        "report_id": report["id"],
        "candidate_id": candidate,
        "correction_id": corrected.json["id"],
        "inbound_id": receive(db, ReceivedText("provider-1", "+8613800138009", "", "who is this?")),
        "item_id": a_task(db, patient),
        "death_report_id": a_confirmed_cycle_and_a_death_report(db, patient),
        "event_id": _an_event(app, db, patient),
        "staff_id": member(db, Role.MONITOR, "site-01").id,
    }
    plain = {"site": "site-01", "key": "visit.m1", "number": "1", "name": "core"}
    return {name: str(value) for name, value in ids.items()} | plain


def _an_event(app: Any, db: Database, patient: Patient) -> str:
    """An adverse event of the patient, which a coordinator has entered."""
    path = f"/api/v1/patients/{patient.id}/adverse-events"
    body = (judged if patient.arm == "nk" else in_control)(source="visit")
    entered = app.test_client().post(path, json=body, headers=member(db, Role.COORDINATOR, "site-01").headers)
    assert entered.status_code == 201, entered.json
    return str(entered.json["id"])

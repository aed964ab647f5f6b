"""Who referred a patient: sealed, changed with the record, last on the call list, and forgotten with the rest."""

from typing import Any

import pytest
from sqlalchemy import select, text

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.forgetting import forget
from backend.patients.models import Patient
from backend.patients.physicians import physician_of
from backend.terms import ForgettingReason
from tests.databases import KINDS
from tests.people import Person, coordinator, enrolment_body, monitor

API = "/api/v1/patients"
REFERRED_BY = {"name": "Doctor Hua Tuo", "phone": "010-6552 9999"}
HUA_TUO = {"name": "Doctor Hua Tuo", "phone": "+861065529999"}


class Desk:
    """A coordinator who enrols and corrects."""

    def __init__(self, db: Database, client: Any) -> None:
        self.db, self.client, self.person = db, client, coordinator(db)

    def enrol(self, status: int = 201, **changes: Any) -> Any:
        body = enrolment_body(referring_physician=REFERRED_BY) | changes
        answer = self.client.post(API, json=body, headers=self.person.headers)
        assert answer.status_code == status, answer.json
        return answer.json

    def read(self, patient_id: str, who: Person | None = None) -> Any:
        return self.client.get(f"{API}/{patient_id}", headers=(who or self.person).headers)

    def change(self, patient_id: str, status: int = 200, **changes: Any) -> Any:
        headers = self.person.headers | {"If-Match": self.read(patient_id).headers["ETag"]}
        answer = self.client.patch(f"{API}/{patient_id}", json=changes, headers=headers)
        assert answer.status_code == status, answer.json
        return answer.json


@pytest.fixture
def desk(db: Database, client: Any) -> Desk:
    return Desk(db, client)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_the_physician_is_kept_sealed_changed_with_the_record_and_on_the_trail(desk: Desk) -> None:
    patient_id = desk.enrol()["id"]
    assert desk.read(patient_id).json["referring_physician"] == HUA_TUO
    assert "referring_physician" not in desk.read(patient_id, monitor(desk.db)).json

    assert desk.change(patient_id, language="zh-CN")["referring_physician"] == HUA_TUO
    other = desk.change(patient_id, referring_physician={"name": "Doctor Zhang", "phone": None})
    assert other["referring_physician"] == {"name": "Doctor Zhang", "phone": None}
    assert desk.change(patient_id, referring_physician=None)["referring_physician"] is None

    with desk.db.reading(system("test")) as txn:
        of_them = select(AuditEvent).where(AuditEvent.field.startswith("physician_")).order_by(AuditEvent.id)
        entries = txn.session.scalars(of_them).all()
        assert [(one.verb, one.field) for one in entries] == [
            ("patient.enrolled", "physician_name_sealed"),
            ("patient.enrolled", "physician_phone_sealed"),
            ("patient.changed", "physician_name_sealed"),
            ("patient.changed", "physician_phone_sealed"),
            ("patient.changed", "physician_name_sealed"),
        ]
        assert not any("Hua" in f"{one.old}{one.new}" or "6552" in f"{one.old}{one.new}" for one in entries)
        everything = txn.session.execute(text("SELECT * FROM patient")).all()
        assert "Hua" not in str(everything)
        assert "Zhang" not in str(everything)


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_a_number_that_nobody_can_call_is_named_and_keeps_nothing(desk: Desk) -> None:
    wrong = {"name": "Doctor Hua Tuo", "phone": "12"}
    assert list(desk.enrol(422, referring_physician=wrong, phone="13")["errors"]) == [
        "phone",
        "referring_physician.phone",
    ]
    assert list(desk.enrol(422, referring_physician={"phone": "010-6552 9999"})["errors"]) == [
        "referring_physician.name"
    ]
    patient_id = desk.enrol()["id"]
    assert list(desk.change(patient_id, 422, referring_physician=wrong)["errors"]) == ["referring_physician.phone"]
    assert desk.read(patient_id).json["referring_physician"] == HUA_TUO


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_the_physician_is_the_last_to_be_telephoned_and_is_forgotten_with_the_patient(desk, clock, work) -> None:
    patient_id = desk.enrol()["id"]
    clock.move_to("2027-06-02T10:00:00+08:00")
    work.call()
    desk.person = coordinator(desk.db)
    (task,) = desk.client.get("/api/v1/survival/worklist", headers=desk.person.headers).json["items"]

    called = [(one["person"], one["phone"], one["is_right"]) for one in task["follow_up"]["numbers"]]
    assert called == [("patient", "+8613800138000", True), ("physician", HUA_TUO["phone"], True)]
    body = {"channel": "phone", "person": "physician", "outcome": "wrong_number"}
    desk.client.post(f"{API}/{patient_id}/contact-attempts", json=body, headers=desk.person.headers)
    (task,) = desk.client.get("/api/v1/survival/worklist", headers=desk.person.headers).json["items"]
    assert task["follow_up"]["numbers"][-1]["is_right"] is False
    left = {"from": "study", "reason": "Tired.", "on": "2027-06-02", "records_search_allowed": False}
    desk.client.post(f"{API}/{patient_id}/withdrawals", json=left, headers=desk.person.headers)
    with desk.db.transaction(system("test")) as txn:
        patient = txn.session.scalars(select(Patient)).one()
        assert physician_of(txn, patient) is not None
        forget(txn, patient, ForgettingReason.RETENTION_ENDED)
        assert physician_of(txn, patient) is None

"""How a site has questionnaires asked by text, and what staff read of how a report was asked. Over HTTP."""

import pytest
from sqlalchemy import select

from backend.conversation_terms import ConversationStatus
from backend.conversations import drafts, filing
from backend.db import Database, system
from backend.patients.models import Patient
from tests import people

API = "/api/v1"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_administrator_chooses_how_a_site_asks_by_text_and_nobody_chooses_what_there_is_not(client, db) -> None:
    administrator = people.administrator(db).headers
    address = f"{API}/sites/site-01"

    before = client.get(address, headers=administrator).json["text_surveys"]
    changed = client.patch(address, json={"text_surveys": "short"}, headers=administrator)
    refused = client.patch(address, json={"text_surveys": "long"}, headers=administrator)

    assert (before, changed.status_code, changed.json["text_surveys"]) == ("full", 200, "short")
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["text_surveys"])


def test_staff_read_how_a_report_was_asked_and_the_patient_reads_the_answers_alone(client, db: Database) -> None:
    ann, coordinator = people.ann(db), people.coordinator(db)
    report_id = of_two_answers(db, ann)

    by_staff = client.get(f"{API}/patients/{ann.id}/reports/{report_id}", headers=coordinator.headers)
    by_ann = client.get(f"{API}/me/reports/{report_id}", headers=people.phone_of(db, ann).headers)

    assert by_staff.status_code == by_ann.status_code == 200
    assert (by_staff.json["mode"], by_staff.json["measurements"]) == ("sms", {"temperature_c": 36.8})
    assert by_staff.json["caveats"] == ["mode_not_validated", "signs_asked_as_one"]
    assert by_staff.json["provenance"]["card.any_sign"]["value"] == "0"
    assert by_staff.json["provenance"]["checklist.chills"]["channel"] == "sms"
    assert {"caveats", "provenance"}.isdisjoint(by_ann.json)


def of_two_answers(db: Database, ann: Patient) -> str:
    with db.transaction(system("test")) as txn:
        patient = txn.session.scalars(select(Patient).where(Patient.id == ann.id)).one()
        survey = drafts.open_conversation(
            txn,
            patient,
            drafts.Opening(
                instrument="safety",
                version=1,
                agenda_key=None,
                extent="full",
                language="en",
                closes_at=None,
            ),
        )
        for item, value in (("temperature_c", 36.8), ("card.any_sign", 0)):
            drafts.record_answer(txn, survey, item, value, channel="sms", at=txn.now)
        return str(filing.file(txn, survey, status=ConversationStatus.COMPLETED).report.id)

"""Letters: what a person of the team writes to a patient or answers to a text, as it arrives on the telephone."""

from datetime import date
from uuid import uuid4

import pytest

from backend.db import system
from backend.jobs import Work
from backend.patients import contact
from backend.patients.models import Patient
from backend.terms import PatientStatus
from tests.people import BENS_PHONE, ann, ben, coordinator, monitor, phone_of
from tests.phone import Phone

API = "/api/v1"
STRANGER = "+8613800138099"


def wrote(work: Work, number: str, text: str, client, person) -> str:
    """A text from this number, as it stands in the inbox."""
    Phone(work, number).writes(text)
    return client.get(f"{API}/inbox", headers=person.headers).json["items"][-1]["id"]


def saying(work: Work, number: str, words: str) -> list[str]:
    return [text for text in Phone(work, number).received if words in text]


def letter_to(client, person, patient, text="Please bring your card tomorrow.", **more):
    return client.post(f"{API}/patients/{patient.id}/messages", json={"text": text, **more}, headers=person.headers)


def answer_to(client, person, inbound, text="Thank you, we will call you.", **more):
    return client.post(f"{API}/inbox/{inbound}/replies", json={"text": text, **more}, headers=person.headers)


def test_a_letter_reaches_a_patient_by_text_once_however_often_it_is_sent(db, client, work):
    patient, person = ben(db, caregivers=()), coordinator(db)
    name = str(uuid4())

    first = letter_to(client, person, patient, id=name)
    again = letter_to(client, person, patient, id=name)
    other = letter_to(client, person, patient, "Please come at nine.", id=name)
    work.dispatch()

    assert (first.status_code, first.json["recipient"], first.json["status"]) == (201, "patient", "queued")
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert (other.status_code, other.json["code"]) == (409, "already_exists")
    assert ["Please bring your card tomorrow." in text for text in Phone(work, BENS_PHONE).received] == [True]


def test_a_letter_stands_in_the_app_of_who_uses_it(db, client, work):
    patient, person = ann(db, channels=("in_app",)), coordinator(db)

    made = letter_to(client, person, patient, "Your blood pressure diary, please.")
    work.dispatch()

    shown = client.get(f"{API}/me/messages", headers=phone_of(db, patient).headers).json["items"]
    assert made.status_code == 201
    assert (shown[0]["channel"], "diary" in shown[0]["text"]) == ("in_app", True)


@pytest.mark.parametrize("status", [PatientStatus.DIED, PatientStatus.WITHDRAWN, "held", "stopped"])
def test_whoever_may_not_or_cannot_be_written_to_is_not(db, client, work, status):
    patient, person = ben(db, caregivers=()), coordinator(db)
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        if status == "held":
            contact.hold(txn, row, "death_reported")
        elif status == PatientStatus.WITHDRAWN:
            row.status, row.withdrawn_from_study_on = status, date(2027, 3, 1)
        elif status == PatientStatus.DIED:
            row.status, row.died_on = status, "2027-03-01"
    if status == "stopped":
        Phone(work, BENS_PHONE).writes("STOP")

    refused = letter_to(client, person, patient)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")


def test_words_that_anybody_may_see_on_a_screen_name_no_illness(db, client, work):
    patient, person = ben(db, caregivers=()), coordinator(db)
    texted = wrote(work, BENS_PHONE, "what about the second bottle", client, person)
    unknown = wrote(work, STRANGER, "hello who is this please", client, person)

    refused = [
        letter_to(client, person, patient, "About your liver cancer: call us."),
        answer_to(client, person, texted, "It is about your liver cancer."),
        answer_to(client, person, unknown, "It is about a liver cancer."),
    ]

    assert [(one.status_code, list(one.json["errors"])) for one in refused] == [(422, ["text"])] * 3


def test_a_text_is_answered_where_it_came_from_and_stays_in_the_inbox(db, client, work):
    patient, person = ben(db), coordinator(db)
    relative = {"name": "Wu Lei", "phone": "+8613800138055", "relation": "son", "may_report": True}
    named = {**relative, "may_confirm_survival": True}
    client.post(f"{API}/patients/{patient.id}/caregivers", json=named, headers=person.headers)
    texted = wrote(work, "+8613800138055", "he sleeps a lot since yesterday", client, person)

    made = answer_to(client, person, texted)
    work.dispatch()

    assert (made.status_code, made.json["recipient"]) == (201, "caregiver")
    assert saying(work, "+8613800138055", "Thank you, we will call you.")
    assert not saying(work, BENS_PHONE, "Thank you")
    assert len(client.get(f"{API}/inbox", headers=person.headers).json["items"]) == 1
    assert not [
        line
        for line in client.get(f"{API}/me/messages", headers=phone_of(db, patient).headers).json["items"]
        if "Thank you" in line["text"]
    ]


def test_a_stranger_is_answered_in_the_language_of_the_text_and_learns_nobodys_name(db, client, work):
    ann(db)
    person = coordinator(db)
    unknown = wrote(work, STRANGER, "你们是谁", client, person)

    made = answer_to(client, person, unknown, "请致电医院。")
    work.dispatch()

    assert (made.status_code, made.json["recipient"]) == (201, "writer")
    assert ["您的医院团队" in text for text in saying(work, STRANGER, "请致电医院。")] == [True]


def test_a_number_that_is_the_patients_no_longer_is_not_answered(db, client, work):
    patient, person = ben(db, caregivers=()), coordinator(db)
    texted = wrote(work, BENS_PHONE, "what about the second bottle", client, person)
    record = client.get(f"{API}/patients/{patient.id}", headers=person.headers)
    client.patch(
        f"{API}/patients/{patient.id}",
        json={"phone": "+8613800138066", "reason": "A new number."},
        headers={**person.headers, "If-Match": record.headers["ETag"]},
    )

    assert answer_to(client, person, texted).status_code == 409


def test_who_may_write_and_to_whom(db, client, work):
    patient, person = ben(db, caregivers=()), coordinator(db)
    foreign = coordinator(db, "site-02")
    texted = wrote(work, BENS_PHONE, "what about the second bottle", client, person)

    assert letter_to(client, foreign, patient).status_code == 404
    assert answer_to(client, foreign, texted).status_code == 404
    assert letter_to(client, monitor(db), patient).status_code == 403
    assert letter_to(client, person, patient, "   ").status_code == 422

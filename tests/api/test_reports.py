"""Reports over HTTP: answered at once, the same again, followed until decided, and nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.symptom_report import SymptomReport
from tests.authenticator import in_force, sign_in
from tests.people import ann, ben, coordinator, enrolment_body, investigator, monitor, phone_of
from tests.sent import answers, report_body, staff_report_body

API = "/api/v1"
MINE = f"{API}/me/reports"


def count(db: Database) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.count()).select_from(SymptomReport))


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def phone(db, patient):
    return phone_of(db, patient)


def test_the_whole_way_from_enrolment_to_a_person_who_has_seen_it(db, client):
    person = coordinator(db)
    signed_in = sign_in(client, person, in_force(db, person).code())
    staff = {"Authorization": f"Bearer {signed_in.json['access_token']}"}
    made = client.post(f"{API}/patients", json=enrolment_body(), headers=staff)
    code = client.post(f"{API}/patients/{made.json['id']}/activation-codes", headers=staff)
    activated = client.post(f"{API}/auth/activations", json={"code": code.json["code"], "birth_year": 1961})
    phone = {"Authorization": f"Bearer {activated.json['access_token']}"}

    sent = client.post(MINE, json=report_body(answers=answers(checklist__seizure=1)), headers=phone)
    queue = client.get(f"{API}/candidate-events", headers=staff)
    candidate = queue.json["items"][0]
    taken = client.post(f"{API}/candidate-events/{candidate['id']}/acknowledgements", json={}, headers=staff)
    read = client.get(f"{MINE}/{sent.json['id']}", headers=phone)

    assert (sent.status_code, sent.json["tier"], sent.json["candidate_event_ids"]) == (201, "T1", [])
    assert sent.json["advice"][0]["phone"] in sent.json["advice"][0]["text"]
    assert candidate["patient"] == {"id": made.json["id"], "subject_number": "01-0001", "site": "site-01"}
    assert (taken.status_code, taken.json["status"]) == (201, "acknowledged")
    assert read.json["progress"]["state"] == "seen"


def test_the_same_report_again_gives_the_stored_answer(db, client, clock, phone):
    body = report_body(answers=answers(checklist__seizure=1), measurements={"temperature_c": 38})

    first = client.post(MINE, json=body, headers=phone.headers)
    clock.move_to("2027-03-01T08:05:00+08:00")
    as_float = body | {"measurements": {"temperature_c": 38.0}, "completed_at": "2027-02-28T23:55:00Z"}
    again = client.post(MINE, json=body, headers=phone.headers)
    other = client.post(MINE, json=body | {"wants_call": True}, headers=phone.headers)
    elsewhere = client.post(MINE, json=as_float, headers=phone.headers)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json == first.json
    assert other.json["code"] == "report_id_taken"
    assert elsewhere.status_code == 200
    assert count(db) == 1


def test_a_report_that_arrives_several_times_at_once_is_kept_once(db, app, phone):
    body = report_body(answers=answers(checklist__seizure=1))

    def send(_):
        return app.test_client().post(MINE, json=body, headers=phone.headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(send, range(4)))

    assert statuses == [200, 200, 200, 201]
    assert count(db) == 1


def test_a_report_is_followed_from_received_to_seen(db, client, patient, phone):
    person = coordinator(db)
    quiet = client.post(MINE, json=report_body(), headers=phone.headers).json["id"]
    loud = client.post(MINE, json=report_body(answers=answers(checklist__fainted=1)), headers=phone.headers).json["id"]

    received = client.get(f"{MINE}/{loud}", headers=phone.headers).json["progress"]
    nothing = client.get(f"{MINE}/{quiet}", headers=phone.headers).json["progress"]
    candidate = client.get(f"{API}/candidate-events", headers=person.headers).json["items"][0]["id"]
    client.post(f"{API}/candidate-events/{candidate}/acknowledgements", headers=person.headers)
    seen = client.get(f"{MINE}/{loud}", headers=phone.headers).json["progress"]

    assert (received["state"], received["seen_at"], received["decided_at"]) == ("received", None, None)
    assert nothing["state"] == "received"
    assert nothing["text"] != received["text"]
    assert (seen["state"], seen["decided_at"]) == ("seen", None)
    assert seen["seen_at"] is not None


def test_own_reports_come_newest_first_and_page_by_page(db, client, clock, phone):
    sent = []
    for minute in range(5):
        clock.move_to(f"2027-03-01T08:0{minute}:00+08:00")
        sent.append(client.post(MINE, json=report_body(), headers=phone.headers).json["id"])

    listed, address = [], f"{MINE}?limit=2"
    while address:
        page = client.get(address, headers=phone.headers).json
        listed += [item["id"] for item in page["items"]]
        address = page["next_cursor"] and f"{MINE}?limit=2&cursor={page['next_cursor']}"

    assert listed == sent[::-1]


def test_a_report_is_read_back_with_its_three_states_and_the_phones_own_time(client, phone):
    body = report_body(
        instrument="core",
        answers=[*answers(nausea__frequency=0, fatigue__severity=2), {"item": "rash.presence", "value": None}],
        other_symptoms=[{"text": "手抖", "severity": 2}],
    )
    client.post(MINE, json=body, headers=phone.headers)

    read = client.get(f"{MINE}/{body['id']}", headers=phone.headers).json

    assert read["answers"]["nausea.frequency"] == 0
    assert read["answers"]["nausea.severity"] == "not_asked_by_branching"
    assert read["answers"]["rash.presence"] == "skipped"
    assert read["completed_at"] == "2027-03-01T07:55:00+08:00"
    assert read["other_symptoms"] == [{"text": "手抖", "severity": 2}]


def test_another_patients_report_is_as_unknown_as_one_that_never_was(db, client, phone):
    his = phone_of(db, ben(db))
    report = client.post(MINE, json=report_body(), headers=his.headers).json["id"]

    foreign = client.get(f"{MINE}/{report}", headers=phone.headers)
    unknown = client.get(f"{MINE}/{uuid4()}", headers=phone.headers)
    garbage = client.get(f"{MINE}/1", headers=phone.headers)

    assert (foreign.status_code, unknown.status_code, garbage.status_code) == (404, 404, 404)
    without_id = [{**answer.json, "request_id": ""} for answer in (foreign, unknown, garbage)]
    assert without_id[0] == without_id[1] == without_id[2]


def test_two_patients_may_use_one_id(db, client, phone):
    his = phone_of(db, ben(db))
    body = report_body()

    assert client.post(MINE, json=body, headers=phone.headers).status_code == 201
    assert client.post(MINE, json=body | {"wants_call": True}, headers=his.headers).status_code == 201


def test_a_coordinator_enters_a_report_and_hears_what_it_opened(db, client, patient):
    person = coordinator(db)
    address = f"{API}/patients/{patient.id}/reports"

    entered = client.post(address, json=staff_report_body(wants_call=True), headers=person.headers)
    listed = client.get(address, headers=person.headers)

    assert entered.status_code == 201
    queued = client.get(f"{API}/candidate-events", headers=person.headers).json["items"]
    assert entered.json["candidate_event_ids"] == [item["id"] for item in queued]
    assert listed.json["items"][0]["mode"] == "phone"
    with db.reading(system("test")) as txn:
        trace = txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "report.submitted")).one()
        assert (trace.originator, trace.role) == ("site_on_behalf", "coordinator")


def test_staff_must_say_why_and_use_their_own_ways(db, client, patient):
    person = coordinator(db)
    address = f"{API}/patients/{patient.id}/reports"

    silent = client.post(address, json=report_body(mode="phone"), headers=person.headers)
    as_app = client.post(address, json=staff_report_body(mode="app"), headers=person.headers)

    assert (silent.status_code, [*silent.json["errors"]]) == (422, ["on_behalf_reason"])
    assert (as_app.status_code, [*as_app.json["errors"]]) == (422, ["mode"])


def test_what_a_caregiver_answers_is_kept_as_a_proxys_word(db, client, patient, phone):
    client.post(MINE, json=report_body(respondent="caregiver"), headers=phone.headers)

    with db.reading(system("test")) as txn:
        trace = txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "report.submitted")).one()
        assert (trace.originator, trace.patient_id) == ("proxy", patient.id)


def test_own_words_are_for_those_who_care_and_their_reading_is_noted(db, client, patient, phone):
    person, watcher = investigator(db), monitor(db)
    body = report_body(other_symptoms=[{"text": "my daughter Li saw it"}])
    client.post(MINE, json=body, headers=phone.headers)
    address = f"{API}/patients/{patient.id}/reports/{body['id']}"

    cared = client.get(address, headers=person.headers)
    watched = client.get(address, headers=watcher.headers)

    assert cared.json["other_symptoms"][0]["text"] == "my daughter Li saw it"
    assert "other_symptoms" not in watched.json
    with db.reading(system("test")) as txn:
        noted = select(AuditEvent.actor_id).where(AuditEvent.verb == "patient.identifiers_read")
        assert list(txn.session.scalars(noted)) == [person.id]


def test_staff_and_patients_do_not_use_each_others_doors(db, client, patient, phone):
    person, stranger = coordinator(db), coordinator(db, "site-02")
    address = f"{API}/patients/{patient.id}/reports"

    assert client.post(MINE, json=report_body(), headers=person.headers).status_code == 403
    assert client.post(address, json=staff_report_body(), headers=phone.headers).status_code == 403
    assert client.post(address, json=staff_report_body(), headers=stranger.headers).status_code == 404
    assert client.get(address, headers=stranger.headers).status_code == 404
    assert count(db) == 0

"""Being alive and deaths over HTTP: a check closed, a death that silences everything, a mistake undone by a person."""

import pytest
from sqlalchemy import select

from backend.agenda.planning import replan
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.models import Patient
from backend.terms import MessageStatus
from notifications.models import Message
from tests.people import ann, ben, coordinator, investigator, monitor, phone_of
from tests.sent import confirmation_body, death_body

API = "/api/v1"
CONFIRMATIONS = f"{API}/me/survival-confirmations"


def unsent(db: Database, patient: Patient) -> list[str]:
    with db.reading(system("test")) as txn:
        waiting = select(Message.key).where(
            Message.patient_id == patient.id, Message.status.in_((MessageStatus.QUEUED, MessageStatus.CLAIMED))
        )
        return sorted(txn.session.scalars(waiting))


def plan(db: Database, patient: Patient) -> None:
    with db.transaction(system("planner")) as txn:
        replan(txn, txn.session.get_one(Patient, patient.id))


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def phone(db, patient):
    return phone_of(db, patient)


@pytest.fixture
def deaths(patient):
    return f"{API}/patients/{patient.id}/death-reports"


def survival_check(client, headers, *states):
    items = client.get(f"{API}/me/agenda", headers=headers).json["items"]
    return next(item for item in items if item["kind"] == "survival_check" and item["state"] in states)


def test_a_patient_closes_a_survival_check_by_saying_so(db, client, clock, patient, phone):
    ahead = survival_check(client, phone.headers, "not_yet_open")
    clock.move_to(ahead["opens_at"].replace("T00:", "T10:"))
    phone = phone_of(db, patient)
    check = survival_check(client, phone.headers, "open")
    today = check["opens_at"][:10]

    said = client.post(CONFIRMATIONS, json=confirmation_body(as_of=today, key=check["key"]), headers=phone.headers)

    assert (said.status_code, said.json["status"], said.json["as_of"]) == (201, "alive", today)
    after = {item["key"]: item for item in client.get(f"{API}/me/agenda", headers=phone.headers).json["items"]}
    assert after[check["key"]]["state"] == "completed"
    record = client.get(f"{API}/patients/{patient.id}", headers=coordinator(db).headers)
    assert record.json["last_known_alive"] == today


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"as_of": "2027-03-02"}, "as_of"),
        ({"as_of": "2026-01-01"}, "as_of"),
        ({"key": "weekly.w1"}, "key"),
        ({"key": "survival.never"}, "key"),
        ({"status": "died"}, "respondent"),
        ({"status": "died", "respondent": "caregiver", "as_of": "2027-03-02"}, "as_of"),
        ({"status": "dead"}, "status"),
        ({"respondent": "staff"}, "respondent"),
        ({"respondent": "caregiver"}, "respondent"),
    ],
)
def test_what_cannot_be_confirmed_is_refused_by_name(client, phone, changes, field):
    refused = client.post(CONFIRMATIONS, json=confirmation_body(**changes), headers=phone.headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, [field])


def test_only_whom_the_patient_named_for_it_speaks_for_the_patient(db, client):
    named = phone_of(db, ben(db))

    said = client.post(CONFIRMATIONS, json=confirmation_body(respondent="caregiver"), headers=named.headers)

    assert (said.status_code, said.json["respondent"]) == (201, "caregiver")


def test_a_caregiver_reports_a_death_and_nothing_more_goes_out(db, client, patient, phone, deaths):
    person = coordinator(db)
    plan(db, patient)
    assert unsent(db, patient)

    told = client.post(
        CONFIRMATIONS, json=confirmation_body(status="died", respondent="caregiver"), headers=phone.headers
    )
    plan(db, patient)

    assert told.status_code == 201
    assert unsent(db, patient) == []
    listed = client.get(deaths, headers=person.headers).json["items"]
    assert [(one["id"], one["status"], one["died_on"]) for one in listed] == [
        (told.json["id"], "pending", "2027-03-01")
    ]
    tasks = client.get(f"{API}/survival/worklist", headers=person.headers).json["items"]
    assert [task["reason"] for task in tasks] == ["death_reported"]
    with db.reading(system("test")) as txn:
        trace = select(AuditEvent.originator).where(AuditEvent.verb == "death.reported").limit(1)
        assert txn.session.scalar(trace) == "proxy"


def test_a_death_needs_a_second_person_and_then_stands(db, client, patient, phone, deaths):
    reporter, approver = investigator(db), investigator(db)
    plan(db, patient)

    reported = client.post(deaths, json=death_body(), headers=reporter.headers)
    address = f"{API}/death-reports/{reported.json['id']}/approvals"
    by_herself = client.post(address, json={}, headers=reporter.headers)
    by_coordinator = client.post(address, json={}, headers=coordinator(db).headers)
    approved = client.post(address, json={}, headers=approver.headers)
    again = client.post(address, json={}, headers=approver.headers)

    assert (reported.status_code, reported.json["status"]) == (201, "pending")
    assert (by_herself.status_code, by_herself.json["code"]) == (403, "same_person_may_not")
    assert by_coordinator.status_code == 403
    assert (approved.status_code, approved.json["status"]) == (201, "approved")
    assert again.status_code == 409
    plan(db, patient)
    assert unsent(db, patient) == []
    record = client.get(f"{API}/patients/{patient.id}", headers=approver.headers).json
    assert (record["status"], record["died_on"]) == ("died", "2027-02-28")
    assert client.post(CONFIRMATIONS, json=confirmation_body(), headers=phone.headers).status_code == 409
    assert client.get(f"{API}/survival/worklist", headers=approver.headers).json["items"] == []


def test_a_denied_death_stays_silent_until_a_person_resumes(db, client, patient, deaths):
    reporter, judge = coordinator(db), investigator(db)
    plan(db, patient)
    reported = client.post(deaths, json=death_body(), headers=reporter.headers).json["id"]

    denied = client.post(
        f"{API}/death-reports/{reported}/denials", json={"reason": "A namesake."}, headers=judge.headers
    )
    plan(db, patient)
    silent = unsent(db, patient)
    task = client.get(f"{API}/survival/worklist?reason=resume_contact", headers=reporter.headers).json["items"][0]
    resumed = client.post(
        f"{API}/worklist/{task['id']}/resolutions", json={"outcome": "resume"}, headers=reporter.headers
    )

    assert (denied.status_code, denied.json["status"], denied.json["denied_because"]) == (201, "denied", "A namesake.")
    assert silent == []
    assert resumed.status_code == 201
    assert unsent(db, patient)
    assert client.get(f"{API}/patients/{patient.id}", headers=reporter.headers).json["contact_held"] == []


def test_closing_the_task_with_another_word_resumes_nothing(db, client, patient, deaths):
    reporter, judge = coordinator(db), investigator(db)
    reported = client.post(deaths, json=death_body(), headers=reporter.headers).json["id"]
    client.post(f"{API}/death-reports/{reported}/denials", json={"reason": "A namesake."}, headers=judge.headers)
    task = client.get(f"{API}/survival/worklist?reason=resume_contact", headers=reporter.headers).json["items"][0]

    client.post(f"{API}/worklist/{task['id']}/resolutions", json={"outcome": "not yet"}, headers=reporter.headers)
    plan(db, patient)

    assert unsent(db, patient) == []


def test_the_site_records_what_it_learnt(db, client, patient):
    person = coordinator(db)
    address = f"{API}/patients/{patient.id}/survival-statuses"
    said = {"status": "alive", "as_of": "2027-02-27", "source": "physician", "note": "Dr Li saw her"}

    alive = client.post(address, json=said, headers=person.headers)
    unknown = {"status": "unknown", "as_of": "2027-03-01", "source": "phone"}
    first = client.post(address, json=unknown, headers=person.headers)
    second = client.post(address, json=unknown, headers=person.headers)
    noted = client.post(address, json=unknown | {"note": "nobody at home"}, headers=person.headers)
    dead = client.post(address, json=said | {"status": "dead"}, headers=person.headers)

    assert (alive.status_code, alive.json["last_known_alive"]) == (201, "2027-02-27")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["last_known_alive"] == "2027-02-27"
    assert len(client.get(f"{API}/survival/worklist", headers=person.headers).json["items"]) == 1
    assert noted.status_code == 201
    assert dead.status_code == 422
    assert "death-reports" in dead.json["errors"]["status"][0]


def test_names_in_a_death_report_are_for_those_who_care(db, client, deaths):
    person, watcher = coordinator(db), monitor(db)
    client.post(deaths, json=death_body(), headers=person.headers)

    cared = client.get(deaths, headers=person.headers).json["items"][0]
    watched = client.get(deaths, headers=watcher.headers).json["items"][0]

    assert (cared["informant"], cared["cause"]) == ("Wu Mei", "liver failure")
    assert not {"informant", "cause", "denied_because"} & watched.keys()
    assert watched["status"] == "pending"


@pytest.mark.parametrize("died_on", ["2027-13", "27-02-28", "2027-02-30", "2027-03-02", "2020", "soon"])
def test_a_day_that_is_none_is_refused(db, client, deaths, died_on):
    refused = client.post(deaths, json=death_body(died_on=died_on), headers=coordinator(db).headers)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["died_on"])


def test_another_site_hears_of_no_death(db, client, deaths):
    person, stranger = coordinator(db), investigator(db, "site-02")
    reported = client.post(deaths, json=death_body(), headers=person.headers).json["id"]

    assert client.get(deaths, headers=stranger.headers).status_code == 404
    assert client.post(deaths, json=death_body(), headers=stranger.headers).status_code == 404
    for act, body in (("approvals", {}), ("denials", {"reason": "no"})):
        answer = client.post(f"{API}/death-reports/{reported}/{act}", json=body, headers=stranger.headers)
        assert answer.status_code == 404
    assert client.get(f"{API}/survival/worklist", headers=stranger.headers).json["items"] == []

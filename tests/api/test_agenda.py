"""Agendas and cycles over HTTP: planned, confirmed, told, answered, begun; and what a preview leaves behind."""

import pytest
from sqlalchemy import select

from backend.agenda.models import AgendaFact
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.tables import metadata
from backend.triage.models import CandidateEvent, StaffPage
from notifications.models import Message
from tests.people import ann, ben, coordinator, monitor, phone_of

API = "/api/v1"
COLLECTION = {"number": 1, "donor_collection_on": "2027-03-01"}


def rows(db: Database) -> dict[str, int]:
    with db.reading(system("test")) as txn:
        return {
            table.name: len(txn.session.execute(select(table)).all())
            for table in metadata.sorted_tables
            if table.name != "staff_session"
        }


def keys(answer) -> list[str]:
    return [item["key"] for item in answer.json["items"]]


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def cycles(patient):
    return f"{API}/patients/{patient.id}/cycles"


def test_a_patient_reads_the_agenda_in_their_own_language(db, client, patient):
    phone = phone_of(db, patient)
    chinese = phone_of(db, ben(db))

    hers = client.get(f"{API}/me/agenda", headers=phone.headers)
    his = client.get(f"{API}/me/agenda", headers={**chinese.headers, "Accept-Language": "en"})

    assert hers.json["next_cursor"] is None
    weekly = {item["key"]: item for item in hers.json["items"]}["weekly.w1"]
    assert weekly == {
        "key": "weekly.w1",
        "kind": "assessment",
        "title": weekly["title"],
        "due_on": "2027-03-04",
        "opens_at": weekly["opens_at"],
        "closes_at": weekly["closes_at"],
        "expires_at": weekly["expires_at"],
        "time_zone": "Asia/Shanghai",
        "state": weekly["state"],
        "instrument": weekly["instrument"],
        "reply": None,
        "completed_at": None,
    }
    assert weekly["opens_at"].endswith("T00:00:00+08:00")
    assert weekly["title"].isascii()
    assert not any(item["title"].isascii() for item in his.json["items"])


def test_staff_read_titles_in_the_language_they_ask_for(db, client, patient):
    person = coordinator(db)
    agenda = f"{API}/patients/{patient.id}/agenda"

    english = client.get(agenda, headers={**person.headers, "Accept-Language": "en-GB, fr;q=0.5"})
    other = client.get(agenda, headers={**person.headers, "Accept-Language": "fr"})

    assert all(item["title"].isascii() for item in english.json["items"])
    assert not any(item["title"].isascii() for item in other.json["items"])


def test_a_cycle_is_planned_in_silence_and_told_when_it_is_confirmed(db, client, patient, cycles):
    person, phone = coordinator(db), phone_of(db, patient)

    planned = client.post(cycles, json=COLLECTION, headers=person.headers)
    seen_planned = client.get(f"{API}/me/agenda", headers=phone.headers)
    confirmed = client.patch(f"{cycles}/1", json={"status": "confirmed"}, headers=person.headers)
    seen_confirmed = client.get(f"{API}/me/agenda", headers=phone.headers)

    assert (planned.status_code, planned.json["cycle"]["status"]) == (201, "planned")
    assert planned.json["cycle"]["day_1_on"] == "2027-03-16"
    assert {"cycle-1.day-1", "cycle-1.day-2"} <= set(planned.json["diff"]["added"])
    assert "cycle-1.day-1" not in keys(seen_planned)
    assert (confirmed.status_code, confirmed.json["cycle"]["status"]) == (200, "confirmed")
    states = {item["key"]: item["state"] for item in seen_confirmed.json["items"]}
    assert states["cycle-1.day-1"] == states["cycle-1.day-2"] == "confirmed"
    assert client.get(f"{cycles}/1", headers=person.headers).json["confirmed_at"] is not None
    assert [one["number"] for one in client.get(cycles, headers=person.headers).json["items"]] == [1]


def test_staff_see_a_planned_infusion(db, client, patient, cycles):
    person = coordinator(db)
    client.post(cycles, json=COLLECTION, headers=person.headers)

    agenda = client.get(f"{API}/patients/{patient.id}/agenda", headers=person.headers)

    assert {item["key"]: item["state"] for item in agenda.json["items"]}["cycle-1.day-1"] == "planned"


def test_a_moved_day_recalls_the_old_news_and_voids_the_reply(db, client, patient, cycles):
    person, phone = coordinator(db), phone_of(db, patient)
    client.post(cycles, json=COLLECTION, headers=person.headers)
    client.patch(f"{cycles}/1", json={"status": "confirmed"}, headers=person.headers)

    coming = client.post(f"{API}/me/agenda/cycle-1.day-1/reply", json={"reply": "coming"}, headers=phone.headers)
    moved = client.patch(f"{cycles}/1", json={"status": "confirmed", "day_1_on": "2027-03-18"}, headers=person.headers)
    agenda = client.get(f"{API}/me/agenda", headers=phone.headers)

    assert (coming.status_code, coming.json["reply"]) == (200, "coming")
    assert {"cycle-1.day-1", "cycle-1.day-2"} <= set(moved.json["diff"]["moved"])
    assert moved.json["diff"]["messages_recalled"] > 0
    item = {one["key"]: one for one in agenda.json["items"]}["cycle-1.day-1"]
    assert (item["due_on"], item["reply"]) == ("2027-03-18", None)
    with db.reading(system("test")) as txn:
        queued = select(Message.key).where(Message.status == "queued", Message.agenda_key == "cycle-1.day-1")
        assert all("@2027-03-18" in key for key in txn.session.scalars(queued))


def test_asking_for_another_date_makes_a_task_and_keeps_the_words_sealed(db, client, patient):
    person, phone = coordinator(db), phone_of(db, patient)
    visit = next(
        item["key"]
        for item in client.get(f"{API}/me/agenda", headers=phone.headers).json["items"]
        if item["kind"] == "visit" and item["state"] in ("not_yet_open", "open")
    )

    asked = client.post(
        f"{API}/me/agenda/{visit}/reply",
        json={"reply": "please_change", "note": "My son marries"},
        headers=phone.headers,
    )
    tasks = client.get(f"{API}/worklist?reason=change_requested", headers=person.headers)

    assert asked.json["reply"] == "please_change"
    assert [task["patient"]["id"] for task in tasks.json["items"]] == [str(patient.id)]
    with db.reading(system("test")) as txn:
        fact = txn.session.scalars(select(AgendaFact)).one()
        assert "marries" not in (fact.note_sealed or "marries")


def visit_of(client, phone) -> str:
    items = client.get(f"{API}/me/agenda", headers=phone.headers).json["items"]
    return next(item["key"] for item in items if item["kind"] == "visit" and item["state"] in ("not_yet_open", "open"))


def test_danger_in_the_note_of_a_reply_calls_somebody_and_the_reply_stands(db, client, patient):
    phone = phone_of(db, patient)
    address = f"{API}/me/agenda/{visit_of(client, phone)}/reply"

    sent = [client.post(address, json={"reply": "coming", "note": "吐血"}, headers=phone.headers) for _ in range(2)]

    assert [(one.status_code, one.json["reply"]) for one in sent] == [(200, "coming")] * 2
    with db.reading(system("test")) as txn:
        raised = txn.session.scalars(select(CandidateEvent)).one()
        page = txn.session.scalars(select(StaffPage)).one()
        assert (raised.tier, raised.patient_id, page.patient_id) == ("T1", patient.id, patient.id)


def test_the_note_of_a_reply_is_read_by_a_person_of_the_patients_site(db, client, patient):
    phone = phone_of(db, patient)
    reply = {"reply": "coming", "note": "My legs are swollen"}

    client.post(f"{API}/me/agenda/{visit_of(client, phone)}/reply", json=reply, headers=phone.headers)
    client.post(f"{API}/me/agenda/{visit_of(client, phone)}/reply", json={"reply": "coming"}, headers=phone.headers)

    texts = client.get(f"{API}/inbox", headers=coordinator(db).headers).json["items"]
    assert [text["text"] for text in texts] == ["My legs are swollen"]
    assert client.get(f"{API}/inbox", headers=coordinator(db, "site-02").headers).json["items"] == []


def test_attendance_completes_a_visit(db, client, clock, patient):
    person = coordinator(db)
    agenda = f"{API}/patients/{patient.id}/agenda"
    visit = next(item for item in client.get(agenda, headers=person.headers).json["items"] if item["kind"] == "visit")
    clock.move_to(f"{visit['due_on']}T12:00:00+08:00")
    person = coordinator(db)

    came = client.post(
        f"{agenda}/{visit['key']}/attendance",
        json={"status": "attended", "on": visit["due_on"]},
        headers=person.headers,
    )

    assert (came.status_code, came.json["state"]) == (200, "completed")
    record = client.get(f"{API}/patients/{patient.id}", headers=person.headers)
    assert record.json["last_known_alive"] == visit["due_on"]


def test_a_pair_that_failed_its_release_takes_no_day(db, client, patient, cycles):
    person = coordinator(db)
    client.post(cycles, json=COLLECTION, headers=person.headers)

    both = client.patch(
        f"{cycles}/1", json={"status": "release_failed", "day_1_on": "2027-03-18"}, headers=person.headers
    )
    failed = client.patch(f"{cycles}/1", json={"status": "release_failed"}, headers=person.headers)
    again = client.patch(f"{cycles}/1", json={"status": "release_failed"}, headers=person.headers)

    assert (both.status_code, [*both.json["errors"]]) == (422, ["day_1_on"])
    assert failed.json["cycle"]["status"] == "release_failed"
    assert again.status_code == 409


def test_who_may_not_plan_is_refused_and_who_is_elsewhere_finds_nothing(db, client, patient, cycles):
    watcher, stranger, phone = monitor(db), coordinator(db, "site-02"), phone_of(db, patient)

    assert client.post(cycles, json=COLLECTION, headers=watcher.headers).status_code == 403
    assert client.post(cycles, json=COLLECTION, headers=stranger.headers).status_code == 404
    assert client.post(cycles, json=COLLECTION, headers=phone.headers).status_code == 403
    assert client.post(cycles, json=COLLECTION).status_code == 401
    assert client.get(f"{API}/me/agenda", headers=watcher.headers).status_code == 403
    assert client.get(f"{cycles}/1", headers=watcher.headers).status_code == 404
    assert client.get(f"{cycles}/{'9' * 5000}", headers=watcher.headers).status_code == 404


def test_a_reply_about_nothing_is_not_found_and_a_questionnaire_takes_none(db, client, patient):
    phone = phone_of(db, patient)

    for key in ("visit.never", "weekly.w1", "%00", "..%2f.."):
        answer = client.post(f"{API}/me/agenda/{key}/reply", json={"reply": "coming"}, headers=phone.headers)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_every_act_leaves_its_trace(db, client, patient, cycles):
    person = coordinator(db)

    client.post(cycles, json=COLLECTION, headers=person.headers)
    client.patch(f"{cycles}/1", json={"status": "confirmed"}, headers=person.headers)

    with db.reading(system("test")) as txn:
        about = select(AuditEvent.verb).where(AuditEvent.record_type == "cycle", AuditEvent.actor_id == person.id)
        assert set(txn.session.scalars(about)) == {"cycle.planned", "cycle.confirmed"}

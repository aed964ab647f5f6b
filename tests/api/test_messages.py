"""Messages over HTTP: their whole life, the inbox, and a patient's conversation; no words and addresses in lists."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.agenda.planning import replan
from backend.audit import AuditEvent
from backend.conversations import handle
from backend.db import Database, system
from backend.jobs import work_of
from backend.patients.models import Patient
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben, coordinator, monitor, phone_of

API = "/api/v1"
MINE = f"{API}/me/messages"
INBOX = f"{API}/inbox"
A_STRANGER = "+8613800138009"


def text_from(db: Database, number: str, text: str) -> None:
    kept = receive(db, ReceivedText(f"provider-{uuid4()}", number, "10690000", text))
    assert kept is not None
    handle.understand(db, kept)


def plan_and_send(db: Database, settings, patient: Patient) -> None:
    with db.transaction(system("planner")) as txn:
        replan(txn, txn.session.get_one(Patient, patient.id))
    work_of(db, settings).dispatch()


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def phone(db, patient):
    return phone_of(db, patient)


def test_the_life_of_a_message_is_shown_without_its_words_and_address(db, client, clock, settings, patient):
    person = coordinator(db)
    clock.move_to("2027-03-04T09:30:00+08:00")
    person = coordinator(db)
    plan_and_send(db, settings, patient)

    listed = client.get(f"{API}/messages?patient={patient.id}", headers=person.headers).json["items"]
    sent = client.get(f"{API}/messages?patient={patient.id}&status=delivered", headers=person.headers).json["items"]

    assert {message["status"] for message in listed} >= {"queued", "delivered"}
    assert {message["status"] for message in sent} == {"delivered"}
    assert [attempt["status"] for attempt in sent[0]["attempts"]] == ["accepted"]
    assert sent[0]["patient"] == {"id": str(patient.id), "subject_number": patient.subject_number}
    assert [message["send_at"] for message in listed] == sorted((m["send_at"] for m in listed), reverse=True)
    whole = client.get(f"{API}/messages", headers=person.headers).get_data(as_text=True)
    assert ANNS_PHONE not in whole
    assert "body" not in whole


def test_a_recalled_message_says_why(db, client, settings, patient):
    person = coordinator(db)
    plan_and_send(db, settings, patient)
    client.post(
        f"{API}/patients/{patient.id}/death-reports",
        json={"died_on": "2027-03-01", "informant": "Wu Mei"},
        headers=person.headers,
    )

    recalled = client.get(f"{API}/messages?status=cancelled", headers=person.headers).json["items"]

    assert {message["reason"] for message in recalled} == {"death_reported"}


def test_messages_are_paged_without_loss_and_other_sites_see_none(db, client, settings, patient):
    person, stranger = coordinator(db), coordinator(db, "site-02")
    plan_and_send(db, settings, patient)
    whole = [one["id"] for one in client.get(f"{API}/messages?limit=200", headers=person.headers).json["items"]]

    paged, address = [], f"{API}/messages?limit=3"
    while address:
        page = client.get(address, headers=person.headers).json
        paged += [one["id"] for one in page["items"]]
        address = page["next_cursor"] and f"{API}/messages?limit=3&cursor={page['next_cursor']}"

    assert paged == whole
    assert len(whole) > 3
    assert client.get(f"{API}/messages?patient={patient.id}", headers=stranger.headers).json["items"] == []


def test_an_unclear_text_waits_in_the_inbox_until_a_person_closes_it(db, client, patient):
    person, stranger = coordinator(db), coordinator(db, "site-02")
    text_from(db, ANNS_PHONE, "the plums are ripe, ask Li")

    waiting = client.get(INBOX, headers=person.headers).json["items"]
    address = f"{INBOX}/{waiting[0]['id']}/resolutions"
    foreign = client.post(address, json={"outcome": "called"}, headers=stranger.headers)
    closed = client.post(address, json={"outcome": "called her", "note": "all is well"}, headers=person.headers)
    again = client.post(address, json={"outcome": "called her"}, headers=person.headers)

    assert [(one["text"], one["number"]) for one in waiting] == [("the plums are ripe, ask Li", None)]
    assert waiting[0]["patient"]["subject_number"] == patient.subject_number
    assert waiting[0]["site"] == "site-01"
    assert client.get(INBOX, headers=stranger.headers).json["items"] == []
    assert (foreign.status_code, closed.status_code, again.status_code) == (404, 201, 409)
    assert client.get(INBOX, headers=person.headers).json["items"] == []
    with db.reading(system("test")) as txn:
        row = txn.session.scalars(select(InboundMessage)).one()
        assert row.resolved_by == person.id
        assert "called" not in (row.outcome_sealed or "called")


def test_reading_the_inbox_is_noted_text_by_text(db, client, patient):
    person = coordinator(db)
    text_from(db, ANNS_PHONE, "hello")
    text_from(db, A_STRANGER, "who is this?")

    client.get(INBOX, headers=person.headers)

    with db.reading(system("test")) as txn:
        noted = txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "inbound_message.read")).all()
        assert {event.actor_id for event in noted} == {person.id}
        assert {event.patient_id for event in noted} == {patient.id, None}


def test_a_text_from_nobody_we_know_is_shown_at_every_site(db, client):
    here, there, watcher = coordinator(db), coordinator(db, "site-02"), monitor(db)
    text_from(db, A_STRANGER, "who is this?")

    seen = [client.get(INBOX, headers=person.headers).json["items"] for person in (here, there)]
    closed = client.post(
        f"{INBOX}/{seen[0][0]['id']}/resolutions", json={"outcome": "wrong number"}, headers=there.headers
    )

    assert [one[0]["patient"] for one in seen] == [None, None]
    assert client.get(INBOX, headers=watcher.headers).status_code == 403
    assert closed.status_code == 201


def test_a_patient_writes_and_is_understood(db, client, patient, phone):
    person = coordinator(db)

    written = client.post(MINE, json={"text": "I cannot breathe"}, headers=phone.headers)

    assert (written.status_code, written.json["direction"], written.json["channel"]) == (201, "inbound", "in_app")
    queue = client.get(f"{API}/candidate-events", headers=person.headers).json["items"]
    assert [(one["tier"], one["term"]) for one in queue] == [("T1", None)]
    record = client.get(f"{API}/candidate-events/{queue[0]['id']}", headers=person.headers).json
    assert record["findings"][0]["text"] == "I cannot breathe"


def test_a_text_that_nothing_can_read_yet_is_kept_all_the_same(db, client, phone, monkeypatch):
    def broken(*_):
        raise RuntimeError("the reader is broken")

    monkeypatch.setattr(handle.inbound, "obey", broken)
    monkeypatch.setattr(handle.inbound, "leave_to_a_person", broken)

    written = client.post(MINE, json={"text": "hello"}, headers=phone.headers)

    assert written.status_code == 201
    person = coordinator(db)
    assert [one["text"] for one in client.get(INBOX, headers=person.headers).json["items"]] == ["hello"]


def test_the_same_text_sent_twice_by_a_phone_is_one(db, client, phone):
    body = {"text": "hello", "id": str(uuid4())}

    first = client.post(MINE, json=body, headers=phone.headers)
    second = client.post(MINE, json=body, headers=phone.headers)

    assert first.json == second.json
    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(InboundMessage)) == 1


def test_a_conversation_shows_both_sides_newest_first_and_nobody_elses(db, client, clock, settings, patient, phone):
    his = phone_of(db, ben(db))
    client.post(MINE, json={"text": "the plums are ripe"}, headers=phone.headers)
    text_from(db, ANNS_PHONE, "and the pears")
    client.post(MINE, json={"text": "not hers"}, headers=his.headers)
    clock.move_to("2027-03-01T08:01:00+08:00")
    work_of(db, settings).dispatch()

    lines = client.get(MINE, headers=phone.headers).json["items"]

    assert lines[0]["direction"] == "outbound"
    assert {line["text"] for line in lines if line["direction"] == "inbound"} == {"the plums are ripe", "and the pears"}
    paged, address = [], f"{MINE}?limit=1"
    while address:
        page = client.get(address, headers=phone.headers).json
        paged += page["items"]
        address = page["next_cursor"] and f"{MINE}?limit=1&cursor={page['next_cursor']}"
    assert paged == lines


def test_what_a_caregiver_texts_about_a_patient_is_not_the_patients_to_read(db, client):
    from backend.patients.caregivers import CaregiverForm

    named = CaregiverForm(name="Li", phone=A_STRANGER, relation="son", may_report=True, may_confirm_survival=True)
    patient = ben(db, caregivers=(named,))
    phone = phone_of(db, patient)
    text_from(db, A_STRANGER, "he is so tired, do not tell him I wrote")
    text_from(db, BENS_PHONE, "the pears are ripe")

    lines = client.get(MINE, headers=phone.headers).json["items"]

    assert [line["text"] for line in lines if line["direction"] == "inbound"] == ["the pears are ripe"]

"""The queue over HTTP: its order, its pages, what stands behind a candidate, and taking note once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import func, select, update

from backend.audit import AuditEvent
from backend.db import system
from backend.triage.models import CandidateDecision, CandidateEvent
from tests.people import ann, ben, coordinator, investigator, monitor, phone_of
from tests.sent import answers, report_body

API = "/api/v1"
QUEUE = f"{API}/candidate-events"


def send(client, phone, **changes):
    sent = client.post(f"{API}/me/reports", json=report_body(**changes), headers=phone.headers)
    assert sent.status_code == 201
    return sent.json


def dismiss(db, rule_id):
    """Closed, without the door that will do so."""
    with db.transaction(system("test")) as txn:
        txn.session.execute(update(CandidateEvent).where(CandidateEvent.rule_id == rule_id).values(status="dismissed"))


def test_a_candidate_is_shown_as_the_contract_says(db, client):
    patient, person = ann(db), coordinator(db)
    send(client, phone_of(db, patient), answers=answers(checklist__seizure=1))

    shown = client.get(QUEUE, headers=person.headers).json["items"][0]

    contract = (
        "id patient term tier status onset_on last_reported_at worst trend provisional_grade needs_review "
        "claimed_by due_at reports rule"
    )
    assert set(contract.split()) <= shown.keys()
    assert shown["term"] == {"name": "Seizure", "code": "10039906", "soc": shown["term"]["soc"]}
    assert (shown["tier"], shown["status"], shown["trend"], shown["reports"]) == ("T1", "proposed", "new", 1)
    assert shown["rule"] == {"id": "T1.seizure", "version": 1}
    assert shown["worst"] == {"tier": "T1", "composite": None, "grade": None, "measurements": {}}
    assert shown["onset_on"] == "2027-03-01"


def test_words_and_wishes_have_no_term(db, client):
    person = coordinator(db)
    send(client, phone_of(db, ann(db)), wants_call=True)

    assert client.get(QUEUE, headers=person.headers).json["items"][0]["term"] is None


def test_the_queue_is_ordered_by_tier_and_then_by_time_left_over_its_pages(db, client, clock):
    hers, his, person = phone_of(db, ann(db)), phone_of(db, ben(db)), coordinator(db)
    core = {"instrument": "core"}
    send(client, hers, answers=answers(rash__presence=1), **core)
    clock.move_to("2027-03-01T08:05:00+08:00")
    send(client, hers, answers=answers(checklist__seizure=1))
    send(client, his, answers=answers(nausea__frequency=4, nausea__severity=4), **core)
    clock.move_to("2027-03-01T08:09:00+08:00")
    send(client, his, answers=answers(checklist__fainted=1))

    whole = client.get(QUEUE, headers=person.headers).json["items"]
    paged, address = [], f"{QUEUE}?limit=1"
    while address:
        page = client.get(address, headers=person.headers).json
        paged += page["items"]
        address = page["next_cursor"] and f"{QUEUE}?limit=1&cursor={page['next_cursor']}"

    assert [item["rule"]["id"] for item in whole[:2]] == ["T1.seizure", "T1.fainted"]
    assert [item["tier"] for item in whole] == sorted(item["tier"] for item in whole)
    assert len(whole) >= 4
    assert paged == whole


def test_filters_narrow_the_queue_and_closed_ones_are_not_in_it(db, client):
    patient, person = ann(db), coordinator(db)
    phone = phone_of(db, patient)
    send(client, phone, answers=answers(checklist__seizure=1))
    send(client, phone, wants_call=True)
    send(client, phone, answers=answers(checklist__fainted=1))
    dismiss(db, "T1.fainted")
    first = client.get(f"{QUEUE}?tier=T1", headers=person.headers).json["items"]
    client.post(f"{QUEUE}/{first[0]['id']}/acknowledgements", headers=person.headers)

    def ids(query):
        return [item["rule"]["id"] for item in client.get(f"{QUEUE}{query}", headers=person.headers).json["items"]]

    assert ids("?tier=T2") == ["T2.wants-call"]
    assert ids("?status=acknowledged") == ["T1.seizure"]
    assert ids("?status=proposed") == ["T2.wants-call"]
    assert ids("?status=dismissed") == ["T1.fainted"]
    assert ids("?site=site-01") == ids("") == ["T1.seizure", "T2.wants-call"]
    assert client.get(f"{QUEUE}?site=site-99", headers=person.headers).status_code == 422
    assert client.get(f"{QUEUE}?status=fine", headers=person.headers).status_code == 422
    assert client.get(f"{QUEUE}?tiers=T1", headers=person.headers).status_code == 422


def test_behind_a_candidate_stand_the_reports_and_the_steps(db, client):
    patient, person, watcher = ann(db), investigator(db), monitor(db)
    phone = phone_of(db, patient)
    report = send(client, phone, other_symptoms=[{"text": "trembling hands", "severity": 2}])
    candidate = client.get(QUEUE, headers=person.headers).json["items"][0]["id"]
    client.post(f"{QUEUE}/{candidate}/acknowledgements", json={}, headers=person.headers)

    record = client.get(f"{QUEUE}/{candidate}", headers=person.headers).json
    watched = client.get(f"{QUEUE}/{candidate}", headers=watcher.headers).json

    assert [found["report"]["id"] for found in record["findings"]] == [report["id"]]
    assert record["findings"][0]["report"]["other_symptoms"][0]["text"] == "trembling hands"
    assert record["findings"][0]["report"]["answers"]["checklist.seizure"] == 0
    assert [(step["kind"], step["decided_by"]) for step in record["decisions"]] == [("acknowledged", str(person.id))]
    assert "other_symptoms" not in watched["findings"][0]["report"]
    with db.reading(system("test")) as txn:
        noted = select(AuditEvent.actor_id).where(AuditEvent.verb == "patient.identifiers_read")
        assert list(txn.session.scalars(noted)) == [person.id]


def test_taking_note_is_possible_once(db, client):
    person = coordinator(db)
    send(client, phone_of(db, ann(db)), wants_call=True)
    candidate = client.get(QUEUE, headers=person.headers).json["items"][0]["id"]
    address = f"{QUEUE}/{candidate}/acknowledgements"

    first = client.post(address, json={}, headers=person.headers)
    second = client.post(address, json={}, headers=person.headers)

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json["code"] == "no_longer_possible"


def test_two_who_take_note_at_once_leave_one_step(db, client, app):
    person = coordinator(db)
    send(client, phone_of(db, ann(db)), wants_call=True)
    candidate = client.get(QUEUE, headers=person.headers).json["items"][0]["id"]

    def take_note(_):
        return app.test_client().post(f"{QUEUE}/{candidate}/acknowledgements", headers=person.headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(take_note, range(4)))

    assert statuses == [201, 409, 409, 409]
    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(CandidateDecision)) == 1


def test_another_sites_candidate_is_nothing_and_a_watcher_takes_no_note(db, client):
    stranger, watcher, person = coordinator(db, "site-02"), monitor(db), coordinator(db)
    send(client, phone_of(db, ann(db)), wants_call=True)
    candidate = client.get(QUEUE, headers=person.headers).json["items"][0]["id"]

    assert client.get(QUEUE, headers=stranger.headers).json["items"] == []
    assert client.get(f"{QUEUE}/{candidate}", headers=stranger.headers).status_code == 404
    assert client.get(f"{QUEUE}/{uuid4()}", headers=person.headers).status_code == 404
    assert client.post(f"{QUEUE}/{candidate}/acknowledgements", headers=stranger.headers).status_code == 404
    assert client.post(f"{QUEUE}/{candidate}/acknowledgements", headers=watcher.headers).status_code == 403

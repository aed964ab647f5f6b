"""The trail as it may be read, and whether the server is well."""

from datetime import timedelta

from backend import clock as the_clock
from backend.db import Database, system
from backend.sealing import unseal
from notifications.models import WorkerHeartbeat
from tests.people import ANNS_PHONE, ann, ben, coordinator, monitor, phone_of
from tests.sent import report_body

API = "/api/v1"


def beat(db: Database, seconds_ago: int) -> None:
    with db.transaction(system("test")) as txn:
        at = the_clock.wall() - timedelta(seconds=seconds_ago)
        txn.session.add(WorkerHeartbeat(started_at=at, beat_at=at))


def test_the_trail_shows_who_did_what_and_nothing_that_is_sealed(db, client):
    patient, person, watcher = ann(db), coordinator(db), monitor(db)
    client.patch(
        f"{API}/patients/{patient.id}",
        json={"name": "Ann Wang", "reason": "misheard"},
        headers={**person.headers, "If-Match": '"1"'},
    )

    seen = client.get(f"{API}/patients/{patient.id}/audit-events?limit=200", headers=watcher.headers)

    fields = {(event["field"], event["old"], event["new"]) for event in seen.json["items"]}
    assert ("name_sealed", "sealed", "sealed") in fields
    assert ("birth_year", None, "sealed") in fields
    whole = seen.get_data(as_text=True)
    assert not any(secret in whole for secret in ("Ann Wang", "Ann Zhang", ANNS_PHONE))
    with db.reading(system("test")) as txn:
        row = txn.session.get_one(type(patient), patient.id)
        assert unseal(txn, row, "name_sealed") == "Ann Wang"
        assert row.name_sealed not in whole
    changed = next(event for event in seen.json["items"] if event["old"])
    assert (changed["actor_id"], changed["role"], changed["site"]) == (str(person.id), "coordinator", "site-01")


def test_the_trail_is_filtered_paged_and_kept_to_ones_sites(db, client):
    patient, his = ann(db), ben(db, "site-02")
    person, stranger = coordinator(db), coordinator(db, "site-02")
    client.post(f"{API}/me/reports", json=report_body(), headers=phone_of(db, patient).headers)

    filtered = client.get(f"{API}/audit-events?verb=report.submitted", headers=person.headers).json["items"]
    of_patients = client.get(f"{API}/audit-events?record_type=patient&limit=200", headers=person.headers).json["items"]
    whole = client.get(f"{API}/audit-events?limit=200", headers=person.headers).json
    paged, address = [], f"{API}/audit-events?limit=40"
    while address:
        page = client.get(address, headers=person.headers).json
        paged += page["items"]
        address = page["next_cursor"] and f"{API}/audit-events?limit=40&cursor={page['next_cursor']}"

    assert [event["record_type"] for event in filtered] == ["symptom_report"]
    assert {event["record_type"] for event in of_patients} == {"patient"}
    assert paged[:200] == whole["items"]
    assert [event["id"] for event in paged] == sorted((event["id"] for event in paged), reverse=True)
    assert str(his.id) not in {event["patient_id"] for event in paged}
    assert client.get(f"{API}/patients/{patient.id}/audit-events", headers=stranger.headers).status_code == 404


def test_a_patient_reads_no_trail(db, client):
    assert client.get(f"{API}/audit-events", headers=phone_of(db, ann(db)).headers).status_code == 403


def test_a_server_that_is_well_says_so(db, client):
    without_worker = client.get("/readyz")
    beat(db, seconds_ago=3)
    with_worker = client.get("/readyz")

    assert client.get("/healthz").json == {"status": "ok"}
    assert (without_worker.status_code, without_worker.json["worker"]["status"]) == (200, "none")
    assert (with_worker.status_code, with_worker.json["worker"]) == (
        200,
        {"status": "ticking", "seconds_since_beat": 3},
    )
    assert (with_worker.json["database"], with_worker.json["schema"]) == ("ok", "ok")


def test_a_worker_that_fell_silent_is_noticed(db, client):
    beat(db, seconds_ago=3600)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["worker"]["status"]) == (503, "silent")


def test_a_database_that_is_gone_is_noticed_and_the_process_still_answers(app, client):
    class Gone:
        def reading(self, _actor):
            from sqlalchemy.exc import OperationalError

            raise OperationalError("SELECT 1", None, Exception("gone"))

    app.extensions["followup_database"] = Gone()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["database"]) == (503, "unavailable")
    assert client.get("/healthz").status_code == 200


def test_the_numbers_name_nobody(db, client):
    patient = ann(db)
    client.post(f"{API}/me/messages", json={"text": "the plums are ripe"}, headers=phone_of(db, patient).headers)
    beat(db, seconds_ago=7)

    numbers = client.get("/metrics")

    text = numbers.get_data(as_text=True)
    assert numbers.mimetype == "text/plain"
    assert 'followup_messages{status="queued"}' in text
    assert "followup_inbox_texts 1.0" in text
    assert "followup_worker_beat_age_seconds 7.0" in text
    assert not any(secret in text for secret in (patient.subject_number, str(patient.id), "plums", "site-01"))

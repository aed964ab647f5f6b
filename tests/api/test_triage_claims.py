"""Taking a candidate on: one person has it, everybody sees who, and an investigator can free it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from backend.db import system
from backend.triage.models import CandidateDecision, CandidateEvent
from tests.people import ann, coordinator, investigator, monitor, phone_of
from tests.sent import report_body

API = "/api/v1"
QUEUE = f"{API}/candidate-events"


@pytest.fixture
def candidate(db, client) -> str:
    """The address of something that waits."""
    phone = phone_of(db, ann(db))
    assert client.post(f"{API}/me/reports", json=report_body(wants_call=True), headers=phone.headers).status_code == 201
    with db.reading(system("test")) as txn:
        return f"{QUEUE}/{txn.session.scalars(select(CandidateEvent.id)).one()}"


def shown(client, candidate, person):
    return client.get(candidate, headers=person.headers).json


def test_whoever_claims_it_is_shown_to_everybody(client, db, candidate):
    first, watcher = coordinator(db), monitor(db)

    answer = client.post(f"{candidate}/claims", json={}, headers=first.headers)

    assert (answer.status_code, answer.json["claimed_by"]) == (201, str(first.id))
    assert shown(client, candidate, watcher)["claimed_by"] == str(first.id)
    assert shown(client, candidate, watcher)["claimed_at"] == "2027-03-01T00:00:00+00:00"
    assert shown(client, candidate, watcher)["status"] == "proposed"


def test_claiming_ones_own_again_changes_nothing(client, db, candidate):
    first = coordinator(db)

    statuses = [client.post(f"{candidate}/claims", headers=first.headers).status_code for _ in range(2)]

    assert statuses == [201, 200]
    assert [step["kind"] for step in shown(client, candidate, first)["decisions"]] == ["claimed"]


def test_what_somebody_else_has_is_refused_with_its_name(client, db, candidate):
    first, second = coordinator(db), investigator(db)
    client.post(f"{candidate}/claims", headers=first.headers)

    refused = client.post(f"{candidate}/claims", headers=second.headers)

    assert (refused.status_code, refused.json["code"]) == (409, "claimed_by_another")
    assert shown(client, candidate, second)["claimed_by"] == str(first.id)


def test_of_several_who_claim_at_once_one_gets_it(db, client, app, candidate):
    everybody = [coordinator(db) for _ in range(4)]

    def try_to(person):
        return app.test_client().post(f"{candidate}/claims", headers=person.headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(try_to, everybody))

    assert sorted(statuses) == [201, 409, 409, 409]
    assert shown(client, candidate, everybody[0])["claimed_by"] == str(everybody[statuses.index(201)].id)
    with db.reading(system("test")) as txn:
        assert list(txn.session.scalars(select(CandidateDecision.kind))) == ["claimed"]


def test_letting_go_frees_it_for_others(client, db, candidate):
    first, second = coordinator(db), coordinator(db)
    client.post(f"{candidate}/claims", headers=first.headers)

    assert client.delete(f"{candidate}/claims", headers=first.headers).status_code == 204
    assert client.delete(f"{candidate}/claims", headers=first.headers).status_code == 409
    assert client.post(f"{candidate}/claims", headers=second.headers).status_code == 201

    steps = shown(client, candidate, second)["decisions"]
    assert sorted((step["kind"], step["decided_by"]) for step in steps) == sorted(
        [("claimed", str(first.id)), ("released", str(first.id)), ("claimed", str(second.id))]
    )


def test_only_an_investigator_takes_it_out_of_anothers_hands(client, db, candidate):
    first, colleague, physician = coordinator(db), coordinator(db), investigator(db)
    client.post(f"{candidate}/claims", headers=first.headers)

    assert client.delete(f"{candidate}/claims", headers=colleague.headers).status_code == 403
    assert shown(client, candidate, first)["claimed_by"] == str(first.id)
    assert client.delete(f"{candidate}/claims", headers=physician.headers).status_code == 204
    assert shown(client, candidate, first)["claimed_by"] is None


def test_what_is_closed_is_nobodys_to_claim(client, db, candidate):
    with db.transaction(system("test")) as txn:
        txn.session.execute(update(CandidateEvent).values(status="dismissed"))

    refused = client.post(f"{candidate}/claims", headers=coordinator(db).headers)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")


def test_another_sites_candidate_is_nothing_and_a_watcher_claims_nothing(client, db, candidate):
    stranger, watcher = coordinator(db, "site-02"), monitor(db)

    for ask in (client.post, client.delete):
        assert ask(f"{candidate}/claims", headers=stranger.headers).status_code == 404
        assert ask(f"{candidate}/claims", headers=watcher.headers).status_code == 403


def test_the_queue_can_be_narrowed_to_ones_own_and_to_what_nobody_has(client, db, candidate):
    first, second = coordinator(db), coordinator(db)
    client.post(f"{candidate}/claims", headers=first.headers)

    def count(person, whose):
        return len(client.get(f"{QUEUE}?claimed_by={whose}", headers=person.headers).json["items"])

    assert [count(first, "me"), count(second, "me"), count(first, "nobody")] == [1, 0, 0]
    assert client.get(f"{QUEUE}?claimed_by=her", headers=first.headers).status_code == 422

"""A stay in hospital nobody planned and a death are before the physicians at once, as candidates of their own."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from backend.adverse_events.deaths import latest_day
from backend.adverse_events.suspected import outcome_ends_on
from backend.db import system
from backend.fsck.triage import INVARIANTS
from backend.patients.models import Patient
from backend.protocol.load import protocol_of
from backend.triage.models import StaffPage
from notifications.models import Message
from tests import people

API = "/api/v1"
NOBODY = system("test")
STAY = {"admitted_on": "2027-02-28", "planned": False, "reason": "Fever at night."}
TOLD = {"informant": "A neighbour", "relation": "neighbour"}


@pytest.fixture
def ann(db):
    return people.ann(db)


@pytest.fixture
def staff(db):
    return people.coordinator(db).headers


def queue_of(client, staff, **filters):
    wanted = "&".join(f"{name}={value}" for name, value in filters.items())
    return client.get(f"{API}/candidate-events?{wanted}", headers=staff).json["items"]


def tasks(client, staff, reason):
    return client.get(f"{API}/worklist?reason={reason}&status=all", headers=staff).json["items"]


def test_an_unplanned_stay_is_a_serious_candidate_until_it_is_judged_or_reversed(db, client, clock, ann, staff):
    stays = f"{API}/patients/{ann.id}/hospitalisations"
    physician = people.investigator(db)

    client.post(
        stays, json=STAY | {"admitted_on": "2027-02-26", "discharged_on": "2027-02-27", "planned": True}, headers=staff
    )
    preview = client.post(f"{stays}?preview=true", json=STAY, headers=staff)
    none_yet = queue_of(client, staff)
    stay = client.post(stays, json=STAY, headers=staff).json["hospitalisation"]
    (candidate,) = queue_of(client, staff)
    mistake = {"of": stay["id"], "reason": "Another patient's.", "password": people.PASSWORD}
    client.post(f"{API}/patients/{ann.id}/reversals?preview=true", json=mistake, headers=physician.headers)
    still_there = queue_of(client, staff)
    reversed_ = client.post(f"{API}/patients/{ann.id}/reversals", json=mistake, headers=physician.headers)

    assert (preview.status_code, none_yet, len(still_there), reversed_.status_code) == (200, [], 1, 201)
    expected = {"term": None, "tier": "T2", "suspected_serious": "hospitalisation", "onset_on": "2027-02-28"}
    assert expected.items() <= candidate.items()
    assert (candidate["rule"]["id"], candidate["due_at"]) == ("hospitalisation", "2027-03-01T00:00:00+00:00")
    assert queue_of(client, staff) == []
    record = client.get(f"{API}/candidate-events/{candidate['id']}", headers=staff).json
    assert (record["status"], [step["kind"] for step in record["decisions"]]) == ("dismissed", ["withdrawn"])
    assert record["decisions"][0]["decided_by"] is None
    with db.reading(NOBODY) as txn:
        assert not [found for one in INVARIANTS for found in one.find(txn)]


def test_judging_the_candidate_closes_the_task_of_the_stay_and_nobody_is_woken_for_it(
    db, client, work, clock, ann, staff
):
    clock.move_to("2027-03-01T23:30:00+08:00")
    people.investigator(db)
    physician, staff = people.investigator(db).headers, people.coordinator(db).headers
    client.post(f"{API}/patients/{ann.id}/hospitalisations", json=STAY, headers=staff)
    (candidate,) = queue_of(client, staff)

    work.escalate()
    work.dispatch()
    told = queue_of(client, staff)[0]["escalated_to"]
    dismissed = client.post(
        f"{API}/candidate-events/{candidate['id']}/dismissals",
        json={"reason": "other", "note": "Was planned after all."},
        headers=physician,
    )

    assert (told, dismissed.status_code) == ("investigator", 201)
    (task,) = tasks(client, staff, "unplanned_hospitalisation")
    assert task["resolved_at"] is not None
    with db.reading(NOBODY) as txn:
        assert txn.session.scalars(select(StaffPage)).all() == []
        sent = {one.channel for one in txn.session.scalars(select(Message).where(Message.status == "sent"))}
    assert "sms" not in sent


def test_a_reported_death_is_one_fatal_candidate_until_every_report_of_it_is_denied(db, client, clock, ann, staff):
    deaths = f"{API}/patients/{ann.id}/death-reports"
    physician = people.investigator(db).headers

    first = client.post(deaths, json=TOLD | {"died_on": "2027-02-28"}, headers=staff).json["id"]
    (candidate,) = queue_of(client, staff)
    second = client.post(deaths, json=TOLD | {"died_on": "2027-02"}, headers=staff).json["id"]
    deny = {"reason": "It was a neighbour."}
    client.post(f"{API}/death-reports/{first}/denials", json=deny, headers=physician)
    still_one = [one["id"] for one in queue_of(client, staff)]
    client.post(f"{API}/death-reports/{second}/denials", json=deny, headers=physician)
    then_none = queue_of(client, staff)
    client.post(deaths, json=TOLD | {"died_on": None}, headers=staff)
    anew = queue_of(client, staff)

    assert (candidate["suspected_serious"], candidate["tier"], candidate["term"]) == ("death", "T2", None)
    assert (still_one, then_none) == ([candidate["id"]], [])
    assert [one["id"] != candidate["id"] for one in anew] == [True]
    with db.reading(NOBODY) as txn:
        assert txn.session.scalars(select(Message).where(Message.recipient == "patient")).all() == []


def test_after_month_24_neither_opens_a_candidate_and_partial_days_are_judged_by_the_earliest(db, client, clock, ann):
    with db.reading(NOBODY) as txn:
        row = txn.session.get_one(Patient, ann.id)
        last = outcome_ends_on(protocol_of(txn, row.protocol_version_id), row.randomised_on)
    clock.move_to("2029-03-10T08:00:00+08:00")
    staff = people.coordinator(db).headers
    after = (last + timedelta(days=1)).isoformat()

    client.post(f"{API}/patients/{ann.id}/hospitalisations", json=STAY | {"admitted_on": after}, headers=staff)
    client.post(f"{API}/patients/{ann.id}/death-reports", json=TOLD | {"died_on": "2029-03"}, headers=staff)
    none = queue_of(client, staff)
    client.post(f"{API}/patients/{ann.id}/death-reports", json=TOLD | {"died_on": "2029"}, headers=staff)

    assert (last, none) == (date(2029, 2, 25), [])
    assert [one["onset_on"] for one in queue_of(client, staff)] == ["2029-03-10"]
    assert latest_day("2029-02", date(2029, 3, 10)) == date(2029, 2, 28)

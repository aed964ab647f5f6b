"""The roster over HTTP: who reads it and by name, who replaces it, and what a bad one is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backend import clock as clocks
from backend.db import system
from backend.staff.members import update_member
from backend.staff.models import StaffMember
from tests.people import administrator, ann, coordinator, investigator, monitor, phone_of, principal_investigator

ON_CALL = "/api/v1/sites/site-01/on-call"
DAY = timedelta(days=1)


@pytest.fixture
def now(clock) -> datetime:
    return clocks.now()


@pytest.fixture
def li(db):
    person = coordinator(db)
    with db.transaction(system("test")) as txn:
        update_member(txn, txn.session.get_one(StaffMember, person.id), {"phone": "+8613800138077"})
    return person


def shift(who, since: datetime, days: float) -> dict[str, Any]:
    return {"staff_id": str(who.id), "from": since.isoformat(), "to": (since + days * DAY).isoformat()}


def put(client, who, *shifts: dict[str, Any]):
    return client.put(ON_CALL, json={"shifts": shifts}, headers=who.headers)


def test_a_coordinator_enters_a_roster_and_reads_who_is_on_call_and_where_nobody_is(client, now, li):
    entered = put(client, li, shift(li, now, 4), shift(li, now + 4 * DAY, 4))

    read = client.get(ON_CALL, headers=li.headers)

    name = {"id": str(li.id), "active": True, "name": "coordinator of site-01"}
    first = {"staff": name, "from": "2027-03-01T00:00:00+00:00", "to": "2027-03-05T00:00:00+00:00", "on_call_now": True}
    assert (entered.status_code, entered.json["gaps"]) == (200, [])
    assert read.json["items"][0] == first
    assert [one["on_call_now"] for one in read.json["items"]] == [True, False]
    assert read.json["gaps"] == [{"from": "2027-03-09T00:00:00+00:00", "to": "2027-03-15T00:00:00+00:00"}]


def test_a_hole_between_the_roster_that_ends_and_the_new_one_is_said_and_not_refused(client, now, li):
    put(client, li, shift(li, now, 2))

    entered = put(client, li, shift(li, now + 4 * DAY, 2))
    closed = put(client, li, shift(li, now + 2 * DAY, 4))

    assert entered.status_code == 200
    assert entered.json["gaps"] == [{"from": "2027-03-03T00:00:00+00:00", "to": "2027-03-05T00:00:00+00:00"}]
    assert closed.json["gaps"] == []


def test_those_who_may_replace_it_do_and_the_others_only_read_it(db, client, now, li):
    allowed = [administrator(db), administrator(db, "site-01"), principal_investigator(db), li]
    readers = [investigator(db), monitor(db)]
    foreign = coordinator(db, "site-02")

    statuses = [put(client, who, shift(li, now, 7)).status_code for who in [*allowed, *readers, foreign]]
    read = [client.get(ON_CALL, headers=who.headers) for who in [*allowed, *readers, foreign, phone_of(db, ann(db))]]

    assert statuses == [200] * 4 + [403] * 2 + [404]
    assert [one.status_code for one in read] == [200] * 6 + [404, 403]
    assert ["name" in one.json["items"][0]["staff"] for one in read[:6]] == [True] * 5 + [False]


def test_what_is_wrong_with_a_roster_is_said_field_by_field_and_nothing_changes(client, now, li):
    put(client, li, shift(li, now, 7))
    good = shift(li, now, 1)

    answers = {
        "shifts.0.from": put(client, li, good | {"from": "2027-03-01T00:00:00"}),
        "shifts.0.to": put(client, li, good | {"to": good["from"]}),
        "shifts.0.staff_id": put(client, li, good | {"staff_id": "0b9c6a6e-6f0e-4b8e-9a55-3a4f4a0f8f11"}),
        "shifts.0.name": put(client, li, good | {"name": "Li"}),
        "shifts": put(client, li, good, shift(li, now + 3 * DAY, 1)),
    }

    assert {field: (one.status_code, [*one.json["errors"]]) for field, one in answers.items()} == {
        field: (422, [field]) for field in answers
    }
    assert answers["shifts"].json["errors"]["shifts"] == [
        "Nobody is on call from 2027-03-02T00:00:00+00:00 to 2027-03-04T00:00:00+00:00."
    ]
    assert len(client.get(ON_CALL, headers=li.headers).json["items"]) == 1


def test_a_stretch_is_read_page_by_page_and_a_wrong_one_is_refused(client, now, li):
    put(client, li, *(shift(li, now + n * DAY, 1) for n in range(20)))
    asked = {"from": (now + 2 * DAY).isoformat(), "to": (now + 9 * DAY).isoformat(), "limit": 3}

    seen, cursor = [], {}
    for _ in range(3):
        page = client.get(ON_CALL, query_string=asked | cursor, headers=li.headers).json
        seen += [one["from"][:10] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    backward = client.get(ON_CALL, query_string={"from": asked["to"], "to": asked["from"]}, headers=li.headers)

    assert seen == [f"2027-03-{day:02}" for day in range(3, 10)]
    assert (page["next_cursor"], page["gaps"]) == (None, [])
    assert (backward.status_code, [*backward.json["errors"]]) == (422, ["to"])


def test_a_sites_hours_need_both_times_in_order(db, client, li):
    chief = administrator(db)
    wanted = {"opens": "08:30", "closes": "17:30"}
    wrong = [{"opens": "08:30"}, {"closes": "17:30"}, {"opens": "17:30", "closes": "08:30"}, {"monday": wanted}, {}]

    site = "/api/v1/sites/site-01"
    refused = [client.patch(site, json={"working_hours": one}, headers=chief.headers) for one in wrong]
    changed = client.patch(site, json={"working_hours": wanted}, headers=chief.headers)

    assert [one.status_code for one in refused] == [422] * 5
    assert (changed.status_code, changed.json["working_hours"]) == (200, wanted)

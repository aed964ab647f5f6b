"""Sessions and passwords of staff over HTTP: how they end, and who ends them."""

import pytest

from tests.authenticator import in_force, sign_in
from tests.people import PASSWORD, administrator, bearer, coordinator

API = "/api/v1"
NEW_PASSWORD = "another long password"


@pytest.fixture
def person(db):
    return coordinator(db)


def works(client, headers) -> bool:
    return client.get(f"{API}/sites", headers=headers).status_code == 200


def another_session(db, client, person):
    return bearer(sign_in(client, person, in_force(db, person).code()).json["access_token"])


def change(client, headers, password, new_password):
    body = {"password": password, "new_password": new_password}
    return client.post(f"{API}/auth/password", json=body, headers=headers)


def test_one_sees_where_one_is_signed_in_and_ends_the_others(db, client, clock, person):
    in_force_since = in_force(db, person)
    old, new = (bearer(sign_in(client, person, in_force_since.code(step)).json["access_token"]) for step in (0, 1))

    clock.move_to("2027-03-01T08:02:00+08:00")
    listed = client.get(f"{API}/auth/sessions", headers=old)
    ended = client.delete(f"{API}/auth/sessions", headers=old)
    left = client.get(f"{API}/auth/sessions", headers=old).json["items"]

    assert listed.json["items"][0].keys() == {"id", "started_at", "last_seen_at", "current"}
    assert [one["current"] for one in listed.json["items"]].count(True) == 1
    assert (ended.status_code, len(left), left[0]["current"]) == (204, 1, True)
    assert left[0]["started_at"] == "2027-03-01T00:00:00+00:00"
    assert left[0]["last_seen_at"] == "2027-03-01T00:02:00+00:00"
    assert (works(client, old), works(client, new)) == (True, False)


def test_sessions_are_paged_without_loss_and_nobody_elses_are_shown(db, client, clock, person):
    in_force_since = in_force(db, person)
    coordinator(db)
    for minute in range(1, 5):
        clock.move_to(f"2027-03-01T08:0{minute}:00+08:00")
        mine = bearer(sign_in(client, person, in_force_since.code()).json["access_token"])

    seen, cursor = [], ""
    for _ in range(3):
        page = client.get(f"{API}/auth/sessions?limit=2{cursor}", headers=mine).json
        seen += [item["started_at"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
        if page["next_cursor"] is None:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(client.get(f"{API}/auth/sessions", headers=mine).json["items"]) == 5


def test_an_ended_session_is_not_listed(db, client, clock, person):
    authenticator = in_force(db, person)
    gone = bearer(sign_in(client, person, authenticator.code()).json["access_token"])
    clock.move_to("2027-03-01T08:29:00+08:00")
    here = bearer(sign_in(client, person, authenticator.code()).json["access_token"])

    clock.move_to("2027-03-01T08:31:00+08:00")

    assert len(client.get(f"{API}/auth/sessions", headers=here).json["items"]) == 1
    assert not works(client, gone)


def test_an_administrator_signs_somebody_out_everywhere_at_once(db, client, person):
    elsewhere = another_session(db, client, person)
    before = works(client, elsewhere)

    ended = client.delete(f"{API}/staff/{person.id}/sessions", headers=administrator(db).headers)

    assert (before, ended.status_code, works(client, elsewhere)) == (True, 204, False)


@pytest.mark.parametrize(
    "changes",
    [{"active": False}, {"password": NEW_PASSWORD}, {"roles": [{"role": "investigator", "site": "site-01"}]}],
    ids=lambda one: next(iter(one)),
)
def test_what_an_administrator_changes_ends_sessions_at_once(db, client, person, changes):
    before = works(client, person.headers)

    changed = client.patch(f"{API}/staff/{person.id}", json=changes, headers=administrator(db).headers)

    assert (before, changed.status_code, works(client, person.headers)) == (True, 200, False)


@pytest.mark.parametrize(("then", "works_then"), [("19:59", True), ("20:00", False)])
def test_a_session_in_use_ends_after_twelve_hours(client, clock, person, then, works_then):
    for minute in range(25, 12 * 60, 25):
        clock.move_to(f"2027-03-01T{8 + minute // 60:02}:{minute % 60:02}:00+08:00")
        assert works(client, person.headers)

    clock.move_to(f"2027-03-01T{then}:00+08:00")

    assert works(client, person.headers) is works_then


def test_one_changes_ones_password_and_stays_signed_in_here_only(db, client, person):
    authenticator = in_force(db, person)
    here, there = (bearer(sign_in(client, person, authenticator.code(step)).json["access_token"]) for step in (-1, 0))

    changed = change(client, here, PASSWORD, NEW_PASSWORD)

    assert (changed.status_code, works(client, here), works(client, there)) == (204, True, False)
    assert sign_in(client, person, authenticator.code(+1)).status_code == 401
    assert sign_in(client, person, authenticator.code(+1), password=NEW_PASSWORD).status_code == 201


@pytest.mark.parametrize("wrong", ["short", PASSWORD, "the address"])
def test_a_new_password_that_will_not_do_is_named(client, person, wrong):
    wanted = person.email.upper() if wrong == "the address" else wrong

    answer = change(client, person.headers, PASSWORD, wanted)

    assert (answer.status_code, [*answer.json["errors"]]) == (422, ["new_password"])


def test_nobody_changes_it_without_knowing_it(client, person):
    refused = change(client, person.headers, "not it", NEW_PASSWORD)

    assert (refused.status_code, refused.json["code"]) == (401, "sign_in_refused")
    assert works(client, person.headers)

"""Hostile headers, addresses, cursors and filters: refused or without effect, in the one shape, never a 500."""

import gzip
import json
from typing import Any

import pytest

from tests.hostile.doors import KEEPS_WORDS, Door, all_doors, assert_civil, assert_problem, rows, some
from tests.hostile.values import (
    AUTHORIZATIONS,
    CONTENT_TYPES,
    CURSORS,
    FILTERS,
    HARMLESS,
    HOSTS,
    IF_MATCHES,
    LIMITS,
    PLACES,
)

WORDS_OF_A_LIST = ("site", "arm", "status", "tier", "reason", "patient", "verb", "record_type")


def test_no_forged_authorization_opens_a_door(app, db):
    doors = all_doors(app, db)
    before = rows(db)

    for number, door in enumerate(doors):
        for said in some(AUTHORIZATIONS, number):
            answer = ask(app, door, headers={"Authorization": said})
            assert_civil(door, answer, said)
            assert door.is_for_anyone or answer.status_code == 401, (door.label, said[:50])

    assert rows(db) == before


def test_headers_that_mean_nothing_here_change_nothing(app, db):
    doors = [door for door in all_doors(app, db) if door.method == "GET"]

    for number, door in enumerate(doors):
        usual = ask(app, door)
        for headers in some(HARMLESS, number):
            answer = ask(app, door, headers=door.headers | headers)
            assert_civil(door, answer, headers)
            assert answer.status_code == usual.status_code, (door.label, str(headers)[:80])


def _change_at(door):
    return {"grade": 2, "reason": "news"} if "adverse-events" in door.label else {"language": "en"}


def test_an_if_match_that_no_record_ever_had_changes_nothing(app, db):
    doors = [door for door in all_doors(app, db) if "428" in door.operation["responses"]]
    before = rows(db)

    for door in doors:
        for said in IF_MATCHES:
            answer = ask(app, door, headers=door.headers | {"If-Match": said}, json=_change_at(door))
            assert_civil(door, answer, said)
            assert answer.status_code in (412, 428), (door.label, said[:50])

    assert doors
    assert rows(db) == before


# Refused before anything is read of it, whatever the database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_declared_or_packed_as_something_else_is_refused(app, db):
    doors = [door for door in all_doors(app, db) if door.body is not None]
    before = rows(db)

    for number, door in enumerate(door for door in doors if door.label not in KEEPS_WORDS):
        whole = json.dumps(door.body | {"nonsense": 1})
        for kind in some(CONTENT_TYPES, number):
            for body in (whole.encode(), whole.encode("utf-16"), b"\x1f\x8b", b"a=1"):
                answer = ask(app, door, headers=door.headers, data=body, content_type=kind)
                assert_civil(door, answer, kind)
                assert answer.status_code in (400, 415, 422, 429), (door.label, kind)
        packed = door.headers | {"Content-Encoding": "gzip"}
        answer = ask(app, door, headers=packed, data=gzip.compress(whole.encode()), content_type="application/json")
        assert answer.status_code in (400, 415, 429), door.label

    assert rows(db) == before


def test_an_address_with_something_else_in_it_breaks_nothing(app, db):
    for number, door in enumerate(all_doors(app, db)):
        for name in door.places:
            for piece in some(PLACES, number):
                answer = ask(app, door, address=door.with_place(name, piece))
                where = f"{door.label} {piece[:60]!r}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"
                assert answer.status_code < 500, where
                if answer.status_code >= 400:
                    assert_problem(answer, where)


def test_an_address_that_is_none_is_a_problem_like_any_other(app, db):
    for address in ("/", "//", "/api", "/api/v1", "/api/v1/", "/api/v1//patients", "/api/v1/patients/", "/%00", "/%ff"):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "x" * 50):
            answer = app.test_client().open(address, method=method)
            assert answer.status_code < 500, (method, address)
            if answer.status_code >= 400:
                assert_problem(answer, f"{method} {address}")
                assert answer.status_code != 405 or answer.headers["Allow"], (method, address)


def test_no_cursor_but_a_list_s_own_turns_its_page(app, db):
    lists = [door for door in all_doors(app, db) if "cursor" in door.query]

    for number, door in enumerate(lists):
        for query in [{"cursor": one} for one in some(CURSORS, number, 3)]:
            answer = ask(app, door, query_string=query)
            assert_civil(door, answer, query)
            assert answer.status_code in (200, 422), (door.label, query)
        for said in some(LIMITS, number, 3):
            answer = ask(app, door, query_string={"limit": said})
            assert_civil(door, answer, said)
            assert answer.status_code == 422, (door.label, said[:50])
            assert "limit" in answer.json["errors"], (door.label, said[:50])

    assert len(lists) > 8


def test_a_word_no_list_knows_is_refused_by_name_and_not_an_empty_list(app, db):
    asked = 0

    for number, door in enumerate(all_doors(app, db)):
        for name in set(door.query) & {*WORDS_OF_A_LIST}:
            for said in some(FILTERS, number, 3):
                answer = ask(app, door, query_string={name: said})
                assert_civil(door, answer, (name, said))
                assert answer.status_code == 422, (door.label, name, said[:50])
                assert name in answer.json.get("errors", ()), (door.label, name, said[:50], answer.json)
                asked += 1

    assert asked > 30


def test_a_question_asked_twice_or_never_thought_of_breaks_nothing(app, db):
    for door in all_doors(app, db):
        if door.query:
            for query in ("colour=red", "limit=1&limit=2", "=", "&&&", "%00=1", "limit[]=1", "a" * 20_000):
                answer = ask(app, door, address=f"{door.whole_address}?{query}")
                assert_civil(door, answer, query)


def ask(app: Any, door: Door, *, address: str | None = None, headers: dict[str, str] | None = None, **more: Any) -> Any:
    headers = door.headers if headers is None else headers
    return app.test_client().open(address or door.whole_address, method=door.method, headers=headers, **more)


def test_a_host_that_is_none_is_said_to_be_so(app, db):
    for said in HOSTS:
        answer = app.test_client().get("/api/v1/sites", headers={"Host": said})

        assert answer.status_code in (400, 401), said
        assert_problem(answer, said[:50])
        assert answer.json["code"] in ("unreadable_request", "not_signed_in")

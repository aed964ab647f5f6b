"""Hostile values in every field of every body: a refusal that names the field, nothing written, never a 500."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from backend.db import Database
from tests.hostile.doors import KEEPS_WORDS, Door, all_doors, assert_civil, rows, some
from tests.hostile.values import RAW, VALUES

Path = tuple[str | int, ...]
# Attempts to sign in are noted whatever comes of them.
NOTED = ("/auth/", "/signatures", *KEEPS_WORDS)


def test_no_value_in_any_field_is_more_than_a_refusal(app, db):
    listed = [door for door in all_doors(app, db) if isinstance(door.body, dict)]
    client, before = app.test_client(), rows(db)

    for door in listed:
        taken = [
            (path, value)
            for number, path in enumerate(paths_in(door.body))
            for value in of_share(VALUES, door, number, db)
            if is_taken(client, door, path, value)
        ]
        after = rows(db)

        assert taken or any(kept in door.label for kept in NOTED) or after == before, door.label
        before = after


def test_nothing_that_json_cannot_say_is_more_than_a_refusal(app, db):
    listed = [door for door in all_doors(app, db) if isinstance(door.body, dict)]
    client = app.test_client()

    for door in listed:
        for number, path in enumerate(paths_in(door.body)):
            marked = json.dumps(put(copy.deepcopy(door.body), path, "@@")).encode()
            for value in of_share(RAW, door, number, db):
                answer = ask(client, door, marked.replace(b'"@@"', value))
                assert_civil(door, answer, (path, value))


# The schema refuses them, whatever the database; what a database says of a value is tried above, on both.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_field_that_is_not_in_the_document_is_taken(app, db):
    client = app.test_client()
    strange = {"id": 1, "site_id": "x", "__proto__": {"a": 1}, "constructor": None, "": 1, "a.b": 1, "\u202e": 1}

    for door in all_doors(app, db):
        for name, value in strange.items() if isinstance(door.body, dict) else ():
            if name not in door.body:
                answer = ask(client, door, json.dumps(door.body | {name: value}).encode())
                assert_civil(door, answer, name)
                assert answer.status_code in (422, 429), (door.label, name)


def of_share(values: Sequence[Any], door: Door, number: int, db: Database) -> Sequence[Any]:
    """A body of many fields has fewer values for each; and the two databases have different ones."""
    is_second = db.url.startswith("postgres")
    return some(values, 2 * number + is_second, 12 if len(list(paths_in(door.body))) < 20 else 36)


def is_taken(client: Any, door: Door, path: Path, value: Any) -> bool:
    answer = ask(client, door, json.dumps(put(copy.deepcopy(door.body), path, value)).encode())
    assert_civil(door, answer, (path, value))
    assert answer.status_code != 422 or "errors" in answer.json or answer.json["code"] != "invalid_input", door.label
    return bool(answer.status_code < 400)


def ask(client: Any, door: Door, body: bytes) -> Any:
    headers = door.headers | {"Content-Type": "application/json", "If-Match": '"1"'}
    return client.open(door.whole_address, method=door.method, data=body, headers=headers)


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where every value of a body stands, the body itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from paths_in(below, (*path, key))


def put(body: Any, path: Path, value: Any) -> Any:
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return body

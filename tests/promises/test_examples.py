"""The examples of the API's document were really sent and answered, and still would be."""

import json
from itertools import chain

import pytest

from backend.api import document
from tests.documented import document_of, operations, resolved, validator
from tests.promises.pages import REFRESH, ROOT, STALE, is_refreshing
from tests.promises.recording import record
from tests.promises.test_audit import Story

KEPT = ROOT / "backend" / "api" / "examples.json"


@pytest.fixture
def story(db, client) -> Story:
    return Story(db, client)


def test_every_request_shown_is_accepted_and_every_answer_shown_has_the_fields_of_a_real_one(app, story):
    kept = None if is_refreshing() else json.loads(KEPT.read_text(encoding="utf-8"))
    heard, refused = record(story, app, kept)

    assert refused == []
    if kept is None:
        KEPT.write_text(heard.page(), encoding="utf-8")
        document.examples.cache_clear()
        return
    assert {name: fields(entry) for name, entry in kept.items()} == {
        name: fields(entry) for name, entry in heard.kept.items()
    }, STALE


def fields(entry):
    """The names at the top of what was sent and of each answer."""
    bodies = {"request": entry.get("request"), **entry["responses"]}
    return {name: sorted(body) for name, body in bodies.items() if isinstance(body, dict)}


def test_every_body_and_every_answer_has_an_example_that_fits_its_schema(app):
    told = document_of(app)
    missing, unfit = [], []
    for path, method, operation in operations(told):
        for where, content in contents(told, operation):
            shown = examples_of(content)
            if not shown:
                missing.append(f"{method} {path} {where}")
            check = validator(told["components"], json.dumps(content["schema"]))
            unfit.extend(f"{method} {path} {where}: {e.message}" for e in chain(*map(check.iter_errors, shown)))

    assert missing == [], f"Tell of it in the story of tests/promises/test_audit.py, then {REFRESH}=1."
    assert unfit == []


def examples_of(content):
    """What is shown of a body: one example, or several by name."""
    several = [one["value"] for one in content.get("examples", {}).values()]
    return [content["example"]] if "example" in content else several


def contents(told, operation):
    """(where, content) of the JSON bodies that an operation takes and gives, but for a preview or a repetition."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield kind, content
    successes = [status for status in operation["responses"] if status < "300"]
    for status, response in operation["responses"].items():
        if status not in successes or status == max(successes):
            for kind, content in resolved(told, response).get("content", {}).items():
                if "json" in kind and (status, operation["operationId"]) != ("503", "get_readyz"):
                    yield f"{status} {kind}", content

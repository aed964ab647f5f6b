"""The API's document: the kept copy is the one the server gives, it is valid, and it says everything."""

import json
import re
from collections import Counter

import pytest
from flask import Response
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from backend.api import refusals
from backend.app import create_app
from backend.errors import catalogue
from tests.documented import document_of, operations, resolved, validator, watching
from tests.promises.pages import DOCS, STALE, agrees


@pytest.fixture
def told(app):
    return document_of(app)


def parts(value):
    """Every object inside, with the names it has."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def test_the_kept_document_is_the_one_the_server_gives(client):
    given = client.get("/api/v1/openapi.json").json
    is_the_same = agrees(DOCS / "api.json", json.dumps(given, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    assert is_the_same, STALE


def test_the_document_is_valid_openapi_3_1_for_a_validator_that_is_not_ours(told):
    assert told["openapi"] == "3.1.1"
    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []


def test_every_schema_is_json_schema_2020_12_without_the_habits_of_openapi_3_0(told):
    named_ones = list(told["components"]["schemas"].values())
    schemas = named_ones + [part["schema"] for part in parts(told) if isinstance(part.get("schema"), dict)]
    dialect = Draft202012Validator(Draft202012Validator.META_SCHEMA)

    assert [error.message for schema in schemas for error in dialect.iter_errors(schema)] == []
    assert [part for schema in schemas for part in parts(schema) if "nullable" in part or "example" in part] == []
    assert [part for part in parts(schemas) if re.search(r"\\[AZ]", str(part.get("pattern")))] == []


def test_every_reference_leads_somewhere_and_every_component_is_used(told):
    wanted = {part["$ref"] for part in parts(told) if isinstance(part.get("$ref"), str)}
    there = {f"#/components/{kind}/{name}" for kind, named in told["components"].items() for name in named}

    assert wanted == {one for one in there if not one.startswith("#/components/securitySchemes/")}


def test_every_route_is_described_in_a_sentence_and_has_a_name_of_its_own(told):
    listed = list(operations(told))
    names = Counter(operation["operationId"] for _, _, operation in listed)

    assert [path for path, _, operation in listed if not operation.get("summary", "").endswith(".")] == []
    assert [name for name, times in names.items() if times > 1 or not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_every_group_parameter_header_and_field_is_described(told):
    used = {tag for _, _, operation in operations(told) for tag in operation["tags"]}
    parameters = [part for part in parts(told) if part.get("in") in ("path", "query", "header") and "name" in part]
    headers = [header for part in parts(told) for header in named(part, "headers").values()]
    schemas = told["components"]["schemas"].values()
    fields = [one for schema in schemas for one in named(schema, "properties").items()]

    assert used == {tag["name"] for tag in told["tags"] if tag["description"]}
    assert [one for one in [*parameters, *headers] if not one.get("description")] == []
    assert [name for name, field in fields if not field.get("description")] == []


def named(part, kind):
    """The parts of an object that are called so, by name; none where that is the name of a field."""
    inner = part.get(kind, {})
    return inner if isinstance(inner, dict) and all(isinstance(one, dict) for one in inner.values()) else {}


def test_every_operation_says_how_it_can_be_refused(told):
    answers = {
        (method, path): {int(status) for status in operation["responses"]}
        for path, method, operation in operations(told)
    }

    assert [route for route, statuses in answers.items() if not statuses >= {400, 405, 500}] == []
    assert answers["GET", "/api/v1/patients/{patient_id}"] == {200, 400, 401, 403, 404, 405, 500, 503}
    assert answers["PATCH", "/api/v1/patients/{patient_id}"] >= {400, 409, 412, 413, 415, 422, 428}
    assert answers["GET", "/api/v1/patients"] == {200, 400, 401, 403, 405, 422, 500, 503}
    assert answers["POST", "/api/v1/auth/staff"] >= {201, 400, 401, 413, 415, 422, 429, 503}


def test_every_code_that_a_caller_can_meet_stands_at_the_refusals_that_bear_it(told):
    codes = {
        code
        for response in told["components"]["responses"].values()
        for part in parts(response)
        for code in (part["code"].get("enum", []) if isinstance(part.get("code"), dict) else [])
    }

    assert codes == {one.code for one in catalogue() if one not in refusals.UNSPOKEN}


def test_the_example_of_each_refusal_has_the_shape_of_a_refusal(told):
    wrong = []
    for name, response in told["components"]["responses"].items():
        content = resolved(told, response)["content"]["application/problem+json"]
        check = validator(told["components"], json.dumps(content["schema"]))
        for code, example in content["examples"].items():
            wrong.extend((name, code, error.message) for error in check.iter_errors(example["value"]))
            assert example["value"]["code"] == code

    assert wrong == []


def test_an_answer_that_the_document_does_not_tell_of_fails_the_test_that_saw_it(settings, db):
    app = create_app(settings, db)

    @app.after_request
    def spoil(answer: Response) -> Response:
        answer.status_code = 418
        return answer

    with pytest.raises(AssertionError, match="GET /healthz 418: not in the document"), watching(app):
        app.test_client().get("/healthz")

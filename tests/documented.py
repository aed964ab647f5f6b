"""Every answer that the suite sees is one the API's document tells of: its status, its headers, its shape."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, request
from jsonschema import Draft202012Validator

from backend.api import document
from backend.api.document import METHODS, ProblemApi


@contextmanager
def watching(app: Flask) -> Iterator[None]:
    """Look at every answer of this application, and fail at the end for those that the document does not tell of."""
    found: list[str] = []

    def look(answer: Response) -> Response:
        found.extend(complaints(app, answer))
        return answer

    # The last to look: the others add headers. Called in reverse order.
    looking = app.after_request_funcs.setdefault(None, [])
    looking.insert(0, look)
    yield
    looking.remove(look)
    assert not found, "The API's document does not tell of these answers:\n" + "\n".join(found)


def document_of(app: Flask) -> dict[str, Any]:
    """The whole document, as the server gives it."""
    api: ProblemApi = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    whole: dict[str, Any] = json.loads(json.dumps(api.whole()))
    return whole


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of each, the method as HTTP writes it."""
    for path, methods in told["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method.upper(), methods[method]


def complaints(app: Flask, answer: Response) -> Iterator[str]:
    """What the document does not say about this answer to the request at hand."""
    method = "GET" if request.method == "HEAD" else request.method
    if method == "OPTIONS" or request.url_rule is None:
        return
    told = _told(app)
    responses = told["operations"].get((document.path_of(request.url_rule), method))
    if responses is None:
        return
    where = f"{method} {request.url_rule.rule} {answer.status_code}"
    response = responses.get(str(answer.status_code))
    if response is None:
        yield f"{where}: not in the document"
        return
    yield from (f"{where}: no {name}" for name in _promised(response) - set(answer.headers.keys()))
    yield from (f"{where}: {complaint}" for complaint in _misshapen(told, response, answer))


def _promised(response: dict[str, Any]) -> set[str]:
    return {name for name, header in response.get("headers", {}).items() if header.get("required")}


def _misshapen(told: dict[str, Any], response: dict[str, Any], answer: Response) -> Iterator[str]:
    content = response.get("content", {})
    if request.method == "HEAD" or answer.status_code == 204:
        return
    shape = content.get(answer.mimetype)
    if shape is None:
        yield f"{answer.mimetype} is not in the document"
    elif answer.is_json and "schema" in shape:
        for error in validator(told["components"], json.dumps(shape["schema"])).iter_errors(answer.json):
            yield f"{'.'.join(str(step) for step in error.absolute_path)}: {error.message[:200]}"


_validators: dict[str, Draft202012Validator] = {}


def validator(components: dict[str, Any], schema: str) -> Draft202012Validator:
    """Holds a value to a schema of the document, given as JSON, which refers to its components."""
    if schema not in _validators:
        _validators[schema] = Draft202012Validator({**json.loads(schema), "components": components})
    return _validators[schema]


def resolved(told: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """The response itself, where there is only a reference to it."""
    if "$ref" not in response:
        return response
    found: dict[str, Any] = told["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return found


_once: dict[str, Any] = {}


def _told(app: Flask) -> dict[str, Any]:
    """By path and method what can be answered; the same for every application this process makes."""
    if not _once:
        told = document_of(app)
        _once["components"] = told["components"]
        _once["operations"] = {
            (path, method): {status: resolved(told, one) for status, one in operation["responses"].items()}
            for path, method, operation in operations(told)
        }
    return _once

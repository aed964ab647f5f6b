"""The OpenAPI document, and the page that shows it with nothing from anyone else's server.

flask-smorest tells what decorators know. The rest is added here from facts: who may, what can be refused,
what each part of an address means, and examples that were really sent and answered.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from flask import Flask, Response
from flask_smorest import Api, Blueprint
from werkzeug.routing import Rule

from backend.access import ALLOWED, Verb
from backend.api import refusals
from backend.api.permissions import TABLE, Who
from schemas.problems import ProblemOut

JSON = "application/json"
PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")

OPENAPI: dict[str, Any] = {
    "API_TITLE": "Follow-up and patient-reported outcomes",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.1",
    "OPENAPI_URL_PREFIX": PREFIX,
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Patients report, coordinators triage, reminders arrive, survival is confirmed. "
            "Instants are RFC 3339 with an offset, dates ISO 8601. Every error is a problem with a stable code. "
            "Lists in examples are shortened."
        },
        "servers": [{"url": "/", "description": "This server"}],
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A patient's or a member of staff's access token, opaque",
                }
            }
        },
        "security": [{"bearer": []}],
    },
}

# What the variable parts of addresses mean.
IN_ADDRESSES = {
    "patient_id": "The patient's id",
    "report_id": "The report's id",
    "candidate_id": "The candidate event's id",
    "correction_id": "The correction's id",
    "event_id": "The adverse event's id",
    "item_id": "The task's id",
    "inbound_id": "The text's id",
    "staff_id": "The person's id",
    "site": "The site's id or its code, such as site-01",
    "pause_id": "The pause's id",
    "stay_id": "The hospital stay's id",
    "key": "The agenda item's key, such as weekly.w7",
    "number": "Which cycle of the protocol",
    "name": "The questionnaire's name, such as weekly",
    "version": "The number of a version of the protocol",
    "code": "The term's MedDRA code, eight digits",
}
WHO = {
    Who.ANYONE: "Anyone.",
    Who.SIGNED_IN: "Whoever is signed in.",
    Who.STAFF: "Any member of staff.",
    Who.PATIENT: "A patient's phone.",
}
REQUEST_ID = {"description": "Names this request in our log", "schema": {"type": "string"}, "required": True}


class ProblemApi(Api):
    """flask-smorest's Api, telling the whole truth in the document.

    The answers themselves come from ``backend.api.problems``, so its own handler is not registered.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        """No document is written yet."""
        self._flask = app
        self._untold: list[Blueprint] = []
        self._writing = Lock()
        self._written: str | None = None
        super().__init__(app)

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """Open a resource's doors. What the document says of them is worked out when somebody asks for it."""
        self._flask.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._flask.register_blueprint(blp, **options)
        self._untold.append(blp)

    def whole(self) -> dict[str, Any]:
        """The document of every resource there is."""
        with self._writing:
            while self._untold:
                blp = self._untold.pop(0)
                blp.register_views_in_doc(self, self._flask, self.spec, name=blp.name, parameters=None)
                self.spec.tag({"name": blp.name, "description": blp.description})
            return complete(self.spec.to_dict(), self._flask)

    def _register_responses(self) -> None:
        self.spec.components.schema("ProblemOut", schema=ProblemOut)
        for status in refusals.told():
            self.spec.components.response(refusals.name_of(status), refusals.component(status), lazy=True)

    def _register_error_handlers(self) -> None:
        """Ours are registered by ``problems.speak_in_problems``."""

    def _openapi_json(self) -> Response:
        # It costs a tenth of a second to make and anybody may ask for it, so it is made once.
        if self._written is None:
            self._written = json.dumps(self.whole(), ensure_ascii=False, indent=1)
        return Response(self._written, mimetype=JSON)


def complete(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """The document with everything that no decorator says."""
    for rule, path in _documented(document, app):
        for parameter in path.get("parameters", []):
            parameter["description"] = IN_ADDRESSES.get(parameter["name"], "")
        for method in set(METHODS) & path.keys():
            _complete_operation(rule, method.upper(), path[method])
    parts = document["components"]
    parts["responses"] = refusals.components(_statuses(document))
    parts["schemas"].pop("PaginationMetadata", None)
    whole: dict[str, Any] = _in_json_schema(document)
    return whole


def operation_id(rule: Rule, method: str) -> str:
    """``post_patients_cycles`` and, for one of several, ``get_patients_cycles_by_number``."""
    steps = path_of(rule).removeprefix(PREFIX).strip("/").split("/")
    words = [step for step in steps if not step.startswith("{")]
    if steps[-1].startswith("{"):
        words += ["by", steps[-1].strip("{}")]
    return re.sub(r"\W", "_", "_".join([method, *words])).lower()


def path_of(rule: Rule) -> str:
    """A route's address as the document writes it: ``/patients/{patient_id}``."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


@cache
def examples() -> dict[str, Any]:
    """By operation: what was sent (``request``) and what came back (``responses``, by status)."""
    kept = (files("backend.api") / "examples.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(kept)
    return loaded


def _documented(document: dict[str, Any], app: Flask) -> Iterator[tuple[Rule, dict[str, Any]]]:
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(path_of(rule))
        if path is not None:
            yield rule, path


def _complete_operation(rule: Rule, method: str, operation: dict[str, Any]) -> None:
    named = operation_id(rule, method)
    operation["operationId"] = named
    wanted = TABLE.get(rule.endpoint, {}).get(method)
    if wanted is not None:
        operation["description"] = f"Who may: {_who(wanted)}"
    if wanted is Who.ANYONE:
        operation["security"] = []
    answers = operation["responses"]
    for status in refusals.statuses(rule, method, operation):
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{refusals.name_of(status)}"})
    operation["responses"] = dict(sorted(answers.items()))
    for answer in answers.values():
        if "$ref" not in answer:
            answer.setdefault("headers", {})["X-Request-Id"] = REQUEST_ID
    _show_examples(operation, examples().get(named, {}))


def _who(wanted: Who | Verb) -> str:
    if isinstance(wanted, Who):
        return WHO[wanted]
    return ", ".join(sorted(role.replace("_", " ") for role in ALLOWED[wanted])) + ", at the site."


def _show_examples(operation: dict[str, Any], kept: dict[str, Any]) -> None:
    if "requestBody" in operation and "request" in kept:
        operation["requestBody"]["content"][JSON]["example"] = kept["request"]
    for status, body in kept.get("responses", {}).items():
        shown = operation["responses"].get(status, {}).get("content", {}).get(JSON)
        if shown is not None:
            shown["example"] = body


def _statuses(document: dict[str, Any]) -> set[int]:
    """Of every refusal that an operation refers to."""
    return {
        int(status)
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in METHODS
        for status, answer in operation["responses"].items()
        if "$ref" in answer
    }


def _in_json_schema(part: Any) -> Any:
    r"""The same, with patterns as other languages write them: Python's ``\Z`` is their ``$``."""
    if isinstance(part, dict):
        return {name: _pattern(inner) if name == "pattern" else _in_json_schema(inner) for name, inner in part.items()}
    return [_in_json_schema(inner) for inner in part] if isinstance(part, list) else part


def _pattern(pattern: Any) -> Any:
    return pattern.replace(r"\Z", "$") if isinstance(pattern, str) else _in_json_schema(pattern)

"""Which refusals each operation can give: told in the document from the facts that make them happen.

A token is asked for, a role, an id, a body, a version: each has its own way of being wrong. Writing them down
by hand would forget one; the test suite holds every answer it sees to what is said here.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from werkzeug.routing import Rule

from backend.api.limits import FIGURES
from backend.api.permissions import TABLE, Who
from backend.api.problems import SECONDS_TO_RETRY, STATUS, sample
from backend.errors import BadSeedFile, BadSettings, BadTemplate, FollowupError, NotADemo, SchemaOutOfDate, catalogue

PROBLEM = "application/problem+json"
# Said by commands and at start, never to a caller.
UNSPOKEN = frozenset({BadSeedFile, BadSettings, BadTemplate, NotADemo, SchemaOutOfDate})
ALWAYS = frozenset({400, 405, 500})
# Doors that count no addresses, but guesses at the password of whoever is signed in.
PROVING_AGAIN = frozenset({"stops.Reversals", "adverse_events.Signatures"})
WITH_A_BODY = frozenset({413, 415, 422})
WITH_A_VERSION = frozenset({412, 428})
READS = frozenset({"GET", "HEAD"})
HEADERS: Mapping[int, tuple[str, str, str]] = {
    401: ("WWW-Authenticate", "How to say who one is", "Bearer"),
    405: ("Allow", "The methods that this address takes", "GET, HEAD, OPTIONS"),
    429: ("Retry-After", "Seconds to wait before trying again", SECONDS_TO_RETRY),
    503: ("Retry-After", "Seconds to wait before trying again", SECONDS_TO_RETRY),
}


def statuses(rule: Rule, method: str, operation: Mapping[str, Any]) -> frozenset[int]:
    """Every status of refusal that this operation can answer with."""
    wanted = TABLE.get(rule.endpoint, {}).get(method)
    if wanted is None:
        return ALWAYS
    changing = [] if method in READS else [409]
    counted = [429] if rule.endpoint in FIGURES or rule.endpoint in PROVING_AGAIN else []
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    choosing = [406] if len(content) > 1 else []
    return ALWAYS.union([503], _who(wanted), _which(rule), _what(operation), changing, counted, choosing)


def components(used: Iterable[int]) -> dict[str, Any]:
    """The refusals that operations refer to, by name."""
    return {name_of(status): component(status) for status in sorted(used)}


def name_of(status: int) -> str:
    """What the document calls a refusal with this status."""
    return HTTPStatus(status).name


def component(status: int) -> dict[str, Any]:
    """One refusal: what it means, which codes it can bear, and an example of each."""
    failures = spoken(status)
    codes = {"properties": {"code": {"enum": [one.code for one in failures]}}}
    shape = {"allOf": [{"$ref": "#/components/schemas/ProblemOut"}, codes]}
    examples = {one.code: {"summary": one.title, "value": sample(one)} for one in failures}
    said = {
        "description": " ".join(one.title for one in failures),
        "content": {PROBLEM: {"schema": shape, "examples": examples}},
    }
    if status in HEADERS:
        said["headers"] = dict([_header(*HEADERS[status])])
    return said


def spoken(status: int) -> list[type[FollowupError]]:
    """The named failures that are answered with this status."""
    return [one for one in catalogue() if STATUS[one.kind] == status and one not in UNSPOKEN]


def told() -> list[int]:
    """Every status with a failure of its own."""
    return sorted({status for status in STATUS.values() if spoken(status)})


def _who(wanted: Who | Any) -> Iterator[int]:
    """A token that has ended is refused even where none is needed."""
    yield 401
    if wanted not in (Who.ANYONE, Who.SIGNED_IN):
        yield 403


def _which(rule: Rule) -> Iterator[int]:
    if rule.arguments:
        yield 404


def _what(operation: Mapping[str, Any]) -> Iterator[int]:
    if "requestBody" in operation:
        yield from WITH_A_BODY
    named = {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    if ("header", "If-Match") in named:
        yield from WITH_A_VERSION
    if any(where == "query" for where, _ in named):
        yield 422


def _header(name: str, meaning: str, value: str) -> tuple[str, dict[str, Any]]:
    return name, {"description": meaning, "required": True, "schema": {"type": "string"}, "example": value}

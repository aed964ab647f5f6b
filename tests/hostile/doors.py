"""Every route with an address that leads somewhere, somebody who may knock, and a body to spoil."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import func, literal, select, union_all

from backend.access import ALLOWED, Verb
from backend.api.permissions import TABLE, Who
from backend.db import Database, system
from backend.tables import metadata
from backend.terms import Role
from tests.fuzz.bodies import WHOLE
from tests.hostile.ground import ids_of
from tests.people import Person, ann, member, phone_of

# What a patient wrote is kept, with a task for a person, also when it is refused (tests/api/test_refused_reports.py).
KEEPS_WORDS = (
    "POST /api/v1/me/reports",
    "POST /api/v1/me/messages",
    "POST /api/v1/me/agenda/{key}/reply",
)
API = "/api/v1"
ROLES = (Role.COORDINATOR, Role.PRINCIPAL_INVESTIGATOR, Role.ADMINISTRATOR, Role.MONITOR)
PLACE = re.compile(r"<(?:(\w+):)?(\w+)>")
# What asking leaves behind whatever the answer is: a session kept awake, an attempt counted.
OF_ASKING = {"staff_session", "device_token", "attempt_count"}
BY_FORMAT = {
    "uuid": "7c1f4e1e-6f0e-4b8e-9a55-3a4f4a0f8f11",
    "date": "2027-03-01",
    "date-time": "2027-03-01T07:00:00+08:00",
    "email": "li.na@example.org",
    "time": "08:00",
}


@dataclass(frozen=True)
class Door:
    """One method of one route."""

    label: str
    method: str
    address: str
    places: dict[str, str]
    headers: dict[str, str]
    is_for_anyone: bool
    operation: dict[str, Any] = field(repr=False)
    body: Any = field(repr=False)

    @property
    def query(self) -> list[str]:
        """What the document says can be asked for."""
        return [one["name"] for one in self.operation.get("parameters", []) if one.get("in") == "query"]

    def with_place(self, name: str, value: str) -> str:
        """The address with another value in that place."""
        return self.address.format(**(self.places | {name: value}))

    @property
    def whole_address(self) -> str:
        """The address of what exists."""
        return self.address.format(**self.places)


def all_doors(app: Any, db: Database) -> list[Door]:
    """Every method of every route in the table of permissions."""
    patient = ann(db)
    people: dict[Any, Person] = {role: member(db, role, _where(role)) for role in ROLES}
    people[Who.PATIENT] = phone_of(db, patient)
    places = ids_of(app, db, patient, people)
    document = app.test_client().get(f"{API}/openapi.json").json
    return [door for rule in app.url_map.iter_rules() for door in _doors(rule, document, places, people, db)]


def _where(role: Role) -> str:
    return "*" if role is Role.ADMINISTRATOR else "site-01"


def _doors(
    rule: Any, document: dict[str, Any], places: dict[str, str], people: dict[Any, Person], db: Database
) -> Iterator[Door]:
    path = PLACE.sub(r"{\2}", rule.rule)
    for method, wanted in TABLE.get(rule.endpoint, {}).items():
        operation = document["paths"][path][method.lower()]
        label = f"{method} {path}"
        named = {name: places.get(name) or _some(kind) for kind, name in PLACE.findall(rule.rule)}
        if "death-reports/<uuid:report_id>" in rule.rule:
            named["report_id"] = places["death_report_id"]
        # Whoever signs out must not take the others' tokens along.
        alone = method == "DELETE" and wanted is Who.SIGNED_IN
        who = member(db, Role.MONITOR, "*") if alone else _who(wanted, people)
        headers = who.headers if who else {}
        body = _whole_body(label, operation, document)
        yield Door(label, method, path, named, headers, wanted is Who.ANYONE, operation, body)


def _some(kind: str) -> str:
    return {"uuid": str(uuid4()), "int": "1"}.get(kind, "x")


def _who(wanted: Who | Verb, people: dict[Any, Person]) -> Person | None:
    if wanted is Who.ANYONE:
        return None
    if wanted is Who.SIGNED_IN:
        return people[Role.MONITOR]
    if isinstance(wanted, Who):
        return people[Who.PATIENT] if wanted is Who.PATIENT else people[Role.COORDINATOR]
    return next(people[role] for role in ROLES if role in ALLOWED[wanted])


def _whole_body(label: str, operation: dict[str, Any], document: dict[str, Any]) -> Any:
    """A body that is known to be taken, or one made from its schema; None when the route takes none."""
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    from_schema = sample(schema, document)
    return from_schema | WHOLE[label](Random(1)) if label in WHOLE else from_schema


def sample(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The plainest value that a schema describes, with every property it names."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in ("allOf", "anyOf", "oneOf"):
        if choice in schema:
            return sample(schema[choice][0], document)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(inner, document) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items", {}), document)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return True if kind == "boolean" else BY_FORMAT.get(schema.get("format", ""), "x")


def some(values: Sequence[Any], number: int, share: int = 6) -> Sequence[Any]:
    """Every so many-th of them, other ones for the next number: each is tried often, and none everywhere.

    ``FOLLOWUP_TEST_EVERY_VALUE=1`` tries every one everywhere, which takes the better part of an hour.
    """
    return values if os.environ.get("FOLLOWUP_TEST_EVERY_VALUE") else values[number % share :: share]


_ROWS = union_all(
    *(
        select(literal(table.name).label("name"), func.count().label("rows")).select_from(table)
        for table in metadata.sorted_tables
        if table.name not in OF_ASKING
    )
)


def rows(db: Database) -> dict[str, int]:
    """How many rows each table holds, but for what asking leaves behind."""
    with db.reading(system("test")) as txn:
        return dict(txn.session.execute(_ROWS).all())


def assert_civil(door: Door, answer: Any, about: Any = "") -> None:
    """No failure of ours, a status the document names, and a problem of the one shape for every refusal."""
    said = answer.get_data(as_text=True)[:300]
    where = f"{door.label} {str(about)[:200]!r}: {answer.status_code} {said}"
    assert answer.status_code < 500, where
    assert str(answer.status_code) in door.operation["responses"], where
    if answer.status_code >= 400:
        assert_problem(answer, where)


def assert_problem(answer: Any, where: str) -> None:
    """RFC 9457, with our code and the request's id, and complaints by field where a body or a query is wrong."""
    assert answer.content_type == "application/problem+json", where
    assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json.keys(), where
    assert answer.json["status"] == answer.status_code, where
    assert answer.headers["X-Request-Id"] == answer.json["request_id"], where

"""Mass assignment: nothing that a row has beyond what its route takes can be set by saying so."""

from collections.abc import Iterator
from typing import Any

import pytest

from backend.api import document
from backend.db import Base
from tests.access.test_who_may import PASSED, example, expected, knock
from tests.access.world import OWN, Asker, World
from tests.documented import document_of, operations
from tests.promises.permissions_page import routes

# What no column is called, and an attacker would try.
ALSO = {"role", "roles", "site", "is_admin", "actor", "originator", "tier", "__class__", "constructor"}


@pytest.fixture
def told(app) -> dict[str, Any]:
    return document_of(app)


def columns() -> set[str]:
    """Every name a column of ours has, and what a sealed one would be called unsealed."""
    names = {column.key for table in Base.metadata.tables.values() for column in table.columns}
    return names | {name.removesuffix("_sealed") for name in names} | ALSO


def bodies(told) -> dict[str, Any]:
    """The schema of each body, by operation."""
    taking = [operation for _, _, operation in operations(told) if "requestBody" in operation]
    return {one["operationId"]: one["requestBody"]["content"]["application/json"]["schema"] for one in taking}


def objects(schema: Any, components: Any, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """(path, names of the fields) of the body and of every object inside it."""
    if "items" in schema:
        yield from objects(schema["items"], components, f"{path}.0")
    # Whatever has a schema of ours is referred to; what it says of other fields is not believed.
    if "$ref" in schema:
        fields = components[schema["$ref"].rpartition("/")[2]].get("properties", {})
        yield path.strip("."), set(fields)
        for name, inner in fields.items():
            yield from objects(inner, components, f"{path}.{name}")


def with_more(body: Any, path: str, more: dict[str, Any]) -> Any:
    """The body with more fields in the object at the path, which is made if the body has none there."""
    step, _, rest = path.partition(".")
    if not path:
        return {**(body or {}), **more}
    if step == "0":
        return [with_more(body[0] if body else {}, rest, more)]
    return {**(body or {}), step: with_more((body or {}).get(step), rest, more)}


def who_passes(world: World, wanted, rule, method: str) -> Asker:
    """The first of everybody who may do this to Ann's records."""
    askers = world.people_once().values()
    return next(one for one in askers if expected(wanted, rule.endpoint, method, one, OWN) == PASSED)


def test_no_body_can_set_a_field_that_its_route_does_not_take(app, db, client, told):
    world, taken, accepted = World(db, client), bodies(told), []
    for method, _, rule, wanted in routes(app):
        named = document.operation_id(rule, method)
        for path, fields in objects(taken.get(named, {}), told["components"]["schemas"]):
            names = columns() - fields
            body = with_more(example(rule, method), path, dict.fromkeys(names, 1))
            answer = knock(world, rule, method, who_passes(world, wanted, rule, method), world.records[OWN], body=body)
            refused = set(answer.json.get("errors", {})) if answer.status_code == 422 else set()
            accepted.extend((named, path, name) for name in names if f"{path}.{name}".strip(".") not in refused)

    assert accepted == []

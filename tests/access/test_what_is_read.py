"""Names, numbers and words are read by those who care for the patient, and every such reading is noted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from backend.access import ALLOWED, Verb
from backend.api.document import path_of
from backend.audit import AuditEvent
from backend.db import system
from backend.terms import Role
from tests.access.test_who_may import doors, knock
from tests.access.words import CANARIES, KEPT, SHOWN, leave_words
from tests.access.world import OWN, Asker, World
from tests.documented import document_of, operations
from tests.promises.pages import DOCS, STALE, agrees

# Lists that a person must read in full, or that belong to one patient who was asked for.
LISTS_WITH_WORDS = frozenset(
    {
        "audit.PatientAuditEvents",
        "inbox.Inbox",
        "messages.MyMessages",
        "patients.Caregivers",
        "pauses.Hospitalisations",
        "pauses.Pauses",
        "stops.Discontinuations",
        "survival.DeathReports",
    }
)
INTRODUCTION = """# Who reads which field

Made by asking at every route as everybody, for one patient of whom there is something of every kind. A field is named
with those who read it only where not everybody does who may use the route ([permissions.md](permissions.md)).
A test compares; after a change run `FOLLOWUP_REFRESH_DOCS=1 .venv/bin/pytest tests/access -n0`.

| route | field | only for |
| --- | --- | --- |
"""


@pytest.fixture
def world(db, client) -> World:
    made = World(db, client)
    leave_words(made)
    return made


def readings(app, world: World) -> Iterator[tuple[Any, str, Asker, Any]]:
    """(rule, who, asker, answer) of everybody who is let in, at every route that shows something of Ann's."""
    paged = {path for path, _, operation in operations(document_of(app)) if "limit" in str(operation.get("parameters"))}
    for method, rule, _ in doors(app):
        whole = {"limit": 200} if path_of(rule) in paged else None
        for who, asker in world.people_once().items() if method == "GET" else ():
            answer = knock(world, rule, method, asker, world.records[OWN], query=whole)
            if answer.status_code == 200:
                yield rule, who, asker, answer


def planted(answer) -> set[str]:
    """Which of the planted names, numbers and words the answer holds."""
    said = json.dumps(answer.json, ensure_ascii=False) + str(answer.headers)
    return {canary for canary in CANARIES if canary in said}


def is_noted(db, answer) -> bool:
    """Whether this very request left an entry that something was read."""
    wanted = select(AuditEvent.verb).where(AuditEvent.request_id == answer.headers["X-Request-Id"])
    with db.reading(system("test")) as txn:
        return any(verb.endswith(("_read", ".read")) for verb in txn.session.scalars(wanted))


def may_read_names(asker: Asker) -> bool:
    """By the table: whoever cares for patients where Ann is, and her own phone."""
    return asker.is_patient or bool(asker.at("site-01") & ALLOWED[Verb.READ_IDENTIFIERS])


def test_names_and_words_are_shown_to_those_who_care_and_every_showing_is_noted(app, db, world):
    to_others, unnoted, in_lists, shown = [], [], set(), set()
    for rule, who, asker, answer in readings(app, world):
        words = planted(answer)
        shown |= words
        if words and not may_read_names(asker):
            to_others.append((rule.rule, who, words))
        if words and not asker.is_patient and not is_noted(db, answer):
            unnoted.append((rule.rule, who, words))
        if words and "items" in answer.json:
            in_lists.add(rule.endpoint)

    assert to_others == []
    assert unnoted == []
    assert in_lists - LISTS_WITH_WORDS == set()
    assert (SHOWN - shown, KEPT & shown) == (set(), set())


def fields(value: Any, path: str = "") -> Iterator[str]:
    """The names in an answer, as paths; what is under the names of questions and days is one field."""
    if isinstance(value, list):
        for one in value:
            yield from fields(one, path)
    if isinstance(value, dict):
        for name, inner in value.items():
            known = f"{path}.{name}".strip(".") if name.replace("_", "").isalpha() else f"{path}.*"
            yield known
            yield from fields(inner, known)


def page(app, world: World) -> str:
    """docs/fields.md."""
    read: dict[str, dict[str, set[str]]] = {}
    for rule, who, _, answer in readings(app, world):
        if who.partition(" ")[0] in tuple(Role):
            read.setdefault(path_of(rule), {})[who.partition(" ")[0].replace("_", " ")] = set(fields(answer.json))
    rows = [row for path in sorted(read) for row in _only_for_some(path, read[path])]
    return INTRODUCTION + "\n".join(rows) + "\n"


def _only_for_some(path: str, by_role: dict[str, set[str]]) -> Iterator[str]:
    for name in sorted(set().union(*by_role.values())):
        readers = sorted(role for role, names in by_role.items() if name in names)
        if len(readers) < len(by_role):
            yield f"| `{path}` | `{name}` | {', '.join(readers)} |"


def test_the_page_says_which_fields_are_only_for_some(app, world):
    is_the_same = agrees(DOCS / "fields.md", page(app, world))

    assert is_the_same, STALE

"""docs/permissions.md, made from the tables that decide."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from backend.access import ALLOWED, Verb
from backend.api.permissions import PAGES, TABLE, Who
from backend.terms import Role

ROLES = tuple(Role)
DOORS = {
    Who.ANYONE: "anyone",
    Who.SIGNED_IN: "whoever is signed in",
    Who.STAFF: "whoever of the staff is signed in",
    Who.PATIENT: "a patient's phone",
}
# Asked by a route for a part of its answer, not at the door.
ASKED_INSIDE = {Verb.READ_IDENTIFIERS, Verb.READ_STAFF_NAMES, Verb.RELEASE_OTHERS_CLAIMS}
INTRODUCTION = """# Who may do what

Made from `ALLOWED` in `backend/access.py` and `TABLE` in `backend/api/permissions.py`, which are what the program asks.
A test compares; after a change of those tables run `FOLLOWUP_REFRESH_DOCS=1 .venv/bin/pytest tests/promises -n0`.

A role is held at one site, or at every site. It counts only for records of a site where it is held: what belongs to
another site does not exist for that person (404). No token, or one that has ended: 401. The wrong role: 403.
"""


def page(app: Flask) -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_roles(), "", *_routes(app), "", *_open_doors(app), ""])


def routes(app: Flask) -> Iterator[tuple[str, str, Rule, Who | Verb]]:
    """(method, path, rule, who) of every route with a row in the table, in the order of their paths."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        for method, who in sorted(TABLE.get(rule.endpoint, {}).items()):
            yield method, _shown(rule), rule, who


def _roles() -> Iterator[str]:
    yield "## Roles"
    yield ""
    used = {who for methods in TABLE.values() for who in methods.values()}
    yield from _row("may", *(role.replace("_", " ") for role in ROLES))
    yield from _row(*["---"] * (len(ROLES) + 1))
    for verb, allowed in ALLOWED.items():
        may = verb.replace("_", " ") if verb in used | ASKED_INSIDE else f"{verb.replace('_', ' ')} (no route yet)"
        yield from _row(may, *("yes" if role in allowed else "" for role in ROLES))


def _routes(app: Flask) -> Iterator[str]:
    yield "## Routes"
    yield ""
    yield from _row("route", "path", "who")
    yield from _row("---", "---", "---")
    for method, path, _, who in routes(app):
        yield from _row(f"`{method}`", f"`{path}`", _who(who))


def _open_doors(app: Flask) -> Iterator[str]:
    yield "## Pages for anyone"
    yield ""
    yield "Those below `/demo` exist in demo mode only, those below `/webhooks/twilio` while Twilio carries the texts."
    yield ""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in PAGES]
    yield ", ".join(f"`{path}`" for path in sorted({_shown(rule) for rule in rules}))


def _who(who: Who | Verb) -> str:
    return DOORS[who] if isinstance(who, Who) else f"who may {who.replace('_', ' ')}"


def _shown(rule: Rule) -> str:
    """``/patients/{patient_id}``, as the API's document writes it."""
    return "".join(f"{{{part}}}" if is_dynamic else part for is_dynamic, part in _parts(rule))


def _parts(rule: Rule) -> Iterator[tuple[bool, str]]:
    for number, part in enumerate(rule.rule.replace("<", ">").split(">")):
        yield number % 2 == 1, part.rsplit(":", 1)[-1] if number % 2 else part


def _row(*cells: Any) -> Iterator[str]:
    yield f"| {' | '.join(str(cell) for cell in cells)} |"

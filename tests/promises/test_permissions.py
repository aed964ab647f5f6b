"""The permissions table is written down for people, and every door behaves as it says."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from backend.access import ALLOWED
from backend.api.permissions import Who
from backend.app import create_app
from backend.config import Mode
from backend.terms import Role
from tests.people import ann, member, phone_of
from tests.promises.pages import DOCS, STALE, agrees
from tests.promises.permissions_page import page, routes
from tests.twilio_webhooks import with_twilio

# Who cares for patients does so at one site.
EVERYWHERE = (Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR)


@pytest.fixture
def demo_app(settings, db):
    """A demo with a text gateway that calls back has every door there is."""
    return create_app(replace(with_twilio(settings), mode=Mode.DEMO), db)


@pytest.fixture
def everybody(db):
    """Somebody of each role; a patient's phone; nobody."""
    staff = {role: member(db, role, "*" if role in EVERYWHERE else "site-01").headers for role in Role}
    return {**staff, Who.PATIENT: phone_of(db, ann(db)).headers, Who.ANYONE: {}}


def allowed(wanted) -> set[object]:
    """Who of everybody passes the door."""
    if wanted is Who.ANYONE:
        return {*Role, Who.PATIENT, Who.ANYONE}
    if wanted is Who.SIGNED_IN:
        return {*Role, Who.PATIENT}
    if wanted is Who.STAFF:
        return {*Role}
    return {Who.PATIENT} if wanted is Who.PATIENT else set(ALLOWED[wanted])


def is_a_problem(answer) -> bool:
    """Whether a refusal has the one shape."""
    shape = {"type", "title", "status", "detail", "code", "request_id"}
    return (
        answer.content_type == "application/problem+json"
        and shape <= answer.json.keys()
        and answer.json["status"] == answer.status_code
    )


def knocks(app, everybody) -> Iterator[tuple[str, str, object, bool, object]]:
    """Everybody at every door that is theirs to be refused at: a sign-out would end the knocking."""
    client = app.test_client()
    for method, path, rule, wanted in routes(app):
        if wanted in (Who.ANYONE, Who.SIGNED_IN):
            continue
        values = {name: 1 if name in ("number", "version") else str(uuid4()) for name in rule.arguments}
        for who, headers in everybody.items():
            address = rule.build(values)[1]
            yield method, path, who, who in allowed(wanted), client.open(address, method=method, headers=headers)


def test_the_page_says_what_the_tables_say(demo_app):
    is_the_same = agrees(DOCS / "permissions.md", page(demo_app))

    assert is_the_same, STALE


def test_every_door_lets_in_whom_the_table_names_and_refuses_the_others_in_one_shape(app, everybody):
    wrong = []
    for method, path, who, may, answer in knocks(app, everybody):
        expected = None if may else 401 if who is Who.ANYONE else 403
        refused = answer.status_code if answer.status_code in (401, 403) else None
        if refused != expected or not (answer.status_code < 400 or is_a_problem(answer)):
            wrong.append((method, path, who, answer.status_code, answer.get_data(as_text=True)[:200]))

    assert wrong == []

"""Numbers for Prometheus: for whoever holds the token, where one is set, and never at the price of a crash."""

from dataclasses import replace

import pytest

from backend.app import create_app
from backend.config import Mode
from backend.db import Database
from tests.databases import KEYRING
from tests.people import administrator, bearer

TOKEN = "a token that only the tests' Prometheus has"


@pytest.fixture(params=["sqlite"])
def database_url(request, databases):
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def guarded(settings, db):
    return create_app(replace(settings, metrics_token=TOKEN), db).test_client()


def test_the_token_opens_the_numbers(guarded):
    answer = guarded.get("/metrics", headers=bearer(TOKEN))

    assert answer.status_code == 200
    assert b"followup_messages" in answer.data


@pytest.mark.parametrize(
    "presented",
    [{}, bearer("another"), bearer(TOKEN + "x"), bearer(""), bearer("ÿ"), {"Authorization": f"Basic {TOKEN}"}],
)
def test_nothing_else_does(guarded, presented):
    answer = guarded.get("/metrics", headers=presented)

    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert b"followup_messages" not in answer.data


def test_a_member_of_staff_is_no_prometheus(db, guarded):
    assert guarded.get("/metrics", headers=administrator(db).headers).status_code == 401


@pytest.mark.parametrize("presented", [{}, bearer(""), bearer("anything")])
def test_in_production_a_server_without_a_token_shows_its_numbers_to_nobody(settings, db, presented):
    client = create_app(replace(settings, mode=Mode.PRODUCTION), db).test_client()

    assert client.get("/metrics", headers=presented).status_code == 401


def test_where_no_token_is_set_whoever_reaches_the_port_may_ask(client):
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    "away", ["sqlite:////no/such/folder/study.sqlite", "postgresql+psycopg://me@127.0.0.1:1/study"]
)
def test_numbers_that_cannot_be_read_are_a_503(app, client, away):
    app.extensions["followup_database"] = Database(away, KEYRING)

    answer = client.get("/metrics")

    assert (answer.status_code, answer.json["code"]) == (503, "database_busy")
    assert answer.headers["Retry-After"]

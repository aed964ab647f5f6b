"""How often one address may try to sign in: counted for all processes, refused in our words, nobody named."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from backend.api.limits import COUNTED_METHODS, FIGURES
from backend.api.permissions import PAGES, TABLE, Who
from backend.app import create_app
from backend.db import Database, system
from backend.limits import AttemptCount
from tests.databases import KEYRING, KINDS
from tests.people import ann, phone_of
from tests.sent import report_body
from tests.stored import everything_stored

API = "/api/v1"
CALLER = "198.51.100.7"
WRONG = {"code": "AAAAAAAAAA", "birth_year": 1961}
GUESSES = 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five guesses a minute instead of hundreds."""
    monkeypatch.setitem(FIGURES, "sign_in.Activations", f"{GUESSES} per minute")


def guess(client, address: str = CALLER, **headers: str):
    return client.post(
        f"{API}/auth/activations",
        json=WRONG,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        environ_base={"REMOTE_ADDR": address},
    )


def statuses(client, how_many: int, address: str = CALLER, **headers: str) -> list[int]:
    return [guess(client, address, **headers).status_code for _ in range(how_many)]


def hits(db: Database) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.sum(AttemptCount.hits))) or 0


def rename(db: Database, table: str, name: str) -> None:
    with db.transaction(system("test")) as txn:
        txn.session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_every_door_at_which_something_can_be_guessed_has_a_figure():
    # A phone's next tokens are asked for with 256 bits, before nearly every report: nobody else may use them up.
    open_doors = {one for one, methods in TABLE.items() if Who.ANYONE in methods.values()} - {"sign_in.Refreshes"}

    assert open_doors <= FIGURES.keys()
    # The page behind a link in a mail to staff is a page, and has no row in the table of the API; nor has a calendar,
    # at which programs only look.
    at_doors = {method for one in FIGURES.keys() - PAGES for method in TABLE[one]}
    assert at_doors | {"GET", "HEAD"} == set(COUNTED_METHODS)


def test_too_many_guesses_are_refused_in_our_words_until_the_minute_is_over(db, client, clock):
    before = statuses(client, GUESSES)
    clock.move_to("2027-03-01T08:00:15+08:00")
    refused = guess(client)
    clock.move_to("2027-03-01T08:01:00+08:00")

    assert before == [401] * GUESSES
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert refused.json["code"] == "too_many_attempts"
    assert refused.headers["Retry-After"] == "45"
    assert not [name for name, _ in refused.headers if "ratelimit" in name.lower()]
    assert guess(client).status_code == 401


def test_a_hundred_parallel_guesses_consume_a_hundred(db, app):
    with ThreadPoolExecutor(8) as guessers:
        answers = list(guessers.map(lambda _: guess(app.test_client()).status_code, range(100)))

    assert sorted(answers) == [401] * GUESSES + [429] * (100 - GUESSES)
    assert hits(db) == 100


def test_two_servers_on_one_database_share_the_count(db, client, settings):
    other_db = Database(settings.database_url, KEYRING)
    other = create_app(settings, other_db).test_client()

    answers = [guess(one).status_code for one in (client, other) * 3]
    other_db.close()

    assert answers == [401] * GUESSES + [429]


def test_the_demos_clock_gives_no_more_guesses(db, client, clock):
    statuses(client, GUESSES)

    clock.move_trial_time_to("2027-03-02T08:00:00+08:00")

    assert guess(client).status_code == 429


def test_another_address_and_another_door_are_counted_apart(db, client):
    statuses(client, GUESSES + 1)

    assert guess(client, "198.51.100.8").status_code == 401
    assert client.post(f"{API}/auth/refresh", json={"refresh_token": "unknown"}).status_code == 401


def test_one_network_of_the_new_kind_of_address_is_one_caller(db, client):
    addresses = [f"2001:db8:0:1::{number:x}" for number in range(1, GUESSES + 2)]

    answers = [guess(client, address).status_code for address in addresses]

    assert answers == [401] * GUESSES + [429]
    assert guess(client, "2001:db8:0:2::1").status_code == 401


@pytest.mark.parametrize("address", ["", "not an address"])
def test_a_caller_without_an_address_is_counted_as_well(db, client, address):
    assert statuses(client, GUESSES + 1, address)[-1] == 429


def test_no_report_is_refused_because_there_were_many_requests(db, client):
    phone = phone_of(db, ann(db))
    statuses(client, GUESSES + 1)

    answers = [
        client.post(
            f"{API}/me/reports", json=report_body(), headers=phone.headers, environ_base={"REMOTE_ADDR": CALLER}
        ).status_code
        for _ in range(GUESSES + 3)
    ]

    assert answers == [201] * (GUESSES + 3)
    assert [one for one in FIGURES.keys() - PAGES if not one.startswith("sign_in.")] == []


def test_no_address_is_stored_or_logged(db, client, caplog):
    caplog.set_level(logging.DEBUG)
    statuses(client, GUESSES + 1)

    assert CALLER not in everything_stored(db)
    assert CALLER not in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_guess_that_cannot_be_counted_is_not_let_in(db, client):
    rename(db, "attempt_count", "elsewhere")
    refused = guess(client)
    rename(db, "elsewhere", "attempt_count")

    assert (refused.status_code, refused.json["code"]) == (503, "database_busy")
    assert refused.headers["Retry-After"]
    assert guess(client).status_code == 401


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_without_a_trusted_proxy_a_claimed_address_changes_nothing(db, client):
    answers = [guess(client, X_Forwarded_For=f"203.0.113.{number}").status_code for number in range(GUESSES + 1)]

    assert answers[-1] == 429


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_one_trusted_proxy_only_its_own_word_counts(db, settings):
    client = create_app(replace(settings, trusted_proxies=1), db).test_client()
    forged = [f"203.0.113.{number}, {CALLER}" for number in range(GUESSES)] + [f"{CALLER}:50123"]

    answers = [guess(client, "10.0.0.1", X_Forwarded_For=said).status_code for said in forged]
    neighbour = guess(client, "10.0.0.1", X_Forwarded_For="203.0.113.0, 198.51.100.8").status_code

    assert answers[-1] == 429
    assert neighbour == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_reached_by_tls_says_so_to_browsers(db, settings, client):
    by_tls = create_app(replace(settings, public_url="https://followup.example"), db).test_client()

    assert by_tls.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"
    assert by_tls.get(f"{API}/me").headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in client.get("/healthz").headers

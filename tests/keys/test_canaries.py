"""The watch that every test runs under catches what leaves: each way out is tried with a planted leak."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask import abort

from backend.app import create_app
from backend.config import Settings
from backend.db import Database
from backend.terms import Language
from notifications.channels import Envelope
from notifications.channels.simulator import Simulator
from tests import canaries, people
from tests.canaries import WATCH, Leak
from tests.databases import Databases

log = logging.getLogger("planted")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """What leaves does not depend on the database."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.mark.parametrize("spelling", ["Ann Zhang", people.ANNS_PHONE, people.ANNS_PHONE[1:], people.ANNS_PHONE[3:]])
def test_a_name_or_a_number_in_a_log_line_is_caught(db: Database, spelling: str) -> None:
    people.ann(db)

    log.info("enrolled %s", spelling)

    with pytest.raises(Leak, match=r"patient:(name|phone)_sealed seals in a log line"):
        WATCH.refuse_leaks()


def test_a_name_in_the_extra_fields_of_a_log_line_is_caught(db: Database) -> None:
    people.ann(db)

    log.warning("enrolled", extra={"who": {"called": "Ann Zhang"}})

    with pytest.raises(Leak):
        WATCH.refuse_leaks()


def test_what_a_failure_says_does_not_reach_the_log_at_all(db: Database) -> None:
    people.ann(db)

    try:
        raise ValueError("Ann Zhang cannot be stored")
    except ValueError:
        log.exception("a row was refused")

    assert any("ValueError" in line for _, line in WATCH.left)
    WATCH.refuse_leaks()


def test_a_token_that_was_handed_out_is_caught(db: Database) -> None:
    phone = people.phone_of(db, people.ann(db))

    log.info("signed in with %s", phone.headers["Authorization"])

    with pytest.raises(Leak, match="a token"):
        WATCH.refuse_leaks()


def test_an_error_answer_that_repeats_what_was_sent_is_caught(settings: Settings, db: Database) -> None:
    app = create_app(settings, db)
    app.view_functions["health.Alive"] = lambda: abort(409)
    app.register_error_handler(409, lambda error: ("no room for Mr Unheardof", 409))

    app.test_client().get("/healthz", json={"name": "Mr Unheardof"})

    with pytest.raises(Leak, match="what was sent in GET /healthz 409"):
        WATCH.refuse_leaks()


def test_a_name_in_a_text_to_a_phone_is_caught(db: Database) -> None:
    people.ann(db)
    envelope = Envelope(people.BENS_PHONE, "Ann Zhang is due tomorrow.", Language.ENGLISH, "weekly_prompt", {})

    Simulator(db).send(envelope, uuid4())

    with pytest.raises(Leak, match="a text to a phone"):
        WATCH.refuse_leaks()


def test_a_name_in_what_a_process_wrote_is_caught(db: Database) -> None:
    people.ann(db)

    canaries.refuse_leaks(b'{"event": "ticking"}')
    with pytest.raises(Leak, match="the output of a process"):
        canaries.refuse_leaks(b'{"event": "hello Ann Zhang"}')


def test_the_complaint_does_not_repeat_what_leaked(db: Database) -> None:
    people.ann(db)
    log.info("enrolled Ann Zhang")

    with pytest.raises(Leak) as caught:
        WATCH.refuse_leaks()

    assert "Ann Zhang" not in str(caught.value)


def test_a_test_that_leaks_fails_and_says_what() -> None:
    planted = Path(__file__).with_name("planted_leak.py")
    command = [sys.executable, "-m", "pytest", "-n0", "-q", str(planted)]

    run = subprocess.run(command, cwd=planted.parents[2], capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 1
    assert "1 failed, 1 passed" in run.stdout
    assert "Leak: Must not leave: a name in a log line" in run.stdout

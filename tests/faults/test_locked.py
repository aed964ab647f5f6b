"""Somebody else holds the database for longer than anybody waits: nothing is half-written, and nobody else is kept."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import update

from backend.api.lines import SECONDS_IN_LINE, Line
from backend.clock import wall
from backend.db import Database
from backend.errors import DatabaseBusy
from backend.staff.models import StaffSession
from tests import people
from tests.faults import stored
from tests.faults.serving import TEST, Answer, Serving, a_patient, report

REPORTS = "/api/v1/me/reports"
# Five for the lock, two in line, and what a busy machine adds.
SECONDS_TO_BE_REFUSED = 9.0
PHONES = 6


@contextmanager
def held(url: str) -> Iterator[None]:
    """The one writer of SQLite, or on PostgreSQL the reports, by somebody who does not let go."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE symptom_report IN ACCESS EXCLUSIVE MODE")
        yield


def a_drowsy_coordinator(db: Database) -> people.Person:
    """One whose last use of the session is due to be written down."""
    made = people.coordinator(db)
    with db.transaction(TEST) as txn:
        mine = update(StaffSession).where(StaffSession.staff_id == made.id)
        txn.session.execute(mine.values(last_seen_at=wall() - timedelta(minutes=5)))
    return made


def test_a_held_database_refuses_writers_in_time_and_serves_everybody_else(db: Database, server: Serving) -> None:
    patients = [a_patient(db, number) for number in range(PHONES)]
    phones = [people.phone_of(db, patient) for patient in patients]
    staff, sent = a_drowsy_coordinator(db), [report() for _ in phones]
    server.start()

    with held(server.url), ThreadPoolExecutor(PHONES + 4) as clients:
        posting = [
            clients.submit(server.call, "POST", REPORTS, body, phone.headers)
            for body, phone in zip(sent, phones, strict=True)
        ]
        listing = clients.submit(server.call, "GET", "/api/v1/patients", None, staff.headers)
        reading = clients.submit(server.call, "GET", REPORTS, None, phones[0].headers)
        naming = clients.submit(server.call, "GET", f"/api/v1/patients/{patients[0].id}", None, staff.headers)
        time.sleep(0.5)
        inbox = server.call("GET", "/api/v1/me/messages", headers=phones[0].headers)
        alive, ready = server.call("GET", "/healthz"), server.call("GET", "/readyz")
        refused: list[Answer] = [one.result() for one in posting]

    assert [one.is_busy and one.seconds < SECONDS_TO_BE_REFUSED for one in refused] == [True] * PHONES
    assert [(one.status, one.seconds < 2) for one in (inbox, alive, ready)] == [(200, True)] * 3
    assert listing.result().status == 200
    # SQLite's readers see what was there before; but who sees a name is written down first, or sees none.
    assert (reading.result().status, naming.result().is_busy) == ((200, True) if db.is_sqlite else (503, False))
    assert not stored.reports(db)
    again = [server.call("POST", REPORTS, body, phone.headers) for body, phone in zip(sent, phones, strict=True)]
    assert [one.status for one in again] == [201] * PHONES
    assert set(stored.reports(db).values()) == {1}
    assert stored.halves(db) == []


def test_behind_those_who_stand_still_nobody_waits_and_when_they_go_on_everybody_may() -> None:
    line, may_go = Line(1), threading.Event()

    def stand() -> None:
        with line.inside():
            may_go.wait()

    standing = threading.Thread(target=stand)
    standing.start()
    time.sleep(SECONDS_IN_LINE + 0.1)
    began = time.monotonic()
    with pytest.raises(DatabaseBusy), line.inside():
        pass
    assert time.monotonic() - began < 0.5

    may_go.set()
    standing.join()
    with line.inside():
        pass

"""Whoever watches hears of a dead worker, sees numbers and lines without ids, and is told when we are well."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import select

from backend import clock as clocks
from backend.config import Settings
from backend.db import Database, system
from backend.heartbeat import tell_outside
from backend.jobs import ticker_of, work_of
from backend.watch import Watch
from notifications.models import WorkerHeartbeat
from notifications.scheduler import Ticker
from tests import people
from tests.conftest import Clock

TEST = system("test")


class Outside:
    """An alarm service on this machine."""

    def __init__(self, server: HTTPServer, heard: list[str]) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}/beat/s3cret"
        self.heard = heard
        self.elsewhere = f"http://127.0.0.1:{server.server_port}/moved"


@pytest.fixture
def outside() -> Iterator[Outside]:
    heard: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/stolen")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Outside(server, heard)
    server.shutdown()
    server.server_close()


def beat(db: Database, ago: timedelta = timedelta(0)) -> None:
    with db.transaction(TEST) as txn:
        at = clocks.wall() - ago
        txn.session.add(WorkerHeartbeat(started_at=at, beat_at=at))


def test_the_web_process_says_once_that_the_workers_fell_silent_and_once_that_they_are_back(
    db: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(db)
    beat(db)

    assert watch.look() is False
    clock.move_to("2027-03-01T08:03:00+08:00")
    with caplog.at_level(logging.INFO, logger="backend.watch"):
        assert [watch.look(), watch.look()] == [True, True]
        beat(db)
        assert watch.look() is False

    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_beats_of_workers_long_gone_are_forgotten(db: Database) -> None:
    beat(db, timedelta(days=8))
    beat(db, timedelta(hours=1))

    Ticker(db, [])._beat()

    with db.reading(TEST) as txn:
        assert len(txn.session.scalars(select(WorkerHeartbeat)).all()) == 2


def test_a_worker_that_is_well_tells_outside_and_one_that_is_not_keeps_silent(
    db: Database, settings: Settings, outside: Outside, clock: Clock
) -> None:
    ticker = ticker_of(work_of(db, replace(settings, heartbeat_url=outside.url)))

    ticker.run("beat_outside")
    before_any_beat = list(outside.heard)
    ticker._beat()
    ticker.run("beat_outside")

    assert (before_any_beat, outside.heard) == ([], ["/beat/s3cret"])


def test_an_address_that_does_not_answer_is_logged_without_itself(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    assert tell_outside(outside.url) is True
    assert tell_outside("http://127.0.0.1:9/s3cret") is False
    assert tell_outside(outside.elsewhere) is False

    assert outside.heard == ["/beat/s3cret", "/moved"]
    assert len(caplog.records) == 2
    assert not any("s3cret" in str(record.__dict__) for record in caplog.records)


def test_a_request_leaves_one_line_with_its_rule_and_none_of_its_ids(
    db: Database, client, caplog: pytest.LogCaptureFixture
) -> None:
    patient, coordinator = people.ann(db), people.coordinator(db)

    with caplog.at_level(logging.INFO, logger="backend.requests"):
        answer = client.get(f"/api/v1/patients/{patient.id}?token=s3cret&name=Ann", headers=coordinator.headers)
        client.get("/nowhere/Ann%20Zhang")

    said = [record.__dict__ for record in caplog.records if record.name == "backend.requests"]
    assert [(one["route"], one["status"]) for one in said] == [("patients.OnePatient", 200), ("unknown", 404)]
    assert said[0]["request_id"] == answer.headers["X-Request-Id"]
    whole = json.dumps(said, default=str)
    assert not any(
        secret in whole for secret in ("s3cret", "Ann", str(patient.id), coordinator.headers["Authorization"])
    )


def test_the_numbers_count_requests_jobs_and_what_is_unsealed(db: Database, client, work) -> None:
    people.ann(db)
    ticker_of(work).run("plan")
    client.get("/healthz")
    client.open("/healthz", method="PROPFIND")
    client.open("/nowhere", method="INVENTED")

    numbers = client.get("/metrics").get_data(as_text=True)

    assert 'followup_requests_total{method="GET",route="health.Alive",status="200"} 1.0' in numbers
    assert "followup_request_seconds_bucket" in numbers
    assert 'followup_job_runs{job="plan"' in numbers
    assert "followup_audit_unsealed" in numbers
    assert "INVENTED" not in numbers

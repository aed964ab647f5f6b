"""Ticking goes on, whatever a job does."""

import threading
from datetime import UTC, datetime

import time_machine
from sqlalchemy import select

from backend import clock as the_clock
from backend.db import Database
from notifications.models import JobRun, WorkerHeartbeat
from notifications.scheduler import Job, Ticker, last_heartbeat
from tests.notifications.conftest import TESTER

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def runs_of(db: Database) -> list[tuple[str, dict[str, int], str | None]]:
    with db.reading(TESTER) as txn:
        return [(run.name, run.counts, run.error) for run in txn.session.scalars(select(JobRun).order_by(JobRun.name))]


def failing() -> dict[str, int]:
    raise RuntimeError("this job is broken")


def test_a_job_that_fails_is_recorded_and_the_next_one_runs(db: Database) -> None:
    ticker = Ticker(db, [Job("a-broken", 60, failing), Job("b-sound", 60, lambda: {"sent": 2})])

    assert ticker.run_due_once() == {"a-broken": {}, "b-sound": {"sent": 2}}

    assert runs_of(db) == [("a-broken", {}, "RuntimeError"), ("b-sound", {"sent": 2}, None)]


def test_a_run_that_found_nothing_to_do_leaves_no_row(db: Database) -> None:
    Ticker(db, [Job("idle", 60, lambda: {"sent": 0})]).run("idle")

    assert runs_of(db) == []


def test_ticking_goes_on_after_a_job_has_failed(db: Database) -> None:
    ticks = threading.Semaphore(0)

    def fails_each_time() -> dict[str, int]:
        ticks.release()
        raise RuntimeError("again")

    with time_machine.travel(the_clock.wall(), tick=True):
        ticker = Ticker(db, [Job("broken", 0.05, fails_each_time)])
        ticker.start()
        heard = [ticks.acquire(timeout=10) for _ in range(3)]
        ticker.stop()

    assert heard == [True, True, True]
    assert ("broken", {}, "RuntimeError") in runs_of(db)
    with db.reading(TESTER) as txn:
        assert last_heartbeat(txn) is not None


def test_no_job_ticks_while_another_holds_the_ticker(db: Database) -> None:
    order: list[str] = []
    inside = threading.Event()
    ticker = Ticker(db, [Job("tick", 60, lambda: order.append("tick") or {})])  # type: ignore[func-returns-value]

    with ticker.exclusive():
        other = threading.Thread(target=lambda: (inside.set(), ticker.run("tick")))
        other.start()
        inside.wait()
        order.append("moved the clock")
        ticker.run("tick")
    other.join()

    assert order == ["moved the clock", "tick", "tick"]


def test_a_worker_says_that_it_lives(db: Database) -> None:
    ticker = Ticker(db, [])

    ticker._beat()
    ticker._beat()

    with db.reading(TESTER) as txn:
        assert len(txn.session.scalars(select(WorkerHeartbeat)).all()) == 1
        assert last_heartbeat(txn) is not None


def test_a_worker_that_is_kept_busy_says_between_two_jobs_that_it_lives(db: Database) -> None:
    begun = threading.Event()

    def begins() -> dict[str, int]:
        begun.set()
        return {}

    with time_machine.travel(the_clock.wall(), tick=True) as real:
        ticker = Ticker(db, [Job("tick", 60, begins)])
        ticker.still_here()
        said_before_it_ticks = beaten_at(db)
        ticker.start()
        assert begun.wait(timeout=10)
        with ticker.exclusive():
            real.shift(300)
            ticker.still_here()
            silent_for = the_clock.wall() - (beaten_at(db) or BEFORE_ALL)
        ticker.stop()

    assert said_before_it_ticks is None
    assert silent_for.total_seconds() < 60


def beaten_at(db: Database) -> datetime | None:
    with db.reading(TESTER) as txn:
        return last_heartbeat(txn)

"""Ticking: APScheduler calls a handful of jobs, and knows nothing else. What is to be done stands in our tables.

Its own job store loses jobs when a process is killed, so no reminder is ever one of its jobs.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import delete, select

from backend import clock
from backend.db import Database, Transaction, system
from notifications.dispatcher import Counts
from notifications.models import JobRun, WorkerHeartbeat

log = logging.getLogger(__name__)

TICKER = system("ticker")
HEARTBEAT_SECONDS = 5.0
HEARTBEAT = timedelta(seconds=HEARTBEAT_SECONDS)
# Ticks come every few seconds; a worker that says nothing for this long sends nothing either.
SILENT_AFTER = timedelta(seconds=120)
REMEMBERED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    """Something done every so often. ``run`` opens its own transactions and says how many of what it did."""

    name: str
    seconds: float
    run: Callable[[], Counts]


class Ticker:
    """Runs jobs one by one or side by side, records what they did, and outlives whatever they raise.

    ``threads`` is 1 on SQLite, which has one writer anyway.
    """

    def __init__(self, db: Database, jobs: Sequence[Job], *, threads: int = 1) -> None:
        """Nothing ticks before ``start``."""
        self.worker_id = uuid4()
        self._db = db
        self._jobs = {job.name: job for job in jobs}
        self._locks = {job.name: threading.RLock() for job in jobs}
        self._started_at = self._beaten_at = clock.wall()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            executors={"default": ThreadPoolExecutor(threads)},
            # A late tick runs, several late ones run once, and none runs beside itself.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Tick until ``stop``, beginning now. Called by a worker's factory, never on import."""
        self._scheduler.add_job(self._beat, "interval", seconds=HEARTBEAT_SECONDS, next_run_time=clock.wall())
        for job in self._jobs.values():
            self._scheduler.add_job(
                self.run, "interval", [job.name], seconds=job.seconds, id=job.name, next_run_time=clock.wall()
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Let what is running end, and tick no more."""
        self._scheduler.shutdown(wait=True)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """No job of this process runs meanwhile, except those the caller runs. For moving the demo's clock."""
        with ExitStack() as held:
            for lock in self._locks.values():
                held.enter_context(lock)
            yield

    def still_here(self) -> None:
        """Say between two jobs of an ``exclusive`` time that this worker lives, if it ticks and has not just said so.

        Ticks that wait for their turn keep the thread that would say it by itself.
        """
        if self._scheduler.running and clock.wall() - self._beaten_at >= HEARTBEAT:
            self._beat()

    def run(self, name: str) -> Counts:
        """Run one job now, and record it. Whatever it raises is logged and recorded, never passed on."""
        job = self._jobs[name]
        with self._locks[name]:
            started_at = clock.wall()
            try:
                counts, error = job.run(), None
            except Exception as raised:
                log.exception("a job failed", extra={"job": name})
                counts, error = {}, type(raised).__name__
            self._record(name, started_at, counts, error)
        return counts

    def run_due_once(self) -> dict[str, Counts]:
        """Run every job once, in the order given, while none of them ticks."""
        with self.exclusive():
            return {name: self.run(name) for name in self._jobs}

    def _record(self, name: str, started_at: datetime, counts: Counts, error: str | None) -> None:
        if not error and not any(counts.values()):
            return
        took = clock.wall() - started_at
        run = JobRun(
            name=name,
            started_at=started_at,
            milliseconds=int(took.total_seconds() * 1000),
            counts=counts,
            error=error,
        )
        try:
            with self._db.transaction(TICKER) as txn:
                txn.session.add(run)
        except Exception:
            log.exception("a job's run could not be recorded", extra={"job": name})

    def _beat(self) -> None:
        self._beaten_at = clock.wall()
        try:
            with self._db.transaction(TICKER) as txn:
                row = txn.session.get(WorkerHeartbeat, self.worker_id)
                row = row or WorkerHeartbeat(id=self.worker_id, started_at=self._started_at)
                row.beat_at = clock.wall()
                txn.session.add(row)
                long_gone = WorkerHeartbeat.beat_at < clock.wall() - REMEMBERED_FOR
                txn.session.execute(delete(WorkerHeartbeat).where(long_gone))
        except Exception:
            log.exception("a heartbeat could not be recorded", extra={"worker_id": str(self.worker_id)})


def last_heartbeat(txn: Transaction) -> datetime | None:
    """When any worker last ticked, in real time."""
    return txn.session.scalar(select(WorkerHeartbeat.beat_at).order_by(WorkerHeartbeat.beat_at.desc()).limit(1))

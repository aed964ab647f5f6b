"""The two libraries that a reminder could have been given to instead, each doing the least that an honest sender must.

What is to be sent stands in a table of their own database, a row a reminder, as ours stands in the outbox. A job reads
its row; calls the same provider as our workers, with no transaction open; and writes the outcome and a line of audit,
in one transaction. Nothing is decided, claimed, rendered, sealed or looked for when a process dies: all of that comes
on top for whoever builds on them.

APScheduler 3.11: a date job for every reminder in its SQLAlchemyJobStore, ten threads as by default, added as in life:
while it runs, and beside jobs for other days. A job store belongs to one scheduler.

procrastinate 3: a task for every reminder, deferred in one batch and deleted when done, and two workers, each a process
with a pool of ten connections and ten tasks at once. ``python -m tests.bench.dispatch_peers DATABASE_URL`` is one:
every line on standard input has it work until the queue is empty.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import procrastinate
import psycopg
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine

from backend.terms import Language
from notifications.channels import Envelope
from tests.bench.at_once import AtOnce

THREADS = POOL = AT_ONCE = 10
SECONDS_TO_FIRE = 240.0
A_YEAR = 365 * 86_400.0
TABLES = """
CREATE TABLE reminder (
  id int PRIMARY KEY, number text NOT NULL, words text NOT NULL, status text NOT NULL,
  provider_id text, sent_at timestamptz);
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, verb text NOT NULL,
  reminder_id int NOT NULL REFERENCES reminder, old text, new text);
"""
FILL = """
INSERT INTO reminder SELECT n, '+86138' || lpad(n::text, 8, '0'), 'Please come on Wed 17 March.', 'queued'
FROM generate_series(%s::int, %s::int) AS n
"""
READ = "SELECT id, number, words FROM reminder WHERE id = %s AND status = 'queued'"
SETTLE = "UPDATE reminder SET status = 'sent', provider_id = %s, sent_at = now() WHERE id = %s"
AUDIT = "INSERT INTO audit (at, verb, reminder_id, old, new) VALUES (now(), 'reminder.sent', %s, 'queued', 'sent')"

_provider = AtOnce()
_pools: list[ConnectionPool] = []


class Slice(NamedTuple):
    """So many reminders, the seconds it took to put them there, and the seconds until they were done with."""

    reminders: int
    adding: float
    working: float

    @property
    def rate(self) -> float:
        """Reminders per second, all in all."""
        return self.reminders / (self.adding + self.working)

    @property
    def working_rate(self) -> float:
        """Reminders per second once they are there."""
        return self.reminders / self.working


def make_tables(url: str) -> None:
    """Their reminders and their audit, in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)


def fill(url: str, many: int) -> range:
    """So many more reminders that wait; nobody's time counts."""
    with psycopg.connect(url, autocommit=True) as connection:
        (there,) = connection.execute("SELECT coalesce(max(id), 0) FROM reminder").fetchone() or (0,)
        connection.execute(FILL, (there + 1, there + many))
    return range(there + 1, there + many + 1)


def sent(url: str) -> int:
    """How many reminders are sent and have their line of audit."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM reminder JOIN audit ON reminder_id = reminder.id WHERE status = 'sent'"
        ).fetchone()
    return int(found[0]) if found else 0


def _said(reminder_id: int, number: str, words: str) -> str:
    envelope = Envelope(number, words, Language.ENGLISH, "visit_reminder", {})
    return _provider.send(envelope, UUID(int=reminder_id)).provider_id


# --- APScheduler ------------------------------------------------------------------------------------------


def remind_by_job(number: int) -> None:
    """The body of a date job."""
    (pool,) = _pools
    with pool.connection() as connection:
        row = connection.execute(READ, (number,)).fetchone()
    if row is None:
        return
    provider_id = _said(*row)
    with pool.connection() as connection:
        connection.execute(SETTLE, (provider_id, number))
        connection.execute(AUDIT, (number,))


@contextmanager
def scheduler_of(url: str, pending: int) -> Iterator[BackgroundScheduler]:
    """A scheduler that runs, with so many jobs for another day."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    scheduler = BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": SQLAlchemyJobStore(engine=engine)},
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"misfire_grace_time": None},
    )
    with ConnectionPool(url, min_size=POOL, max_size=POOL) as pool:
        _pools[:] = [pool]
        scheduler.start(paused=True)
        for number in range(pending):
            _add(scheduler, -1 - number, time.time() + A_YEAR)
        scheduler.resume()
        try:
            yield scheduler
        finally:
            scheduler.shutdown()
            engine.dispose()
            _pools.clear()


def fire_date_jobs(scheduler: BackgroundScheduler, url: str, many: int, seconds_to_add: float) -> Slice:
    """Add so many jobs, due in some seconds; when they are, wait until the last is done and out of the store.

    The time between the last one's adding and their being due does not count.
    """
    numbers = fill(url, many)
    before = sent(url)
    begun = time.perf_counter()
    due_at = time.time() + seconds_to_add
    for number in numbers:
        _add(scheduler, number, due_at)
    added = time.perf_counter()
    late = time.time() - due_at
    time.sleep(max(-late, 0.0))
    due = time.perf_counter() - max(late, 0.0)
    _wait(lambda: _left(url, due_at) == 0 and sent(url) - before == many)
    done = time.perf_counter()
    if late > 0:
        # Some were being done while others were still added: none of it counts twice.
        return Slice(many, due - begun, done - due)
    return Slice(many, added - begun, done - due)


def _add(scheduler: BackgroundScheduler, number: int, due_at: float) -> None:
    scheduler.add_job(remind_by_job, "date", run_date=datetime.fromtimestamp(due_at, UTC), args=[number])


def _left(url: str, due_at: float) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM apscheduler_jobs WHERE next_run_time <= %s", (due_at + 1,)
        ).fetchone()
    return int(found[0]) if found else 0


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_FIRE
    while not is_done():
        assert time.monotonic() < deadline, "Not every job has fired."
        time.sleep(0.02)


# --- procrastinate ----------------------------------------------------------------------------------------


def queue_of(url: str) -> procrastinate.App:
    """The library's application on this database, with the one task there is."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=POOL))
    app.task(name="remind")(remind_by_task)
    return app


_async_pools: list[AsyncConnectionPool] = []


async def remind_by_task(number: int) -> None:
    """The body of a task."""
    (pool,) = _async_pools
    async with pool.connection() as connection:
        row = await (await connection.execute(READ, (number,))).fetchone()
    if row is None:
        return
    provider_id = _said(*row)
    async with pool.connection() as connection:
        await connection.execute(SETTLE, (provider_id, number))
        await connection.execute(AUDIT, (number,))


def make_queue(url: str) -> None:
    """Its tables, in an empty database."""

    async def make() -> None:
        async with queue_of(url).open_async() as app:
            await app.schema_manager.apply_schema_async()

    asyncio.run(make())


def defer_tasks(url: str, numbers: range) -> float:
    """Put so many tasks in the queue; the seconds it took, without connecting."""

    async def defer() -> float:
        async with queue_of(url).open_async() as app:
            begun = time.perf_counter()
            await app.tasks["remind"].batch_defer_async(*({"number": number} for number in numbers))
            return time.perf_counter() - begun

    return asyncio.run(defer())


async def _work(url: str) -> None:
    async with AsyncConnectionPool(url, min_size=AT_ONCE, max_size=AT_ONCE, open=False) as pool:
        _async_pools[:] = [pool]
        async with queue_of(url).open_async() as app:
            print("ready", flush=True)
            while await asyncio.to_thread(sys.stdin.readline):
                await app.run_worker_async(
                    wait=False,
                    concurrency=AT_ONCE,
                    delete_jobs="always",
                    listen_notify=False,
                    install_signal_handlers=False,
                )
                print("done", flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(_work(sys.argv[1]))

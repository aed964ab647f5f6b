"""The two libraries that a reminder could have been given to instead, each as its own documentation has it run.

APScheduler 3.11: a date job for every reminder in its SQLAlchemyJobStore, ten threads as by default. Jobs are added
while it is paused, which is quicker: otherwise every one added wakes the loop. A job store belongs to one scheduler.

procrastinate 3: a task for every reminder, deferred in one batch and deleted when done, and two workers, each a process
with a pool of ten connections and ten tasks at once. ``python -m tests.bench.dispatch_peers DATABASE_URL`` is one:
every line on standard input has it work until the queue is empty.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import procrastinate
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine, create_engine, func, select

THREADS = POOL = AT_ONCE = 10
SECONDS_TO_FIRE = 120.0

_fired: list[int] = []


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


def fire(number: int) -> None:
    """The body of a date job: it counts, and does nothing else."""
    _fired.append(number)


def fire_date_jobs(url: str, many: int) -> Slice:
    """Add so many jobs, let them fire, and wait until the last is out of the store."""
    _fired.clear()
    engine = create_engine(url)
    store = SQLAlchemyJobStore(engine=engine)
    scheduler = BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": store},
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    try:
        begun = time.perf_counter()
        for number in range(many):
            scheduler.add_job(fire, "date", run_date=datetime.fromtimestamp(time.time(), UTC), args=[number])
        added = time.perf_counter()
        scheduler.resume()
        _wait(lambda: len(_fired) == many and not _left(engine, store))
        return Slice(many, added - begun, time.perf_counter() - added)
    finally:
        scheduler.shutdown()
        engine.dispose()


def _left(engine: Engine, store: SQLAlchemyJobStore) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(store.jobs_t)) or 0


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_FIRE
    while not is_done():
        assert time.monotonic() < deadline, "Not every job has fired."
        time.sleep(0.01)


def queue_of(url: str) -> procrastinate.App:
    """The library's application on this database, with the one task there is."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=POOL))
    app.task(name="remind")(remind)
    return app


async def remind(number: int) -> None:
    """The body of a task: it counts, and does nothing else."""
    _fired.append(number)


def make_queue(url: str) -> None:
    """Its tables, in an empty database."""

    async def make() -> None:
        async with queue_of(url).open_async() as app:
            await app.schema_manager.apply_schema_async()

    asyncio.run(make())


def defer_tasks(url: str, many: int) -> float:
    """Put so many tasks in the queue; the seconds it took, without connecting."""

    async def defer() -> float:
        async with queue_of(url).open_async() as app:
            begun = time.perf_counter()
            await app.tasks["remind"].batch_defer_async(*({"number": number} for number in range(many)))
            return time.perf_counter() - begun

    return asyncio.run(defer())


async def _work(url: str) -> None:
    async with queue_of(url).open_async() as app:
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            _fired.clear()
            await app.run_worker_async(
                wait=False,
                concurrency=AT_ONCE,
                delete_jobs="always",
                listen_notify=False,
                install_signal_handlers=False,
            )
            print(len(_fired), flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(_work(sys.argv[1]))

"""What sending a reminder costs: ``do.py bench dispatch --patients 200 --slices 5``.

On one PostgreSQL, in turns: our two workers send what fell due for real patients (claim, release, sending, settled,
each committed; the provider answers at once), one APScheduler date job fires for each of as many reminders, and
procrastinate's two workers do as many tasks; what the jobs and tasks do is count. Then our one worker on SQLite, which
waits for the disk.

PostgreSQL is the tests' own and waits for no disk, which suits whoever commits most, on either side.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as hour
from pathlib import Path

from sqlalchemy import func, select

from backend import clock
from backend.db import Database, system
from backend.jobs import Work
from notifications.models import Attempt
from notifications.templates import load_templates
from tests.bench.dispatch_peers import Slice, defer_tasks, fire_date_jobs, make_queue
from tests.databases import KEYRING, Databases, settings_of
from tests.people import ANN, enrolled

ZONE = "Asia/Shanghai"
WORKERS = 2
JOBS, TASKS = "date_jobs", "tasks"
GATE, GOAL, GOAL_OVER_TASKS = 10, 20, 30
SECONDS_TO_END = 20
# Weekly reports are asked for on the day they fall due and on the two after it.
REMINDED = [7 * week + day for week in range(1, 12) for day in range(3)]
PLANNED_AT, DUE_AT = hour(8), hour(10, 30)


@dataclass(frozen=True)
class Measured:
    """Slice by slice: ours, and what the two libraries did with as many reminders; then ours on SQLite."""

    ours: Sequence[Slice]
    jobs: Sequence[Slice]
    tasks: Sequence[Slice]
    on_sqlite: Sequence[Slice]


def middle(figures: Sequence[float]) -> float:
    """The one in the middle: what else the machine does spoils one slice or two."""
    return sorted(figures)[len(figures) // 2]


def bench_dispatch(words: Sequence[str]) -> None:
    """Measure, print, and end with 1 when the gate is missed."""
    parser = argparse.ArgumentParser(prog="do.py bench dispatch")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--no-gate", action="store_true", help="measure only")
    wanted = parser.parse_args(words)
    with (
        tempfile.TemporaryDirectory(prefix="followup-bench-") as folder,
        closing(Databases(Path(folder))) as made,
    ):
        measured = measure(made, wanted.patients, wanted.slices)
    print("\n".join(lines(measured)), flush=True)
    if over_jobs(measured) < GATE and not wanted.no_gate:
        raise SystemExit(1)


def over_jobs(measured: Measured) -> float:
    """How many of our messages are sent while one date job is added, fired and removed."""
    return middle([ours.working_rate / jobs.rate for ours, jobs in zip(measured.ours, measured.jobs, strict=True)])


def over_tasks(measured: Measured) -> float:
    """How many of our messages are sent while one task is deferred and done."""
    return middle([ours.working_rate / tasks.rate for ours, tasks in zip(measured.ours, measured.tasks, strict=True)])


def lines(measured: Measured) -> Iterator[str]:
    """What is printed."""
    counted = sum(one.reminders for one in measured.ours)
    yield f"{counted:,} messages in {len(measured.ours)} slices; middle figures, what adding costs is in brackets"
    yield _line(f"ours, {WORKERS} workers, PostgreSQL: claim to settled", measured.ours, with_adding=False)
    yield _line("APScheduler date jobs: add, fire, remove", measured.jobs)
    yield _line(f"procrastinate, {WORKERS} workers: defer, do, delete", measured.tasks)
    yield _line("ours, 1 worker, SQLite, synchronous=FULL", measured.on_sqlite, with_adding=False)
    ratio = over_jobs(measured)
    verdict = "FAIL" if ratio < GATE else "PASS, goal reached" if ratio >= GOAL else "PASS"
    yield f"ratio to APScheduler {ratio:.2f}, gate {GATE}, goal {GOAL}: {verdict}"
    ratio = over_tasks(measured)
    verdict = "reached" if ratio >= GOAL_OVER_TASKS else "not reached"
    yield f"ratio to procrastinate {ratio:.2f}, goal {GOAL_OVER_TASKS}: {verdict}"


def _line(what: str, slices: Sequence[Slice], *, with_adding: bool = True) -> str:
    rates = [one.rate if with_adding else one.working_rate for one in slices]
    adding = middle([one.adding / one.reminders for one in slices]) * 1000
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    return f"  {what:50} {middle(rates):8,.0f} a second ({spread}; {adding:.2f} ms each)"


def measure(made: Databases, patients: int, slices: int, *, workers: int = WORKERS) -> Measured:
    """All of it, with so many of our workers and of procrastinate's on PostgreSQL."""
    measured = _on_postgres(made, patients, slices, workers)
    with our_workers(made.fresh_url("sqlite"), 1) as ours:
        on_sqlite = list(_ours(ours, patients, slices))
    return Measured(*zip(*measured, strict=True), on_sqlite)


def _on_postgres(made: Databases, patients: int, slices: int, workers: int) -> list[tuple[Slice, Slice, Slice]]:
    """In turns, so that whatever else the machine does falls on all three alike."""
    for name in (JOBS, TASKS):
        made.server.create_database(name)
    jobs, tasks = made.server.url(JOBS), made.server.url(TASKS).replace("+psycopg", "")
    make_queue(tasks)
    url = made.fresh_url("postgres")
    with our_workers(url, workers) as ours, _processes("dispatch_peers", tasks, workers) as theirs:
        return [
            (one, fire_date_jobs(jobs, one.reminders), _tasks(theirs, tasks, one.reminders))
            for one in _ours(ours, patients, slices)
        ]


Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Workers:
    """Our workers, and the database they work on."""

    db: Database
    work: Work
    processes: Sequence[Process]


@contextmanager
def our_workers(url: str, many: int) -> Iterator[Workers]:
    """So many of our own processes on this database; they end with the block."""
    with closing(Database(url, KEYRING)) as db, _processes("dispatch_worker", url, many) as processes:
        yield Workers(db, Work(db, settings_of(url, Path()), {}, load_templates()), processes)


def _ours(ours: Workers, patients: int, slices: int) -> Iterator[Slice]:
    """Day after day what fell due for all patients. The first day is not counted: everything is new to everybody."""
    try:
        clock.move_to(_moment(0, PLANNED_AT))
        for number in range(patients):
            arm = ("nk", "control")[number % 2]
            enrolled(ours.db, replace(ANN, arm=arm, phone=f"+86138{number:08}", channels=("sms",)))
        for counted, day in enumerate(REMINDED[: slices + 1]):
            one = _day(ours, day)
            if counted:
                yield one
    finally:
        clock.set_ahead(timedelta(0))


def _day(ours: Workers, day: int) -> Slice:
    """Plan a day's messages, then have the workers send them, all at once."""
    clock.move_to(_moment(day, PLANNED_AT))
    planning = _timed(ours.work.plan)
    before = _attempts(ours.db)
    said: list[str] = []
    took = _timed(lambda: said.extend(_all_of(ours.processes, _moment(day, DUE_AT).isoformat())))
    counts = [json.loads(line) for line in said]
    sent = sum(one.get("sent", 0) for one in counts)
    assert sent == _attempts(ours.db) - before, "Another number was sent than there are attempts."
    assert sent, f"Nothing was sent: {counts}"
    return Slice(sent, planning, took)


def _tasks(theirs: Sequence[Process], url: str, many: int) -> Slice:
    adding = defer_tasks(url, many)
    done: list[str] = []
    took = _timed(lambda: done.extend(_all_of(theirs, "go")))
    assert sum(map(int, done)) == many, "Not every task was done."
    return Slice(many, adding, took)


def _timed(act: object) -> float:
    begun = time.perf_counter()
    assert callable(act)
    act()
    return time.perf_counter() - begun


def _attempts(db: Database) -> int:
    with db.reading(system("bench")) as txn:
        return txn.session.scalar(select(func.count()).select_from(Attempt)) or 0


def _moment(day: int, at: hour) -> datetime:
    """That hour so many days after randomisation."""
    on: date = ANN.randomised_on + timedelta(days=day)
    return clock.at_local(on, at, ZONE)


def _all_of(processes: Sequence[Process], line: str) -> list[str]:
    """Say the line to all of them, and wait for what each answers."""
    for process in processes:
        assert process.stdin
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    return [_answer(process) for process in processes]


def _answer(process: Process) -> str:
    assert process.stdout
    answer = process.stdout.readline()
    assert answer, "A worker has ended."
    return answer


@contextmanager
def _processes(module: str, url: str, many: int) -> Iterator[Sequence[Process]]:
    """Processes of a module of this folder, ready; closing what they read from ends them."""
    command = [sys.executable, "-m", f"tests.bench.{module}", url]
    with ExitStack() as held:
        started = []
        for _ in range(many):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            held.callback(_end, process)
            started.append(process)
        for process in started:
            _answer(process)
        yield started


def _end(process: Process) -> None:
    with process:
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()

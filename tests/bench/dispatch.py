"""What sending a reminder costs: ``do.py bench dispatch --reminders 1500 --slices 5``.

On one PostgreSQL that waits for its disk (fsync, full_page_writes and synchronous_commit on), in turns, slice by slice,
and with one provider for all, which takes every message at once:

- *the mailroom*: our two workers send as many messages as there are patients, one each, from claim to settled, with a
  trial that answers "send" at once. What is counted is everything the mailroom does: claim, hold, look at the number
  and the way, render, seal, write the attempt down, commit, speak, settle. Its audit is the attempt itself: to which
  address, in which words (both sealed), under which provider's id, when begun and when settled (docs/decisions/0016).
- *the mailroom and the trial*: the same for reminders the agenda has planned, each of which the trial decides about
  by the patient's whole record. This is what a deployment does.
- *APScheduler*: one date job a reminder; *procrastinate*: one task a reminder, two workers. What they do for it, and
  what not, is said in ``dispatch_peers``. A slice of theirs is a third of ours, which suits them: the fewer jobs are
  due, the quicker each is found.

The gate holds what sending takes us, from claim to settled, against a date job for each reminder, which is added, fired
and removed: without the job there is no reminder, while our rows are there because the agenda was planned, which
``bench plan`` measures. Two stricter ratios are printed beside it: with our queueing counted as well, and with the
adding left out on both sides, as if jobs came from nowhere. Then our one worker on SQLite, synchronous=FULL.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import func, select

from backend import clock
from backend.db import Database, system
from backend.jobs import Work
from backend.terms import MessageStatus, Recipient, Urgency
from notifications import Letter
from notifications.models import Attempt, Message
from notifications.outbox import queue_all
from notifications.templates import load_templates
from tests import postgres
from tests.bench import dispatch_peers as peers
from tests.bench.dispatch_peers import Slice
from tests.databases import KEYRING, prepare, settings_of
from tests.people import ANN, enrolled
from tests.postgres import PostgresServer

ZONE = "Asia/Shanghai"
WORKERS = 2
JOBS, TASKS, OURS = "date_jobs", "tasks", "ours"
GATE, GOAL, GOAL_OVER_TASKS = 10, 20, 30
PENDING = 500
FEWER = 3
SECONDS_TO_END = 20
# Weekly reports are asked for on the day they fall due and on the two after it.
REMINDED = [7 * week + day for week in range(1, 12) for day in range(3)]
PLANNED_AT, DUE_AT = hour(8), hour(10, 30)
WAITS = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True)
class Ground:
    """Where it is measured, and how much of it."""

    server: PostgresServer
    url: str
    sqlite_url: str
    reminders: int
    slices: int
    workers: int = WORKERS
    pending: int = PENDING

    @property
    def fewer(self) -> int:
        """For those who take longer for each."""
        return max(self.reminders // FEWER, 2)


@dataclass(frozen=True)
class Measured:
    """Slice by slice: ours without and with the trial, and the two libraries; then ours on SQLite, both ways."""

    mailroom: Sequence[Slice]
    trial: Sequence[Slice]
    jobs: Sequence[Slice]
    tasks: Sequence[Slice]
    mailroom_on_sqlite: Sequence[Slice]
    trial_on_sqlite: Sequence[Slice]


def middle(figures: Sequence[float]) -> float:
    """The one in the middle: what else the machine does spoils one slice or two."""
    return sorted(figures)[len(figures) // 2]


def bench_dispatch(words: Sequence[str]) -> None:
    """Measure, print, and end with 1 when the gate is missed."""
    parser = argparse.ArgumentParser(prog="do.py bench dispatch")
    parser.add_argument("--reminders", type=int, default=1500, help="of each slice; as many patients are enrolled")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--no-gate", action="store_true", help="measure only")
    wanted = parser.parse_args(words)
    with on_disk() as (server, folder):
        sqlite_url = f"sqlite:///{folder / 'bench.sqlite'}"
        prepare(sqlite_url)
        print("PostgreSQL:", *durability(server), flush=True)
        measured = measure(Ground(server, server.url(OURS), sqlite_url, wanted.reminders, wanted.slices))
    print("\n".join(lines(measured)), flush=True)
    if over_for_each(measured.mailroom, measured.jobs) < GATE and not wanted.no_gate:
        raise SystemExit(1)


class _OnDisk(PostgresServer):
    """As in life: what is committed is on the disk."""

    def _make_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="followup-bench-", dir="/var/tmp"))


@contextmanager
def on_disk() -> Iterator[tuple[PostgresServer, Path]]:
    """A PostgreSQL that loses nothing when the power fails, and a folder beside it."""
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("There is no PostgreSQL to be had here; see tests/postgres.py.")
    with tempfile.TemporaryDirectory(prefix="followup-bench-", dir="/var/tmp") as folder, _OnDisk(binaries) as server:
        with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
            for name in (*WAITS, "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {name} = on")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
        server.create_database(OURS)
        prepare(server.url(OURS))
        yield server, Path(folder)


def durability(server: PostgresServer) -> Iterator[str]:
    """What this server waits for, as it says itself."""
    with psycopg.connect(server.url().replace("+psycopg", "")) as connection:
        for name in WAITS:
            (value,) = connection.execute(f"SHOW {name}").fetchone() or ("?",)  # type: ignore[arg-type]
            yield f"{name}={value}"


def over(ours: Sequence[Slice], theirs: Sequence[Slice]) -> float:
    """How many of our messages are put there and sent while they do so with one."""
    return middle([one.rate / other.rate for one, other in zip(ours, theirs, strict=True)])


def over_for_each(ours: Sequence[Slice], theirs: Sequence[Slice]) -> float:
    """How many of our messages are sent, from claim to settled, while they add one, do it and put it away."""
    return middle([one.working_rate / other.rate for one, other in zip(ours, theirs, strict=True)])


def over_once_there(ours: Sequence[Slice], theirs: Sequence[Slice]) -> float:
    """How many of our messages are sent while they send one, leaving out what it took to put them there."""
    return middle([one.working_rate / other.working_rate for one, other in zip(ours, theirs, strict=True)])


def lines(measured: Measured) -> Iterator[str]:
    """What is printed."""
    slices = len(measured.mailroom)
    yield f"{slices} slices; a second, the middle slice (the slowest to the fastest): once there | put there and sent"
    yield _line(f"ours, {WORKERS} workers, mailroom alone", measured.mailroom)
    yield _line(f"ours, {WORKERS} workers, with the trial's release", measured.trial)
    yield _line("APScheduler, a date job each", measured.jobs)
    yield _line(f"procrastinate, {WORKERS} workers, a task each", measured.tasks)
    yield _line("ours, 1 worker, SQLite FULL, mailroom alone", measured.mailroom_on_sqlite)
    yield _line("ours, 1 worker, SQLite FULL, with release", measured.trial_on_sqlite)
    for_trial, for_tasks = over(measured.trial, measured.jobs), over_for_each(measured.mailroom, measured.tasks)
    yield f"with release, to APScheduler {for_trial:.2f}, to procrastinate {over(measured.trial, measured.tasks):.2f}"
    alone = [over_once_there(measured.mailroom, each) for each in (measured.jobs, measured.tasks)]
    yield f"mailroom, nothing counted of putting there, to APScheduler {alone[0]:.2f}, to procrastinate {alone[1]:.2f}"
    whole = [over(measured.mailroom, each) for each in (measured.jobs, measured.tasks)]
    yield f"mailroom, queueing counted too, to APScheduler {whole[0]:.2f}, to procrastinate {whole[1]:.2f}"
    reached = "reached" if for_tasks >= GOAL_OVER_TASKS else "not reached"
    yield f"mailroom, claim to settled, to procrastinate {for_tasks:.2f}, goal {GOAL_OVER_TASKS}: {reached}"
    ratio = over_for_each(measured.mailroom, measured.jobs)
    verdict = "FAIL" if ratio < GATE else "PASS, goal reached" if ratio >= GOAL else "PASS"
    yield f"mailroom, claim to settled, to APScheduler {ratio:.2f}, gate {GATE}, goal {GOAL}: {verdict}"


def _of_one_slice(mailroom: Slice, trial: Slice, jobs: Slice, tasks: Slice) -> str:
    rates = " ".join(f"{one.working_rate:,.0f}|{one.rate:,.0f}" for one in (mailroom, trial, jobs, tasks))
    return f"  slice of {mailroom.reminders}: mailroom, with release, APScheduler, procrastinate: {rates}"


def _line(what: str, slices: Sequence[Slice]) -> str:
    return f"  {what:46} {_spread([one.working_rate for one in slices])} | {_spread([one.rate for one in slices])}"


def _spread(rates: Sequence[float]) -> str:
    return f"{middle(rates):7,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


# --- measuring --------------------------------------------------------------------------------------------

Process = subprocess.Popen[str]


def measure(ground: Ground) -> Measured:
    """All of it."""
    on_postgres = list(_on_postgres(ground))
    with our_workers(ground.sqlite_url, 1) as ours:
        on_sqlite = list(_ours(ours, ground.fewer, ground.slices))
    return Measured(*zip(*on_postgres, strict=True), *zip(*on_sqlite, strict=True))


def _on_postgres(ground: Ground) -> Iterator[tuple[Slice, Slice, Slice, Slice]]:
    """In turns, so that whatever else the machine does falls on all alike."""
    for name in (JOBS, TASKS):
        ground.server.create_database(name)
        peers.make_tables(_plain(ground, name))
    jobs, tasks = _plain(ground, JOBS), _plain(ground, TASKS)
    peers.make_queue(tasks)
    with (
        our_workers(ground.url, ground.workers) as ours,
        _processes("dispatch_peers", tasks, ground.workers) as theirs,
        peers.scheduler_of(jobs, ground.pending) as scheduler,
    ):
        seconds_to_add = peers.fire_date_jobs(scheduler, jobs, ground.fewer, 0.5).adding
        for mailroom, trial in _ours(ours, ground.reminders, ground.slices):
            by_jobs = peers.fire_date_jobs(scheduler, jobs, ground.fewer, 1.3 * seconds_to_add + 0.2)
            seconds_to_add = by_jobs.adding
            by_tasks = _tasks(theirs, tasks, ground.fewer)
            print(_of_one_slice(mailroom, trial, by_jobs, by_tasks), flush=True)
            yield mailroom, trial, by_jobs, by_tasks


def _plain(ground: Ground, name: str) -> str:
    return ground.server.url(name).replace("+psycopg", "")


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


def _ours(ours: Workers, reminders: int, slices: int) -> Iterator[tuple[Slice, Slice]]:
    """Day after day: a message to everybody, and what fell due for everybody.

    The first day is not counted: everything is new to everybody.
    """
    try:
        clock.move_to(_moment(0, PLANNED_AT))
        people = [_enrolled(ours.db, number) for number in range(reminders)]
        for counted, day in enumerate(REMINDED[: slices + 1]):
            clock.move_to(_moment(day, PLANNED_AT))
            mailroom = _slice(ours, "mailroom", lambda day=day: _queue(ours.db, people, day), _moment(day, PLANNED_AT))  # type: ignore[misc]
            trial = _slice(ours, "trial", ours.work.plan, _moment(day, DUE_AT))
            if counted:
                yield mailroom, trial
    finally:
        clock.set_ahead(timedelta(0))


def _enrolled(db: Database, number: int) -> UUID:
    arm = ("nk", "control")[number % 2]
    return enrolled(db, replace(ANN, arm=arm, phone=f"+86138{number:08}", channels=("sms",))).id


def _queue(db: Database, people: Sequence[UUID], day: int) -> None:
    """One message to each, by the counter through which the planner's go."""
    letters = [
        Letter(
            key=f"bench.{day}",
            template="visit_reminder",
            recipient=Recipient.PATIENT,
            send_at=_moment(day, PLANNED_AT),
            # Outside the cap on a patient's texts a day.
            urgency=Urgency.INFUSION,
            patient_id=patient_id,
            values={"number": f"+86138{number:08}"},
        )
        for number, patient_id in enumerate(people)
    ]
    with db.transaction(system("bench")) as txn:
        queue_all(txn, letters)


def _slice(ours: Workers, how: str, put: Callable[[], object], moment: datetime) -> Slice:
    """Put the messages there, then have the workers send them, all at once."""
    adding = _timed(put)
    before = _attempts(ours.db)
    said: list[str] = []
    took = _timed(lambda: said.extend(_all_of(ours.processes, f"{how} {moment.isoformat()}")))
    counts = [json.loads(line) for line in said]
    sent = sum(one.get("sent", 0) for one in counts)
    assert sent == _attempts(ours.db) - before, f"Another number was sent than there are attempts: {counts}"
    assert sent, f"Nothing was sent: {counts}"
    return Slice(sent, adding, took)


def _tasks(theirs: Sequence[Process], url: str, many: int) -> Slice:
    numbers = peers.fill(url, many)
    before = peers.sent(url)
    adding = peers.defer_tasks(url, numbers)
    took = _timed(lambda: _all_of(theirs, "go"))
    assert peers.sent(url) - before == many, "Not every task was done."
    return Slice(many, adding, took)


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _attempts(db: Database) -> int:
    """How many there are. Each of them must have been accepted, and its message settled."""
    with db.reading(system("bench")) as txn:
        left = select(func.count()).where(Message.status.in_((MessageStatus.CLAIMED, MessageStatus.SENDING)))
        assert not txn.session.scalar(left), "Not every message was settled."
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

"""What submitting a weekly report costs: ``do.py bench submit --database postgres --seconds 20``.

A real server answers real phones over loopback. Reports and a bare route take turns on the same connections of the
same server, slice by slice, so that whatever else the machine does falls on both alike. Then reports go on with
timers in place, to see which step of them takes the processor. Nothing here outlives the command.

Databases stand in memory where there is room: this measures our code, and not the disk of one machine or what else it
is doing. With ``--folder`` SQLite's stands on the disk of that folder, and every report waits until it has it.
"""

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select

from backend.db import Database, system
from backend.patients.symptom_report import SymptomReport
from tests.bench.steps import ORDER
from tests.bench.submit_ground import Ground, make_ground, moment_of, next_weekly, report
from tests.bench.submit_server import BARE, CLOCK, PROCESSOR, STEPS
from tests.databases import KEYRING, KINDS, Databases
from tests.postgres import MEMORY
from tests.processes import environment_for

GATE, GOAL = 0.08, 0.12
SLICES = 10
# One is worked on while the database answers the other; more would only wait for the interpreter.
CONNECTIONS = 2
SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 20
REPORTS = "/api/v1/me/reports"
BUSY = b""

Ask = Callable[[HTTPConnection], None]


@dataclass(frozen=True)
class Plan:
    """How large a run is."""

    patients: int = 100
    weeks: int = 26
    seconds: float = 20.0


class Slice(NamedTuple):
    """So many requests were answered in so long, for so much of the server's processor."""

    answered: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.answered / self.seconds


@dataclass(frozen=True)
class Measured:
    """Both routes slice by slice, and the reports' processor seconds by step."""

    bare: Sequence[Slice]
    reports: Sequence[Slice]
    steps: Mapping[str, float]
    timed: int
    sent: int
    fulfilled: int
    refused: int

    @property
    def ratio(self) -> float:
        """How much of a bare request's rate a report reaches."""
        return rate_of(self.reports) / rate_of(self.bare)


def rate_of(slices: Sequence[Slice]) -> float:
    """Requests per second over all slices."""
    return sum(one.answered for one in slices) / sum(one.seconds for one in slices)


def cost_of(slices: Sequence[Slice]) -> float:
    """Milliseconds of the server's processor a request."""
    return sum(one.processor for one in slices) / sum(one.answered for one in slices) * 1000


def bench_submit(words: Sequence[str]) -> None:
    """Measure, print, and end with 1 when the gate is missed."""
    parser = argparse.ArgumentParser(prog="do.py bench submit")
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="of measuring, for each database")
    parser.add_argument("--patients", type=int, default=Plan.patients)
    parser.add_argument("--folder", type=Path, default=in_memory(), help="where SQLite's database stands meanwhile")
    wanted = parser.parse_args(words)
    plan = Plan(patients=wanted.patients, seconds=wanted.seconds)
    passed = [_on(kind, plan, wanted.folder) for kind in (KINDS if wanted.database == "both" else [wanted.database])]
    if not all(passed):
        raise SystemExit(1)


def _on(kind: str, plan: Plan, place: Path | None) -> bool:
    with (
        tempfile.TemporaryDirectory(prefix="followup-bench-", dir=place) as folder,
        closing(Databases(Path(folder))) as made,
    ):
        measured = measure(made.fresh_url(kind), Path(folder), plan)
    print("\n".join(lines(kind, plan, measured)), flush=True)
    return measured.ratio >= GATE


def measure(url: str, folder: Path, plan: Plan) -> Measured:
    """Both rates and the cost of each step, on an empty study's database at this address."""
    with closing(Database(url, KEYRING)) as db:
        ground = make_ground(db, plan.patients, plan.weeks)
        kept, on_the_agenda = _kept(db)
        with served(url, folder) as port:
            phones = Phones(ground, port)
            slices = list(_take_turns(phones, plan))
            timed, steps = _steps(phones, plan)
        now_kept, now_on_the_agenda = _kept(db)
    assert now_kept - kept == phones.sent, "A report that was answered is not there."
    bare, reports = [one for one, _ in slices], [one for _, one in slices]
    fulfilled = now_on_the_agenda - on_the_agenda
    return Measured(bare, reports, steps, timed, phones.sent, fulfilled, phones.refused)


def lines(kind: str, plan: Plan, measured: Measured) -> Iterator[str]:
    """What is printed."""
    bare, reports = measured.bare, measured.reports
    slices = [one.rate / other.rate for one, other in zip(reports, bare, strict=True)]
    verdict = "FAIL" if measured.ratio < GATE else "PASS, goal reached" if measured.ratio >= GOAL else "PASS"
    yield f"{kind}: {plan.patients} phones, {plan.weeks * 2} weekly reports behind each, {CONNECTIONS} connections"
    yield f"{kind}: bare route    {rate_of(bare):8,.1f} requests/s, {cost_of(bare):5.2f} ms of processor each"
    yield f"{kind}: weekly report {rate_of(reports):8,.1f} requests/s, {cost_of(reports):5.2f} ms of processor each"
    yield f"{kind}: of {measured.sent} reports {measured.fulfilled} answered an item of the agenda"
    if measured.refused:
        yield f"{kind}: {measured.refused} times the server was too busy; this machine has something else to do"
    spread = f"{min(slices):.3f} to {max(slices):.3f}"
    yield f"{kind}: ratio {measured.ratio:.3f} ({spread}), gate {GATE}, goal {GOAL}: {verdict}"
    whole = sum(measured.steps.values())
    yield f"{kind}: where the server's processor goes, over {measured.timed} reports with timers in place"
    for step in sorted(ORDER, key=lambda name: -measured.steps[name]):
        seconds = measured.steps[step]
        yield f"  {step:34} {seconds / measured.timed * 1000:7.2f} ms {seconds / whole:7.1%}"
    yield f"  {'together':34} {whole / measured.timed * 1000:7.2f} ms {1:7.1%}"


class Phones:
    """Phones that report in turn, a week after the other; when all have reported it is the next week."""

    def __init__(self, ground: Ground, port: int) -> None:
        self.port = port
        self.sent = 0
        self.refused = 0
        self._ground = ground
        self._week = ground.week
        self._turn = threading.Lock()
        self._numbers = itertools.count()

    def bare(self, connection: HTTPConnection) -> None:
        """Ask the bare route, as one of the phones."""
        phone = next(self._numbers) % len(self._ground.phones)
        _ask(connection, "GET", BARE, headers=self._ground.phones[phone].headers)

    def report(self, connection: HTTPConnection) -> None:
        """Send a weekly report of the phone whose turn it is."""
        with self._turn:
            phone, completed_at = self.sent % len(self._ground.phones), moment_of(self._week)
            if phone == 0:
                self._week = next_weekly(self._week)
                completed_at = moment_of(self._week)
                _ask(connection, "POST", f"{CLOCK}/{completed_at.isoformat()}")
            self.sent += 1
            # An app names the item it shows; a form on paper does not.
            key = f"weekly.w{self._week}" if phone % 2 else None
        body = json.dumps(report(self._ground.weekly, self.sent, completed_at, key))
        headers = self._ground.phones[phone].headers | {"Content-Type": "application/json"}
        while _ask(connection, "POST", REPORTS, body.encode(), headers, or_busy=True) is BUSY:
            self.refused += 1


def _take_turns(phones: Phones, plan: Plan) -> Iterator[tuple[Slice, Slice]]:
    """The bare route and reports, slice after slice."""
    seconds = plan.seconds / (2 * SLICES + 1)
    _slice(phones, phones.report, seconds / 2)
    for _ in range(SLICES):
        yield _slice(phones, phones.bare, seconds), _slice(phones, phones.report, seconds)


def _steps(phones: Phones, plan: Plan) -> tuple[int, dict[str, float]]:
    """How many reports were sent with timers in place, and the seconds of each step."""
    with closing(HTTPConnection("127.0.0.1", phones.port, timeout=SECONDS_TO_ANSWER)) as connection:
        _ask(connection, "POST", STEPS)
        before, until = phones.sent, time.monotonic() + plan.seconds / 4
        while time.monotonic() < until:
            phones.report(connection)
        return phones.sent - before, json.loads(_ask(connection, "GET", STEPS))


def _slice(phones: Phones, ask: Ask, seconds: float) -> Slice:
    """What all connections together were answered."""
    answered: list[int] = []
    until = time.monotonic() + seconds

    def go_on() -> None:
        with closing(HTTPConnection("127.0.0.1", phones.port, timeout=SECONDS_TO_ANSWER)) as connection:
            for number in itertools.count(1):
                ask(connection)
                if time.monotonic() >= until:
                    answered.append(number)
                    return

    begun, processor = time.monotonic(), _processor(phones)
    threads = [threading.Thread(target=go_on) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answered) == CONNECTIONS, "A connection failed."
    took = time.monotonic() - begun
    return Slice(sum(answered), took, _processor(phones) - processor)


def _processor(phones: Phones) -> float:
    """Seconds of processor that the server has used until now."""
    with closing(HTTPConnection("127.0.0.1", phones.port, timeout=SECONDS_TO_ANSWER)) as connection:
        return float(json.loads(_ask(connection, "GET", PROCESSOR))["seconds"])


def _ask(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    or_busy: bool = False,
) -> bytes:
    """What was answered; ``BUSY`` when it may be asked again."""
    connection.request(method, path, body or None, dict(headers or {}))
    answer = connection.getresponse()
    said = answer.read()
    if or_busy and answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return BUSY
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {said.decode(errors='replace')}")
    return said


def _kept(db: Database) -> tuple[int, int]:
    """How many reports there are, and how many of them answered an item of the agenda."""
    reports = select(func.count(), func.count(SymptomReport.agenda_key)).select_from(SymptomReport)
    with db.reading(system("bench")) as txn:
        kept, on_the_agenda = txn.session.execute(reports).one()
    return kept, on_the_agenda


@contextmanager
def served(url: str, folder: Path) -> Iterator[int]:
    """The port of a server of our own on this database; it ends with the block."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.bench.submit_server", str(port)]
    environment = environment_for(url, folder / "home")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait(port, process, folder)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)) as connection:
                _ask(connection, "GET", BARE)
            return
        except (OSError, HTTPException):
            time.sleep(0.05)
    raise SystemExit(f"The server did not answer: {(folder / 'server.log').read_text()[-2000:]}")


def in_memory() -> Path | None:
    """A place that waits for no disk, where there is one."""
    return MEMORY if os.access(MEMORY, os.W_OK) else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

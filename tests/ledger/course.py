"""One run: messages queued, workers killed and started again until nothing is under way, then the reckoning."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from backend.db import Database
from tests.databases import KEYRING
from tests.fakes.twilio_process import FakeTwilio, a_fake_twilio
from tests.ledger.books import cut_waits_short, our_book, their_book, unsettled
from tests.ledger.farewells import Farewells
from tests.ledger.faults import FAULTS, USUAL, Fault
from tests.ledger.ground import make_ground
from tests.ledger.reckoning import Reckoning
from tests.ledger.workers import Starter, Workers, free_port, serving, start
from tests.processes import environment_for

# Short, so that what takes minutes in life takes seconds here; printed with the figures.
HURRIED = {"TICK_SECONDS": "0.1", "LEASE_SECONDS": "3", "LOOK_SECONDS": "1"}
SECONDS_WITHOUT_PROGRESS = 4.0
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_BETWEEN_CUTS = 0.5
SECONDS_TO_MEET_AN_OUTAGE = 30.0


@dataclass(frozen=True)
class Course:
    """What is asked for."""

    messages: int
    kills: int
    workers: int
    fault: str = "none"
    # How long an outage lasts.
    outage_seconds: float = 30.0
    seconds_to_drain: float = 120.0
    # Where the processes' words go, and how they are started.
    log: Any = subprocess.DEVNULL
    start: Starter = start
    settings: Mapping[str, str] = field(default_factory=lambda: dict(HURRIED))


@dataclass
class Outcome:
    """The figures of one run."""

    course: Course
    reckoning: Reckoning
    killed: int
    halted: int
    waits_cut_short: int
    left_over: int
    seconds: float
    books: Mapping[str, Any]

    @property
    def is_even(self) -> bool:
        """Everything agrees, and nothing was still under way."""
        return self.reckoning.is_even and not self.left_over

    def lines(self) -> Iterator[str]:
        """One figure a line; the verdict last."""
        yield from (f"{name.lower()} {value}" for name, value in self.course.settings.items())
        yield f"messages {self.course.messages}"
        yield f"workers {self.course.workers}"
        yield f"kills {self.killed}"
        yield f"halts {self.halted}"
        yield f"waits cut short {self.waits_cut_short}"
        yield from (f"provider: {fate} {count}" for fate, count in sorted(self.books["fates"].items()))
        heard = Counter(self.books["callbacks"])
        yield from (f"callbacks answered {status} {count}" for status, count in sorted(heard.items()) if status != "0")
        yield f"seconds {self.seconds:.0f}"
        yield f"still under way {self.left_over}"
        *figures, verdict = self.reckoning.lines()
        yield from figures
        # It stands in the last line only if there is something: what is still under way may yet go either way.
        yield verdict + (f" still_under_way {self.left_over}" if self.left_over else "")


class _Run:
    """Everything that is there while it runs."""

    def __init__(self, course: Course, db: Database, twilio: FakeTwilio) -> None:
        self.course, self.db, self.twilio = course, db, twilio
        self.fault: Fault = FAULTS[course.fault]
        self.chance = random.Random(7)
        self.waits_cut_short = 0
        self.cut_next = 0.0
        # Until then looks fail, and each one that fails counts towards telling a person.
        self.well_again_at = 0.0
        self.ground = make_ground(db, course.messages)
        if not self.fault.halts:
            self.ground.queue(db)
        self.farewells = Farewells(db, self.ground, twilio) if self.fault.farewells else None

    @property
    def seconds_standing_still(self) -> float:
        """Long enough that others believe it dead, look for what it said, and would say it again."""
        of_a_lease, of_a_look = (float(self.course.settings[name]) for name in ("LEASE_SECONDS", "LOOK_SECONDS"))
        return of_a_lease + 4 * of_a_look

    def disturb(self, workers: Workers) -> None:
        """Kill and say farewells, evenly over the messages as they are accepted; or halt."""
        if self.fault.halts:
            return self._halt(workers)
        events = self.course.kills + (self.farewells.waiting if self.farewells else 0)
        kinds = ["kill"] * self.course.kills + ["farewell"] * (events - self.course.kills)
        self.chance.shuffle(kinds)
        has_failed = not self.fault.has_outage
        for turn, kind in enumerate(kinds, 1):
            self._wait_for(turn * self.course.messages // (events + 1), workers)
            if not has_failed and turn * 4 >= events:
                has_failed = True
                self._fail(workers)
            time.sleep(self.chance.random() * 0.1)
            if kind == "farewell" and self.farewells:
                self.farewells.say_one()
            else:
                workers.kill_one()
        return None

    def _fail(self, workers: Workers) -> None:
        """The outage is counted from the first call that meets it: before, every worker may just be starting."""
        self.twilio.switch(outage_seconds=SECONDS_TO_MEET_AN_OUTAGE)
        deadline = time.monotonic() + SECONDS_TO_MEET_AN_OUTAGE
        while "failed" not in self.twilio.books()["fates"] and time.monotonic() < deadline:
            self._look_after(workers)
        self.twilio.switch(outage_seconds=self.course.outage_seconds)
        self.well_again_at = time.monotonic() + self.course.outage_seconds

    def _halt(self, workers: Workers) -> None:
        """A portion of the messages for each halt, in the middle of it; the others go on, and find out meanwhile."""
        for turn in range(1, self.course.kills + 1):
            begun = self.twilio.accepted()
            self.ground.queue(self.db, turn / self.course.kills)
            some = self.chance.random() * self.course.messages / self.course.kills
            self._wait_for(begun + round(some), workers)
            time.sleep(self.chance.random() * 0.05)
            workers.halt_one(self.seconds_standing_still)
            while workers.standing_still:
                self._look_after(workers, 0.05)

    def drain(self, workers: Workers) -> int:
        """Until nothing is under way, or for so long; says how much still is."""
        deadline = time.monotonic() + self.course.seconds_to_drain
        while (left := unsettled(self.db)) and time.monotonic() < deadline:
            self._look_after(workers)
        return left

    def _wait_for(self, accepted: int, workers: Workers) -> None:
        """Until so many were accepted; where the faults let nothing through, not for ever."""
        deadline = time.monotonic() + SECONDS_WITHOUT_PROGRESS
        while self.twilio.accepted() < accepted and time.monotonic() < deadline:
            self._look_after(workers, 0.05)

    def _look_after(self, workers: Workers, seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
        workers.refuse_the_dead()
        workers.wake()
        if time.monotonic() >= self.cut_next:
            self.cut_next = time.monotonic() + SECONDS_BETWEEN_CUTS
            is_well_again = 0 < self.well_again_at < time.monotonic()
            self.waits_cut_short += cut_waits_short(self.db, looks=is_well_again)
        self._show(workers)
        time.sleep(seconds)

    def _show(self, workers: Workers) -> None:
        if sys.stderr.isatty():
            done = f"accepted {self.twilio.accepted()} of {self.course.messages}, kills {workers.killed}"
            sys.stderr.write(f"\r{done}, halts {workers.halted}   ")
            sys.stderr.flush()


def run(course: Course, database_url: str, home: Path) -> Outcome:
    """The whole of it, on a database with the study in it. What is started here ends here."""
    with ExitStack() as ending:
        db = Database(database_url, KEYRING, threads=4)
        ending.callback(db.close)
        twilio = ending.enter_context(a_fake_twilio())
        fault = FAULTS[course.fault]
        twilio.switch(**USUAL | dict(fault.switches))
        port = free_port()
        environment = _environment(course, database_url, home, twilio, port)
        this = _Run(course, db, twilio)
        if fault.is_heard:
            server = course.start(environment, course.log, "serve", "--port", str(port))
            ending.enter_context(serving(server, port))
            twilio.tell_texts_to(f"http://127.0.0.1:{port}/webhooks/twilio/messages")
        began = time.monotonic()
        workers = Workers(partial(course.start, environment, course.log, "work"), course.workers)
        ending.callback(workers.end)
        this.disturb(workers)
        left = this.drain(workers)
        return _outcome(this, workers, left, time.monotonic() - began)


def _outcome(this: _Run, workers: Workers, left: int, seconds: float) -> Outcome:
    books = this.twilio.books()
    farewells = this.farewells.said if this.farewells else ()
    return Outcome(
        course=this.course,
        reckoning=Reckoning(our_book(this.db), their_book(books), farewells, this.ground.queued),
        killed=workers.killed,
        halted=workers.halted,
        waits_cut_short=this.waits_cut_short,
        left_over=left,
        seconds=seconds,
        books=books,
    )


def _environment(course: Course, database_url: str, home: Path, twilio: FakeTwilio, port: int) -> dict[str, str]:
    told = twilio.settings(PUBLIC_URL=f"http://127.0.0.1:{port}", **course.settings)
    return environment_for(database_url, home, **told)

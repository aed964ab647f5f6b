"""A trial on several processors: each hospital in a process and a database of its own, for hospitals share nothing."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from multiprocessing.connection import Connection, wait
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from operator import add
from pathlib import Path

from backend.config import Settings
from backend.simulation.account import Account
from backend.simulation.lives import Scenario, live_through, set_up
from backend.simulation.place import SQLITE, a_copy, a_place, an_empty_database
from backend.simulation.trial import Progress
from seeds.demo.people import Staff

# A copy of this process would share its open files and locks. Hospitals' processes are copies of one that has read the
# program, and has done nothing else.
AFRESH = multiprocessing.get_context("forkserver")
# Of a hospital's whole time. So often it says how far it has come.
PARTS = 200
GO_ON = "go on"
# What is made and dropped before garbage is looked for: some megabytes, and it takes a hundredth of the time, not more.
MADE_BETWEEN_LOOKS = 50_000


class HospitalLost(RuntimeError):
    """A hospital's process ended without giving an account. What it said of that stands on its standard error."""


@dataclass(frozen=True)
class _Beginning:
    """What is the same for all of them: a database in which the study and its staff are, and nobody else yet."""

    scenario: Scenario
    settings: Settings
    staff: Staff


@dataclass(frozen=True)
class _Hospital:
    """One that is being lived through elsewhere, and how one speaks with it."""

    site: str
    process: BaseProcess
    line: Connection


def live_apart(scenario: Scenario, keep: Path | None, progress: Progress) -> Account:
    """Live a trial with every hospital by itself, all at once, on SQLite; what they leave goes to ``keep``, if given.

    The same patients live the same lives as in one database. Raises ``HospitalLost``.
    """
    _read_the_program()
    with _begun(scenario) as beginning, _at_work(beginning, keep or beginning.settings.home) as hospitals:
        return reduce(add, _accounts(hospitals, progress))


def _read_the_program() -> None:
    """In the process of which the hospitals' are copies, while the study is set up here."""
    AFRESH.set_forkserver_preload([__name__])
    # It is told of Ctrl-C like everybody, and would say in many lines where in the program it had come to.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _begun(scenario: Scenario) -> Iterator[_Beginning]:
    """Set the study up once, for each hospital to begin with a copy."""
    with a_place(SQLITE, None) as settings:
        with an_empty_database(settings) as db:
            staff = set_up(db, scenario)
        yield _Beginning(scenario, settings, staff)


@contextmanager
def _at_work(beginning: _Beginning, home: Path) -> Iterator[Sequence[_Hospital]]:
    """None of them outlives this, whatever happens."""
    hospitals: list[_Hospital] = []
    try:
        # Where nobody is enrolled nothing happens.
        for site in sorted({fate.site for fate in beginning.scenario.fates()}):
            hospitals.append(_open(site, beginning, home / site))
        yield hospitals
    finally:
        for one in hospitals:
            one.process.terminate()
            one.process.join()


def _open(site: str, beginning: _Beginning, home: Path) -> _Hospital:
    line, its_end = AFRESH.Pipe()
    process = AFRESH.Process(target=_live, args=(site, beginning, home, its_end), name=site, daemon=True)
    process.start()
    # Its end is its own: when it is gone, nothing more can be heard.
    its_end.close()
    return _Hospital(site, process, line)


def _accounts(hospitals: Sequence[_Hospital], progress: Progress) -> Iterator[Account]:
    """As they come, however long each takes. Whoever has come a part further rests until it is their turn."""
    come_so_far = dict.fromkeys((one.site for one in hospitals), 0)
    unfinished, resting = list(hospitals), []
    while unfinished:
        ready = wait([one.line for one in unfinished])
        for hospital in [one for one in unfinished if one.line in ready]:
            with _missed_if_gone(hospital):
                said: int | Account = hospital.line.recv()
            if isinstance(said, Account):
                unfinished.remove(hospital)
                yield said
            else:
                come_so_far[hospital.site] = said
                resting.append(hospital)
                progress(sum(come_so_far.values()), PARTS * len(hospitals))
        # More at work than processors chase each other out of their caches. Who is furthest behind goes on, so that all
        # of them come to the end together.
        free = _processors() - (len(unfinished) - len(resting))
        for hospital in sorted(resting, key=lambda one: come_so_far[one.site])[: max(free, 0)]:
            resting.remove(hospital)
            with _missed_if_gone(hospital):
                hospital.line.send(GO_ON)


@contextmanager
def _missed_if_gone(hospital: _Hospital) -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as gone:
        raise HospitalLost(f"{hospital.site} ended before its account was given.") from gone


def _processors() -> int:
    """On how many this process may run; where the system does not tell, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _live(site: str, beginning: _Beginning, home: Path, line: Connection) -> None:
    """In the hospital's own process: say after each part how far it has come, and at the end give the account."""
    last = -1

    def tell(done: int, of_all: int) -> None:
        nonlocal last
        part = done * PARTS // of_all if of_all else PARTS
        if part > last:
            line.send(part)
            last = part
            # Until it is this one's turn.
            line.recv()

    # Ctrl-C reaches everybody at once, and it is the parent who ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The program itself is never garbage, and need not be looked through again and again.
    gc.freeze()
    gc.set_threshold(MADE_BETWEEN_LOOKS)
    with a_copy(beginning.settings, home) as (settings, db):
        account = live_through(db, settings, beginning.scenario, sites=(site,), staff=beginning.staff, progress=tell)
    # Once the database is closed: whoever has given an account may be ended.
    line.send(account)

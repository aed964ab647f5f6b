"""A trial on several processors: each hospital in a process and a database of its own, for hospitals share nothing."""

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from multiprocessing.connection import Connection, wait
from operator import add
from pathlib import Path

from backend.simulation.account import Account
from backend.simulation.lives import Scenario, live_through
from backend.simulation.place import SQLITE, a_place, an_empty_database
from backend.simulation.trial import Progress

# Of a hospital's whole time. So often it says how far it has come.
PARTS = 200
# What is made and dropped before garbage is looked for: some megabytes, and it takes a hundredth of the time, not more.
MADE_BETWEEN_LOOKS = 50_000


class HospitalLost(RuntimeError):
    """A hospital's process ended without giving an account. What it said of that stands on its standard error."""


@dataclass(frozen=True)
class _Hospital:
    """One that is being lived through elsewhere, and where it is heard from."""

    site: str
    process: multiprocessing.process.BaseProcess
    heard: Connection


def live_apart(scenario: Scenario, keep: Path | None, progress: Progress) -> Account:
    """Live a trial with every hospital by itself, all at once, on SQLite; what they leave goes to ``keep``, if given.

    The same patients live the same lives as in one database. Raises ``HospitalLost``.
    """
    with _at_work(scenario, keep) as hospitals:
        return reduce(add, _accounts(hospitals, progress))


@contextmanager
def _at_work(scenario: Scenario, keep: Path | None) -> Iterator[Sequence[_Hospital]]:
    """None of them outlives this, whatever happens."""
    hospitals: list[_Hospital] = []
    try:
        # Where nobody is enrolled nothing happens.
        for site in sorted({fate.site for fate in scenario.fates()}):
            hospitals.append(_open(site, scenario, keep / site if keep else None))
        yield hospitals
    finally:
        for one in hospitals:
            one.process.terminate()
            one.process.join()


def _open(site: str, scenario: Scenario, keep: Path | None) -> _Hospital:
    # Begun from nothing: a copy of this process would share its open files and locks.
    afresh = multiprocessing.get_context("spawn")
    heard, told = afresh.Pipe(duplex=False)
    process = afresh.Process(target=_live, args=(site, scenario, keep, told), name=site, daemon=True)
    process.start()
    # Its end of the pipe is its own: when it is gone, nothing more can be heard.
    told.close()
    return _Hospital(site, process, heard)


def _accounts(hospitals: Sequence[_Hospital], progress: Progress) -> Iterator[Account]:
    """As they come, however long each takes."""
    come_so_far = dict.fromkeys((one.site for one in hospitals), 0)
    waiting = list(hospitals)
    while waiting:
        ready = wait([one.heard for one in waiting])
        for hospital in [one for one in waiting if one.heard in ready]:
            said = _said_by(hospital)
            if isinstance(said, Account):
                waiting.remove(hospital)
                yield said
            else:
                come_so_far[hospital.site] = said
                progress(sum(come_so_far.values()), PARTS * len(hospitals))


def _said_by(hospital: _Hospital) -> int | Account:
    try:
        said: int | Account = hospital.heard.recv()
    except EOFError as gone:
        raise HospitalLost(f"{hospital.site} ended before its account was given.") from gone
    return said


def _live(site: str, scenario: Scenario, keep: Path | None, told: Connection) -> None:
    """In the hospital's own process: say now and then how far it has come, and at the end give the account."""
    last = -1

    def tell(done: int, of_all: int) -> None:
        nonlocal last
        part = done * PARTS // of_all if of_all else PARTS
        if part > last:
            told.send(part)
            last = part

    # The program itself is never garbage, and need not be looked through again and again.
    gc.freeze()
    gc.set_threshold(MADE_BETWEEN_LOOKS)
    with a_place(SQLITE, keep) as settings, an_empty_database(settings) as db:
        told.send(live_through(db, settings, scenario, sites=(site,), progress=tell))

"""Whoever sits at the machine: what the audit trail calls them, the database they act on, and the bar they watch."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from backend import demo_clock
from backend.config import Settings, read_settings
from backend.db import Database, system
from backend.opening import open_database, refuse_unfit

OPERATOR = system("command line")
PARTS = 1_000

Progress = Callable[[int, int], None]


@contextmanager
def fit_database(
    settings: Settings | None = None, *, refuse: Callable[[Database], None] = refuse_unfit
) -> Iterator[Database]:
    """The database the settings name, closed at the end; ``refuse`` raises for one that is not to be worked on."""
    settings = settings or read_settings()
    db = open_database(settings)
    try:
        refuse(db)
        if settings.is_demo:
            # There it is as late as its visitor has made it.
            demo_clock.follow(db)
        yield db
    finally:
        db.close()


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A bar on a terminal, one line elsewhere: never among the output. Told how many are done, and of how many."""
    with click.progressbar(length=PARTS, label=label, show_eta=False, file=sys.stderr) as bar:
        yield lambda done, of: bar.update((done * PARTS // of if of else PARTS) - bar.pos)

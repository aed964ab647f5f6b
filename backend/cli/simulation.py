"""The command that lives a whole trial through the real code, and says what it left behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from backend.cli.operator import progress_bar
from backend.demo import read_moment
from backend.simulation.account import Account
from backend.simulation.hospitals import HospitalLost, live_apart
from backend.simulation.ledger import draw_up
from backend.simulation.lives import BEGINS, Scenario, in_silence, live_through
from backend.simulation.place import SQLITE, a_place, an_empty_database
from backend.simulation.trial import Progress


@click.command()
@click.option(
    "--patients", default=200, show_default=True, type=click.IntRange(1, 5_000), help="How many are enrolled."
)
@click.option(
    "--years", default=5.0, show_default=True, type=click.FloatRange(0.1, 15), help="How long each is followed."
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same ledger.")
@click.option("--database", default=SQLITE, show_default=True, help="sqlite, or the address of an empty database.")
@click.option(
    "--together", is_flag=True, help="All hospitals in one SQLite database, not each in a process of its own."
)
@click.option("--now", default=None, callback=read_moment, help="When it begins: 2027-01-04T00:00:00+08:00.")
@click.option("--keep", default=None, type=click.Path(file_okay=False, path_type=Path), help="Keep everything there.")
@click.option("--quiet", is_flag=True, help="Without a progress bar.")
def simulate(
    patients: int,
    years: float,
    seed: int,
    database: str,
    together: bool,
    now: datetime | None,
    keep: Path | None,
    quiet: bool,
) -> None:
    """Live a whole trial in a throw-away database, and print its ledger. Exit 1 when something in it is wrong."""
    watched = nullcontext(in_silence) if quiet else progress_bar("Living through the years")
    scenario = Scenario(patients, years, seed, now or BEGINS)
    with _told_to_end(), watched as progress:
        account = (
            _live_together(database, keep, scenario, progress)
            if together or database != SQLITE
            else _live_apart(keep, scenario, progress)
        )
    ledger = draw_up(account)
    for line in ledger.lines:
        click.echo(str(line))
    click.echo(ledger.verdict)
    if ledger.wrong:
        raise click.exceptions.Exit(1)


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Whoever is told to end by SIGTERM takes along what was to be thrown away, as at Ctrl-C."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _live_together(database: str, keep: Path | None, scenario: Scenario, progress: Progress) -> Account:
    with a_place(database, keep) as settings, an_empty_database(settings) as db:
        return live_through(db, settings, scenario, progress=progress)


def _live_apart(keep: Path | None, scenario: Scenario, progress: Progress) -> Account:
    try:
        return live_apart(scenario, keep, progress)
    except HospitalLost as lost:
        raise click.ClickException(str(lost)) from lost

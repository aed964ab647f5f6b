"""The command that keeps working: reminders, pages, texts. It answers no request, and reads nothing of the web."""

import signal
import threading

import click

from backend.config import read_settings
from backend.jobs import ticker_of, work_of
from backend.logs import configure_logs
from backend.opening import open_database, refuse_unfit
from notifications.scheduler import Ticker


@click.command()
def work() -> None:
    """Send reminders and read texts until stopped. Any number may run on one PostgreSQL."""
    configure_logs()
    settings = read_settings()
    db = open_database(settings)
    refuse_unfit(db, settings)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    ticker = ticker_of(work_of(db, settings))
    ticker.start()
    click.echo("working; stop with Ctrl-C", err=True)
    stopping.wait()
    end(ticker)
    db.close()


def end(ticker: Ticker) -> None:
    """What was done until now is sealed, and said outside the database, before nobody does so any more."""
    ticker.stop()
    for job in ("seal", "checkpoint"):
        ticker.run(job)

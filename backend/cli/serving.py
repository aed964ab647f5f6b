"""Commands that answer requests until stopped: a demo, the web server."""

from datetime import datetime
from functools import partial
from pathlib import Path

import click

from backend.api.lines import THREADS_FOR_EACH
from backend.app import create_app
from backend.cli.operator import progress_bar
from backend.cli.working import end
from backend.config import Settings, read_settings
from backend.demo import announce_when_up, read_moment, settle
from backend.http_server import answer_requests
from backend.jobs import work_of
from backend.logs import configure_logs
from backend.opening import open_database
from backend.simulation.company import Company
from backend.watch import Watch
from notifications.scheduler import Ticker
from seeds.demo.home import make_demo

# Those of the script, who are always there, and with them all others.
SCRIPTED, EVERYBODY = 6, 24


@click.command()
@click.option("--home", default="followup-demo", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--now", default=None, callback=read_moment, help="When it begins: 2027-03-01T08:00:00+08:00.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option(
    "--patients",
    default=EVERYBODY,
    show_default=True,
    type=click.IntRange(SCRIPTED, EVERYBODY),
    help="How many; with six it is ready soonest.",
)
def demo(home: Path, host: str, port: int, now: datetime | None, no_browser: bool, patients: int) -> None:
    """Show everything with invented patients and simulated phones. Made anew at every start; needs no account."""
    settings = settle(home, host, port)
    with progress_bar("Living through the patients' past") as progress:
        gather = partial(Company, patients - SCRIPTED) if patients > SCRIPTED else None
        made = make_demo(settings, now=now, progress=progress, gather=gather)
    announce_when_up(made, with_browser=not no_browser)
    run_server(settings, host, port, with_worker=True)
    click.echo("The demo has stopped.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--with-worker", is_flag=True, help="Also send reminders from this process: one machine, one process.")
def serve(host: str, port: int, with_worker: bool) -> None:
    """Answer requests. Needs `followup db upgrade` and `followup seed` first."""
    settings = read_settings()
    run_server(settings, host, port, with_worker=with_worker)


def run_server(settings: Settings, host: str, port: int, *, with_worker: bool) -> None:
    """Serve until stopped: one process, because SQLite has one writer and a worker must tick once."""
    configure_logs()
    db = open_database(settings)
    app = create_app(settings, db)
    Watch(db, work_of(db, settings).send_letters_about_outages).go_on()
    ticker: Ticker = app.extensions["followup_ticker"]
    if with_worker:
        ticker.start()
    threads, behind_proxies = settings.threads * THREADS_FOR_EACH, settings.trusted_proxies > 0
    answer_requests(app, host, port, threads=threads, behind_proxies=behind_proxies)
    if with_worker:
        end(ticker)
    db.close()

"""The command line: ``followup demo | serve | work | seed | db upgrade | staff create``."""

import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

import click
from granian import Granian
from granian.constants import Interfaces
from sqlalchemy.exc import SQLAlchemyError

from backend.config import Settings, read_settings
from backend.db import RoleAtSite, system
from backend.demo import announce_when_up, progress_bar, read_moment, settle
from backend.errors import FollowupError, InvalidInput
from backend.jobs import open_database, refuse_unfit, ticker_of, work_of
from backend.logs import configure_logs
from backend.migrations import upgrade
from backend.staff.members import create_member
from backend.staff.sites import find_site
from backend.terms import Role
from seeds.demo.home import make_demo
from seeds.load import load_study

OPERATOR = system("command line")


def main() -> None:
    """Run a command; a named failure is one sentence and exit code 1, never a traceback."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except SQLAlchemyError as failure:
        # Its own words may hold the address with the password in it.
        click.echo(f"followup: the database cannot be used ({type(failure).__name__}).", err=True)
        sys.exit(1)
    except OSError as failure:
        click.echo(f"followup: {failure.strerror or failure}: {failure.filename or ''}".rstrip(": "), err=True)
        sys.exit(1)
    except FollowupError as failure:
        click.echo(f"followup: {failure.title if failure.fields else failure.detail}", err=True)
        for name, complaints in sorted(failure.fields.items()):
            click.echo(f"  {name}: {' '.join(complaints)}", err=True)
        sys.exit(1)


@click.group()
def commands() -> None:
    """Follow-up and patient-reported outcomes for a clinical trial. Settings come from the environment (README)."""


@commands.command()
@click.option("--home", default="followup-demo", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--now", default=None, callback=read_moment, help="When it begins: 2027-03-01T08:00:00+08:00.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def demo(home: Path, host: str, port: int, now: datetime | None, no_browser: bool) -> None:
    """Show everything with invented patients and simulated phones. Made anew at every start; needs no account."""
    settings = settle(home, host, port)
    with progress_bar() as progress:
        made = make_demo(settings, now=now, progress=progress)
    announce_when_up(made, with_browser=not no_browser)
    run_server(settings, host, port, with_worker=True)
    click.echo("The demo has stopped.")


@commands.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--with-worker", is_flag=True, help="Also send reminders from this process: one machine, one process.")
def serve(host: str, port: int, with_worker: bool) -> None:
    """Answer requests. Needs `followup db upgrade` and `followup seed` first."""
    settings = read_settings()
    refuse_unfit(open_database(settings))
    run_server(settings, host, port, with_worker=with_worker)


@commands.command()
def work() -> None:
    """Send reminders and read texts until stopped. Any number may run on one PostgreSQL."""
    configure_logs()
    settings = read_settings()
    db = open_database(settings)
    refuse_unfit(db)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    ticker = ticker_of(work_of(db, settings))
    ticker.start()
    click.echo("working; stop with Ctrl-C", err=True)
    stopping.wait()
    ticker.stop()
    db.close()


@commands.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the files hold something new.")
def seed(check: bool) -> None:
    """Load the study: terminology, instruments, protocol, sites. Adds versions, never changes one."""
    db = open_database(read_settings())
    refuse_unfit(db)
    txn = db.open(OPERATOR)
    try:
        steps = load_study(txn)
    except BaseException:
        txn.finish(keep=False)
        raise
    txn.finish(keep=not check)
    for step in steps:
        click.echo(str(step))
    if check and any(step.is_new for step in steps):
        raise click.exceptions.Exit(1)


@commands.group("db")
def database() -> None:
    """The database's schema."""


@database.command("upgrade")
def upgrade_schema() -> None:
    """Bring an empty or an older database to this version's schema."""
    settings = read_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    upgrade(open_database(settings))
    click.echo("the schema is up to date")


@commands.group()
def staff() -> None:
    """The people who work on the trial."""


@staff.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--site", "site_code", required=True, help="A site's code, such as site-01; * for every site.")
@click.option("--phone", default=None)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, envvar="FOLLOWUP_STAFF_PASSWORD")
def create_staff(email: str, name: str, role: str, site_code: str, phone: str | None, password: str) -> None:
    """Take on a member of staff: the first administrator, for instance."""
    db = open_database(read_settings())
    refuse_unfit(db)
    with db.transaction(OPERATOR) as txn:
        site = None if site_code == "*" else find_site(txn, site_code)
        if site is None and site_code != "*":
            raise InvalidInput(fields={"site": [f"There is no site {site_code}; run followup seed first."]})
        held = RoleAtSite(Role(role), site.id if site else None)
        create_member(txn, email=email, name=name, password=password, roles=[held], phone=phone)
    click.echo(f"{email} may sign in as {role} at {site_code}")


def run_server(settings: Settings, host: str, port: int, *, with_worker: bool) -> None:
    """Serve until stopped: one process, because SQLite has one writer and a worker must tick once."""
    target = "backend.app:serve_app_with_worker" if with_worker else "backend.app:serve_app"
    Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=settings.threads,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type]
    ).serve()

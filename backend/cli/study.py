"""Commands that set a study up: its schema, its content, the people who work on it."""

from pathlib import Path

import click

from backend.cli.operator import OPERATOR, fit_database
from backend.config import read_settings
from backend.db import RoleAtSite
from backend.errors import BadSeedFile, InvalidInput
from backend.migrations import upgrade
from backend.opening import open_database
from backend.staff.guesses import lift_lock_out
from backend.staff.members import create_member, find_member
from backend.staff.second_factor import take_away
from backend.staff.sites import find_site
from backend.terms import Role
from seeds.load import PROTOCOL, load_study


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the files hold something new.")
@click.option(
    "--protocol",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=PROTOCOL,
    help="The protocol file, its rule file beside it; the shipped one if left out.",
)
def seed(check: bool, file: Path) -> None:
    """Load the study: terminology, instruments, protocol, sites. Adds versions, never changes one."""
    with fit_database() as db:
        txn = db.open(OPERATOR)
        try:
            steps = load_study(txn, file)
        except BadSeedFile as wrong:
            txn.finish(keep=False)
            # One line a mistake: file, line and field.
            raise click.ClickException(wrong.detail) from wrong
        except BaseException:
            txn.finish(keep=False)
            raise
        txn.finish(keep=not check)
    for step in steps:
        click.echo(str(step))
    if check and any(step.is_new for step in steps):
        raise click.exceptions.Exit(1)


@click.group("db")
def database() -> None:
    """The database's schema."""


@database.command("upgrade")
def upgrade_schema() -> None:
    """Bring an empty or an older database to this version's schema."""
    settings = read_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    upgrade(open_database(settings))
    click.echo("the schema is up to date")


@click.group()
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
    with fit_database() as db, db.transaction(OPERATOR) as txn:
        site = None if site_code == "*" else find_site(txn, site_code)
        if site is None and site_code != "*":
            raise InvalidInput(fields={"site": [f"There is no site {site_code}; run followup seed first."]})
        held = RoleAtSite(Role(role), site.id if site else None)
        create_member(txn, email=email, name=name, password=password, roles=[held], phone=phone)
    click.echo(f"{email} may sign in as {role} at {site_code}")


@staff.command("unlock")
@click.option("--email", required=True)
def unlock_staff(email: str) -> None:
    """Let somebody try again who is locked out after too many wrong guesses."""
    with fit_database() as db, db.transaction(OPERATOR) as txn:
        lift_lock_out(txn, find_member(txn, email))
    click.echo(f"{email} may try again")


@staff.command("reset-totp")
@click.option("--email", required=True)
def reset_totp(email: str) -> None:
    """Take away the authenticator of somebody who lost it; the next sign-in sets a new one up."""
    with fit_database() as db, db.transaction(OPERATOR) as txn:
        take_away(txn, find_member(txn, email))
    click.echo(f"{email} is signed out and sets up a new authenticator at the next sign-in")

"""The command line: ``followup`` and its commands, a file for each kind."""

import os
import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from backend.cli.audit import audit
from backend.cli.keys import keys
from backend.cli.operation import backup, doctor, fsck, restore
from backend.cli.patients import patients
from backend.cli.protocol import protocol
from backend.cli.rules import rules
from backend.cli.score import score_file
from backend.cli.serving import demo, serve, work
from backend.cli.study import database, seed, staff
from backend.errors import FollowupError

# What this program makes, database and folder, is its account's own: nobody else on the machine reads answers.
FOR_US_ALONE = 0o077

COMMANDS = (
    demo,
    serve,
    work,
    seed,
    database,
    staff,
    doctor,
    fsck,
    backup,
    restore,
    keys,
    patients,
    audit,
    score_file,
    rules,
    protocol,
)


def main() -> None:
    """Run a command; a named failure is one sentence and exit code 1, never a traceback."""
    os.umask(FOR_US_ALONE)
    try:
        # Outside its standalone mode, click gives back the code of whoever ended early instead of raising it.
        sys.exit(commands(standalone_mode=False) or 0)
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


for command in COMMANDS:
    commands.add_command(command)

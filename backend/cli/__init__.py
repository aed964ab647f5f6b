"""The command line: ``followup`` and its commands, a file for each kind."""

import gc
import importlib
import os
import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import FollowupError

# What this program makes, database and folder, is its account's own: nobody else on the machine reads answers.
FOR_US_ALONE = 0o077

# Each command, and the module and name under which it stands.
COMMANDS = {
    "demo": "serving:demo",
    "serve": "serving:serve",
    "simulate": "simulation:simulate",
    "work": "working:work",
    "seed": "study:seed",
    "db": "study:database",
    "staff": "study:staff",
    "doctor": "operation:doctor",
    "fsck": "operation:fsck",
    "backup": "operation:backup",
    "restore": "operation:restore",
    "keys": "keys:keys",
    "patients": "patients:patients",
    "audit": "audit:audit",
    "signatures": "signatures:signatures",
    "score": "score:score_file",
    "rules": "rules:rules",
    "protocol": "protocol:protocol",
    "terminology": "terminology:terminology",
}


class Commands(click.Group):
    """Reads only the command that is asked for: all of them together take longer than most of them do."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """In the order in which one needs them."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name; None when there is none."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        # What is read here stays: looking through it for rubbish, again and again, took a seventh of every start.
        gc.disable()
        command: click.Command = getattr(importlib.import_module(f"backend.cli.{module}"), attribute)
        gc.freeze()
        gc.enable()
        return command


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


@click.group(cls=Commands)
def commands() -> None:
    """Follow-up and patient-reported outcomes for a clinical trial. Settings come from the environment (README)."""

"""Commands about the audit trail: whether it is what it was."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from backend.audit_checkpoints import FILE_NAME
from backend.audit_seals import chain_of
from backend.audit_verification import Verdict, verify
from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.config import read_settings
from backend.db import Database
from backend.errors import InvalidInput
from backend.staff.sites import find_site

MOST_NAMED = 20


@click.group()
def audit() -> None:
    """The audit trail and its seals."""


@audit.command("verify")
@click.option(
    "--checkpoints",
    default=None,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The file of checkpoints to hold the chains against; {FILE_NAME} in the home folder by default.",
)
@click.option("--site", "site_code", default=None, help="Only this site's chain, such as site-01.")
def verify_trail(checkpoints: Path | None, site_code: str | None) -> None:
    """Check every entry against its seal, every seal against the one before; exit 1 naming the first bad entry."""
    settings = read_settings()
    file = checkpoints or settings.home / FILE_NAME
    with fit_database(settings) as db:
        chain = _chain_of_site(db, site_code)
        begun = time.monotonic()
        with progress_bar("Verifying the audit trail") as progress:
            verdict = verify(db, checkpoints=file, chain=chain, progress=progress)
    _say(verdict, time.monotonic() - begun)
    if not verdict.is_sound:
        raise click.exceptions.Exit(1)


def _chain_of_site(db: Database, code: str | None) -> str | None:
    if code is None:
        return None
    with db.reading(OPERATOR) as txn:
        site = find_site(txn, code)
        if site is None:
            raise InvalidInput(fields={"site": [f"There is no site {code}."]})
        return chain_of(site.id)


def _say(verdict: Verdict, seconds: float) -> None:
    speed = round(verdict.entries / seconds) if seconds else verdict.entries
    click.echo(f"{verdict.entries} entries in {verdict.chains} chains in {seconds:.1f} s ({speed} entries/s)")
    if verdict.checkpoints is None or not verdict.checkpoints.lines:
        click.echo("no checkpoints to hold the chains against: a cut tail or a rewritten chain would not be seen")
    else:
        torn = ", one torn line let go" if verdict.checkpoints.torn else ""
        click.echo(f"held against {len(verdict.checkpoints.lines)} checkpoints{torn}")
    if verdict.unsealed:
        click.echo(f"{verdict.unsealed} entries are not sealed yet, {len(verdict.overdue)} of them for over a minute")
    if verdict.overdue:
        click.echo(f"unsealed for over a minute: {_first_of(verdict.overdue)} (is a worker running?)")
    if verdict.backdated:
        first = _first_of(verdict.backdated)
        click.echo(f"BAD dated long before entries sealed earlier: {first} (put in later, or was the clock set back?)")
    for defect in verdict.defects:
        click.echo(f"BAD {defect}")
    if verdict.is_sound:
        click.echo("the trail is whole")


def _first_of(entry_ids: Sequence[int]) -> str:
    return ", ".join(map(str, entry_ids[:MOST_NAMED])) + (", …" if entry_ids[MOST_NAMED:] else "")

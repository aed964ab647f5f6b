"""Commands about the signatures under adverse events: whether each still binds what stands on the record."""

import click

from backend.adverse_events.signing import Verified, verify_signatures
from backend.cli.operator import OPERATOR, fit_database
from backend.db import lift_time_limits


@click.group()
def signatures() -> None:
    """The signatures under adverse events."""


@signatures.command("verify")
def verify() -> None:
    """Hold every signature in force against the record it stands under; exit 1 naming the first that does not bind it.

    The hash of each is computed anew from the record as it is now. Nothing is changed.
    """
    held = forgotten = 0
    broken: list[Verified] = []
    with fit_database() as db, db.reading(OPERATOR) as txn:
        lift_time_limits(txn)
        for one in verify_signatures(txn):
            held += one.defect is None and not one.is_forgotten
            forgotten += one.is_forgotten
            if one.defect is not None:
                broken.append(one)
        # While the rows can still be read.
        first = _named(broken[0]) if broken else ""
    click.echo(f"signatures in force that bind what stands on the record: {held}")
    if forgotten:
        click.echo(f"of patients who were forgotten, so that nobody can say: {forgotten}")
    if broken:
        click.echo(first)
        click.echo(f"adverse events that are not what was signed: {len(broken)}")
        raise click.exceptions.Exit(1)


def _named(one: Verified) -> str:
    return f"BAD adverse event {one.event.id}, signature {one.event.signature_id}: {one.defect}"

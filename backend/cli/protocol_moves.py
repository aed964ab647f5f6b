"""``followup protocol move``: patients moving to another version, one by one, each an act of its own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import click
from sqlalchemy import select

from backend.adverse_events.recording import recompute
from backend.agenda.moves import MoveChange, MoveForm
from backend.agenda.moves import move as move_one
from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.db import Database, Transaction
from backend.errors import FollowupError, NotFound
from backend.patients.models import Patient
from backend.staff.sites import find_site


@click.command("move")
@click.option("--to", "number", required=True, type=int, metavar="VERSION", help="The number of the version.")
@click.option("--site", "code", metavar="SITE", help="The patients of this site: site-01.")
@click.option("--all", "everybody", is_flag=True, help="The patients of every site.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day it was decided for; today if left out.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def move(number: int, code: str | None, everybody: bool, day: datetime | None, dry_run: bool) -> None:
    """Move patients to VERSION of the protocol, each by itself, and say who could not be moved and why.

    What has begun stays under the version it began in. Who must consent anew first is moved by a coordinator, with
    the day of the consent. Whoever cannot be moved keeps nobody else from it.
    """
    if everybody == (code is not None):
        raise click.UsageError("Say either --site or --all.")
    form = MoveForm(number, day.date() if day else None)
    with fit_database() as db:
        _Moving(db, form, dry_run=dry_run).say(code)


class _Moving:
    """One patient after another."""

    def __init__(self, db: Database, form: MoveForm, *, dry_run: bool) -> None:
        self.db, self.form, self.dry_run = db, form, dry_run

    def say(self, code: str | None) -> None:
        """Move them, print a line about each, and how many there were."""
        with self.db.reading(OPERATOR) as txn:
            whose = _whose(txn, code)
        moved = 0
        said: list[str] = []
        with progress_bar("Moving the patients") as progress:
            for done, (patient_id, subject_number) in enumerate(whose):
                progress(done, len(whose))
                line, is_moved = self._line(patient_id)
                said.append(f"{subject_number}  {line}")
                moved += is_moved
            progress(len(whose), len(whose))
        for line in said:
            click.echo(line)
        verb = "could move" if self.dry_run else "moved"
        click.echo(f"{moved} of {len(whose)} patients {verb} to version {self.form.to}")

    def _line(self, patient_id: UUID) -> tuple[str, bool]:
        """What became of one patient: kept or refused as a whole."""
        txn = self.db.open(OPERATOR)
        is_kept = False
        try:
            patient = txn.session.get_one(Patient, patient_id)
            change = move_one(txn, patient, self.form)
            recompute(txn, patient)
            is_kept = not self.dry_run
        except FollowupError as refusal:
            return f"not moved: {_why(refusal)}", False
        finally:
            txn.finish(keep=is_kept)
        return _counts(change), True


def _whose(txn: Transaction, code: str | None) -> Sequence[tuple[UUID, str]]:
    rows = select(Patient.id, Patient.subject_number).order_by(Patient.subject_number)
    if code is not None:
        site = find_site(txn, code)
        if site is None:
            raise NotFound(f"There is no site {code}.")
        rows = rows.where(Patient.site_id == site.id)
    return [(row.id, row.subject_number) for row in txn.session.execute(rows)]


def _why(refusal: FollowupError) -> str:
    complaints = [words for about in refusal.fields.values() for words in about]
    return " ".join(complaints) or refusal.detail


def _counts(change: MoveChange) -> str:
    diff = change.diff
    counts = f"gains {len(diff.added)}, loses {len(diff.cancelled)}, moves {len(diff.moved)}"
    asked = f"asks otherwise {len(change.asked_otherwise)}"
    return f"{counts}, {asked}, {diff.messages_recalled} messages recalled"

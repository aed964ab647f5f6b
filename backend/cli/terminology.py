"""``followup terminology``: what a site loads of CTCAE itself."""

from pathlib import Path

import click

from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.db import lift_time_limits
from backend.errors import BadWorkbook, TermsDiffer
from backend.terminology.importing import import_workbook
from backend.terminology.load import LoadedTerms
from backend.terminology.workbook import Workbook, read_workbook
from schemas.terminology import VERSION_PATTERN


@click.group()
def terminology() -> None:
    """The terms in which events are coded."""


@terminology.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", default=None, help="Which version of CTCAE it is, such as 6.0, if the file does not say.")
@click.option("--sheet", default=None, help="Which sheet to read, if several hold terms.")
@click.option("--dry-run", is_flag=True, help="Read and compare, say what would be done, and change nothing.")
def import_terms(file: Path, version: str | None, sheet: str | None, dry_run: bool) -> None:
    """Load the criteria of NCI's own CTCAE workbook (.xlsx) FILE.

    Its text is kept in the database and shown beside our own words. Versions stand side by side; doing it twice changes
    nothing. A file that is not understood is refused, with sheet, row and column.
    """
    if version is not None and not VERSION_PATTERN.fullmatch(version):
        raise click.BadParameter("must be a version such as 6.0.", param_hint="--version")
    try:
        with progress_bar(f"reading {file.name}") as progress:
            workbook = read_workbook(file, sheet=sheet, progress=progress)
        loaded = _load(workbook, version, keep=not dry_run)
    except (BadWorkbook, TermsDiffer) as wrong:
        # One line a mistake: sheet, row and column.
        raise click.ClickException(wrong.detail) from wrong
    click.echo(_said(workbook, loaded, dry_run=dry_run))


def _load(workbook: Workbook, version: str | None, *, keep: bool) -> LoadedTerms:
    with fit_database() as db:
        txn = db.open(OPERATOR)
        try:
            lift_time_limits(txn)
            loaded = import_workbook(txn, workbook, version)
        except BaseException:
            txn.finish(keep=False)
            raise
        txn.finish(keep=keep)
    return loaded


def _said(workbook: Workbook, loaded: LoadedTerms, *, dry_run: bool) -> str:
    done = "nothing changed"
    if loaded.is_new:
        would = "would be " if dry_run else ""
        done = f"{loaded.added} {would}new, the text of {loaded.changed} {would}taken over"
    return f"CTCAE {loaded.version}, sheet {workbook.sheet}: {loaded.terms} terms, {done}"

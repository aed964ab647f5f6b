"""Commands for whoever keeps the server well: is it fit, is the data sound, and a copy for the bad day."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from backend.audit_checkpoints import FILE_NAME
from backend.backups.make import make
from backend.backups.restore import restore as put_back
from backend.cli.operator import fit_database, progress_bar
from backend.config import read_settings
from backend.doctor import examine
from backend.fsck import Finding, check, invariants
from backend.symptoms import Health


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
def doctor(as_json: bool) -> None:
    """Say whether this server is fit to follow patients, and what to do where it is not. Exit 1 on a failure."""
    symptoms = []
    for symptom in examine():
        symptoms.append(symptom)
        if not as_json:
            advice = f"  -> {symptom.advice}" if symptom.advice else ""
            click.echo(f"{symptom.health:8} {symptom.name}: {symptom.saw}{advice}")
    if as_json:
        click.echo(json.dumps([asdict(symptom) for symptom in symptoms], ensure_ascii=False, indent=2))
    if any(symptom.health is Health.FAILED for symptom in symptoms):
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
def fsck(as_json: bool) -> None:
    """Check every invariant of the database; changes nothing, names ids only. Exit 1 when one is broken."""
    settings = read_settings()
    findings = []
    with fit_database(settings) as db:
        for finding in check(db, invariants(settings.home / FILE_NAME)):
            findings.append(finding)
            if not as_json:
                click.echo(_line(finding))
    if as_json:
        click.echo(json.dumps([_as_json(finding) for finding in findings], ensure_ascii=False, indent=2))
    if not all(finding.holds for finding in findings):
        raise click.exceptions.Exit(1)


def _line(finding: Finding) -> str:
    if finding.holds:
        return f"ok  {finding.invariant.sentence}"
    ids = ", ".join(finding.first) + (", …" if finding.broken > len(finding.first) else "")
    return f"BROKEN {finding.broken}  {finding.invariant.sentence} ({finding.invariant.name}): {ids}"


def _as_json(finding: Finding) -> dict[str, object]:
    said = finding.invariant
    return {"name": said.name, "sentence": said.sentence, "broken": finding.broken, "first": list(finding.first)}


@click.command()
@click.argument("place", default=".", type=click.Path(path_type=Path))
def backup(place: Path) -> None:
    """Copy the database to PLACE, a new file or a folder, while everybody works. The keys are NOT in it."""
    settings = read_settings()
    with fit_database(settings) as db, progress_bar("Copying") as progress:
        made = make(db, settings, place, progress)
    click.echo(f"{made.place}: {made.rows} rows, {made.bytes} bytes")
    click.echo("The keys are not in it; without FOLLOWUP_DATA_KEYS it opens for nobody. Keep them elsewhere.", err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="SQLite: move the database that is there aside.")
@click.option(
    "--rest-hours",
    default=24,
    show_default=True,
    type=click.IntRange(0, 24 * 14),
    help="Write to no patient for so long, while sites enter again what was lost. 0: nothing was lost.",
)
def restore(file: Path, replace: bool, rest_hours: int) -> None:
    """Put a backup into an empty database. Stop every `serve` and `work` first."""
    settings = read_settings()
    with progress_bar("Restoring") as progress:
        done = put_back(settings, file, replace=replace, rest=timedelta(hours=rest_hours), progress=progress)
    click.echo(f"restored as of {done.made_at.isoformat()}")
    if done.kept_aside:
        click.echo(f"the database before it: {done.kept_aside}")
    came = done.aftermath
    click.echo(f"in doubt, to be asked after: {came.in_doubt}; held back, a task each patient: {came.held_back}")
    click.echo(f"not written to for {rest_hours} hours: {came.patients_resting} patients")
    click.echo("Next: followup fsck, then docs/operation.md, 'After a restore'.")

"""Commands about protocols: a schema for editors, a patient's calendar, and what another protocol would change."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select

from backend import clock
from backend.agenda.calendar_file import calendar_file
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of, course_of, protocol_for
from backend.agenda.under_another import CalendarDifference, Changed, calendar_difference
from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.cli.protocol_moves import move
from backend.db import Database, Transaction
from backend.errors import BadSeedFile, NotFound
from backend.instruments.definition import newest_instruments, terminology
from backend.patients.models import Patient
from backend.protocol.definition import Protocol
from backend.protocol.load import current_version
from backend.terms import Language
from schemas.protocol_editor import protocol_schema
from seeds.load import read_protocol

BOTH = "both"
NOON = time(12)
A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TITLES = click.Choice([*(language.value for language in Language), BOTH])
COLUMNS = ("due", "window", "key", "kind", "state", "instrument")


@click.group()
def protocol() -> None:
    """The study's protocol as data: its file, and the calendars it makes."""


protocol.add_command(move)


@protocol.command("schema")
def schema() -> None:
    """Print the JSON Schema of a protocol file, for editors. docs/protocol.schema.json is a copy."""
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """The schema as the kept copy holds it."""
    return json.dumps(protocol_schema(), ensure_ascii=False, indent=1) + "\n"


@protocol.command("show")
@click.option("--patient", "subject_number", required=True, metavar="SUBJECT", help="A subject number: 01-0007.")
@click.option("--at", "day", type=click.DateTime(["%Y-%m-%d"]), help="States as at noon of this day; now if left out.")
@click.option(
    "--titles",
    type=TITLES,
    help="Also say what the patient reads.",
)
@click.option(
    "--ics",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the patient's calendar as it stands now, as an iCalendar file.",
)
def show(subject_number: str, day: datetime | None, titles: str | None, file: Path | None) -> None:
    """Print the calendar of SUBJECT as a table: due date, window (both days included), key, kind, state, instrument.

    With --at the states are those of that day for the facts known now. Changes nothing.
    """
    with fit_database() as db, db.reading(OPERATOR) as txn:
        patient = _find(txn, subject_number)
        at = clock.at_local(day.date(), NOON, patient.time_zone) if day else None
        items = agenda_of(txn, patient, at=at)
        text = calendar_file(txn, patient) if file else ""
    for line in _table(items, titles):
        click.echo(line)
    if file:
        file.write_bytes(text.encode())


@protocol.command("diff")
@click.argument("file", type=A_FILE)
@click.option("--patient", "subject_number", metavar="SUBJECT", help="Only this patient: 01-0007.")
def diff(file: Path, subject_number: str | None) -> None:
    """Print what each patient's calendar would gain (+), lose (-) and move (~) under the protocol in FILE.

    What has begun stays under the version it began in; ! is such an item that FILE has on another day, under the same
    key. * is an item that would ask with another form. Changes nothing.
    """
    with fit_database() as db:
        other = _read(db, file)
        _Comparing(db, other, file.name).say(subject_number)


def _find(txn: Transaction, subject_number: str) -> Patient:
    patient = txn.session.scalar(select(Patient).where(Patient.subject_number == subject_number))
    if patient is None:
        raise NotFound(f"There is no patient {subject_number}.")
    return patient


def _table(items: Sequence[AgendaItem], titles: str | None) -> Iterator[str]:
    """A heading and a line for each item. Titles stand last: their characters are not all of one width."""
    rows = [(*COLUMNS, "title" if titles else ""), *((*_cells(item), _title(item, titles)) for item in items)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _cells(item: AgendaItem) -> tuple[str, ...]:
    return item.due_on.isoformat(), _window(item), item.key, item.kind, item.state, item.instrument or "-"


def _window(item: AgendaItem) -> str:
    """The first and the last day of it, where its days are counted."""
    first = clock.local_day(item.opens_at, item.zone)
    last = clock.local_day(item.closes_at, item.zone) - timedelta(days=1)
    return f"{first.isoformat()}..{last.isoformat()}"


def _title(item: AgendaItem, titles: str | None) -> str:
    if titles == BOTH:
        return " / ".join(item.titles[language] for language in sorted(Language))
    return item.titles[titles] if titles else ""


def _read(db: Database, file: Path) -> Protocol:
    """The file, held against the instruments and the terminology that the study has loaded."""
    with db.reading(OPERATOR) as txn:
        terms: dict[str, Any] = {"terms": [{"code": code} for code in terminology(txn).terms]}
        instruments = [dict(one.content) for one in newest_instruments(txn)]
        study = current_version(txn).study
    try:
        other = Protocol.from_content(read_protocol(file, instruments, terms))
    except BadSeedFile as wrong:
        # One line a mistake: file, line and field.
        raise click.ClickException(wrong.detail) from wrong
    if other.study != study:
        raise click.ClickException(f"{file.name} is the protocol of {other.study}, and this study is {study}.")
    return other


class _Comparing:
    """Every patient's two calendars, one patient after another."""

    def __init__(self, db: Database, other: Protocol, file: str) -> None:
        self.db, self.other, self.file = db, other, file

    def say(self, subject_number: str | None) -> None:
        """Print the differences, and how many patients have any."""
        with self.db.reading(OPERATOR) as txn:
            ids = self._whose(txn, subject_number)
        changed = 0
        said: list[str] = []
        with progress_bar("Comparing the calendars") as progress:
            for done, patient_id in enumerate(ids):
                progress(done, len(ids))
                lines = self._lines(patient_id)
                changed += bool(lines)
                said.extend(lines)
            progress(len(ids), len(ids))
        for line in said:
            click.echo(line)
        click.echo(f"{changed} of {len(ids)} patients would have another calendar under {self.file}")

    def _whose(self, txn: Transaction, subject_number: str | None) -> Sequence[UUID]:
        if subject_number:
            return [_find(txn, subject_number).id]
        return txn.session.scalars(select(Patient.id).order_by(Patient.subject_number)).all()

    def _lines(self, patient_id: UUID) -> list[str]:
        """Nothing when the patient's calendar would stay as it is."""
        with self.db.reading(OPERATOR) as txn:
            patient = txn.session.get_one(Patient, patient_id)
            if patient.arm not in self.other.arms:
                return [f"{patient.subject_number}  cannot move: there is no arm {patient.arm}"]
            own, course = protocol_for(txn, patient), course_of(txn, patient)
            found = calendar_difference(own, self.other, course, txn.now)
            return [] if found.is_empty else [_heading(patient, found), *_differences(found)]


def _heading(patient: Patient, found: CalendarDifference) -> str:
    counts = f"gains {len(found.gained)}, loses {len(found.lost)}, moves {len(found.moved)}"
    return f"{patient.subject_number}  {patient.arm}  {counts}, asks otherwise {len(found.asked_otherwise)}"


def _differences(found: CalendarDifference) -> Iterator[str]:
    for item in found.gained:
        yield f"  + {_when(item)}  {item.key}"
    for item in found.lost:
        yield f"  - {_when(item)}  {item.key}"
    for one in found.moved:
        yield f"  ~ {_when(one.before)} → {_when(one.after)}  {one.before.key}"
    for one in found.asked_otherwise:
        yield f"  * {_forms(one)}  {one.before.key}"
    for one in found.left_as_begun:
        yield f"  ! {_when(one.before)} stays, not {_when(one.after)}  {one.before.key}"


def _when(item: AgendaItem) -> str:
    return f"{item.due_on.isoformat()} ({_window(item)})"


def _forms(one: Changed) -> str:
    return f"{one.before.instrument or '-'} → {one.after.instrument or '-'}"

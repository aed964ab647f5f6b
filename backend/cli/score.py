"""``followup score``: composite grades for a file of answers, without a database."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import click

from backend.cli.operator import progress_bar
from backend.errors import InvalidInput
from backend.instruments.definition import Instrument
from backend.triage.score_sheet import Complaint, read_columns, score
from seeds.questionnaires import read_instruments

ROWS_BETWEEN_STEPS = 500
NAMED_AT_MOST = 20


@click.command("score")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def score_file(file: Path) -> None:
    """Add composite grades (0-3, not CTCAE grades) to a CSV FILE whose columns are named like nausea.severity.

    The rows go to standard output as they came, each with a column like nausea.composite at its end. An empty cell
    is a skipped answer, or counts 0 where an earlier 0 hides the question. What cannot be scored is named on standard
    error and left empty; then the exit code is 1.
    """
    complaints = _Complaints()
    shapes = _shapes()
    out = csv.writer(sys.stdout, lineterminator="\n")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = _rows(opened, file.stat().st_size)
        _, header = next(rows, (0, []))
        columns = read_columns(header, shapes)
        complaints.about(1, columns.complaints)
        out.writerow(columns.with_composites)
        for line, row in rows:
            scored, wrong = score(row, columns, shapes)
            complaints.about(line, wrong)
            out.writerow(scored)
    complaints.end()


class _Complaints:
    """What could not be scored: the first of it by line and column, all of it by number."""

    def __init__(self) -> None:
        self.count = 0

    def about(self, line: int, wrong: Sequence[Complaint]) -> None:
        for one in wrong:
            self.count += 1
            if self.count <= NAMED_AT_MOST:
                click.echo(f"line {line}: {one.column + ': ' if one.column else ''}{one.said}", err=True)

    def end(self) -> None:
        if self.count > NAMED_AT_MOST:
            click.echo(f"and {self.count - NAMED_AT_MOST} more", err=True)
        if self.count:
            raise click.exceptions.Exit(1)


def _shapes() -> Mapping[str, Sequence[str]]:
    """The attributes of every symptom of every questionnaire we ship, in the order asked."""
    asked = (Instrument.from_content(content) for content in read_instruments())
    return {symptom.slug: symptom.attributes for one in asked for symptom in one.symptoms.values()}


def _rows(opened: TextIO, size: int) -> Iterator[tuple[int, list[str]]]:
    """(line, cells), read one after another with a bar that shows how far."""
    reader = csv.reader(opened, strict=True)
    with progress_bar("scoring") as progress:
        try:
            for number, row in enumerate(reader):
                if row:
                    yield reader.line_num, row
                if number % ROWS_BETWEEN_STEPS == 0:
                    progress(opened.buffer.tell(), size)
        except (csv.Error, UnicodeDecodeError) as wrong:
            raise InvalidInput(
                fields={f"line {reader.line_num + 1}": [f"This is no CSV in UTF-8: {wrong}."]}
            ) from wrong
        progress(size, size)

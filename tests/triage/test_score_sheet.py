"""``followup score``: what a sheet of answers comes to, cell by cell and as a command."""

import csv
import itertools
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.cli.score import score_file
from backend.errors import InvalidInput
from backend.triage.grading import composite_grade
from backend.triage.score_sheet import read_columns, score
from tests.study import instrument

SHAPES = {
    "nausea": ("frequency", "severity"),
    "headache": ("frequency", "severity", "interference"),
    "rash": ("presence",),
}
FOLLOWUP = [sys.executable, "-c", "from backend.cli import main; main()", "score"]


def scored(header, *rows):
    """The composites of each row, as text, and every complaint."""
    columns = read_columns(header.split(","), SHAPES)
    done = [score(row.split(","), columns, SHAPES) for row in rows]
    return [cells[len(columns.names) :] for cells, _ in done], [wrong for _, found in done for wrong in found]


@pytest.mark.parametrize(
    ("row", "composite"),
    [
        ("3,2,1", "2"),
        ("0,,", "0"),
        ("0,4,4", "0"),  # a first answer of 0 gives 0 whatever is written behind it
        ("2,0,", "0"),  # hidden by branching: counts 0
        ("4,0,", "1"),
        ("4,0,4", "2"),  # written although hidden: counts as written
        ("2,,1", ""),  # skipped
        (",2,1", ""),
        ("2,3,", ""),
        (",,", ""),
    ],
)
def test_an_empty_cell_is_skipped_unless_branching_hides_it(row, composite):
    assert scored("headache.frequency,headache.severity,headache.interference", row) == ([[composite]], [])


def test_the_symptoms_own_table_is_used_whichever_columns_there_are():
    assert scored("headache.frequency", "0", "3") == ([["0"], [""]], [])


def test_every_combination_scores_as_a_report_does():
    answers = ["", "0", "1", "2", "3", "4"]
    rows = list(itertools.product(answers, repeat=3))

    composites, _ = scored("headache.frequency,headache.severity,headache.interference", *map(",".join, rows))

    for row, [composite] in zip(rows, composites, strict=True):
        given = {name: int(cell) for name, cell in zip(SHAPES["headache"], row, strict=True) if cell}
        expected = composite_grade(SHAPES["headache"], given)
        assert composite == ("" if expected is None else str(expected)), row


def test_a_yes_or_no_has_no_composite_and_other_columns_pass_through():
    columns = read_columns(["id", "rash.presence", "note"], SHAPES)

    assert columns.with_composites == ["id", "rash.presence", "note", "rash.composite"]
    assert score(["7", "1", '"=1"'], columns, SHAPES) == (["7", "1", '"=1"', ""], [])


@pytest.mark.parametrize("cell", ["5", "-1", "2.0", "x", "１", "33"])
def test_an_impossible_answer_is_named_and_leaves_only_its_symptom_unscored(cell):
    composites, wrong = scored("nausea.frequency,nausea.severity,headache.frequency", f"{cell},1,0")

    assert composites == [["", "0"]]
    assert [one.column for one in wrong] == ["nausea.frequency"]


def test_a_row_of_too_many_cells_is_kept_whole_and_not_scored():
    columns = read_columns(["nausea.frequency", "nausea.severity"], SHAPES)

    cells, wrong = score(["3", "2", "spilled"], columns, SHAPES)

    assert "spilled" in cells
    assert "2" not in cells[2:3]
    assert len(wrong) == 1


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("id,note", "header"),
        ("nausea.frequency;nausea.severity", "header"),
        ("nausea.frequency,nausea.frequency", "nausea.frequency"),
        ("nausea.frequency,nausea.composite", "nausea.composite"),
    ],
)
def test_a_header_that_cannot_be_scored_is_refused(header, named):
    with pytest.raises(InvalidInput) as refused:
        read_columns(header.split(","), SHAPES)

    assert named in refused.value.fields


def test_a_misspelt_column_is_named_and_passes_through():
    columns = read_columns(["nausa.frequency", "nausea.amount", "nausea.frequency"], SHAPES)

    assert [one.column for one in columns.complaints] == ["nausa.frequency", "nausea.amount"]


def run(path: Path) -> Result:
    """As the command line runs it, within this process."""
    return CliRunner().invoke(score_file, [str(path)])


def test_the_command_writes_the_same_rows_with_composites_behind_them(tmp_path):
    sheet = tmp_path / "answers.csv"
    sheet.write_text('\ufeffid,name,nausea.frequency,nausea.severity\n1,"张, 三",3,2\n2,,0,\n', "utf-8")

    done = run(sheet)

    assert done.exit_code == 0, done.stderr
    assert done.stdout == 'id,name,nausea.frequency,nausea.severity,nausea.composite\n1,"张, 三",3,2,2\n2,,0,,0\n'


def test_the_command_names_line_and_column_and_still_scores_the_rest(tmp_path):
    sheet = tmp_path / "answers.csv"
    sheet.write_text("nausea.frequency,nausea.severity\n9,2\n3,2\n", "utf-8")

    done = run(sheet)

    assert done.exit_code == 1
    assert "line 2: nausea.frequency" in done.stderr
    assert done.stdout.splitlines()[1:] == ["9,2,", "3,2,2"]


@pytest.mark.parametrize("content", [b"", b"id\n1\n", b"\xd0\xc7\xce\xbb.severity\n1\n", b'nausea.frequency\n"1\n'])
def test_what_is_no_sheet_of_answers_is_refused_by_line_or_column(tmp_path, content):
    sheet = tmp_path / "answers.csv"
    sheet.write_bytes(content)

    assert isinstance(run(sheet).exception, InvalidInput)


def test_a_refusal_is_one_sentence_and_no_traceback(tmp_path):
    sheet = tmp_path / "answers.csv"
    sheet.write_text("id\n1\n")

    done = subprocess.run([*FOLLOWUP, str(sheet)], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "followup:" in done.stderr


def test_a_long_sheet_is_never_held_whole():
    columns = read_columns(["nausea.frequency", "nausea.severity"], SHAPES)
    rows = (["3", "2"] for _ in range(50_000))
    tracemalloc.start()

    count = sum(1 for row in rows if score(row, columns, SHAPES)[0][-1] == "2")

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000
    assert peak < 1_000_000


def test_every_symptom_of_the_study_can_be_scored(tmp_path):
    names = [item for symptom in instrument("ad_hoc").symptoms.values() for item in symptom.items]
    sheet = tmp_path / "answers.csv"
    with sheet.open("w", newline="") as file:
        csv.writer(file).writerows([names, ["0"] * len(names)])

    done = run(sheet)

    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()[0].split(",")) == len(names) + len(instrument("ad_hoc").symptoms)

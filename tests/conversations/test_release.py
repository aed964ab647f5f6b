"""The one decision about every message: a row for each reason it can give, just short of it and just beyond."""

import ast
from pathlib import Path

import pytest

from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.jobs import Work
from backend.terms import AgendaState
from tests.conftest import Clock
from tests.conversations import (
    release_death_rows,
    release_form_rows,
    release_former_rows,
    release_rows,
    release_staff_rows,
    release_survey_rows,
    release_world,
    release_writer_rows,
)
from tests.conversations.release_world import Row, World

ROOM = Path(__file__).parents[2] / "backend" / "conversations"
FILES = {
    "form_letters.py": release_form_rows.ROWS,
    "release.py": release_rows.ROWS + release_survey_rows.ROWS + release_death_rows.ROWS,
    "release_to_former.py": release_former_rows.ROWS,
    "release_to_staff.py": release_staff_rows.ROWS,
    "release_to_writer.py": release_writer_rows.ROWS,
}
EVERY_ROW = [row for rows in FILES.values() for row in rows]
# Which argument of each decision is its reason.
REASON_OF = {"Suppress": 0, "Later": 1}


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    return release_world.made(work, clock)


@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.name)
def test_every_reason_is_given_and_not_a_step_too_early(world: World, row: Row) -> None:
    row.near(world)
    just_short_of_it = world.decision()

    row.hit(world)

    assert just_short_of_it == row.nearly
    assert world.decision() == row.decision


@pytest.mark.parametrize("file", FILES)
def test_the_table_has_a_row_for_each_reason_in_the_source_and_no_other(file: str) -> None:
    written = reasons_in((ROOM / file).read_text("utf-8"))

    assert {row.source for row in FILES[file]} == written


def test_nobody_but_these_files_decides() -> None:
    others = [path for path in ROOM.glob("*.py") if path.name not in FILES]

    assert others
    assert not [path.name for path in others if reasons_in(path.read_text("utf-8"))]


def test_every_state_that_is_neither_ahead_nor_open_has_a_row() -> None:
    by_state = {row.decision.removeprefix("suppress: ") for row in EVERY_ROW if row.said == "item.state.value"}

    assert by_state == {state.value for state in AgendaState} - {state.value for state in AHEAD_OR_OPEN}


def reasons_in(source: str) -> set[tuple[str, str, str]]:
    """Every reason that a function of this source gives: its name, the kind of decision, the reason as written."""
    found: set[tuple[str, str, str]] = set()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REASON_OF:
                for reason in _branches(node.args[REASON_OF[node.func.id]]):
                    found.add((function.name, node.func.id.lower(), reason))
    return found


def _branches(argument: ast.expr) -> list[str]:
    """A plain word, either of two words, or else the expression as it is written."""
    if isinstance(argument, ast.IfExp):
        return _branches(argument.body) + _branches(argument.orelse)
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    return [ast.unparse(argument)]

"""The table of tasks in the documents is the code's: every reason, which are calls, and what closes them."""

from pathlib import Path

from backend.terms import CallOutcome, WorkReason
from backend.worklist.items import CALLS, CLOSED_BY_SPEAKING, REACHED_NOBODY

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "worklist.md").read_text(encoding="utf-8")
ROWS = {
    cells[1].strip("` "): [cell.strip() for cell in cells]
    for line in DOCUMENT.splitlines()
    if (cells := line.split("|"))[0] == "" and line.startswith("| `")
}
REASON, OPENED_WHEN, KEY, CLOSED_WITH = 1, 2, 3, 7


def test_every_reason_has_a_row_and_every_row_a_reason() -> None:
    assert set(ROWS) == set(WorkReason)
    assert {len(cells) for cells in ROWS.values()} == {9}


def test_the_row_of_a_reason_that_nothing_opens_yet_says_so() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "backend").rglob("*.py"))
    unused = {reason for reason in WorkReason if f"WorkReason.{reason.name}" not in source}

    assert {name for name, cells in ROWS.items() if cells[OPENED_WHEN] == "nothing yet"} == unused


def test_the_keys_it_names_are_the_ones_that_are_made() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "backend").rglob("*.py"))
    named = {word for cells in ROWS.values() for word in cells[KEY].split("`") if word.endswith((":", "-unknown@"))}

    assert len(named) > 20
    made = [word for word in named if f'f"{word}{{' in source or f' = "{word}"' in source]
    assert named - {":", *made} == set()


def test_it_says_what_a_call_closes_with_and_what_keeps_it() -> None:
    kept = next(line for line in DOCUMENT.split("\n\n") if line.startswith("A **call**"))

    # What came of a call and why there is a task may have the same name.
    assert {word for word in kept.split("`") if word in set(WorkReason) - set(CallOutcome)} == CALLS
    assert {word for word in kept.split("`") if word in set(CallOutcome)} == REACHED_NOBODY
    strict = {name for name, cells in ROWS.items() if cells[CLOSED_WITH] == f"`{CallOutcome.SPOKE_TO_PATIENT}` only"}
    assert strict == CLOSED_BY_SPEAKING

"""Whole calendars, written out for a principal investigator to read against the trial's table."""

from collections.abc import Iterator
from datetime import date, timedelta
from difflib import unified_diff
from pathlib import Path

import pytest

from backend import clock
from backend.agenda.calendar import AgendaItem, agenda
from backend.agenda.days import plus_months
from backend.terms import AgendaKind, AgendaState
from tests.agenda.courses import at, the_protocol
from tests.agenda.golden.cases import CASES, Case
from tests.promises.pages import REFRESH, is_refreshing

GOLDEN = Path(__file__).parent / "golden"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOW_TO_READ = (
    "Days are local days. A window is open from the beginning of its first day to the end of its last. `late to` is\n"
    "the last day on which the item can still be done late; empty where it cannot, `always` where it waits for ever.\n"
    "The last column says what became of an infusion, and which items were cancelled; nothing else was entered.\n"
)
COLUMNS = (
    f"{'due':<10}  {'':<3}  {'day':>4}  {'window':<24}  {'late to':<10}  {'key':<18}  "
    f"{'kind':<14}  {'instrument':<11}  became"
)
INFUSION_BECAME = {AgendaState.COMPLETED: "given", AgendaState.EXPIRED: "missed"}


def written(case: Case) -> str:
    """The whole file: what the case is, how to read it, and its calendar year by year."""
    start = case.course.randomised_on
    arm = the_protocol().arms[case.course.arm].names["en"]
    heading = f"{case.says}\n\nArm: {arm} ({case.course.arm}). Randomised on {start:%A} {start.isoformat()} in Beijing."
    items = agenda(the_protocol(), case.course, at(case.seen))
    return "\n".join([f"{heading}\n\n{HOW_TO_READ}", COLUMNS, *lines_of(items, start)]) + "\n"


def lines_of(items: tuple[AgendaItem, ...], start: date) -> Iterator[str]:
    """A line for each item, with a heading before each year of the study; month 12 ends the first."""
    year = 0
    for item in items:
        while year == 0 or item.due_on > plus_months(start, 12 * year):
            year += 1
            yield f"\nYear {year}"
        yield line_of(item, start)


def line_of(item: AgendaItem, start: date) -> str:
    """Due date, weekday, day of the study, window, until when late, key, kind, instrument, and what became of it."""
    window = f"{first_day(item)} .. {last_day(item)}"
    day = (item.due_on - start).days
    columns = (
        f"{item.due_on}  {WEEKDAYS[item.due_on.weekday()]}  {day:>4}  {window:<24}  {late_to(item):<10}  "
        f"{item.key:<18}  {item.kind:<14}  {item.instrument or '-':<11}  {became(item)}"
    )
    return columns.rstrip()


def first_day(item: AgendaItem) -> date:
    return clock.local_day(item.opens_at, item.zone)


def last_day(item: AgendaItem) -> date:
    return clock.local_day(item.closes_at, item.zone) - timedelta(days=1)


def late_to(item: AgendaItem) -> str:
    """Nothing is late that is done in its window; an infusion is never done late, it is moved."""
    if item.kind is AgendaKind.INFUSION or item.expires_at == item.closes_at:
        return ""
    if item.expires_at is None:
        return "always"
    return str(clock.local_day(item.expires_at, item.zone) - timedelta(days=1))


def became(item: AgendaItem) -> str:
    if item.state is AgendaState.CANCELLED:
        return "cancelled"
    return INFUSION_BECAME.get(item.state, item.state.value) if item.kind is AgendaKind.INFUSION else ""


def difference(name: str, kept: str, made: str) -> str:
    """What to read when the two differ: only the lines that do, each marked with whose it is."""
    lines = unified_diff(kept.splitlines(), made.splitlines(), "as signed", "as the code has it now", n=0, lineterm="")
    return "\n".join([f"{name}: the calendar has changed. After reading the lines: {REFRESH}=1 writes it.", *lines])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_calendar_is_the_one_written_out(case: Case) -> None:
    path, made = GOLDEN / f"{case.name}.txt", written(case)

    if is_refreshing():
        path.write_text(made, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.is_file() else ""

    if kept != made:
        pytest.fail(difference(case.name, kept, made), pytrace=False)


def test_every_file_is_the_calendar_of_a_patient() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {case.name for case in CASES}


def test_every_calendar_goes_on_for_six_years_and_into_the_yearly_survival_checks() -> None:
    for case in CASES:
        keys = [item.key for item in agenda(the_protocol(), case.course, at(case.seen))]
        assert keys[-2:] == ["survival.m60", "survival.m72"], case.name

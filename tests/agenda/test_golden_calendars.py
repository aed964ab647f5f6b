"""Whole calendars, written out and read by hand against the trial's table."""

import os
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.agenda.calendar import AgendaItem, agenda
from tests.agenda.courses import THREE_CYCLES, at, course, the_protocol

GOLDEN = Path(__file__).parent / "golden"
HEADER = (
    "# Randomised on 31 January 2027 in Beijing, seen that day at nine. Days are local; a window is written as its\n"
    '# first day and the first day after it; "late until" is the first day on which it is no longer worth doing.\n'
)


def line_of(item: AgendaItem) -> str:
    def day(moment: Any) -> str:
        return str(clock.local_day(moment, item.zone)) if moment else "for ever"

    what = item.instrument or item.kind
    window = f"{day(item.opens_at)} to {day(item.closes_at)}"
    return f"{item.due_on}  {item.key:<19} {what:<15} {window}  late until {day(item.expires_at):<10}  {item.state}"


@pytest.mark.parametrize(("arm", "cycles"), [("nk", THREE_CYCLES), ("control", ())])
def test_the_calendar_is_the_one_written_out(arm: str, cycles: Any) -> None:
    items = agenda(the_protocol(), course(arm, cycles=cycles), at("2027-01-31 09:00"))

    said = HEADER + "\n".join(line_of(item) for item in items) + "\n"

    golden = GOLDEN / f"{arm}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")

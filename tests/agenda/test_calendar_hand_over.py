"""What takes over from what, and who is asked how long: the boundaries of the calendar, one sentence each."""

from datetime import date, timedelta
from typing import Any

import pytest

from backend.agenda.calendar import AgendaItem
from backend.agenda.days import plus_months
from tests.agenda.courses import RANDOMISED, calendar, infused

ASKS_FOR_SAFETY = ("weekly", "four-weekly", "watch")


def given(*study_days: int) -> tuple[Any, ...]:
    """Cycles collected on these days of the study and given as planned."""
    starts = (RANDOMISED + timedelta(days=day) for day in study_days)
    return tuple(infused(number, start.isoformat()) for number, start in enumerate(starts, start=1))


def weeks_asked(items: Any) -> list[int]:
    """The weeks of the study with a report of one kind or another."""
    return sorted({int(key.rpartition("w")[2]) for key, item in items.items() if item.family in ASKS_FOR_SAFETY})


@pytest.mark.parametrize("last_collection", [59, 119, 240, 300, 335])
def test_no_week_up_to_day_100_after_the_last_infusion_is_without_a_question(last_collection: int) -> None:
    """Also where month 12 ends the weekly reports before the cells would have."""
    items = calendar("2028-06-01 09:00", cycles=given(3, 31, last_collection))

    last_week = (last_collection + 16 + 100) // 7
    assert [week for week in weeks_asked(items) if week <= last_week] == list(range(1, last_week + 1))


def test_the_watch_follows_the_last_infusion_also_while_more_cells_are_awaited() -> None:
    """After two of three cycles the weekly reports go on to month 12; the watch begins there."""
    items = calendar("2028-03-01 09:00", cycles=given(3, 310))

    assert max(week for week in weeks_asked(items)) == (310 + 16 + 100) // 7
    assert items["watch.w53"].due_on == RANDOMISED + timedelta(days=53 * 7)
    assert "watch.w52" not in items


def test_no_watch_week_comes_before_the_weekly_reports_have_ended() -> None:
    items = calendar("2027-12-01 09:00", cycles=given(3, 31))

    assert not [key for key in items if key.startswith("watch.")]


def test_cells_given_long_after_the_last_ones_make_no_weeks_of_the_time_between() -> None:
    """Month 12 has ended the weekly reports, and day 100 the watch: nobody knew then that more cells would come."""
    before = calendar("2028-03-20 09:00", cycles=given(3, 31))
    items = calendar("2028-03-20 09:00", cycles=given(3, 31, 410))

    first, final = (410 + 16) // 7 + 1, (410 + 16 + 100) // 7
    assert not [key for key in before if key.startswith("watch.")]
    assert [key for key in items if key.startswith("watch.")] == [f"watch.w{week}" for week in range(first, final + 1)]
    assert not [key for key in items if key not in before and items[key].state == "expired"]


def test_cells_first_given_after_month_12_make_no_weeks_of_the_time_before_them() -> None:
    before = calendar("2028-03-20 09:00")
    items = calendar("2028-03-20 09:00", cycles=given(410))

    first, final = (410 + 16) // 7 + 1, (410 + 16 + 100) // 7
    assert [key for key in items if key.startswith("watch.")] == [f"watch.w{week}" for week in range(first, final + 1)]
    assert not [key for key in items if key not in before and items[key].state == "expired"]


def last(items: Any, family: str) -> AgendaItem:
    return max((item for item in items.values() if item.family == family), key=lambda item: item.due_on)


@pytest.mark.parametrize(
    ("month", "families"),
    [
        (12, ("visit", "four-weekly", "weekly", "baseline")),
        (24, ("outcome", "quarterly", "imaging", "watch", "safety", "end-of-cells")),
    ],
)
def test_nothing_falls_due_after_the_month_that_ends_its_obligation(month: int, families: tuple[str, ...]) -> None:
    end = plus_months(RANDOMISED, month)
    items = calendar("2032-06-01 09:00", cycles=given(3, 31, 335)) | calendar("2032-06-01 09:00", "control")

    assert {item.key for item in items.values() if item.family in families and item.due_on > end} == set()


def test_what_falls_due_on_the_last_day_of_an_obligation_is_asked_and_keeps_its_window() -> None:
    items = calendar("2032-06-01 09:00", "control")

    assert last(items, "visit").due_on == date(2028, 1, 31)
    assert last(items, "outcome").due_on == last(items, "quarterly").due_on == date(2029, 1, 31)
    assert items["visit.m12"].closes_at - items["visit.m12"].opens_at == timedelta(days=29)


def test_cells_given_at_the_end_of_the_second_year_are_followed_no_longer_than_the_outcomes() -> None:
    items = calendar("2029-01-25 09:00", cycles=given(3, 31, 705))

    assert str(last(items, "safety").due_on) == "2029-01-31"
    assert "safety.c3.d14" not in items


def test_survival_is_asked_every_three_months_then_every_six_then_yearly_without_end() -> None:
    items = calendar("2040-06-01 09:00", "control")

    months = [int(key.rpartition("m")[2]) for key, item in items.items() if item.family == "survival"]
    assert months == [*range(3, 25, 3), *range(30, 61, 6), *range(72, 169, 12)]

"""Who must have been reached by now, and when it goes out again: values only."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.terms import PageStep
from backend.triage.clocks import Clocks
from backend.triage.pages import Page, round_due, round_now, steps_reached
from tests.study import triage_content

CLOCKS = Clocks.from_content(triage_content()["clocks"])
OPENED = datetime.fromisoformat("2027-03-01T02:00:00+08:00")
MINUTE = timedelta(minutes=1)
ON_CALL, INVESTIGATOR, PRINCIPAL = PageStep.ON_CALL, PageStep.INVESTIGATOR, PageStep.PRINCIPAL_INVESTIGATOR

minutes = some.integers(min_value=1, max_value=240)


def clocks_of(every: int, investigator: int, principal: int) -> Clocks:
    said = {
        "t1_repeat_every_minutes": every,
        "t1_investigator_after_minutes": investigator,
        "t1_principal_investigator_after_minutes": principal,
    }
    return Clocks.from_content(said)


def a_night(clocks: Clocks, until: int, late: int = 0) -> list[tuple[int, int]]:
    """(minute, how many steps) of every round while nobody answers and a worker comes ``late`` minutes late."""
    page, heard = Page(OPENED, OPENED, OPENED, 0), []
    while page.next_at <= OPENED + until * MINUTE:
        now = page.next_at + late * MINUTE
        due = round_due(page, now, clocks)
        assert due is not None
        heard.append(((now - OPENED) // MINUTE, len(due.steps)))
        page = Page(OPENED, OPENED, due.next_at, due.number)
    return heard


@pytest.mark.parametrize(
    ("after", "steps"),
    [
        (0, (ON_CALL,)),
        (29, (ON_CALL,)),
        (30, (ON_CALL, INVESTIGATOR)),
        (59, (ON_CALL, INVESTIGATOR)),
        (60, (ON_CALL, INVESTIGATOR, PRINCIPAL)),
        (60 * 24 * 30, (ON_CALL, INVESTIGATOR, PRINCIPAL)),
    ],
)
def test_an_unanswered_page_goes_on_after_half_an_hour_and_an_hour(after: int, steps: tuple[PageStep, ...]) -> None:
    assert steps_reached(OPENED, OPENED + after * MINUTE, CLOCKS) == steps


def test_it_goes_out_every_ten_minutes_to_everybody_reached_so_far() -> None:
    expected = [(0, 1), (10, 1), (20, 1), (30, 2), (40, 2), (50, 2), (60, 3), (70, 3), (80, 3)]

    assert a_night(CLOCKS, 80) == expected


def test_it_goes_on_to_the_next_person_at_the_minute_even_between_two_repetitions() -> None:
    assert a_night(clocks_of(20, 30, 45), 65) == [(0, 1), (20, 1), (30, 2), (45, 3), (65, 3)]


@given(every=minutes, investigator=minutes, principal=minutes, late=some.integers(min_value=0, max_value=500))
def test_nobody_waits_longer_than_an_interval_however_late_a_worker_came(
    every: int, investigator: int, principal: int, late: int
) -> None:
    clocks = clocks_of(every, investigator, principal)
    now = OPENED + late * MINUTE
    due = round_due(Page(OPENED, OPENED, OPENED, 0), now, clocks)

    assert due is not None
    assert now < due.next_at <= now + every * MINUTE
    assert due.steps == steps_reached(OPENED, now, clocks)
    ahead = [OPENED + after * MINUTE for after in (investigator, principal) if after > late]
    assert all(due.next_at <= at for at in ahead)


@given(at=some.integers(min_value=0, max_value=300), now=some.integers(min_value=0, max_value=300))
def test_it_goes_out_exactly_when_it_is_time_and_nobody_has_answered(at: int, now: int) -> None:
    page = Page(OPENED, OPENED, OPENED + at * MINUTE, 3)

    assert (round_due(page, OPENED + now * MINUTE, CLOCKS) is not None) == (now >= at)
    assert (
        round_due(Page(OPENED, OPENED, OPENED + at * MINUTE, 3, is_acknowledged=True), OPENED + now * MINUTE, CLOCKS)
        is None
    )


@given(after=some.integers(min_value=0, max_value=300))
def test_another_report_goes_out_at_once_and_never_starts_the_hours_anew(after: int) -> None:
    now = OPENED + after * MINUTE
    this = round_now(Page(OPENED, now, now + 3 * MINUTE, 5), now, CLOCKS)

    assert this.number == 6
    assert this.steps == steps_reached(OPENED, now, CLOCKS)
    assert now < this.next_at <= now + 10 * MINUTE


def test_after_a_day_that_nobody_answered_it_is_repeated_every_four_hours() -> None:
    heard = [minute for minute, _ in a_night(CLOCKS, 36 * 60)]

    assert heard[144:] == [1440, 1680, 1920, 2160]
    assert heard[:144] == list(range(0, 1440, 10))


def test_another_report_brings_the_short_interval_back() -> None:
    now = OPENED + 30 * 60 * MINUTE

    this = round_now(Page(OPENED, now, now + 60 * MINUTE, 146), now, CLOCKS)

    assert this.next_at == now + 10 * MINUTE

"""Shifts as plain intervals: where nobody is on call, and what a new roster leaves of the old one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from backend.staff.shifts import Shift, gaps_between, rewritten

START = datetime(2027, 3, 1, tzinfo=UTC)
HOURS = st.integers(0, 60)
ANNE, BO, CARL = (UUID(int=number) for number in (1, 2, 3))


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def shift(who: UUID, since: int, until: int) -> Shift:
    return Shift(who, at(since), at(until))


def on_call(roster: set[Shift] | list[Shift], hour: int) -> set[UUID]:
    return {one.staff_id for one in roster if one.starts_at <= at(hour) < one.ends_at}


@st.composite
def shifts(draw, at_least: int = 0):
    """Any shifts of three people within sixty hours."""
    one = st.builds(
        lambda who, since, length: shift(who, since, since + length),
        st.sampled_from([ANNE, BO, CARL]),
        HOURS,
        st.integers(1, 30),
    )
    return draw(st.lists(one, min_size=at_least, max_size=6))


def test_shifts_that_touch_or_overlap_leave_no_gap_and_others_name_it():
    roster = [shift(BO, 8, 20), shift(ANNE, 0, 8), shift(CARL, 18, 30), shift(ANNE, 36, 40)]

    assert gaps_between(roster, at(0), at(30)) == []
    assert gaps_between(roster, at(-2), at(48)) == [(at(-2), at(0)), (at(30), at(36)), (at(40), at(48))]
    assert gaps_between([], at(0), at(5)) == [(at(0), at(5))]


@given(roster=shifts(), since=HOURS, length=st.integers(1, 40))
def test_an_hour_is_in_a_gap_exactly_when_nobody_is_on_call(roster, since, length):
    found = gaps_between(roster, at(since), at(since + length))

    for hour in range(since, since + length):
        assert any(start <= at(hour) < end for start, end in found) == (not on_call(roster, hour))


@given(old=shifts(), new=shifts(at_least=1), now=HOURS)
def test_a_new_roster_changes_nothing_before_its_first_shift_or_now_and_is_itself_after(old, new, now):
    since = max(now, min(int((one.starts_at - START) / timedelta(hours=1)) for one in new))

    roster = rewritten(old, new, at(now))

    for hour in range(95):
        assert on_call(roster, hour) == on_call(old if hour < since else new, hour), hour


def test_who_goes_on_is_not_cut_in_two_and_who_does_not_ends_where_the_next_begins():
    old = [shift(ANNE, 0, 24), shift(BO, 0, 24)]

    roster = rewritten(old, [shift(ANNE, 6, 40)], at(10))

    assert roster == {shift(ANNE, 0, 40), shift(BO, 0, 10)}


def test_the_same_roster_again_changes_nothing():
    roster = {shift(ANNE, 0, 24), shift(BO, 24, 48)}

    assert rewritten(roster, sorted(roster, key=lambda one: one.starts_at), at(10)) == roster

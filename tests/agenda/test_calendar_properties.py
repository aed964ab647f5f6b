"""What must hold of every calendar, whatever the dates."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from backend import clock
from backend.agenda.calendar import AgendaItem, Course, CycleCourse, agenda, by_key
from backend.agenda.days import plus_months
from backend.agenda.reminders import Habits, wanted
from backend.terms import AgendaState, CycleStatus
from tests.agenda.courses import the_protocol

# In Havana and Santiago clocks change at midnight itself, so that some days begin at one.
PLACES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
ZONES = st.sampled_from([*PLACES, "America/Havana", "America/Santiago"])
DAYS = st.dates(date(2027, 1, 1), date(2032, 12, 31))


@st.composite
def cycles(draw: Any, randomised_on: date) -> tuple[CycleCourse, ...]:
    made = []
    day = randomised_on
    for number in range(1, draw(st.integers(0, 3)) + 1):
        day += timedelta(days=draw(st.integers(1, 40)))
        first = day + timedelta(days=15)
        second = first + timedelta(days=draw(st.integers(1, 3)))
        status = draw(st.sampled_from(list(CycleStatus)))
        started = status is CycleStatus.CONFIRMED and draw(st.booleans())
        missed = started and draw(st.booleans())
        made.append(
            CycleCourse(
                number=number,
                attempt=1,
                donor_collection_on=day,
                status=status,
                day_1_on=first,
                day_2_on=second,
                day_1_started_at=clock.at_local(first, time(10), "Asia/Shanghai") if started else None,
                day_2_started_at=clock.at_local(second, time(10), "Asia/Shanghai") if started and not missed else None,
                day_2_missed=missed,
            )
        )
    return tuple(made)


@st.composite
def courses(draw: Any) -> Course:
    randomised_on = draw(DAYS)
    arm = draw(st.sampled_from(["nk", "control"]))
    later = st.none() | st.integers(0, 800).map(lambda days: randomised_on + timedelta(days=days))
    return Course(
        arm=arm,
        randomised_on=randomised_on,
        site_zone=draw(ZONES),
        patient_zone=draw(ZONES),
        cycles=draw(cycles(randomised_on)) if arm == "nk" else (),
        alive_as_of=tuple(draw(st.lists(st.dates(randomised_on, randomised_on + timedelta(900)), max_size=4))),
        died_on=draw(later),
        withdrawn_from_reporting_on=draw(later),
        cells_discontinued_on=draw(later) if arm == "nk" else None,
    )


def moments(one: Course) -> st.SearchStrategy[datetime]:
    start = datetime.combine(one.randomised_on, time(0), tzinfo=UTC)
    return st.integers(-24, 24 * 900).map(lambda hours: start + timedelta(hours=hours))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_computing_twice_is_computing_once_and_every_key_is_unique(data: st.DataObject) -> None:
    one = data.draw(courses())
    now = data.draw(moments(one))

    items = agenda(the_protocol(), one, now)

    assert items == agenda(the_protocol(), one, now)
    assert len({item.key for item in items}) == len(items)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_window_runs_from_midnight_to_midnight_and_holds_its_due_date(data: st.DataObject) -> None:
    one = data.draw(courses())

    for item in agenda(the_protocol(), one, data.draw(moments(one))):
        assert item.opens_at == clock.start_of_day(clock.local_day(item.opens_at, item.zone), item.zone)
        assert item.closes_at == clock.start_of_day(clock.local_day(item.closes_at, item.zone), item.zone)
        assert item.opens_at <= clock.start_of_day(item.due_on, item.zone) < item.closes_at
        assert item.expires_at is None or item.expires_at >= item.closes_at


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_window_holds_its_first_instant_and_not_its_last_wherever_clocks_change(data: st.DataObject) -> None:
    one = data.draw(courses().filter(lambda course: not (course.died_on or course.withdrawn_from_reporting_on)))
    items = [item for item in agenda(the_protocol(), one, data.draw(moments(one))) if item.instrument]
    item = data.draw(st.sampled_from(items))
    rule, zone = the_protocol().rules_by_name[item.rule], ZoneInfo(item.zone)
    first = datetime.combine(item.due_on + timedelta(days=rule.opens), time(0), tzinfo=zone).astimezone(UTC)
    after = datetime.combine(item.due_on + timedelta(days=rule.closes + 1), time(0), tzinfo=zone).astimezone(UTC)
    instant = timedelta(microseconds=1)

    seen = [by_key(agenda(the_protocol(), one, moment)) for moment in (first - instant, first, after - instant, after)]
    states = [items[item.key].state for items in seen]

    assert (item.opens_at, item.closes_at) == (first, after)
    if AgendaState.CANCELLED not in states:
        is_open = [state is AgendaState.OPEN for state in states]
        assert is_open == [False, True, True, False]


def due_by_its_key(one: Course, items: Mapping[str, AgendaItem], key: str) -> date | None:
    """When a key says that its item falls due; None where it names no date."""
    row, _, which = key.rpartition(".")
    number = int(which[1:]) if which[1:].isdecimal() else None
    if key.startswith("safety."):
        number = int(which.removeprefix("pre").removeprefix("d"))
        return items[f"{row}.{'pre' if which.startswith('pre') else 'd'}0"].due_on + timedelta(days=number)
    if number is None or row.startswith("cycle"):
        return None
    return one.randomised_on + timedelta(weeks=number) if which[0] == "w" else plus_months(one.randomised_on, number)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_key_always_names_the_same_week_month_or_day(data: st.DataObject) -> None:
    one = data.draw(courses())

    items = by_key(agenda(the_protocol(), one, data.draw(moments(one))))

    for key, item in items.items():
        assert due_by_its_key(one, items, key) in (None, item.due_on), key


def put_off(cycle: CycleCourse, today: date, days: int) -> CycleCourse:
    """The cycle so many days later, if neither of its days has come."""
    if cycle.day_1_started_at or cycle.day_1_on <= today:
        return cycle
    later = timedelta(days=days)
    assert cycle.day_2_on
    return replace(cycle, day_1_on=cycle.day_1_on + later, day_2_on=cycle.day_2_on + later)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_has_begun_never_moves_whatever_is_put_off_or_stopped_later(data: st.DataObject) -> None:
    one = data.draw(courses().filter(lambda course: len(course.cycles) > 1 and not course.cells_discontinued_on))
    now = clock.at_local(data.draw(st.sampled_from(one.cycles)).day_1_on, time(12), one.site_zone)
    tomorrow = max(clock.local_day(now, zone) for zone in (one.site_zone, one.patient_zone)) + timedelta(days=1)
    days = data.draw(st.integers(1, 60))
    moved = replace(one, cycles=tuple(put_off(cycle, tomorrow, days) for cycle in one.cycles))
    other = replace(moved, cells_discontinued_on=data.draw(st.none() | st.just(tomorrow + timedelta(days=days))))

    before, after = agenda(the_protocol(), one, now), by_key(agenda(the_protocol(), other, now))

    for item in before:
        if item.opens_at <= now:
            known = after[item.key]
            assert (known.due_on, known.opens_at, known.closes_at) == (item.due_on, item.opens_at, item.closes_at)
            assert (known.instrument, known.zone) == (item.instrument, item.zone)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_moving_a_cycle_never_renumbers_nor_moves_what_does_not_hang_on_it(data: st.DataObject) -> None:
    one = data.draw(courses().filter(lambda course: course.cycles and not course.cells_discontinued_on))
    now = data.draw(moments(one))
    moved = [
        CycleCourse(**{**vars(cycle), "day_1_on": cycle.day_1_on + timedelta(days=9), "day_2_on": None})
        for cycle in one.cycles
    ]
    other = Course(**{**vars(one), "cycles": tuple(moved)})

    before, after = by_key(agenda(the_protocol(), one, now)), by_key(agenda(the_protocol(), other, now))

    hanging = {"infusion", "safety", "end-of-cells"}
    for key in before.keys() & after.keys():
        if before[key].family not in hanging:
            assert before[key].due_on == after[key].due_on
            assert before[key].opens_at == after[key].opens_at


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_report_is_due_at_most_once_a_week_under_either_name(data: st.DataObject) -> None:
    one = data.draw(courses())

    items = agenda(the_protocol(), one, data.draw(moments(one)))

    weeks = [item.due_on for item in items if item.family in ("weekly", "four-weekly")]
    assert len(weeks) == len(set(weeks))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_wanted_messages_have_unique_keys_and_none_is_for_what_is_over(data: st.DataObject) -> None:
    one = data.draw(courses())
    now = data.draw(moments(one))
    items = agenda(the_protocol(), one, now)

    habits = Habits(one.patient_zone, one.site_zone, time(9))
    found = wanted(the_protocol(), items, habits, now, the_protocol().messaging.horizon_days)

    assert len({message.key for message in found}) == len(found)
    over = {item.key for item in items if item.state in (AgendaState.COMPLETED, AgendaState.CANCELLED)}
    assert not over & {message.agenda_key for message in found}
    spoken = {message.key for message in found if message.covered_by is None}
    assert all(message.covered_by in spoken for message in found if message.covered_by)


@given(DAYS, st.integers(0, 240))
def test_a_month_later_is_the_same_day_or_the_months_last(day: date, months: int) -> None:
    later = plus_months(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1

"""Calendars of patients who moved to another version: what had begun stays, what had not is the new version's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agenda.calendar import Course, agenda, by_key, has_begun
from backend.agenda.course import Earlier
from backend.agenda.infusions import infusions_of
from backend.agenda.reminders import Habits, wanted
from backend.agenda.under_another import calendar_difference, difference
from backend.protocol.rules import EveryDays
from tests.agenda.courses import THREE_CYCLES, at, course, infused, the_protocol
from tests.agenda.test_calendar_properties import courses, moments
from tests.protocol.amended import the_amendment


@st.composite
def moved_courses(draw: Any) -> tuple[Course, Course]:
    """A patient of the first version, with some answers; and the same patient after a move."""
    one = draw(courses())
    at_ = draw(moments(one))
    opened = [item for item in agenda(the_protocol(), one, at_) if item.instrument and item.opens_at <= at_]
    answered = draw(st.lists(st.sampled_from(opened), max_size=5)) if opened else []
    one = replace(one, answered={item.key: max(item.opens_at, at_ - timedelta(days=3)) for item in answered})
    return one, replace(one, earlier=(Earlier(the_protocol(), at_),))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_everything_that_had_begun_is_the_same_before_and_after_a_move_and_ever_after(data: st.DataObject) -> None:
    before, after = data.draw(moved_courses())
    moved_at = after.earlier[0].until

    for now in (moved_at, moved_at + timedelta(days=data.draw(st.integers(1, 400)))):
        old = {item.key: item for item in agenda(the_protocol(), before, now)}
        new = by_key(agenda(the_amendment(), after, now))
        begun = {key: item for key, item in old.items() if has_begun(before, item, moved_at)}

        assert {key: new.get(key) for key in begun} == begun
        assert {new[key].row for key in begun} <= set(the_protocol().rules)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_comes_after_a_move_is_the_new_versions_and_no_key_stands_twice(data: st.DataObject) -> None:
    before, after = data.draw(moved_courses())
    moved_at = after.earlier[0].until
    now = moved_at + timedelta(days=data.draw(st.integers(0, 400)))

    items = agenda(the_amendment(), after, now)

    taken = {item.key for item in agenda(the_protocol(), before, now) if has_begun(before, item, moved_at)}
    theirs = [item for item in agenda(the_amendment(), before, now) if item.key not in taken]
    assert [item for item in items if item.key not in taken] == [one for one in theirs if one.closes_at > moved_at]
    assert len({item.key for item in items}) == len(items)
    assert list(items) == sorted(items, key=lambda item: (item.due_on, item.key))
    assert items == agenda(the_amendment(), after, now)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_a_move_would_do_is_what_it_does(data: st.DataObject) -> None:
    before, after = data.draw(moved_courses())
    now = after.earlier[0].until

    told = calendar_difference(the_protocol(), the_amendment(), before, now)

    old, new = by_key(agenda(the_protocol(), before, now)), by_key(agenda(the_amendment(), after, now))
    assert replace(told, left_as_begun=()) == difference(old, new)
    assert all(has_begun(before, one.before, now) for one in told.left_as_begun)
    assert {item.key for item in told.gained}.isdisjoint(item.key for item in told.lost)
    assert all(item.opens_at > now for item in told.lost)
    assert all(item.closes_at > now for item in told.gained)


def test_a_second_move_leaves_both_versions_of_before_where_they_were() -> None:
    first, second = at("2027-03-10 10:00"), at("2027-06-10 10:00")
    once = course("control", earlier=(Earlier(the_protocol(), first),))
    twice = replace(once, earlier=(*once.earlier, Earlier(the_amendment(), second)))

    for now in (second, second + timedelta(days=200)):
        known = by_key(agenda(the_amendment(), once, now))
        items = by_key(agenda(the_protocol(), twice, now))
        begun = {key: item for key, item in known.items() if has_begun(once, item, second)}

        assert {key: items[key] for key in begun} == begun
    assert "visit.m12" in items
    assert "visit.m11" not in items


def test_a_move_to_the_same_version_changes_nothing() -> None:
    now = at("2027-03-20 10:00")
    before = course(cycles=THREE_CYCLES)

    found = calendar_difference(the_protocol(), the_protocol(), before, now)

    assert found.is_empty
    assert [item.key for item in found.kept] == [item.key for item in agenda(the_protocol(), before, now)]


def test_what_has_begun_and_is_on_another_day_in_the_new_version_is_told() -> None:
    """A rhythm that changes under the same keys would leave days unasked; whoever compares must see that."""
    weekly = next(rule for rule in the_protocol().rules if rule.name == "weekly")
    assert isinstance(weekly.due, EveryDays)
    fortnightly = replace(weekly, due=replace(weekly.due, days=14))
    other = replace(the_protocol(), rules=tuple(fortnightly if one is weekly else one for one in the_protocol().rules))

    found = calendar_difference(the_protocol(), other, course("control"), at("2027-03-01 10:00"))

    assert [(one.before.key, str(one.before.due_on), str(one.after.due_on)) for one in found.left_as_begun] == [
        ("weekly.w2", "2027-02-14", "2027-02-28"),
        ("weekly.w3", "2027-02-21", "2027-03-14"),
        ("weekly.w4", "2027-02-28", "2027-03-28"),
    ]


def test_the_prompts_of_what_is_open_stay_and_those_of_what_comes_are_the_new_versions() -> None:
    """The row that asked is gone from the new version, and its last prompts are still known."""
    now = at("2027-03-15 06:00")
    moved = course("control", earlier=(Earlier(the_protocol(), now),))
    habits = Habits("Asia/Shanghai", "Asia/Shanghai", the_protocol().messaging.preferred_time)

    items = by_key(agenda(the_amendment(), moved, now))
    messages = wanted(the_amendment(), items.values(), habits, now, 35)

    assert (items["weekly.w6"].rule, items["weekly.w7"].rule) == ("weekly", "weekly_amended")
    assert items["weekly.w6"].titles["en"] == "Weekly report, week 6"
    assert items["weekly.w7"].titles == {"en": "Report of week 7", "zh-CN": "第 7 周报告"}
    assert {"weekly.w6", "weekly.w7"} <= {message.agenda_key for message in messages}


def test_a_cycle_that_was_begun_has_the_days_it_was_begun_with() -> None:
    """A version of one infusion a cycle leaves the second day of a cycle that was given."""
    cells = the_protocol().cells
    assert cells
    one_day = replace(the_amendment(), cells=replace(cells, infusion_days=1))
    moved_at = at("2027-02-25 10:00")
    moved = course(cycles=(infused(1, "2027-02-01"), *THREE_CYCLES[1:]), earlier=(Earlier(the_protocol(), moved_at),))

    dates = infusions_of(one_day, moved).dates

    assert [(one.number, one.day) for one in dates] == [(1, 1), (1, 2), (2, 1), (3, 1)]

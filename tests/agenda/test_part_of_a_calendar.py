"""Some rows of the calendar, worked out without the others, stand exactly as they stand among all."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agenda.calendar import Course, Part, Reported, agenda, by_key
from backend.agenda.one_message import item_and_neighbours, what_decides
from backend.agenda.reminders import Habits, wanted
from backend.protocol.rules import Rule
from backend.terms import AgendaKind, AgendaState
from tests.agenda.courses import at, infused, the_protocol
from tests.agenda.courses import course as nk_course
from tests.agenda.test_calendar_properties import courses, moments

INSTRUMENTS = ("weekly", "four_weekly", "safety", "quarterly", "baseline", "ad_hoc")


def with_reports(draw: Any, course: Course) -> Course:
    """The same course; some of its questionnaires were answered, at whatever item's time that was."""
    items = [item for item in agenda(the_protocol(), course, draw(moments(course))) if item.instrument]
    times = st.sampled_from(items).map(lambda item: item.opens_at + timedelta(hours=9))
    answered = {item.key: draw(times) for item in draw(st.lists(st.sampled_from(items), max_size=12))}
    reports = st.builds(Reported, st.sampled_from(INSTRUMENTS), times)
    return Course(**{**vars(course), "answered": answered, "reported": tuple(draw(st.lists(reports, max_size=6)))})


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_the_rows_of_one_questionnaire_stand_alone_as_they_stand_among_all(data: st.DataObject) -> None:
    course = with_reports(data.draw, data.draw(courses()))
    now, instrument = data.draw(moments(course)), data.draw(st.sampled_from(INSTRUMENTS))

    def is_wanted(rule: Rule) -> bool:
        return instrument in (rule.instrument, rule.longer_instrument)

    names = {rule.name for rule in the_protocol().rules if is_wanted(rule)}
    among_all = [item for item in agenda(the_protocol(), course, now) if item.rule in names]

    opened = agenda(the_protocol(), course, now, only=Part(is_wanted))
    named = [agenda(the_protocol(), course, now, only=Part(is_wanted, item.key)) for item in among_all[::9]]

    assert opened == tuple(item for item in among_all if item.opens_at <= now)
    assert named == [(item,) for item in among_all[::9]]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_messages_on_an_item_are_judged_by_it_and_its_neighbours_as_by_the_whole_calendar(
    data: st.DataObject,
) -> None:
    course = with_reports(data.draw, data.draw(courses()))
    now, hour = data.draw(moments(course)), data.draw(st.sampled_from((time(0), time(9), time(23, 30))))
    habits = Habits(course.patient_zone, course.site_zone, hour)
    everything = agenda(the_protocol(), course, now)
    near = [item for item in everything if abs(item.opens_at - now) < timedelta(days=20)]
    waiting = [item for item in everything if item.state is AgendaState.OVERDUE]

    for item in (*near, *waiting):
        few = item_and_neighbours(the_protocol(), course, item.key, item.due_on, now)
        judged, among_all = (
            [one for one in wanted(the_protocol(), items, habits, now, 35) if one.agenda_key == item.key]
            for items in (few, everything)
        )
        assert by_key(few)[item.key] == item
        assert judged == among_all


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_an_item_does_not_rest_on_need_not_be_read_to_judge_it(data: st.DataObject) -> None:
    course = with_reports(data.draw, data.draw(courses()))
    now = data.draw(moments(course))
    near = [item for item in agenda(the_protocol(), course, now) if abs(item.opens_at - now) < timedelta(days=20)]

    def course_about(kinds: frozenset[AgendaKind]) -> Course:
        if AgendaKind.SURVIVAL_CHECK in kinds:
            return course
        without_evidence = replace(course, alive_as_of=())
        return without_evidence if kinds else replace(without_evidence, answered={}, reported=())

    for item in near:
        few = what_decides(the_protocol(), course_about, item.key, item.due_on, now)
        assert few == item_and_neighbours(the_protocol(), course, item.key, item.due_on, now)


def test_a_weekly_report_covers_the_safety_check_of_its_day_also_where_only_safety_checks_are_asked_for() -> None:
    known = nk_course(cycles=(infused(1, "2027-02-01"),), answered={"weekly.w3": at("2027-02-21 20:00")})
    only = Part(lambda rule: rule.instrument == "safety", "safety.c1.d4")

    (item,) = agenda(the_protocol(), known, at("2027-02-21 21:00"), only=only)

    assert item.state is AgendaState.COMPLETED

"""Some rows of the calendar, worked out without the others, stand exactly as they stand among all."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agenda.calendar import Course, Reported, agenda
from backend.protocol.rules import Rule
from tests.agenda.courses import the_protocol
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

    alone = agenda(the_protocol(), course, now, only=is_wanted)

    names = {rule.name for rule in the_protocol().rules if is_wanted(rule)}
    assert alone == tuple(item for item in agenda(the_protocol(), course, now) if item.rule in names)

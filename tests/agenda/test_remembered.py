"""What is remembered of calendars changes no calendar: not by another patient's answers, nor by later ones."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agenda import dated
from backend.agenda.calendar import agenda, by_key
from backend.terms import AgendaState, Reply
from tests.agenda.courses import THREE_CYCLES, at, course, the_protocol
from tests.agenda.test_calendar_properties import courses, moments
from tests.agenda.test_part_of_a_calendar import with_reports

NOW = at("2027-03-20 10:00")


def week_5(**facts: Any) -> tuple[AgendaState, Any, Any]:
    """How the fifth weekly report stands for somebody of whom this is known."""
    item = by_key(agenda(the_protocol(), course(cycles=THREE_CYCLES, **facts), NOW))["weekly.w5"]
    return item.state, item.completed_at, item.reply


def test_two_patients_of_the_same_days_are_each_shown_their_own_answers() -> None:
    due_on = by_key(agenda(the_protocol(), course(cycles=THREE_CYCLES), NOW))["weekly.w5"].due_on
    unanswered = week_5()
    in_time, later = at(f"{due_on} 09:00"), at(f"{due_on} 20:00")

    assert week_5(answered={"weekly.w5": in_time}) == (AgendaState.COMPLETED, in_time, None)
    assert week_5(answered={"weekly.w5": later}) == (AgendaState.COMPLETED, later, None)
    assert week_5(replies={"weekly.w5": (Reply.COMING, due_on)}) == (unanswered[0], None, Reply.COMING)
    assert week_5() == unanswered


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_calendar_asked_for_again_is_the_one_that_nothing_was_remembered_of(data: st.DataObject) -> None:
    known = with_reports(data.draw, data.draw(courses()))
    for _ in range(3):
        now = data.draw(moments(known))
        again = agenda(the_protocol(), known, now)
        dated.unfolded.cache_clear()
        assert again == agenda(the_protocol(), known, now)

"""Each sentence about episodes in the plan, as a decision."""

from datetime import UTC, date, datetime, timedelta

import pytest

from backend.terms import Tier, Trend
from backend.triage.episodes import (
    Episode,
    JoinsSilently,
    Level,
    Opens,
    PagesAgain,
    ReturnsToQueue,
    decide,
    has_ended,
    rests_on_a_symptom,
    trend_between,
    worse_of,
)

NOW = datetime(2027, 3, 10, 1, 0, tzinfo=UTC)
FRESH = NOW + timedelta(hours=24)
OLD_CLOCK = NOW + timedelta(hours=2)
T1, T2, T3 = Tier.T1, Tier.T2, Tier.T3


def ago(**interval):
    return NOW - timedelta(**interval)


def running(tier=T2, *, composite=2, grade=None, acknowledged=None, items=("nausea.severity",), due_at=OLD_CLOCK):
    level = Level(tier, composite, grade)
    return Episode(tier, level, level, due_at, acknowledged, frozenset(items))


def outcome(episode, tier, *, composite=2, grade=None, items=("nausea.severity",)):
    return decide(episode, Level(tier, composite, grade), items=frozenset(items), received_at=NOW, fresh_due_at=FRESH)


@pytest.mark.parametrize(("tier", "pages"), [(T1, True), (T2, False), (T3, False)])
def test_without_a_running_episode_a_new_one_opens_and_only_an_emergency_pages(tier, pages):
    assert outcome(None, tier) == Opens(tier, FRESH, pages)


def test_an_emergency_pages_again_on_every_report_until_somebody_acknowledges():
    assert outcome(running(T1), T1) == PagesAgain(OLD_CLOCK, Level(T1, 2), Trend.SAME)


@pytest.mark.parametrize(
    ("hours", "minutes", "is_silent"), [(0, 5, True), (11, 59, True), (12, 0, False), (30, 0, False)]
)
def test_an_acknowledged_emergency_is_quiet_for_twelve_hours_while_nothing_is_worse(hours, minutes, is_silent):
    episode = running(T1, acknowledged=ago(hours=hours, minutes=minutes))

    assert isinstance(outcome(episode, T1), JoinsSilently) is is_silent


@pytest.mark.parametrize("worse", [{"composite": 3}, {"grade": 1}, {"items": ["checklist.vomited_blood"]}])
def test_an_acknowledged_emergency_that_gets_worse_pages_at_once(worse):
    assert isinstance(outcome(running(T1, acknowledged=ago(minutes=5)), T1, **worse), PagesAgain)


def test_what_was_acknowledged_as_less_pages_when_it_becomes_an_emergency():
    assert outcome(running(T2, acknowledged=ago(minutes=5)), T1).worst.tier is T1
    assert isinstance(outcome(running(T2, acknowledged=ago(minutes=5)), T1), PagesAgain)


@pytest.mark.parametrize("tier", [T2, T3])
def test_the_same_or_less_joins_silently_within_fourteen_days_of_the_acknowledgement(tier):
    assert isinstance(outcome(running(T2, acknowledged=ago(days=14)), tier), JoinsSilently)
    assert isinstance(outcome(running(T2, acknowledged=ago(days=14, seconds=1)), tier), ReturnsToQueue)


@pytest.mark.parametrize("worse", [{"composite": 3}, {"grade": 2}])
def test_a_higher_composite_or_grade_returns_to_the_queue(worse):
    back = outcome(running(T2, grade=1, acknowledged=ago(days=1)), T2, **worse)

    assert (back.tier, back.due_at, back.trend) == (T2, FRESH, Trend.WORSE)


def test_a_more_urgent_tier_returns_to_the_queue():
    assert isinstance(outcome(running(T3, acknowledged=ago(days=1)), T2), ReturnsToQueue)


def test_an_unacknowledged_candidate_waits_where_it_is_whatever_joins():
    assert isinstance(outcome(running(T2), T2, composite=3), JoinsSilently)
    assert isinstance(outcome(running(T2), T3), JoinsSilently)


def test_an_unacknowledged_candidate_keeps_its_clock_when_it_becomes_more_urgent():
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(days=3)

    assert outcome(running(T3, due_at=soon), T2).due_at == soon
    assert outcome(running(T3, due_at=late), T2).due_at == FRESH


def test_an_emergency_that_lessens_leaves_the_emergency_in_place():
    assert isinstance(outcome(running(T1), T2), JoinsSilently)
    assert isinstance(outcome(running(T1, acknowledged=ago(days=2)), T2), JoinsSilently)


def test_a_report_that_fires_no_rule_joins_silently_and_shows_the_trend():
    joined = outcome(running(T2, acknowledged=ago(days=30)), None, composite=1)

    assert joined == JoinsSilently(Level(T2, 2), Trend.BETTER)


def test_the_worst_is_kept_of_each_measure_separately():
    assert worse_of(Level(T2, 3, None), Level(T1, 1, 2)) == Level(T1, 3, 2)
    assert worse_of(Level(T3), Level(None, 0)) == Level(T3, 0)


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [
        (Level(T2, 2), Level(T2, 3), Trend.WORSE),
        (Level(T2, 3), Level(T2, 2), Trend.BETTER),
        (Level(T2, 2), Level(T2, 2), Trend.SAME),
        (Level(T3), Level(T2), Trend.WORSE),
        (Level(T2, 3), Level(None, 0), Trend.BETTER),
        (Level(T2, 3, 1), Level(T2, 2, 2), Trend.WORSE),
        (Level(T2, None), Level(T2, 3), Trend.SAME),
    ],
)
def test_the_trend_compares_with_the_report_before(before, now, trend):
    assert trend_between(before, now) is trend


@pytest.mark.parametrize(
    ("zero_since", "by_symptom", "ended"),
    [
        (None, False, False),
        (date(2027, 3, 10), False, False),
        (date(2027, 3, 9), False, True),
        (None, True, False),
        (date(2027, 3, 4), True, False),
        (date(2027, 3, 3), True, True),
    ],
)
def test_an_episode_ends_with_the_second_zero_on_another_day_or_a_week_later_for_symptoms(
    zero_since, by_symptom, ended
):
    assert has_ended(zero_since, date(2027, 3, 10), by_symptom=by_symptom) is ended


@pytest.mark.parametrize(
    ("items", "is_symptom"),
    [
        (["checklist.diarrhea", "stools_over_baseline"], False),
        (["checklist.diarrhea", "diarrhea.frequency"], True),
        (["rash.presence"], True),
        (["text:0", "wants_call"], False),
    ],
)
def test_an_episode_rests_on_a_symptom_when_a_symptom_question_raised_it(items, is_symptom):
    assert rests_on_a_symptom(items) is is_symptom

"""Each sentence about episodes in the plan, as a decision."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.terms import Tier, Trend
from backend.triage.clocks import Clocks
from backend.triage.episodes import (
    Episode,
    JoinsSilently,
    Level,
    Opens,
    PagesAgain,
    ReturnsToQueue,
    Said,
    decide,
    decide_unalarmed,
    exceeds,
    expected_level,
    has_ended,
    rests_on_a_symptom,
    trend_between,
    worse_of,
)
from tests.study import rule_set

NOW = datetime(2027, 3, 10, 1, 0, tzinfo=UTC)
FRESH = NOW + timedelta(hours=24)
OLD_CLOCK = NOW + timedelta(hours=2)
T1, T2, T3 = Tier.T1, Tier.T2, Tier.T3


def clocks() -> Clocks:
    """The times of the shipped protocol."""
    return rule_set().clocks


def ago(**interval):
    return NOW - timedelta(**interval)


def running(
    tier=T2, *, composite=2, grade=None, acknowledged=None, items=("nausea.severity",), due_at=OLD_CLOCK, **standing
):
    level = Level(tier, composite, grade)
    return Episode(tier, level, level, due_at, acknowledged, frozenset(items), **standing)


def said(tier, composite=2, grade=None, items=("nausea.severity",)):
    return Said(Level(tier, composite, grade), frozenset(items), received_at=NOW, fresh_due_at=FRESH)


def outcome(episode, tier, **reported):
    return decide(episode, said(tier, **reported), clocks())


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
    joined = decide_unalarmed(running(T2, acknowledged=ago(days=30)), said(None, composite=1))

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
    assert has_ended(zero_since, date(2027, 3, 10), clocks(), by_symptom=by_symptom) is ended


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


def test_an_emergency_is_quiet_only_while_the_emergency_itself_was_acknowledged():
    """A T2 that somebody has seen is no emergency that somebody has seen."""
    assert isinstance(outcome(running(T2, acknowledged=ago(minutes=5)), T1), PagesAgain)
    assert isinstance(outcome(running(T1, acknowledged=ago(minutes=5)), T1), JoinsSilently)


def test_an_emergency_that_pages_again_keeps_the_clock_nobody_has_stopped():
    assert outcome(running(T1), T1).due_at == OLD_CLOCK
    assert outcome(running(T1, acknowledged=ago(hours=13)), T1).due_at == FRESH


def test_a_lesser_report_about_an_emergency_seen_weeks_ago_returns_as_what_it_is_now():
    back = outcome(running(T1, acknowledged=ago(days=15)), T2)

    assert (type(back), back.tier, back.worst.tier) == (ReturnsToQueue, T2, T1)


def test_what_is_worse_returns_to_the_queue_even_when_its_tier_is_lower():
    assert isinstance(outcome(running(T2, acknowledged=ago(days=1)), T3, composite=3), ReturnsToQueue)


@pytest.mark.parametrize("field", ["t1_quiet_after_acknowledgement", "quiet_after_acknowledgement"])
def test_how_long_it_stays_quiet_is_the_protocols_to_say(field):
    tier = T1 if field.startswith("t1") else T2
    shorter = replace(clocks(), **{field: timedelta(minutes=1)})
    episode = running(tier, acknowledged=ago(minutes=5))

    assert isinstance(decide(episode, said(tier), clocks()), JoinsSilently)
    assert not isinstance(decide(episode, said(tier), shorter), JoinsSilently)


def test_how_far_apart_the_zeros_are_is_the_protocols_to_say():
    longer = replace(clocks(), sign_zeros_apart=timedelta(days=2), symptom_zeros_apart=timedelta(days=9))

    assert not has_ended(date(2027, 3, 9), date(2027, 3, 10), longer, by_symptom=False)
    assert has_ended(date(2027, 3, 8), date(2027, 3, 10), longer, by_symptom=False)
    assert not has_ended(date(2027, 3, 2), date(2027, 3, 10), longer, by_symptom=True)


class TestWhatAPersonHasClosed:
    """A report never opens it again: either it joins in silence, or what it says is a candidate of its own."""

    def test_the_same_or_less_joins_silently_within_fourteen_days(self):
        closed = running(T2, acknowledged=ago(days=14), is_open=False)

        assert isinstance(outcome(closed, T2), JoinsSilently)
        assert isinstance(outcome(closed, T3), JoinsSilently)

    def test_after_fourteen_days_it_is_a_new_candidate(self):
        closed = running(T2, acknowledged=ago(days=14, seconds=1), is_open=False)

        assert outcome(closed, T2) == Opens(T2, FRESH, pages=False)

    @pytest.mark.parametrize(
        "worse", [{"tier": T2, "composite": 3}, {"tier": T2, "grade": 1}, {"tier": T3, "composite": 3}]
    )
    def test_a_higher_composite_or_grade_is_a_new_candidate(self, worse):
        closed = running(T2, acknowledged=ago(minutes=5), is_open=False)

        assert outcome(closed, **worse) == Opens(worse["tier"], FRESH, pages=False)

    def test_a_more_urgent_tier_is_a_new_candidate(self):
        assert isinstance(outcome(running(T3, acknowledged=ago(days=1), is_open=False), T2), Opens)

    @pytest.mark.parametrize("tier", [T1, T2, T3])
    def test_an_emergency_is_a_new_candidate_and_pages_however_lately_somebody_looked(self, tier):
        closed = running(tier, acknowledged=ago(minutes=1), is_open=False)

        assert outcome(closed, T1) == Opens(T1, FRESH, pages=True)

    def test_when_nobody_is_known_to_have_looked_it_is_a_new_candidate(self):
        assert isinstance(outcome(running(T2, is_open=False), T3), Opens)

    def test_a_report_without_alarm_joins_silently(self):
        closed = running(T2, acknowledged=ago(days=30), is_open=False, expected=Level(T3, 0))

        assert isinstance(decide_unalarmed(closed, said(None, composite=3)), JoinsSilently)


class TestASnooze:
    """Expected at this level until: never hides anything higher."""

    EXPECTED = Level(T2, 2, None)

    def snoozed(self, **changes):
        return running(T2, **{"acknowledged": ago(days=60), "expected": self.EXPECTED, **changes})

    @pytest.mark.parametrize(("tier", "composite"), [(T2, 2), (T2, 1), (T3, 2), (T3, None)])
    def test_what_is_expected_or_less_joins_silently_however_long_ago_somebody_looked(self, tier, composite):
        assert isinstance(outcome(self.snoozed(), tier, composite=composite), JoinsSilently)

    @pytest.mark.parametrize("worse", [{"composite": 3}, {"grade": 1}])
    def test_a_higher_composite_or_grade_returns_to_the_queue(self, worse):
        back = outcome(self.snoozed(), T2, **worse)

        assert (type(back), back.due_at) == (ReturnsToQueue, FRESH)

    def test_a_more_urgent_tier_returns_to_the_queue_or_pages(self):
        assert isinstance(outcome(self.snoozed(expected=Level(T3, 2)), T2), ReturnsToQueue)
        assert isinstance(outcome(self.snoozed(), T1), PagesAgain)

    def test_what_was_worse_before_does_not_make_a_higher_level_expected(self):
        """It was at 3 once, had come down to 2, and 2 is what somebody expects."""
        had_been_worse = Episode(T2, Level(T2, 3), Level(T2, 2), OLD_CLOCK, ago(days=1), expected=self.EXPECTED)

        assert isinstance(outcome(had_been_worse, T2, composite=3), ReturnsToQueue)

    def test_a_higher_level_ends_it_even_when_no_rule_has_fired(self):
        back = decide_unalarmed(self.snoozed(), said(None, composite=2, grade=1))

        assert (type(back), back.tier) == (ReturnsToQueue, T2)
        assert isinstance(decide_unalarmed(self.snoozed(), said(None, composite=2)), JoinsSilently)

    @pytest.mark.parametrize(
        ("level", "is_above"),
        [
            (Level(T2, 2), False),
            (Level(T3, 1), False),
            (Level(None, 0), False),
            (Level(T1, 0), True),
            (Level(T3, 3), True),
            (Level(T3, 2, 1), True),
        ],
    )
    def test_a_level_is_above_another_when_anything_of_it_is(self, level, is_above):
        assert exceeds(level, self.EXPECTED) is is_above
        assert exceeds(Level(T3), Level(None))


def test_what_is_expected_is_what_was_last_said_or_else_the_worst_so_far():
    worst = Level(Tier.T1, composite=3, grade=4)

    assert expected_level(Tier.T2, worst, Level(None, 2, 1)) == Level(Tier.T2, 2, 1)
    assert expected_level(Tier.T2, worst, Level(None)) == Level(Tier.T2, 3, 4)

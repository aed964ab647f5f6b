"""Curves, medians, the log-rank test and exact limits, held to values computed elsewhere and to worked examples."""

import pytest

from backend.outcomes.proportions import share_of
from backend.outcomes.survival_curves import Observed, kaplan_meier, log_rank, reverse_kaplan_meier

# Weeks in remission under 6-mercaptopurine or placebo: Freireich et al. 1963, the example of most textbooks.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
MERCAPTOPURINE = [Observed(weeks, bool(event)) for weeks, event in zip(TREATED, RELAPSED, strict=True)]
NOTHING = [Observed(weeks, True) for weeks in PLACEBO]

# Computed with lifelines 0.30 (KaplanMeierFitter, logrank_test) and SciPy (beta.ppf), and frozen.
FROZEN = [
    (6, 0.857142857142857, 0.6197179552659838, 0.9515517476469969),
    (7, 0.8067226890756299, 0.5631465646222333, 0.9228090192028802),
    (10, 0.7529411764705878, 0.5031995107999564, 0.8893618351692651),
    (13, 0.6901960784313722, 0.4316102224861839, 0.8490659633494505),
    (16, 0.6274509803921566, 0.36751085598750194, 0.8049121894718411),
    (22, 0.5378151260504199, 0.26777893676713493, 0.7467907176353943),
    (23, 0.44817927170868327, 0.18805200595923233, 0.6801426284952412),
    (35, 0.44817927170868327, 0.18805200595923233, 0.6801426284952412),
]
LIMITS = [
    (0, 10, 0.0, 0.3084971078187607),
    (3, 20, 0.0320709371854637, 0.37892682654531396),
    (10, 10, 0.6915028921812392, 1.0),
    (37, 100, 0.2755665796145515, 0.47235164055168316),
    (1, 200, 0.00012658102786701825, 0.02754189845720562),
    (120, 200, 0.528535672797046, 0.6684537362643604),
    # As many assessments as two hundred patients are asked for: not seconds, and no digit less.
    (9247, 11600, 0.7897202436337868, 0.8044406783076218),
]


def near(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9)


def test_a_curve_and_its_limits_are_the_published_ones() -> None:
    steps = {step.day: step for step in kaplan_meier(MERCAPTOPURINE).steps}

    for day, survival, lower, upper in FROZEN:
        assert (steps[day].survival, steps[day].lower, steps[day].upper) == (near(survival), near(lower), near(upper))
    assert (steps[6].at_risk, steps[6].events, steps[6].censored) == (21, 3, 1)


def test_the_median_is_the_first_day_with_half_left_and_its_limits_are_where_the_limits_cross() -> None:
    treated, untreated = kaplan_meier(MERCAPTOPURINE), kaplan_meier(NOTHING)

    assert (treated.median, treated.median_limits) == (23, (13, None))
    assert (untreated.median, untreated.median_limits) == (8, (4, 11))


def test_the_log_rank_test_is_the_published_one_whichever_group_comes_first() -> None:
    for pair in ((MERCAPTOPURINE, NOTHING), (NOTHING, MERCAPTOPURINE)):
        compared = log_rank(*pair)
        assert compared is not None
        assert (compared.statistic, compared.p) == (near(16.792940989216547), near(4.168809109334511e-05))


def test_exact_limits_of_a_share_are_those_of_the_beta_distribution() -> None:
    for count, of, lower, upper in LIMITS:
        share = share_of(count, of)
        assert (share.share, share.lower, share.upper) == (near(count / of), near(lower), near(upper))


def test_what_cannot_be_estimated_is_said_to_be_unknown() -> None:
    nobody, one = kaplan_meier([]), kaplan_meier([Observed(5, True)])

    assert (nobody.patients, nobody.steps, nobody.median, nobody.at_risk(1)) == (0, (), None, 0)
    assert (one.steps[0].survival, one.steps[0].lower, one.median) == (0.0, None, 5)
    assert log_rank([], [Observed(5, True)]) is None
    assert log_rank([Observed(5, False)], [Observed(6, False)]) is None
    assert share_of(0, 0).share is None
    with pytest.raises(ValueError, match="3 of 2"):
        share_of(3, 2)


def test_follow_up_counts_those_still_followed_and_not_those_who_died() -> None:
    reverse = reverse_kaplan_meier([Observed(100, True), Observed(200, False), Observed(300, False)])

    assert (reverse.events, reverse.median) == (2, 200)
    assert [reverse.at_risk(day) for day in (1, 100, 101, 300, 301)] == [3, 3, 2, 1, 0]

"""Kaplan-Meier curves, their confidence limits and the log-rank test. Pure arithmetic on days.

Kaplan and Meier 1958 (J Am Stat Assoc 53:457); variance after Greenwood 1926; limits on the log(-log) scale after
Kalbfleisch and Prentice; limits of the median after Brookmeyer and Crowley 1982 (Biometrics 38:29); log-rank test after
Mantel 1966. Limits are two-sided 95 %.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
HALF = 0.5
# What is left of 1 - S after many small factors is not exactly a half where it should be.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Observed:
    """For how many days a patient was followed, and whether that ended with what is counted."""

    days: int
    has_ended: bool


@dataclass(frozen=True)
class Step:
    """What a day changed. ``survival`` holds from this day on; a limit is None where it is not defined."""

    day: int
    at_risk: int
    events: int
    censored: int
    survival: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Curve:
    """The share that is still without the event, day by day, of ``patients`` in all."""

    patients: int
    events: int
    steps: tuple[Step, ...]
    followed: tuple[int, ...]

    def at_risk(self, day: int) -> int:
        """How many were still followed at the beginning of this day."""
        return len(self.followed) - bisect_left(self.followed, day)

    @property
    def median(self) -> int | None:
        """The first day on which at most half is left; None while more than half is."""
        return _first_day_at_half([(step.day, step.survival) for step in self.steps])

    @property
    def median_limits(self) -> tuple[int | None, int | None]:
        """Where the confidence limits of the curve come down to a half; None: not reached."""
        lower = _first_day_at_half([(step.day, step.lower) for step in self.steps])
        return lower, _first_day_at_half([(step.day, step.upper) for step in self.steps])


@dataclass(frozen=True)
class LogRank:
    """Whether two curves differ more than chance explains: chi-square with one degree of freedom."""

    statistic: float
    p: float


def kaplan_meier(observed: Sequence[Observed]) -> Curve:
    """The curve of these patients; one step a day on which anything happened. Days count from 1."""
    followed = tuple(sorted(one.days for one in observed))
    ended = Counter(one.days for one in observed if one.has_ended)
    left = Counter(one.days for one in observed if not one.has_ended)
    survival, greenwood, at_risk = 1.0, 0.0, len(observed)
    steps: list[Step] = []
    for day in sorted(ended.keys() | left.keys()):
        events = ended[day]
        survival *= 1 - events / at_risk
        if events < at_risk:
            greenwood += events / (at_risk * (at_risk - events))
        lower, upper = _limits(survival, greenwood)
        steps.append(Step(day, at_risk, events, left[day], survival, lower, upper))
        at_risk -= events + left[day]
    return Curve(len(observed), sum(ended.values()), tuple(steps), followed)


def reverse_kaplan_meier(observed: Sequence[Observed]) -> Curve:
    """How complete the follow-up is: whoever is still followed counts as the event, whoever died as lost from view."""
    return kaplan_meier([Observed(one.days, not one.has_ended) for one in observed])


def log_rank(one: Sequence[Observed], other: Sequence[Observed]) -> LogRank | None:
    """Compare two groups over all of their days; None where nobody had the event or one group is empty."""
    difference = variance = 0.0
    for events, of_one, at_risk_one, at_risk in _tables(one, other):
        difference += of_one - events * at_risk_one / at_risk
        if at_risk > 1:
            share = at_risk_one / at_risk
            variance += events * share * (1 - share) * (at_risk - events) / (at_risk - 1)
    if variance == 0:
        return None
    statistic = difference**2 / variance
    return LogRank(statistic, math.erfc(math.sqrt(statistic / 2)))


def _tables(one: Sequence[Observed], other: Sequence[Observed]) -> Iterator[tuple[int, int, int, int]]:
    """For each day with an event: events in both, in the first, and at risk in the first and in both."""
    first, second = kaplan_meier(one), kaplan_meier(other)
    of_first = {step.day: step.events for step in first.steps}
    of_second = {step.day: step.events for step in second.steps}
    for day in sorted(of_first.keys() | of_second.keys()):
        events = of_first.get(day, 0) + of_second.get(day, 0)
        if events:
            yield events, of_first.get(day, 0), first.at_risk(day), first.at_risk(day) + second.at_risk(day)


def _limits(survival: float, greenwood: float) -> tuple[float | None, float | None]:
    """On the log(-log) scale they stay between 0 and 1; with all alive, or none, there is nothing to estimate."""
    if survival >= 1:
        return 1.0, 1.0
    if survival <= 0:
        return None, None
    middle = math.log(-math.log(survival))
    half_width = Z * math.sqrt(greenwood) / abs(math.log(survival))
    return math.exp(-math.exp(middle + half_width)), math.exp(-math.exp(middle - half_width))


def _first_day_at_half(values: Sequence[tuple[int, float | None]]) -> int | None:
    return next((day for day, value in values if value is not None and value <= HALF + ROUNDING), None)

"""What was known of survival against what truly happened: the two Kaplan-Meier curves and how far they part. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backend.outcomes.survival_curves import Curve, Observed, kaplan_meier
from backend.simulation.fate import Fate

# Where fewer are at risk, one death moves a curve by a tenth and more, and their difference says nothing.
FEWEST_AT_RISK = 10


@dataclass(frozen=True)
class Compared:
    """Two curves of the same patients. ``apart`` is their largest difference, on ``day``."""

    known: Curve
    true: Curve
    apart: float
    day: int


def true_course(fate: Fate, ends_on: date) -> Observed:
    """How a life truly went until the trial's last day, whether or not anybody was told."""
    return Observed((min(fate.dies_on, ends_on) - fate.enrolled_on).days + 1, fate.dies_on <= ends_on)


def compare(known_courses: Sequence[Observed], true_courses: Sequence[Observed]) -> Compared:
    """The largest difference over the days on which enough patients were at risk in both."""
    known, true = kaplan_meier(known_courses), kaplan_meier(true_courses)
    days = sorted({step.day for curve in (known, true) for step in curve.steps})
    watched = [day for day in days if min(known.at_risk(day), true.at_risk(day)) >= FEWEST_AT_RISK]
    apart = [(abs(_survival(known, day) - _survival(true, day)), day) for day in watched]
    largest, day = max(apart, default=(0.0, 0))
    return Compared(known, true, largest, day)


def _survival(curve: Curve, day: int) -> float:
    place = bisect_right([step.day for step in curve.steps], day)
    return curve.steps[place - 1].survival if place else 1.0

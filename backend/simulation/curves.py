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


def true_curve(fates: Sequence[Fate], ends_on: date) -> Curve:
    """Everybody's true course until the trial's last day, whether or not anybody was told."""
    return kaplan_meier(
        [Observed((min(one.dies_on, ends_on) - one.enrolled_on).days + 1, one.dies_on <= ends_on) for one in fates]
    )


def compare(known: Curve, true: Curve) -> Compared:
    """The largest difference over the days on which enough patients were at risk in both."""
    days = sorted({step.day for curve in (known, true) for step in curve.steps})
    watched = [day for day in days if min(known.at_risk(day), true.at_risk(day)) >= FEWEST_AT_RISK]
    apart = [(abs(_survival(known, day) - _survival(true, day)), day) for day in watched]
    largest, day = max(apart, default=(0.0, 0))
    return Compared(known, true, largest, day)


def _survival(curve: Curve, day: int) -> float:
    place = bisect_right([step.day for step in curve.steps], day)
    return curve.steps[place - 1].survival if place else 1.0

"""A share of patients with its exact confidence limits. Pure arithmetic.

Clopper and Pearson 1934 (Biometrika 26:404): the limits are the shares at which so few, or so many, would be seen with
a probability of 2.5 % each. Such a probability is an incomplete beta function, and is summed by a continued fraction
(Abramowitz and Stegun 26.5.8): a sum over every count would take seconds for the assessments of a whole trial.
"""

import math
from dataclasses import dataclass

TAIL = 0.025
# Newton's method needs about six steps; the halvings it falls back on, never more than these.
STEPS = 200
TERMS = 10_000
EXACT, CLOSE = 1e-15, 1e-13
# In the place of a zero that the fraction would divide by.
TINY = 1e-300


@dataclass(frozen=True)
class Share:
    """``count`` of ``of``; the share and its limits are between 0 and 1, None where there is nobody."""

    count: int
    of: int
    share: float | None
    lower: float | None
    upper: float | None


def share_of(count: int, of: int) -> Share:
    """The share with its exact two-sided 95 % limits. Raises ``ValueError`` for more than there are."""
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share.")
    if of == 0:
        return Share(0, 0, None, None, None)
    lower = 0.0 if count == 0 else _quantile(TAIL, count, of - count + 1)
    upper = 1.0 if count == of else _quantile(1 - TAIL, count + 1, of - count)
    return Share(count, of, count / of, lower, upper)


def _quantile(wanted: float, a: int, b: int) -> float:
    """The share below which a beta distribution has so much, to twelve digits and more."""
    low, high, share = 0.0, 1.0, a / (a + b)
    for _ in range(STEPS):
        too_much = _below(share, a, b) - wanted
        low, high = (low, share) if too_much > 0 else (share, high)
        step = share - too_much / max(_density(share, a, b), TINY)
        following = step if low < step < high else (low + high) / 2
        if abs(following - share) <= CLOSE * share:
            return following
        share = following
    return share


def _below(share: float, a: int, b: int) -> float:
    """How much of the beta distribution lies below ``share``, from whichever side the fraction converges fast."""
    weight = _density(share, a, b) * share * (1 - share)
    if share * (a + b + 2) < a + 1:
        return weight * _fraction(share, a, b) / a
    return 1 - weight * _fraction(1 - share, b, a) / b


def _density(share: float, a: int, b: int) -> float:
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(scale + (a - 1) * math.log(share) + (b - 1) * math.log1p(-share))


def _fraction(share: float, a: int, b: int) -> float:
    """The continued fraction, from the top down (Lentz 1976)."""
    whole, above, below = TINY, TINY, 0.0
    for place in range(TERMS):
        term = _term(place, share, a, b)
        below = 1 / ((1 + term * below) or TINY)
        above = (1 + term / above) or TINY
        whole *= above * below
        if abs(above * below - 1) <= EXACT:
            break
    return whole


def _term(place: int, share: float, a: int, b: int) -> float:
    """The ``place``-th numerator; every denominator is 1."""
    if place == 0:
        return 1.0
    half = place // 2
    if place % 2:
        return -(a + half) * (a + b + half) * share / ((a + 2 * half) * (a + 2 * half + 1))
    return half * (b - half) * share / ((a + 2 * half - 1) * (a + 2 * half))

"""A share of patients with its exact confidence limits. Pure arithmetic.

Clopper and Pearson 1934 (Biometrika 26:404): the limits are the shares at which so few, or so many, would be seen with
a probability of 2.5 % each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

TAIL = 0.025
HALVINGS = 200


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
    lower = 0.0 if count == 0 else _where(lambda share: _at_least(count, of, share) < TAIL)
    upper = 1.0 if count == of else _where(lambda share: 1 - _at_least(count + 1, of, share) > TAIL)
    return Share(count, of, count / of, lower, upper)


def _where(is_below: Callable[[float], bool]) -> float:
    """The share at which it changes, to the last digit that a number can hold."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


def _at_least(count: int, of: int, share: float) -> float:
    """The probability to see so many or more, summed over the shorter side."""
    if 2 * count > of:
        return math.fsum(_exactly(number, of, share) for number in range(count, of + 1))
    return 1 - math.fsum(_exactly(number, of, share) for number in range(count))


def _exactly(number: int, of: int, share: float) -> float:
    if share in (0.0, 1.0):
        return float(number == of * share)
    combinations = math.lgamma(of + 1) - math.lgamma(number + 1) - math.lgamma(of - number + 1)
    return math.exp(combinations + number * math.log(share) + (of - number) * math.log1p(-share))

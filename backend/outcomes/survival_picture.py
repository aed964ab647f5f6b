"""A Kaplan-Meier curve as a picture: SVG that prints in grey, reads aloud, and has the numbers at risk underneath.

Curves differ by their dashes, not by colour alone. Pure: curves and words in, text out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.outcomes.drawing import INK, LINES, WIDTH, heading, label, svg, told_of
from backend.outcomes.survival_curves import Curve, Step

DAYS_A_MONTH = 365.25 / 12
MONTHS_BETWEEN_TICKS = (1, 2, 3, 6, 12, 24)
MOST_TICKS = 11
LEFT, RIGHT, TOP, PLOT = 110, 30, 46, 380
ROW = 24
# Dark on white, and each with dashes of its own, so that a grey copy still tells them apart.
STROKES = (("#0b3d91", ""), ("#a33b00", "9 5"), ("#2d6a2d", "3 4"), ("#5b2a86", "12 4 3 4"))


@dataclass(frozen=True)
class Drawn:
    """One curve and what it is called."""

    name: str
    curve: Curve


def picture(drawn: Sequence[Drawn], words: Mapping[str, str], *, subtitle: str = "") -> str:
    """The whole picture. Without patients it says so."""
    shown = [one for one in drawn if one.curve.patients]
    months = _months(shown)
    told = told_of((describe(one, words) for one in shown), words["nobody"], subtitle)
    parts = [
        heading(LEFT, 26, words["overall_survival"], subtitle),
        *_legend(shown, words),
        f"<g transform='translate(0 {ROW * len(shown)})'>",
        *_frame(months, words),
        *(part for place, one in enumerate(shown) for part in _curve(one, place, months)),
        *_at_risk(shown, months, words),
        "</g>",
    ]
    if not shown:
        parts.append(label(LEFT + 20, TOP + PLOT / 2, words["nobody"]))
    return svg(
        words["overall_survival"], told, TOP + PLOT + 86 + 3 * ROW * len(shown), parts, words["survival_definition"]
    )


def describe(one: Drawn, words: Mapping[str, str]) -> str:
    """A curve in one sentence: how many, how many deaths, the median with its limits."""
    curve, limits = one.curve, one.curve.median_limits
    missing = words["not_reached"]
    lower, upper = (missing if limit is None else str(limit) for limit in limits)
    median = (
        missing if curve.median is None else words["median_days"].format(days=curve.median, lower=lower, upper=upper)
    )
    return words["description"].format(name=one.name, patients=curve.patients, events=curve.events, median=median)


def _months(shown: Sequence[Drawn]) -> Sequence[int]:
    """Where the axis is marked: so many months apart that no more than eleven marks stand side by side."""
    longest = max((one.curve.followed[-1] / DAYS_A_MONTH for one in shown), default=1)
    apart = next((step for step in MONTHS_BETWEEN_TICKS if longest / step <= MOST_TICKS - 1), MONTHS_BETWEEN_TICKS[-1])
    return range(0, math.ceil(longest / apart) * apart + 1, apart)


def _x(months: float, marks: Sequence[int]) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * months / marks[-1]


def _y(share: float) -> float:
    return TOP + PLOT * (1 - share)


def _frame(marks: Sequence[int], words: Mapping[str, str]) -> Iterator[str]:
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        yield f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='{LINES}'/>"
        yield label(LEFT - 10, y + 5, f"{tenth / 10:.1f}", anchor="end")
    for month in marks:
        x = _x(month, marks)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP + PLOT}' y2='{TOP + PLOT + 6}' stroke='{INK}'/>"
        yield label(x, TOP + PLOT + 24, str(month), anchor="middle")
    yield f"<path d='M{LEFT} {TOP}V{TOP + PLOT}H{WIDTH - RIGHT}' fill='none' stroke='{INK}'/>"
    yield label((LEFT + WIDTH - RIGHT) / 2, TOP + PLOT + 46, words["axis_time"], anchor="middle")
    middle = TOP + PLOT / 2
    yield f"<g transform='rotate(-90 28 {middle})'>{label(28, middle, words['axis_share'], anchor='middle')}</g>"


def _curve(one: Drawn, place: int, marks: Sequence[int]) -> Iterator[str]:
    colour, dashes = STROKES[place % len(STROKES)]
    dashed = f" stroke-dasharray='{dashes}'" if dashes else ""
    for is_lower in (True, False):
        limits = [(step.day, limit) for step in one.curve.steps if (limit := _limit(step, is_lower)) is not None]
        if limits:
            # With the dashes of its curve, so that in grey nobody takes it for the other's.
            thin = _line(limits, limits[-1][0], marks)
            yield f"<path d='{thin}' fill='none' stroke='{colour}' stroke-width='0.9'{dashed} stroke-opacity='0.75'/>"
    line = _line([(step.day, step.survival) for step in one.curve.steps], one.curve.followed[-1], marks)
    yield f"<path d='{line}' fill='none' stroke='{colour}' stroke-width='2.5'{dashed}/>"
    for step in one.curve.steps:
        if step.censored:
            x, y = _x(step.day / DAYS_A_MONTH, marks), _y(step.survival)
            yield f"<path d='M{x:.1f} {y - 5:.1f}V{y + 5:.1f}' stroke='{colour}' stroke-width='1.5'/>"


def _limit(step: Step, is_lower: bool) -> float | None:
    return step.lower if is_lower else step.upper


def _line(points: Sequence[tuple[int, float]], last_day: int, marks: Sequence[int]) -> str:
    steps = "".join(f"H{_x(day / DAYS_A_MONTH, marks):.1f}V{_y(share):.1f}" for day, share in points)
    return f"M{LEFT} {_y(1):.1f}{steps}H{_x(last_day / DAYS_A_MONTH, marks):.1f}"


def _legend(shown: Sequence[Drawn], words: Mapping[str, str]) -> Iterator[str]:
    """Above the curves, a row each: the name of an arm may be as long as the picture is wide."""
    for place, one in enumerate(shown):
        y = 48 + ROW * place
        died = words["died_of"].format(events=one.curve.events, patients=one.curve.patients)
        yield from _sample(place, LEFT, y)
        yield label(LEFT + 56, y + 5, f"{one.name}: {died}")


def _sample(place: int, x: float, y: float) -> Iterator[str]:
    colour, dashes = STROKES[place % len(STROKES)]
    dashed = f" stroke-dasharray='{dashes}'" if dashes else ""
    yield f"<path d='M{x:.1f} {y:.1f}h44' stroke='{colour}' stroke-width='2.5'{dashed}/>"


def _at_risk(shown: Sequence[Drawn], marks: Sequence[int], words: Mapping[str, str]) -> Iterator[str]:
    """Two rows a curve: whose it is, and right under the marks of the axis who was still followed when it began."""
    top = TOP + PLOT + 78
    if shown:
        yield label(12, top, words["at_risk"])
    for place, one in enumerate(shown):
        y = top + ROW * (2 * place + 1)
        yield from _sample(place, 12, y - 5)
        yield label(68, y, one.name, size=13)
        for month in marks:
            counted = str(one.curve.at_risk(first_day_of(month)))
            yield label(_x(month, marks), y + ROW - 2, counted, anchor="middle")


def first_day_of(month: int) -> int:
    """The day of follow-up on which a month of the axis begins; the first is day 1."""
    return max(1, math.ceil(month * DAYS_A_MONTH))

"""Adherence by week as a picture: for each arm one column a week, cut into in time, late and missed.

Pure: counts and words in, SVG out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from backend.outcomes.adherence import Adherence, Came
from backend.outcomes.drawing import INK, LINES, WIDTH, heading, label, svg, told_of

LEFT, RIGHT, TOP, PLOT, APART = 70, 20, 84, 140, 236
# From dark to light: a grey copy still shows which part came in time.
FILLS = {Came.ON_TIME: "#2f5d8a", Came.LATE: "#9db8d2", Came.MISSED: "#f4f4f4"}
WIDEST_COLUMN = 24
WEEKS_BETWEEN_MARKS = (1, 2, 4, 8, 13, 26, 52)
MOST_MARKS = 16


@dataclass(frozen=True)
class Weeks:
    """One arm, what it is called, and its weeks."""

    name: str
    whole: Adherence
    by_week: Mapping[int, Adherence]


def adherence_picture(arms: Sequence[Weeks], words: Mapping[str, str], *, subtitle: str = "") -> str:
    """The whole picture. Where nothing was expected it says so."""
    shown = [one for one in arms if one.whole.expected]
    last = max((max(one.by_week) for one in shown), default=0)
    sentences = (f"{one.name}: {_sentence(one, words)}" for one in shown)
    parts = [
        heading(20, 30, words["adherence"], subtitle),
        *_keys(words),
        *(part for place, one in enumerate(shown) for part in _arm(one, last, TOP + APART * place, words)),
    ]
    if not shown:
        parts.append(label(20, TOP + 40, words["nothing_expected"]))
    told = told_of(sentences, words["nothing_expected"], subtitle)
    return svg(words["adherence"], told, TOP + APART * max(1, len(shown)), parts, words["adherence_definition"])


def _sentence(one: Weeks, words: Mapping[str, str]) -> str:
    return words["adherence_of"].format(expected=one.whole.expected, **{str(how): one.whole.by[how] for how in Came})


def _arm(one: Weeks, last: int, top: float, words: Mapping[str, str]) -> Iterator[str]:
    yield label(20, top, f"{one.name}: {_sentence(one, words)}")
    width = min(WIDEST_COLUMN, (WIDTH - LEFT - RIGHT) / (last + 1))
    base = top + 22 + PLOT
    for percent in (0, 50, 100):
        y = base - PLOT * percent / 100
        yield f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='{LINES}'/>"
        yield label(LEFT - 8, y + 5, f"{percent} %", anchor="end")
    for week, adherence in one.by_week.items():
        counts = ", ".join(f"{words[str(how)]} {adherence.by[how]}" for how in Came)
        yield from _column(adherence, LEFT + week * width, width, base, f"{words['week']} {week}: {counts}")
    for week in range(0, last + 1, _weeks_between_marks(last)):
        yield label(LEFT + (week + 0.5) * width, base + 20, str(week), anchor="middle")
    yield label(WIDTH - RIGHT, base + 40, words["axis_weeks"], anchor="end")


def _weeks_between_marks(last: int) -> int:
    """So many that no more than sixteen marks stand side by side: weeks, months, or quarters of a year."""
    return next((step for step in WEEKS_BETWEEN_MARKS if last / step < MOST_MARKS), WEEKS_BETWEEN_MARKS[-1])


def _column(adherence: Adherence, x: float, width: float, base: float, told: str) -> Iterator[str]:
    """Its parts stand on each other; whoever rests on one reads the counts."""
    y = base
    yield f"<g><title>{escape(told)}</title>"
    for how in Came:
        tall = PLOT * adherence.by[how] / adherence.expected
        y -= tall
        yield (
            f"<rect x='{x + 0.5:.1f}' y='{y:.1f}' width='{max(1, width - 1):.1f}' height='{tall:.1f}' "
            f"fill='{FILLS[how]}' stroke='{INK}' stroke-width='0.5'/>"
        )
    yield "</g>"


def _keys(words: Mapping[str, str]) -> Iterator[str]:
    for place, (how, fill) in enumerate(FILLS.items()):
        x = 20 + 180 * place
        yield f"<rect x='{x}' y='44' width='16' height='16' fill='{fill}' stroke='{INK}'/>"
        yield label(x + 24, 58, words[str(how)])

"""Disease control as a picture: one bar an arm, cut by best response, each part named in words and not by colour alone.

Pure: counts and words in, SVG out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from backend.outcomes.disease_control import BestResponse, Control
from backend.outcomes.drawing import INK, WIDTH, heading, label, svg, told_of

LEFT, RIGHT, TOP, BAR, APART = 30, 30, 76, 44, 96
# From dark to light, so that a grey copy still shows the order; what is controlled is the dark part.
FILLS = {
    BestResponse.CR: ("#12304f", "#ffffff"),
    BestResponse.PR: ("#2f5d8a", "#ffffff"),
    BestResponse.SD: ("#6f97bd", INK),
    BestResponse.SD_EARLY: ("#c5d3e0", INK),
    # Hatched, so that nobody takes it for one of the shades beside it.
    BestResponse.PD: ("url(#progressed)", INK),
    BestResponse.NE: ("#eceff1", INK),
    BestResponse.NEVER_ASSESSED: ("#ffffff", INK),
}
HATCHED = (
    "<defs><pattern id='progressed' width='7' height='7' patternUnits='userSpaceOnUse' patternTransform='rotate(45)'>"
    f"<rect width='7' height='7' fill='#ffffff'/><path d='M0 0V7' stroke='{INK}' stroke-width='1.4'/></pattern></defs>"
)
# Wide enough to say what it counts, by the letters that every reader of such figures knows.
WIDE = 76
LETTERS = frozenset({BestResponse.CR, BestResponse.PR, BestResponse.SD, BestResponse.PD, BestResponse.NE})
KEYS_A_ROW = 3


@dataclass(frozen=True)
class Group:
    """One arm and what it is called."""

    name: str
    control: Control


def control_picture(groups: Sequence[Group], words: Mapping[str, str], *, subtitle: str = "") -> str:
    """The whole picture. Without patients it says so."""
    shown = [one for one in groups if one.control.share.of]
    keys_at = TOP + APART * max(1, len(shown)) + 10
    told = told_of((f"{one.name}: {_share(one, words)}." for one in shown), words["nobody"], subtitle)
    parts = [
        HATCHED,
        heading(LEFT, 32, words["disease_control"], subtitle),
        *(part for place, one in enumerate(shown) for part in _bar(one, TOP + APART * place, words)),
        *_keys(words, keys_at),
    ]
    if not shown:
        parts.append(label(LEFT, TOP + 20, words["nobody"]))
    return svg(
        words["disease_control"],
        told,
        keys_at + 30 * (len(FILLS) // KEYS_A_ROW + 1) + 10,
        parts,
        words["control_definition"],
    )


def _share(group: Group, words: Mapping[str, str]) -> str:
    share = group.control.share
    percents = (share.share, share.lower, share.upper)
    percent, lower, upper = (f"{100 * (value or 0):.1f}" for value in percents)
    return words["controlled"].format(count=share.count, of=share.of, percent=percent, lower=lower, upper=upper)


def _bar(group: Group, top: float, words: Mapping[str, str]) -> Iterator[str]:
    """A part as wide as its share of everybody randomised; its count stands in it where there is room."""
    yield label(LEFT, top, f"{group.name}: {_share(group, words)}")
    x, of = float(LEFT), group.control.share.of
    for best, count in group.control.by_best.items():
        if not count:
            continue
        width = (WIDTH - LEFT - RIGHT) * count / of
        fill, ink = FILLS[best]
        yield (
            f"<rect x='{x:.1f}' y='{top + 12}' width='{width:.1f}' height='{BAR}' fill='{fill}' stroke='{INK}'>"
            f"<title>{escape(words[best])}: {count}</title></rect>"
        )
        if width >= 22:
            yield from _count(best, count, x + width / 2, top + 12 + BAR / 2, width, ink)
        x += width


def _count(best: BestResponse, count: int, x: float, y: float, width: float, ink: str) -> Iterator[str]:
    """How many, and of what where there is room; on white where the part is hatched."""
    told = f"{best.value}: {count}" if width >= WIDE and best in LETTERS else str(count)
    if best is BestResponse.PD:
        wide = 8 * len(told) + 8
        yield f"<rect x='{x - wide / 2:.1f}' y='{y - 12:.1f}' width='{wide}' height='24' fill='#ffffff'/>"
    yield label(x, y + 5, told, anchor="middle", ink=ink)


def _keys(words: Mapping[str, str], top: float) -> Iterator[str]:
    for place, (best, (fill, _)) in enumerate(FILLS.items()):
        x = LEFT + 250 * (place % KEYS_A_ROW)
        y = top + 30 * (place // KEYS_A_ROW)
        yield f"<rect x='{x}' y='{y}' width='18' height='18' fill='{fill}' stroke='{INK}'/>"
        yield label(x + 26, y + 14, words[best])

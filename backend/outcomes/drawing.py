"""What every picture of an outcome shares: a frame that screen readers can tell, and words that no markup can leave."""

import re
from collections.abc import Iterable
from html import escape
from zlib import crc32

WIDTH = 800
INK, LINES = "#1a1a1a", "#d9d9d9"
# A note under the picture: how high its lines are, and how many letters find room in one.
NOTE, LETTERS_A_LINE = 17, 118
CJK = "\u2e80"
# A word with the space before it, or one Chinese character; and what no line begins with.
PIECES = re.compile(rf"\s*[^\s{CJK}-\uffff]+|\s*[{CJK}-\uffff]")
NEVER_FIRST = frozenset("，。；：、）")


def svg(title: str, told: str, height: float, parts: Iterable[str], definition: str = "") -> str:
    """The whole picture on white. ``told`` says in words what it shows; under it stands what is counted.

    Several may stand on one page, so the names by which each refers to its own words are its own.
    """
    lines = _lines(definition)
    top, height = height + NOTE, height + NOTE * (len(lines) + 1 if lines else 0)
    own = f"{crc32(f'{title} {told}'.encode()):08x}"
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' role='img' "
            f"aria-labelledby='title-{own} desc-{own}' "
            f"font-family='system-ui, sans-serif' font-size='15' fill='{INK}'>",
            f"<title id='title-{own}'>{escape(title)}</title>",
            f"<desc id='desc-{own}'>{escape(told)}</desc>",
            f"<rect width='{WIDTH}' height='{height:.0f}' fill='#ffffff'/>",
            *parts,
            *(label(20, top + NOTE * place, line, size=12) for place, line in enumerate(lines)),
            "</svg>",
            "",
        ]
    )


def _lines(words: str) -> list[str]:
    """Words broken where a line is full; a Chinese character is as wide as two letters, and may begin a line."""
    lines, wide = [""], 0.0
    for piece in PIECES.findall(words):
        width = sum(2 if letter >= CJK else 1 for letter in piece)
        if wide + width > LETTERS_A_LINE and piece not in NEVER_FIRST:
            lines, wide = [*lines, ""], 0.0
        lines[-1] += piece if lines[-1] else piece.lstrip()
        wide += width
    return [line for line in lines if line]


def label(x: float, y: float, words: str, *, anchor: str = "start", ink: str = "", size: int = 0) -> str:
    """Words at a place; ``anchor`` says whether they start, end or have their middle there."""
    coloured = f" fill='{ink}'" if ink else ""
    sized = f" font-size='{size}'" if size else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{coloured}{sized}>{escape(words)}</text>"


def shortened(words: str, longest: int) -> str:
    """Words that must fit beside something else; an ellipsis says that there are more."""
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def heading(x: float, y: float, words: str, subtitle: str) -> str:
    """The picture's name, and what it is limited to."""
    whole = f"{words} · {subtitle}" if subtitle else words
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='17' font-weight='600'>{escape(whole)}</text>"


def told_of(sentences: Iterable[str], otherwise: str, subtitle: str) -> str:
    """The description: what it is limited to, and a sentence for each thing shown, or why there is none."""
    return " ".join(part for part in (subtitle, " ".join(sentences) or otherwise) if part)

"""What every picture of an outcome shares: a frame that screen readers can tell, and words that no markup can leave."""

from collections.abc import Iterable
from html import escape

WIDTH = 800
INK, LINES = "#1a1a1a", "#d9d9d9"


def svg(title: str, told: str, height: float, parts: Iterable[str]) -> str:
    """The whole picture on white. ``told`` says in words what it shows."""
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' role='img' "
            f"aria-labelledby='title desc' font-family='system-ui, sans-serif' font-size='15' fill='{INK}'>",
            f"<title id='title'>{escape(title)}</title>",
            f"<desc id='desc'>{escape(told)}</desc>",
            f"<rect width='{WIDTH}' height='{height:.0f}' fill='#ffffff'/>",
            *parts,
            "</svg>",
            "",
        ]
    )


def label(x: float, y: float, words: str, *, anchor: str = "start", ink: str = "") -> str:
    """Words at a place; ``anchor`` says whether they start, end or have their middle there."""
    coloured = f" fill='{ink}'" if ink else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{coloured}>{escape(words)}</text>"


def heading(x: float, y: float, words: str, subtitle: str) -> str:
    """The picture's name, and what it is limited to."""
    whole = f"{words} · {subtitle}" if subtitle else words
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='17' font-weight='600'>{escape(whole)}</text>"


def told_of(sentences: Iterable[str], otherwise: str, subtitle: str) -> str:
    """The description: what it is limited to, and a sentence for each thing shown, or why there is none."""
    return " ".join(part for part in (subtitle, " ".join(sentences) or otherwise) if part)

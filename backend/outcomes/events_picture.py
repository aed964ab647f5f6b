"""Adverse events as a picture: the commonest terms, for each arm one bar of patients cut by worst grade.

Pure: rows and words in, SVG out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.outcomes.adverse_events import GRADES, Row
from backend.outcomes.drawing import INK, LINES, WIDTH, heading, label, shortened, svg, told_of

LEFT, RIGHT, TOP, BAR, APART = 300, 60, 84, 16, 34
# The worse, the darker; a grey copy keeps the order.
FILLS = {1: "#f0f3f6", 2: "#c5d3e0", 3: "#8aa9c6", 4: "#3f6c98", 5: "#12304f"}
MOST_TERMS = 15
LONGEST_NAME = 40


@dataclass(frozen=True)
class Arm:
    """One arm, what it is called, how many were randomised to it, and how often each reported in a month."""

    code: str
    name: str
    randomised: int
    per_month: float | None = None


def events_picture(
    rows: Sequence[Row], terms: Mapping[str, str], arms: Sequence[Arm], words: Mapping[str, str], *, subtitle: str = ""
) -> str:
    """The whole picture. ``terms`` gives the name of each term's code. Without events it says so."""
    shown = _commonest(rows)
    by_cell = {(row.term_code, row.arm): row for row in rows}
    block = len(arms) * (BAR + 2) + APART
    limited = _limited(rows, shown, words, subtitle)
    parts = [heading(20, 30, words["adverse_events"], limited), *_keys(words)]
    for place, code in enumerate(shown):
        top = TOP + place * block
        parts.append(label(20, top + BAR - 2, terms.get(code, code)))
        for line, arm in enumerate(arms):
            parts.extend(_bar(by_cell.get((code, arm.code)), arm, top + 22 + line * (BAR + 2)))
    if not shown:
        parts.append(label(20, TOP + 20, words["no_events"]))
    foot = TOP + max(1, len(shown)) * block + 14
    often = [f"{arm.name} {arm.per_month:.1f}" for arm in arms if arm.per_month is not None]
    if often:
        parts.append(label(20, foot, words["reports_per_month"].format(arms=", ".join(often))))
    told = told_of(
        (f"{terms.get(code, code)}: {_told(code, arms, by_cell)}." for code in shown), words["no_events"], limited
    )
    return svg(words["adverse_events"], told, foot + 20, parts, words["events_definition"])


def _limited(rows: Sequence[Row], shown: Sequence[str], words: Mapping[str, str], subtitle: str) -> str:
    """What the picture is limited to: the cut-off, and the commonest terms where not all of them find room."""
    every = len({row.term_code for row in rows})
    some = words["commonest_terms"].format(shown=len(shown), of=every) if every > len(shown) else ""
    return " · ".join(part for part in (subtitle, some) if part)


def _commonest(rows: Sequence[Row]) -> Sequence[str]:
    """The terms of most patients first, of like ones by their codes."""
    patients: dict[str, int] = {}
    for row in rows:
        patients[row.term_code] = patients.get(row.term_code, 0) + row.patients
    return sorted(patients, key=lambda code: (-patients[code], code))[:MOST_TERMS]


def _told(code: str, arms: Sequence[Arm], by_cell: Mapping[tuple[str, str], Row]) -> str:
    return ", ".join(f"{arm.name} {_patients(by_cell.get((code, arm.code)))}/{arm.randomised}" for arm in arms)


def _patients(row: Row | None) -> int:
    return row.patients if row else 0


def _bar(row: Row | None, arm: Arm, top: float) -> Iterator[str]:
    """As wide as the share of everybody randomised; the arm's name before it, patients of all randomised behind."""
    width, x = WIDTH - LEFT - RIGHT - 60, float(LEFT)
    yield label(LEFT - 8, top + 13, shortened(arm.name, LONGEST_NAME), anchor="end", size=13)
    yield f"<path d='M{LEFT} {top + BAR}h{width}' stroke='{LINES}'/>"
    for grade in GRADES if row and arm.randomised else ():
        part = width * (row.by_grade[grade] if row else 0) / arm.randomised
        if part:
            yield (
                f"<rect x='{x:.1f}' y='{top}' width='{part:.1f}' height='{BAR}' fill='{FILLS[grade]}' "
                f"stroke='{INK}' stroke-width='0.6'/>"
            )
        x += part
    yield label(x + 8, top + 13, f"{_patients(row)}/{arm.randomised}")


def _keys(words: Mapping[str, str]) -> Iterator[str]:
    for place, (grade, fill) in enumerate(FILLS.items()):
        x = 20 + 120 * place
        yield f"<rect x='{x}' y='44' width='16' height='16' fill='{fill}' stroke='{INK}'/>"
        yield label(x + 24, 58, words["grade"].format(grade=grade))

"""What can be understood of a report that was refused: answers, measurements and words, wherever they stand. Pure.

Nothing here raises: whatever cannot be read is left out, and the rules hear the rest. A number is one however it was
written, and an answer above all choices counts as the highest.
"""

import json
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.instruments.definition import Instrument
from backend.triage.told import HIGHEST_GRADED, Told
from backend.triage.words import folded

NAMES = ("item", "name")
LONGEST_NUMBER = 20
# In a body that is no JSON: an answer as phones write it, a number beside its name that was not cut off, and letters
# that were written as numbers.
AN_ANSWER = re.compile(r'"item"\s*:\s*"([\w.]{1,80})"\s*,\s*"value"\s*:\s*"?(\d)\b')
A_NUMBER = re.compile(r'"([\w.]{1,80})"\s*:\s*"?(-?\d{1,6}(?:\.\d{1,6})?)"?\s*[,}\]]')
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
# Names of items are our words, and some of them are words of danger.
AN_ITEM = re.compile(r'"item"\s*:\s*"[^"]*"|checklist\.\w+')


@dataclass(frozen=True)
class Scraps:
    """Everything that was read: values beside their names, texts, and what the report says of itself."""

    named: Sequence[tuple[str, Any]]
    texts: tuple[str, ...]
    about: dict[str, Any]

    @property
    def instrument(self) -> str:
        """The questionnaire it says it answers; empty when it does not say."""
        return str(self.about.get("instrument", ""))

    @property
    def respondent(self) -> str:
        """Whose answers it says these are."""
        return str(self.about.get("respondent", ""))

    @property
    def completed_at(self) -> datetime | None:
        """When it says answering ended, if that is a moment."""
        try:
            said = datetime.fromisoformat(str(self.about.get("completed_at")))
        except ValueError:
            return None
        return said if said.tzinfo is not None else None


def scraps_of(said: str) -> Scraps:
    """Read a body, whether it is JSON or the beginning of it or something else."""
    try:
        body = json.loads(said)
    except (ValueError, RecursionError):
        readable = ESCAPED.sub(lambda found: chr(int(found[1], 16)), said)
        named = [*AN_ANSWER.findall(said), *A_NUMBER.findall(said)]
        return Scraps(named, (AN_ITEM.sub(" ", readable),), {})
    nodes = list(_nodes(body))
    return Scraps(
        named=[pair for name, node in nodes for pair in _named(name, node)],
        texts=tuple(AN_ITEM.sub(" ", node) for name, node in nodes if isinstance(node, str) and name != "item"),
        about=body if isinstance(body, dict) else {},
    )


def everything_asked(instruments: Iterable[Instrument], name: str) -> Instrument:
    """All that any of these asks, as one; where two differ, what the instrument of that name says. At least one."""
    ordered = sorted(instruments, key=lambda one: one.name == name)
    return replace(
        ordered[-1],
        items={code: item for one in ordered for code, item in one.items.items()},
        symptoms={slug: symptom for one in ordered for slug, symptom in one.symptoms.items()},
        measurements={key: measured for one in ordered for key, measured in one.measurements.items()},
        terms=frozenset(term for one in ordered for term in one.terms),
    )


def told_in(scraps: Scraps, asked: Instrument) -> Told:
    """As a report tells it. Of several answers to an item the highest counts, of measurements the first."""
    numbers = [(name, number) for name, written in scraps.named if (number := _number(written)) is not None]
    values: dict[str, int] = {}
    measurements: dict[str, float] = {}
    for name, number in numbers:
        if name in asked.items and number >= 0 and number.is_integer():
            highest = min(asked.items[name].highest, HIGHEST_GRADED)
            values[name] = max(values.get(name, 0), min(int(number), highest))
        elif name in asked.measurements:
            measurements.setdefault(name, number)
    return Told(
        instrument=asked,
        values=values,
        measurements=measurements,
        texts=scraps.texts,
        other_severities=tuple(int(number) for name, number in numbers if name == "severity"),
        wants_call=any(name == "wants_call" and written is True for name, written in scraps.named),
    )


def _nodes(body: Any) -> Iterator[tuple[str, Any]]:
    """Everything in the body with the name it stands under, what lies deepest last."""
    waiting = deque([("", body)])
    while waiting:
        name, node = waiting.popleft()
        yield name, node
        if isinstance(node, dict):
            waiting.extend(node.items())
        elif isinstance(node, list):
            waiting.extend((name, inner) for inner in node)


def _named(name: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from ((node[key], node["value"]) for key in NAMES if isinstance(node.get(key), str) and "value" in node)
    elif not isinstance(node, list):
        yield name, node


def _number(written: Any) -> float | None:
    """The number that was meant; None for what is none, or no number that anybody could have measured."""
    if isinstance(written, str):
        written = folded(written[: LONGEST_NUMBER + 1]).strip().replace(",", ".")
        if len(written) > LONGEST_NUMBER:
            return None
    if not isinstance(written, str | int | float):
        return None
    try:
        number = float(written)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None

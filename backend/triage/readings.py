"""The raw values behind a level: for worse is not always a higher grade. Pure.

A grade is a band: 181 and 255 mmHg are both grade 3, and low blood pressure has no grade by arithmetic at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# An answer is told from a measurement by its name: ``nausea.severity``.
ANSWER = "."


@dataclass(frozen=True)
class Reading:
    """One value. ``step`` is by how much it must change to count as worse, negative where lower is worse.

    ``heard`` is the value that worse is counted from: it moves a step at a time, so that many small changes, none of
    which counts by itself, do not pass unheard together. A value read from a row does not know its step (0): it is
    only ever compared with a new one, which does.
    """

    value: float
    step: float = 0
    heard: float | None = None

    def steps_from(self, value: float) -> int:
        """1 when this is worse than ``value`` by a step or more, -1 when it is better by as much, else 0."""
        # Thermometers show tenths; without rounding 38.4 to 38.9 would be a hair under half a degree.
        change = round((self.value - value) * (1 if self.step > 0 else -1), 6)
        return 0 if not self.step else (change >= abs(self.step)) - (change <= -abs(self.step))

    @property
    def counts_from(self) -> float:
        """What a later value must be a step worse than."""
        return self.value if self.heard is None else self.heard


Readings = Mapping[str, Reading]


def is_any_worse(now: Readings, than: Readings) -> bool:
    """Whether a value that was known before is worse by a step; what was not known says nothing."""
    return any(now[name].steps_from(than[name].counts_from) == 1 for name in now.keys() & than.keys())


def changes(before: Readings, now: Readings) -> Iterator[int]:
    """1, 0 or -1 for each value known of both: worse, the same or better."""
    return (now[name].steps_from(before[name].value) for name in sorted(before.keys() & now.keys()))


def worst_of(before: Readings, now: Readings) -> Readings:
    """The worst of each value; those of ``now`` know their steps."""
    both = {name: _worse(before[name], now[name]) for name in before.keys() & now.keys()}
    return {**before, **now, **both}


def _worse(before: Reading, now: Reading) -> Reading:
    if now.steps_from(before.counts_from) == 1:
        return replace(now, heard=now.value)
    worst = max if now.step > 0 else min
    return replace(now, value=worst(before.value, now.value), heard=before.counts_from)


def stored(readings: Readings) -> dict[str, dict[str, float]]:
    """As a row holds them: what was measured, what was answered, and what worse is counted from where that differs."""
    named = sorted(readings.items())
    return {
        "measurements": {name: one.value for name, one in named if ANSWER not in name},
        "answers": {name: one.value for name, one in named if ANSWER in name},
        "heard": {name: one.counts_from for name, one in named if one.counts_from != one.value},
    }


def of_stored(row: Mapping[str, Any]) -> Readings:
    """As ``stored`` put them; a row from before these were kept knows none."""
    heard = row.get("heard", {})
    values = {**row.get("measurements", {}), **row.get("answers", {})}
    return {name: Reading(value, heard=heard.get(name)) for name, value in values.items()}

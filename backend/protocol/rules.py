"""The calendar as data: what falls due for whom, when, for how long, and which prompts go with it.

One ``Rule`` is one row of the protocol's calendar. Its ``due`` is one of the small classes here; the agenda
knows how to unfold each of them, and nothing in the code knows the name of any row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Any

from backend.terms import AgendaKind, Duty, Recipient, Urgency

OWN_HOUR = "own_hour"
NAMES_KEPT = 65_536


@dataclass(frozen=True)
class OnAnchor:
    """Once, so many days after an anchor."""

    anchor: str
    plus_days: int


@dataclass(frozen=True)
class Months:
    """In certain months after an anchor: those listed, or every so many from the first to the last, if any."""

    anchor: str
    at: tuple[int, ...]
    every: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class EveryDays:
    """Every so many days from an anchor, numbered from 1; ``after`` and ``until`` name turning points."""

    anchor: str
    days: int
    only_multiples_of: int
    after: str | None
    until: str | None


@dataclass(frozen=True)
class InfusionDay:
    """On one day of each attempt of each cycle."""

    day: int


@dataclass(frozen=True)
class BetweenInfusions:
    """Daily from the actual start of a cycle's first infusion until the last has started or was missed."""


@dataclass(frozen=True)
class AfterInfusion:
    """Daily after a cycle's last infusion, from day ``first`` to day ``last``; its own day is 0."""

    first: int
    last: int


Due = OnAnchor | Months | EveryDays | InfusionDay | BetweenInfusions | AfterInfusion


@dataclass(frozen=True)
class ForDays:
    """Overdue for so many days after the window."""

    days: int


@dataclass(frozen=True)
class UntilNext:
    """Overdue until the next item of these families opens; when none follows, for ``else_days``."""

    families: tuple[str, ...]
    else_days: int


@dataclass(frozen=True)
class NeverOverdue:
    """Expired as soon as the window closes."""


@dataclass(frozen=True)
class NeverExpires:
    """Waits until somebody records what became of it."""


Overdue = ForDays | UntilNext | NeverOverdue | NeverExpires


@dataclass(frozen=True)
class Prompt:
    """One message about an item. ``at`` is a wall time, or None for the patient's own hour."""

    label: str
    day: int
    at: time | None
    template: str
    urgency: Urgency
    to: Recipient
    asks: str | None
    expires: str


@dataclass(frozen=True)
class Call:
    """A step for people, when the prompts brought no answer."""

    name: str
    when: str
    day: int
    at: time
    to: Duty
    working_day: str | None
    on_days_off: Duty | None
    looked_at: time | None
    still_open_at: time | None
    then_to: Duty | None


@dataclass(frozen=True, eq=False)
class Rule:
    """One row of the calendar. Compared by identity, so that what is derived from it can be remembered."""

    name: str
    key: str
    family: str
    kind: AgendaKind
    instrument: str | None
    longer_every: int | None
    longer_instrument: str | None
    arms: frozenset[str]
    obligation: str | None
    due: Due
    opens: int
    closes: int
    overdue: Overdue
    covered_by: frozenset[str]
    titles: Mapping[str, str]
    prompts: tuple[Prompt, ...]
    calls: tuple[Call, ...]
    hours_after_start: int
    is_assumption: bool

    def instrument_of(self, n: int) -> str | None:
        """The form of the n-th item: every so often it is the longer one."""
        if self.longer_every and n % self.longer_every == 0:
            return self.longer_instrument
        return self.instrument

    def naming(self, n: int = 0, number: int = 0, attempt: int = 1) -> tuple[str, Mapping[str, str]]:
        """The key and the titles of one item. The same every time, whatever else moves."""
        return _naming(self, n, number, attempt)


@lru_cache(maxsize=NAMES_KEPT)
def _naming(rule: Rule, n: int, number: int, attempt: int) -> tuple[str, Mapping[str, str]]:
    # The first attempt has the plain number, so that most cycles have plain keys.
    cycle = str(number) if attempt == 1 else f"{number}.{attempt}"
    words: dict[str, object] = {"n": n, "number": number, "cycle": cycle}
    titles = {language: title.format(**words) for language, title in rule.titles.items()}
    return rule.key.format(**words), titles


def read_rule(said: Mapping[str, Any], all_arms: frozenset[str]) -> Rule:
    """One row as the protocol's content holds it, checked before by the seed file's schema."""
    longer = said.get("longer_every") or {}
    prompts = said.get("prompts", [])
    return Rule(
        name=said["name"],
        key=said["key"],
        family=said["family"],
        kind=AgendaKind(said["kind"]),
        instrument=said.get("instrument"),
        longer_every=longer.get("nth"),
        longer_instrument=longer.get("instrument"),
        arms=frozenset(said.get("arms") or all_arms),
        obligation=said.get("obligation"),
        due=_due(said["due"]),
        opens=said["window"]["opens"],
        closes=said["window"]["closes"],
        overdue=_overdue(said["overdue"]),
        covered_by=frozenset(said.get("covered_by", ())),
        titles=said["titles"],
        prompts=_prompts(prompts),
        calls=tuple(_call(one) for one in said.get("calls", ())),
        hours_after_start=max((one.get("hours_after_start", 0) for one in prompts), default=0),
        is_assumption=said.get("assumption", False),
    )


def _due(said: Mapping[str, Any]) -> Due:
    match said["type"]:
        case "on":
            return OnAnchor(said["anchor"], said["plus_days"])
        case "months":
            return _months(said)
        case "every_days":
            multiples = said.get("only_multiples_of", 1)
            return EveryDays(said["anchor"], said["days"], multiples, said.get("after"), said.get("until"))
        case "infusion":
            return InfusionDay(said["day"])
        case "between_infusions":
            return BetweenInfusions()
        case "after_infusion":
            return AfterInfusion(said["first"], said["last"])
    raise ValueError(f"The calendar knows no due rule {said['type']!r}.")


def _months(said: Mapping[str, Any]) -> Months:
    if "at" in said:
        return Months(said["anchor"], tuple(sorted(said["at"])))
    return Months(said["anchor"], (said["first"],), said["every"], said.get("last"))


def _overdue(said: Mapping[str, Any]) -> Overdue:
    match said["type"]:
        case "none":
            return NeverOverdue()
        case "for_days":
            return ForDays(said["days"])
        case "until_next":
            return UntilNext(tuple(said["of"]), said["else_days"])
        case "never":
            return NeverExpires()
    raise ValueError(f"The calendar knows no overdue rule {said['type']!r}.")


def _prompts(said: list[Mapping[str, Any]]) -> tuple[Prompt, ...]:
    """The row's prompts. Each has a label of its own, which ends the message's key: ``-1d``, ``0d``, ``0d.2``."""
    made: list[Prompt] = []
    seen: dict[str, int] = {}
    for one in said:
        to = Recipient(one.get("to", "patient"))
        label = f"{one['day']}d" if to is Recipient.PATIENT else f"{one['day']}d.{to}"
        seen[label] = seen.get(label, 0) + 1
        made.append(
            Prompt(
                label=label if seen[label] == 1 else f"{label}.{seen[label]}",
                day=one["day"],
                at=None if one["at"] == OWN_HOUR else time.fromisoformat(one["at"]),
                template=one["template"],
                urgency=Urgency(one["urgency"]),
                to=to,
                asks=one.get("asks"),
                expires=one["expires"],
            )
        )
    return tuple(made)


def _call(said: Mapping[str, Any]) -> Call:
    return Call(
        name=said["name"],
        when=said["when"],
        day=said["day"],
        at=time.fromisoformat(said["at"]),
        to=Duty(said["to"]),
        working_day=said.get("working_day"),
        on_days_off=_duty(said.get("on_days_off")),
        looked_at=_time(said.get("looked_at")),
        still_open_at=_time(said.get("still_open_at")),
        then_to=_duty(said.get("then_to")),
    )


def _duty(said: str | None) -> Duty | None:
    return Duty(said) if said else None


def _time(said: str | None) -> time | None:
    return time.fromisoformat(said) if said else None

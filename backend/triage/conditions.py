"""Conditions of rules: read from data once, then asked of one report after another. Pure.

A comparison with something unknown does not hold, except ``absent``, which asks just that.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.triage.told import FACTS, MEASURED_BY, TOLD_ALONE, Focus, Value

Test = Callable[[Focus], bool]

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda value, listed: value in listed,
    "not in": lambda value, listed: value not in listed,
}


@dataclass(frozen=True)
class Answer:
    """The value of one item."""

    item: str


@dataclass(frozen=True)
class Measured:
    """A measurement taken at home."""

    name: str


@dataclass(frozen=True)
class Together:
    """How many of these signs there are, counting those of other reports at most ``days`` ago."""

    items: tuple[str, ...]
    days: int


@dataclass(frozen=True)
class Fact:
    """Something known about the report, the patient or what the rule looks at."""

    name: str
    days: int | None


Operand = Answer | Measured | Together | Fact


@dataclass(frozen=True)
class Comparison:
    """One operand held against a value."""

    operand: Operand
    operator: str
    value: Any


@dataclass(frozen=True)
class AllOf:
    """Every one of these."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of these."""

    conditions: tuple["Condition", ...]


Condition = Comparison | AllOf | AnyOf


def read_condition(written: Mapping[str, Any]) -> Condition:
    """A condition as the protocol's data writes it; its shape was checked when it was loaded."""
    if "all" in written:
        return AllOf(tuple(read_condition(inner) for inner in written["all"]))
    if "any" in written:
        return AnyOf(tuple(read_condition(inner) for inner in written["any"]))
    return Comparison(_operand(written), written["operator"], written.get("value"))


def compiled(condition: Condition) -> Test:
    """The condition as a function of what a rule looks at. Rules are asked of every report, so this is done once."""
    return _test_of(condition, _holds)


def possible(condition: Condition) -> Test:
    """Whether it may hold, where only the report is known: False is said of what holds in no circumstances."""
    return _test_of(condition, _may_hold)


def _test_of(condition: Condition, of_comparison: Callable[[Comparison], Test]) -> Test:
    match condition:
        case AllOf(conditions):
            return _all_of(tuple(_test_of(inner, of_comparison) for inner in conditions))
        case AnyOf(conditions):
            return _any_of(tuple(_test_of(inner, of_comparison) for inner in conditions))
        case Comparison():
            return of_comparison(condition)


def _holds(comparison: Comparison) -> Test:
    return _comparison(_reader(comparison.operand), comparison.operator, comparison.value)


def _may_hold(comparison: Comparison) -> Test:
    match comparison:
        case Comparison(Together(items, days), sign, value):
            return _possible_count(items, days, COMPARE.get(sign), value)
        case Comparison(Fact(name, _), sign, _) if name not in TOLD_ALONE:
            return _possible_fact(name, sign)
    return _holds(comparison)


def is_told_alone(condition: Condition) -> bool:
    """Whether the report alone says if it holds, in whatever circumstances."""
    return all(
        operand.name in TOLD_ALONE if isinstance(operand, Fact) else not isinstance(operand, Together)
        for operand in operands(condition)
    )


def operands(condition: Condition) -> Iterator[Operand]:
    """Everything the condition asks for, in the order written."""
    if isinstance(condition, Comparison):
        yield condition.operand
        return
    for inner in condition.conditions:
        yield from operands(inner)


def _operand(written: Mapping[str, Any]) -> Operand:
    if "item" in written:
        return Answer(written["item"])
    if "measurement" in written:
        return Measured(written["measurement"])
    if "together" in written:
        return Together(tuple(written["together"]), written["days"])
    return Fact(written["fact"], written.get("days"))


def _all_of(tests: tuple[Test, ...]) -> Test:
    def every_one_holds(focus: Focus) -> bool:
        for test in tests:  # noqa: SIM110 - a plain loop is several times faster than all() here
            if not test(focus):
                return False
        return True

    return every_one_holds


def _any_of(tests: tuple[Test, ...]) -> Test:
    def one_holds(focus: Focus) -> bool:
        for test in tests:  # noqa: SIM110 - likewise
            if test(focus):
                return True
        return False

    return one_holds


def _reader(operand: Operand) -> Callable[[Focus], Value]:
    match operand:
        case Answer(item):
            return lambda focus: focus.case.values.get(item)
        case Measured(name):
            return lambda focus: focus.case.measurements.get(name)
        case Together(items, days):
            return lambda focus: focus.case.together(items, days)
        case Fact(name, within):
            fact = FACTS[name]
            return lambda focus: fact(focus, within)


def _comparison(read: Callable[[Focus], Value], sign: str, value: Any) -> Test:
    if sign == "absent":
        return lambda focus: read(focus) is None
    compare = COMPARE[sign]

    def holds(focus: Focus) -> bool:
        known = read(focus)
        return known is not None and compare(known, value)

    return holds


def _possible_count(items: tuple[str, ...], days: int, compare: Callable[[Any, Any], bool] | None, value: Any) -> Test:
    """With one of the signs now, any of the others may have been there before; without one, none counts."""

    def may_hold(focus: Focus) -> bool:
        least = focus.case.together(items, days)
        most = len(items) if least else 0
        # A count is never absent.
        return compare is not None and any(compare(count, value) for count in range(least, most + 1))

    return may_hold


def _possible_fact(name: str, sign: str) -> Test:
    needed = MEASURED_BY.get(name, ())
    return lambda focus: sign == "absent" or all(measured in focus.case.measurements for measured in needed)

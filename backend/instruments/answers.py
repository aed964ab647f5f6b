"""Are these answers possible? Every complaint at once, by field; what passes is canonical.

Each item of the instrument ends in one state: it has a value, or it was skipped, hidden by branching, or
never reached because its symptom was only offered and not picked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import InvalidInput
from backend.instruments.branching import is_hidden
from backend.instruments.definition import Instrument, Measurement
from backend.terms import ItemState

Complaints = dict[str, list[str]]


@dataclass(frozen=True)
class Checked:
    """Answers that are possible. ``states`` holds the items without a value, in the instrument's order."""

    values: Mapping[str, int]
    states: Mapping[str, ItemState]
    measurements: Mapping[str, float]


def check_answers(
    instrument: Instrument, answers: Sequence[Mapping[str, Any]], measurements: Mapping[str, Any]
) -> Checked:
    """Check a report's answers (``{"item", "value"}``; null is skipped) and measurements against its instrument.

    Raises ``InvalidInput`` with every complaint, as ``answers.3.value`` or ``measurements.temperature_c``.
    """
    wrong: Complaints = {}
    given = _given(instrument, answers, wrong)
    values = {code: value for code, (_, value) in given.items() if value is not None}
    _refuse_hidden(instrument, given, values, wrong)
    measured = _measured(instrument, measurements, wrong)
    if wrong:
        raise InvalidInput(fields=wrong)
    in_order = {code: values[code] for code in instrument.items if code in values}
    return Checked(values=in_order, states=_states(instrument, in_order), measurements=measured)


def _given(
    instrument: Instrument, answers: Sequence[Mapping[str, Any]], wrong: Complaints
) -> dict[str, tuple[int, int | None]]:
    """Item → (its place in the body, its value), for the answers that can be read."""
    given: dict[str, tuple[int, int | None]] = {}
    for place, answer in enumerate(answers):
        code = answer.get("item")
        if not isinstance(code, str) or code not in instrument.items:
            _complain(wrong, f"answers.{place}.item", f"There is no such item in {instrument.name}.")
        elif code in given:
            _complain(wrong, f"answers.{place}.item", f"{code} is answered twice.")
        elif complaint := _value_complaint(answer.get("value"), instrument.items[code].highest):
            _complain(wrong, f"answers.{place}.value", f"{code} {complaint}")
        else:
            given[code] = (place, answer.get("value"))
    return given


def _value_complaint(value: Any, highest: int) -> str | None:
    # A bool is an int to Python, and 3.0 equals 3; neither is what a phone sends for an answer.
    if value is None or (type(value) is int and 0 <= value <= highest):
        return None
    return f"must be a whole number from 0 to {highest}, or null when it was skipped."


def _refuse_hidden(
    instrument: Instrument, given: Mapping[str, tuple[int, int | None]], values: Mapping[str, int], wrong: Complaints
) -> None:
    for code, (place, value) in given.items():
        if value is not None and is_hidden(instrument.items[code], values):
            _complain(wrong, f"answers.{place}.value", f"{code} is not asked, because an earlier answer is 0.")


def _measured(instrument: Instrument, measurements: Mapping[str, Any], wrong: Complaints) -> dict[str, float]:
    measured: dict[str, float] = {}
    for name, value in measurements.items():
        known = instrument.measurements.get(name)
        if known is None:
            _complain(wrong, f"measurements.{name}", "There is no such measurement.")
        elif value is None:
            continue
        elif complaint := _measurement_complaint(known, value):
            _complain(wrong, f"measurements.{name}", complaint)
        else:
            measured[name] = int(value) if known.is_whole else float(value)
    return measured


def _measurement_complaint(known: Measurement, value: Any) -> str | None:
    kind = "a whole number" if known.is_whole else "a number"
    must = f"Must be {kind} from {known.minimum:g} to {known.maximum:g}."
    if type(value) not in (int, float) or not known.minimum <= value <= known.maximum:
        return must
    return must if known.is_whole and not float(value).is_integer() else None


def _states(instrument: Instrument, values: Mapping[str, int]) -> dict[str, ItemState]:
    touched = {instrument.items[code].symptom for code in values}
    states: dict[str, ItemState] = {}
    for code, item in instrument.items.items():
        if code in values:
            continue
        if is_hidden(item, values):
            states[code] = ItemState.NOT_ASKED_BY_BRANCHING
        elif item.offered and item.symptom not in touched:
            states[code] = ItemState.NOT_REACHED
        else:
            states[code] = ItemState.SKIPPED
    return states


def _complain(wrong: Complaints, field: str, complaint: str) -> None:
    wrong.setdefault(field, []).append(complaint)

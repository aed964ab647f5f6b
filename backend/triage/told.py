"""What a report told and what was known when it came, as plain values, and what rules may ask of them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from backend.instruments.definition import Instrument, Item, Symptom
from backend.triage import grading
from backend.triage.readings import Reading
from backend.triage.words import holds_any

Value = int | float | str | None
# What the composites and the rules know how to read, whatever an instrument may offer.
HIGHEST_GRADED = 4


@dataclass(frozen=True)
class Told:
    """One report: answers and measurements that were checked, the patient's own words, and a wish for a call."""

    instrument: Instrument
    values: Mapping[str, int]
    measurements: Mapping[str, float] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    other_severities: tuple[int | None, ...] = ()
    wants_call: bool = False


@dataclass(frozen=True)
class Circumstances:
    """What was known before the report. ``last_*`` come from the last report that asked, else the baseline."""

    days_since_infusion: int | None = None
    is_baseline: bool = False
    last_values: Mapping[str, int] = field(default_factory=dict)
    baseline_values: Mapping[str, int] = field(default_factory=dict)
    last_composites: Mapping[str, int | None] = field(default_factory=dict)
    recent_signs: Mapping[str, int] = field(default_factory=dict)
    weights: tuple[tuple[int, float], ...] = ()
    baseline_weight: float | None = None
    baseline_stools: float | None = None
    # For how long every temperature reported before this one was above 40 degrees.
    hours_above_40: float = 0


class Case:
    """A report in its circumstances: what can be understood of it, ready for the rules to ask.

    Answers that the instrument does not know, or that cannot be answers, are in ``not_understood``.
    """

    def __init__(self, told: Told, circumstances: Circumstances, danger_words: Iterable[str] = ()) -> None:
        """Sort what can be understood from what cannot."""
        self.instrument = told.instrument
        self.circumstances = circumstances
        self.danger_words = tuple(danger_words)
        self.texts = {place: str(text) for place, text in enumerate(told.texts) if str(text).strip()}
        self.other_severities = tuple(value for value in told.other_severities if type(value) is int)
        self.wants_call = told.wants_call
        self.values = {code: value for code, value in told.values.items() if self._is_answer(code, value)}
        measured = {name: value for name, value in told.measurements.items() if self._is_measured(name, value)}
        self.not_understood = tuple(
            sorted({str(code) for code in told.values} - set(self.values))
            + sorted({str(name) for name in told.measurements} - set(measured))
        )
        stools = grading.stools_over_baseline(measured, circumstances.baseline_stools)
        is_asked = "stools_over_baseline" in self.instrument.measurements
        self.measurements = (
            {**measured, "stools_over_baseline": stools} if is_asked and stools is not None else measured
        )

    def _is_answer(self, code: str, value: Any) -> bool:
        item = self.instrument.items.get(code)
        return item is not None and type(value) is int and 0 <= value <= min(item.highest, HIGHEST_GRADED)

    def _is_measured(self, name: str, value: Any) -> bool:
        known = self.instrument.measurements.get(name)
        return known is not None and type(value) in (int, float) and known.minimum <= value <= known.maximum

    @property
    def waits_for_a_baseline(self) -> bool:
        """Whether it holds a number that says nothing before the baseline's is known, and that is not known here."""
        counted, more = "stools_per_day" in self.measurements, "stools_over_baseline"
        return counted and more in self.instrument.measurements and more not in self.measurements

    @cached_property
    def answered(self) -> tuple[Item, ...]:
        """The items with an understood answer, in the instrument's order."""
        return tuple(item for code, item in self.instrument.items.items() if code in self.values)

    @cached_property
    def symptoms(self) -> tuple[Symptom, ...]:
        """The symptoms about which something was answered."""
        return tuple(
            symptom
            for symptom in self.instrument.symptoms.values()
            if any(code in self.values for code in symptom.items)
        )

    @cached_property
    def composites(self) -> dict[str, int | None]:
        """Composite grade by symptom, for the symptoms about which something was answered."""
        return {symptom.slug: self._composite(symptom) for symptom in self.symptoms}

    @cached_property
    def foci(self) -> Mapping[str, tuple["Focus", ...]]:
        """What a rule of each scope looks at, one after the other."""
        return {
            "report": (Focus(self),),
            "sign": tuple(Focus(self, item=item) for item in self.answered if item.is_sign),
            "item": tuple(Focus(self, item=item) for item in self.answered if not item.is_sign),
            "symptom": tuple(Focus(self, symptom=symptom) for symptom in self.symptoms),
        }

    @cached_property
    def grades(self) -> dict[str, int]:
        """Provisional CTCAE grade by term code, from measurements alone."""
        known = self.circumstances
        return grading.measurement_grades(self.measurements, known.baseline_weight, hours_above_40=known.hours_above_40)

    @cached_property
    def composites_by_term(self) -> dict[str, int]:
        """The highest composite among the symptoms of each CTCAE term; terms without any are absent."""
        highest: dict[str, int] = {}
        for symptom in self.symptoms:
            composite = self.composites[symptom.slug]
            if composite is not None:
                highest[symptom.ctcae] = max(composite, highest.get(symptom.ctcae, 0))
        return highest

    @cached_property
    def readings_by_term(self) -> dict[str, dict[str, Reading]]:
        """By term, the raw values that say how bad it is, by measurement or item; grades and composites sum them up."""
        by_term: dict[str, dict[str, Reading]] = {}
        for item in self.answered:
            if item.attribute in grading.HOW_BAD:
                by_term.setdefault(item.ctcae, {})[item.code] = Reading(self.values[item.code], step=1)
        figures = self._figures()
        for term, steps in grading.WORSE_BY.items():
            known = {name: Reading(figures[name], step) for name, step in steps.items() if name in figures}
            if known:
                by_term.setdefault(term, {}).update(known)
        return by_term

    def _figures(self) -> Mapping[str, float]:
        weight = self.measurements.get("weight_kg")
        lost = None if weight is None else grading.percent_lost(weight, self.circumstances.baseline_weight)
        return self.measurements if lost is None else {**self.measurements, "weight_loss_percent": lost}

    def _composite(self, symptom: Symptom) -> int | None:
        by_attribute = zip(symptom.attributes, symptom.items, strict=True)
        values = {attribute: self.values[code] for attribute, code in by_attribute if code in self.values}
        return grading.composite_grade(symptom.attributes, values)

    def together(self, items: Iterable[str], days: int) -> int:
        """How many of these signs are reported now or were at most ``days`` ago; 0 when none is reported now."""
        listed = tuple(items)
        now = {code for code in listed if self.values.get(code)}
        if not now:
            return 0
        recent = self.circumstances.recent_signs
        before = {code for code in listed if 0 <= recent.get(code.rpartition(".")[2], days + 1) <= days}
        return len(now | before)


@dataclass(frozen=True)
class Focus:
    """What a rule looks at: the report, or one item or one symptom of it."""

    case: Case
    item: Item | None = None
    symptom: Symptom | None = None


def _days_since_infusion(focus: Focus, _days: int | None) -> Value:
    days = focus.case.circumstances.days_since_infusion
    return days if days is not None and days >= 0 else None


def _signs_answered_yes(focus: Focus, _days: int | None) -> Value:
    return sum(1 for item in focus.case.answered if item.is_sign and focus.case.values[item.code])


def _wants_call(focus: Focus, _days: int | None) -> Value:
    return int(bool(focus.case.wants_call))


def _texts(focus: Focus, _days: int | None) -> Value:
    return len(focus.case.texts)


def _danger_words(focus: Focus, _days: int | None) -> Value:
    return sum(holds_any(text, focus.case.danger_words) for text in focus.case.texts.values())


def _other_severity(focus: Focus, _days: int | None) -> Value:
    return max(focus.case.other_severities, default=None)


def _weight_loss_percent(focus: Focus, _days: int | None) -> Value:
    weight = focus.case.measurements.get("weight_kg")
    return None if weight is None else grading.percent_lost(weight, focus.case.circumstances.baseline_weight)


def _weight_gain_kg(focus: Focus, days: int | None) -> Value:
    weight = focus.case.measurements.get("weight_kg")
    earlier = [kilograms for ago, kilograms in focus.case.circumstances.weights if 0 <= ago <= (days or 0)]
    return None if weight is None or not earlier else round(weight - min(earlier), 6)


def _item(focus: Focus, _days: int | None) -> Value:
    return focus.item.code if focus.item else None


def _attribute(focus: Focus, _days: int | None) -> Value:
    return focus.item.attribute if focus.item else None


def _value(focus: Focus, _days: int | None) -> Value:
    return focus.case.values.get(focus.item.code) if focus.item else None


def _last_value(focus: Focus, _days: int | None) -> Value:
    return focus.case.circumstances.last_values.get(focus.item.code) if focus.item else None


def _rise(focus: Focus, _days: int | None) -> Value:
    """By how much the answer is above the last one or the baseline, whichever was lower."""
    if focus.item is None:
        return None
    code, known = focus.item.code, focus.case.circumstances
    before = [values[code] for values in (known.last_values, known.baseline_values) if code in values]
    return focus.case.values[code] - min(before) if before else None


def _composite(focus: Focus, _days: int | None) -> Value:
    return focus.case.composites.get(focus.symptom.slug) if focus.symptom else None


def _last_composite(focus: Focus, _days: int | None) -> Value:
    return focus.case.circumstances.last_composites.get(focus.symptom.slug) if focus.symptom else None


# The measurements that facts are made of.
MEASURED_BY: Mapping[str, tuple[str, ...]] = {"weight_loss_percent": ("weight_kg",), "weight_gain_kg": ("weight_kg",)}
# What the report says by itself. Of every other fact its circumstances have a say.
TOLD_ALONE = frozenset(
    {"signs_answered_yes", "wants_call", "texts", "danger_words", "other_severity"}
    | {"item", "attribute", "value", "composite"}
)
FACTS: Mapping[str, Callable[[Focus, int | None], Value]] = {
    "days_since_infusion": _days_since_infusion,
    "signs_answered_yes": _signs_answered_yes,
    "wants_call": _wants_call,
    "texts": _texts,
    "danger_words": _danger_words,
    "other_severity": _other_severity,
    "weight_loss_percent": _weight_loss_percent,
    "weight_gain_kg": _weight_gain_kg,
    "item": _item,
    "attribute": _attribute,
    "value": _value,
    "last_value": _last_value,
    "rise": _rise,
    "composite": _composite,
    "last_composite": _last_composite,
}

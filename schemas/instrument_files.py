"""The shapes of the instrument files under ``seeds/instruments``: structure once, wording once a language."""

from collections import Counter
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import Language
from schemas.base import Schema

NAME = validate.Regexp(r"^[a-z][a-z0-9_]*$", error="Use small letters, digits and _.")
CTCAE_CODE = validate.Regexp(r"^[0-9]{8}$", error="Must be a MedDRA LLT code of eight digits, in quotation marks.")
TEXT = validate.Regexp(r"^\S(.*\S)?$", error="Must not be empty nor begin or end with a space.")

# The shapes for which a composite grade is defined, in the order in which attributes are asked.
ATTRIBUTE_SHAPES = (
    ("frequency",),
    ("severity",),
    ("interference",),
    ("amount",),
    ("presence",),
    ("frequency", "severity"),
    ("frequency", "interference"),
    ("severity", "interference"),
    ("frequency", "severity", "interference"),
)
YES_OR_NO = ("sign", "presence")


def highest_value(attribute: str) -> int:
    """The largest answer: 1 for yes/no, 4 for everything that is graded."""
    return 1 if attribute in YES_OR_NO else 4


def text(**more: Any) -> fields.String:
    """A text people read: never empty."""
    return fields.String(required=True, validate=TEXT, **more)


def refuse_repeats(values: list[str], field: str) -> None:
    """Raise when a value stands twice."""
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        raise ValidationError(f"{', '.join(twice)}: written twice.", field)


class Screen(Schema):
    """One phone screen of danger signs."""

    key = fields.String(required=True, validate=NAME)
    signs = fields.List(fields.String(validate=NAME), required=True, validate=validate.Length(min=1))


class Sign(Schema):
    """A danger sign, answered yes or no."""

    slug = fields.String(required=True, validate=NAME)
    ctcae = fields.String(required=True, validate=CTCAE_CODE)


class ChecklistFile(Schema):
    """A part made of danger signs on screens."""

    part = fields.String(required=True, validate=NAME)
    screens = fields.List(fields.Nested(Screen), required=True, validate=validate.Length(min=1))
    signs = fields.List(fields.Nested(Sign), required=True, validate=validate.Length(min=1))

    @validates_schema
    def every_sign_stands_on_one_screen(self, checklist: dict[str, Any], **_: Any) -> None:
        """The screens show each sign once, and nothing else."""
        signs = [sign["slug"] for sign in checklist["signs"]]
        shown = [slug for screen in checklist["screens"] for slug in screen["signs"]]
        refuse_repeats(signs, "signs")
        refuse_repeats(shown, "screens")
        if odd := sorted(set(signs) ^ set(shown)):
            raise ValidationError(f"{', '.join(odd)}: each sign must stand on one screen.", "screens")


class Symptom(Schema):
    """A symptom and the attributes asked of it, in that order."""

    slug = fields.String(required=True, validate=NAME)
    source_number = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=80))
    attributes = fields.List(
        fields.String(),
        required=True,
        validate=validate.OneOf(
            [list(shape) for shape in ATTRIBUTE_SHAPES],
            error="No composite grade is defined for these attributes in this order.",
        ),
    )
    ctcae = fields.String(required=True, validate=CTCAE_CODE)


class SymptomsFile(Schema):
    """A part made of graded symptoms."""

    part = fields.String(required=True, validate=NAME)
    symptoms = fields.List(fields.Nested(Symptom), required=True, validate=validate.Length(min=1))

    @validates_schema
    def every_symptom_stands_once(self, part: dict[str, Any], **_: Any) -> None:
        """A slug names one symptom."""
        refuse_repeats([symptom["slug"] for symptom in part["symptoms"]], "symptoms")


class Measurement(Schema):
    """A home measurement with the bounds beyond which a value is a slip."""

    name = fields.String(required=True, validate=NAME)
    minimum = fields.Float(required=True)
    maximum = fields.Float(required=True)
    step = fields.Float(required=True, validate=validate.Range(min=0, min_inclusive=False))
    ctcae = fields.List(fields.String(validate=CTCAE_CODE), required=True)
    asked = fields.String(load_default="always", validate=validate.OneOf(["always", "at_baseline", "after_baseline"]))

    @validates_schema
    def the_bounds_leave_room(self, measurement: dict[str, Any], **_: Any) -> None:
        """The lower bound is below the upper one."""
        if measurement["minimum"] >= measurement["maximum"]:
            raise ValidationError("Must be above the minimum.", "maximum")


class MeasurementsFile(Schema):
    """Everything that can be measured at home."""

    measurements = fields.List(fields.Nested(Measurement), required=True)


class InstrumentPart(Schema):
    """A part of an instrument; ``recall`` is an ISO 8601 period, an offered part is picked from."""

    part = fields.String(required=True, validate=NAME)
    recall = fields.String(required=True, validate=validate.OneOf(["PT24H", "P7D"]))
    offered = fields.Boolean(load_default=False)


class Instrument(Schema):
    """An instrument as a patient meets it."""

    name = fields.String(required=True, validate=NAME)
    measurements_asked = fields.Boolean(required=True)
    parts = fields.List(fields.Nested(InstrumentPart), required=True, validate=validate.Length(min=1))


class InstrumentsFile(Schema):
    """All instruments, each a composition of parts."""

    instruments = fields.List(fields.Nested(Instrument), required=True, validate=validate.Length(min=1))

    @validates_schema
    def every_instrument_stands_once(self, file: dict[str, Any], **_: Any) -> None:
        """A name means one instrument."""
        refuse_repeats([instrument["name"] for instrument in file["instruments"]], "instruments")


class Wording(Schema):
    """What every wording file begins with."""

    language = fields.String(required=True, validate=validate.OneOf([language.value for language in Language]))


class ChecklistWording(Wording):
    """A checklist in one language."""

    part = fields.String(required=True, validate=NAME)
    screens = fields.Dict(fields.String(), fields.String(validate=TEXT), required=True)
    none_of_these = text()
    questions = fields.Dict(fields.String(), fields.String(validate=TEXT), required=True)


class SymptomWording(Schema):
    """A symptom's name and its questions in one language."""

    name = text()
    frequency = fields.String(validate=TEXT)
    severity = fields.String(validate=TEXT)
    interference = fields.String(validate=TEXT)
    amount = fields.String(validate=TEXT)
    presence = fields.String(validate=TEXT)


class SymptomsWording(Wording):
    """A part of graded symptoms in one language."""

    part = fields.String(required=True, validate=NAME)
    symptoms = fields.Dict(fields.String(), fields.Nested(SymptomWording), required=True)


class SearchWording(Wording):
    """What a reader may type for each symptom that is offered, besides its name."""

    words = fields.Dict(
        fields.String(),
        fields.List(fields.String(validate=TEXT), validate=validate.Length(min=1)),
        required=True,
    )

    @validates_schema
    def every_word_stands_once(self, wording: dict[str, Any], **_: Any) -> None:
        """A word twice for one symptom finds nothing more."""
        for slug, words in wording["words"].items():
            refuse_repeats([word.casefold() for word in words], f"words.{slug}")


class MeasurementWording(Schema):
    """How a measurement is asked for."""

    question = text()
    unit = text()


class ChoiceLabels(Schema):
    """The words for the answers 0, 1, … of each attribute."""

    sign = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=2))
    presence = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=2))
    frequency = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=5))
    severity = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=5))
    interference = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=5))
    amount = fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(equal=5))


class RecallWording(Schema):
    """The sentence that says which time is meant."""

    PT24H = text()
    P7D = text()


class CommonWording(Wording):
    """The words all instruments share in one language."""

    notice = text()
    titles = fields.Dict(fields.String(), fields.String(validate=TEXT), required=True)
    recall = fields.Nested(RecallWording, required=True)
    choices = fields.Nested(ChoiceLabels, required=True)
    measurements = fields.Dict(fields.String(), fields.Nested(MeasurementWording), required=True)
    other_symptoms = text()
    wants_call = text()

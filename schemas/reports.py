"""Symptom reports: what a phone or a member of staff sends, and what is shown of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate

from backend.terms import (
    LONGEST_OTHER_SYMPTOM,
    LONGEST_TOGETHER,
    MOST_OTHER_SYMPTOMS,
    Language,
    ReportMode,
    Respondent,
)
from schemas import people
from schemas.base import Schema, StrictBoolean
from schemas.moments import instant
from schemas.paging import PageOut

MOST_ANSWERS = 400
LONGEST_ITEM = 80
ANSWER = frozenset({"item", "value"})
MOST_MEASUREMENTS = 20
OWN_MODES = (ReportMode.APP, ReportMode.WEB_FORM)
STAFF_MODES = (ReportMode.PHONE, ReportMode.IN_PERSON, ReportMode.PAPER)
A_NUMBER = {"type": "number"}


def _not_too_long_together(others: Sequence[Mapping[str, Any]]) -> None:
    if sum(len(other["text"]) for other in others) > LONGEST_TOGETHER:
        raise ValidationError(f"The texts together are longer than {LONGEST_TOGETHER:,} characters.")


class AnswerIn(Schema):
    """One item and its answer."""

    item = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_ITEM),
        metadata={"description": "Such as nausea.severity"},
    )
    value = fields.Integer(
        required=True, strict=True, allow_none=True, metadata={"description": "The value chosen; null: left blank"}
    )


class Answers(fields.List[Any]):
    """Dozens of answers a report. Those that are plainly right are taken as they are; a doubt is the list's to name."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, list) and all(_is_plain_answer(answer) for answer in value):
            return value
        return super()._deserialize(value, attr, data, **kwargs)


def _is_plain_answer(answer: Any) -> bool:
    """Exactly what ``AnswerIn`` lets through unchanged."""
    if type(answer) is not dict or answer.keys() != ANSWER:
        return False
    item, value = answer["item"], answer["value"]
    return type(item) is str and 1 <= len(item) <= LONGEST_ITEM and (value is None or type(value) is int)


class OtherSymptomIn(Schema):
    """Something the questions did not ask about."""

    text = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=LONGEST_OTHER_SYMPTOM), people.not_only_spaces],
        metadata={"description": "In the person's own words"},
    )
    severity = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=0, max=4),
        metadata={"description": "0 to 4, how bad it was"},
    )


class SaidIn(Schema):
    """What was answered, in which version of the questions."""

    id = fields.UUID(required=True, metadata={"description": "Made by the sender; sending it again changes nothing"})
    instrument_version = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"description": "The version that was shown"},
    )
    answers = Answers(
        fields.Nested(AnswerIn),
        required=True,
        validate=validate.Length(max=MOST_ANSWERS),
        metadata={"description": "Every item that was shown"},
    )
    measurements = fields.Dict(
        keys=fields.String(validate=validate.Length(max=40)),
        values=fields.Raw(allow_none=True, metadata=A_NUMBER),
        load_default=dict,
        validate=validate.Length(max=MOST_MEASUREMENTS),
        metadata={"description": "Measured at home, by name: temperature_c, weight_kg, …"},
    )
    other_symptoms = fields.List(
        fields.Nested(OtherSymptomIn),
        load_default=list,
        validate=[validate.Length(max=MOST_OTHER_SYMPTOMS), _not_too_long_together],
        metadata={"description": "What the questions did not ask about"},
    )


class AnyReportIn(SaidIn):
    """What every report holds, whoever sends it."""

    instrument = fields.String(
        required=True, validate=validate.Length(min=1, max=40), metadata={"description": "The questionnaire's name"}
    )
    agenda_key = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=80),
        metadata={"description": "The agenda item it answers; without one, the only open one of its instrument"},
    )
    language = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Language]),
        metadata={"description": "The language the questions were read in"},
    )
    started_at = instant(required=True, description="When answering began, by the sender's clock")
    completed_at = instant(required=True, description="When answering ended, by the sender's clock")
    wants_call = StrictBoolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"description": "Whether to be called back"}
    )


class FromAPhoneIn(Schema):
    """Who answers on the patient's own phone."""

    respondent = fields.String(
        required=True,
        validate=validate.OneOf([Respondent.PATIENT.value, Respondent.CAREGIVER.value]),
        metadata={"description": "Whose answers these are"},
    )
    mode = fields.String(
        required=True,
        validate=validate.OneOf([mode.value for mode in OWN_MODES]),
        metadata={"description": "app or web_form"},
    )


class OnBehalfIn(Schema):
    """Who answered when a member of staff enters it."""

    respondent = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Respondent]),
        metadata={"description": "Whose answers these are"},
    )
    mode = fields.String(
        required=True,
        validate=validate.OneOf([mode.value for mode in STAFF_MODES]),
        metadata={"description": "phone, in_person or paper"},
    )
    on_behalf_reason = people.note(required=True, description="Why the patient did not send it")


class ReportIn(AnyReportIn, FromAPhoneIn):
    """A report from the patient's own phone."""


class StaffReportIn(AnyReportIn, OnBehalfIn):
    """A report that a member of staff enters for a patient."""


class AdviceOut(Schema):
    """What to do now."""

    code = fields.String(required=True, metadata={"description": "Which advice"})
    text = fields.String(required=True, metadata={"description": "In the language of the report"})
    phone = fields.String(required=True, metadata={"description": "Whom to call"})


class SubmittedOut(Schema):
    """What became of a report at once."""

    id = fields.UUID(required=True, metadata={"description": "The report's id"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    tier = fields.String(
        required=True, allow_none=True, metadata={"description": "The most urgent finding: T1, T2, T3 or null"}
    )
    advice = fields.List(fields.Nested(AdviceOut), required=True, metadata={"description": "What to do now"})
    candidate_event_ids = fields.List(
        fields.UUID(), required=True, metadata={"description": "For staff, what it opened or joined; else empty"}
    )


class ProgressOut(Schema):
    """What became of a report since."""

    state = fields.String(required=True, metadata={"description": "received, seen or decided"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    seen_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When a person of the study team saw it"}
    )
    decided_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When everything in it had been judged"}
    )
    text = fields.String(required=True, metadata={"description": "The same in plain words"})


class ReportSummaryOut(Schema):
    """A report without its answers."""

    id = fields.UUID(required=True, metadata={"description": "The report's id"})
    instrument = fields.String(required=True, metadata={"description": "The questionnaire"})
    instrument_version = fields.Integer(required=True, metadata={"description": "Its version"})
    agenda_key = fields.String(required=True, allow_none=True, metadata={"description": "The agenda item it answered"})
    standing = fields.String(required=True, metadata={"description": "on_time, late or unscheduled"})
    language = fields.String(required=True, metadata={"description": "The language the questions were read in"})
    respondent = fields.String(required=True, metadata={"description": "Whose answers these are"})
    mode = fields.String(required=True, metadata={"description": "How they were taken"})
    started_at = fields.AwareDateTime(required=True, metadata={"description": "When answering began"})
    completed_at = fields.AwareDateTime(required=True, metadata={"description": "When answering ended"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    tier = fields.String(required=True, allow_none=True, metadata={"description": "The most urgent finding"})
    advice = fields.List(fields.Nested(AdviceOut), required=True, metadata={"description": "What was advised at once"})
    progress = fields.Nested(ProgressOut, required=True, metadata={"description": "What became of it since"})


class OtherSymptomOut(Schema):
    """Something the questions did not ask about."""

    text = fields.String(required=True, metadata={"description": "In the person's own words"})
    severity = fields.Integer(allow_none=True, metadata={"description": "0 to 4"})


class VersionFindingOut(Schema):
    """What the rules make of a version, about one term."""

    term_code = fields.String(required=True, allow_none=True, metadata={"description": "The term; null for words"})
    tier = fields.String(required=True, metadata={"description": "How urgent"})
    composite = fields.Integer(required=True, allow_none=True, metadata={"description": "0 to 3"})
    grade = fields.Integer(required=True, allow_none=True, metadata={"description": "From measurements alone"})
    items = fields.List(fields.String(), required=True, metadata={"description": "What it rests on"})


class VersionOut(Schema):
    """One version of a report. Words are absent for roles that may not read them."""

    version = fields.Integer(required=True, metadata={"description": "1 is the report as it was sent"})
    correction = fields.UUID(required=True, allow_none=True, metadata={"description": "null for the original"})
    state = fields.String(
        required=True, metadata={"description": "original, pending, accepted, declined or superseded"}
    )
    counts = fields.Boolean(required=True, metadata={"description": "Whether it is the version that is read"})
    text = fields.String(required=True, allow_none=True, metadata={"description": "The state in plain words"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    originator = fields.String(required=True, metadata={"description": "patient, proxy or site_on_behalf"})
    decided_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When it was judged"})
    answers = fields.Dict(required=True, metadata={"description": "Item to value, or to why there is none"})
    composites = fields.Dict(required=True, metadata={"description": "Composite grade by symptom, 0 to 3 or null"})
    measurements = fields.Dict(required=True, metadata={"description": "Measured at home, by name"})
    tier = fields.String(required=True, allow_none=True, metadata={"description": "The most urgent finding"})
    other_symptoms = fields.List(fields.Nested(OtherSymptomOut), metadata={"description": "In the person's own words"})
    reason = fields.String(allow_none=True, metadata={"description": "Why it was corrected"})
    decided_because = fields.String(
        allow_none=True, metadata={"description": "Why it was accepted or declined; for staff"}
    )
    findings = fields.List(
        fields.Nested(VersionFindingOut),
        metadata={"description": "For staff: what it raises by itself"},
    )
    raises = fields.List(
        fields.Nested(VersionFindingOut),
        metadata={"description": "For staff: what it raises beyond what is before somebody"},
    )
    lowers = fields.List(
        fields.Nested(VersionFindingOut),
        metadata={"description": "For staff: what is before somebody and does not follow from it"},
    )


class ReportOut(ReportSummaryOut):
    """A whole report. The person's own words are absent for roles that may not read them."""

    answers = fields.Dict(
        required=True,
        metadata={"description": "Item to value, or to skipped, not_asked_by_branching or not_reached"},
    )
    composites = fields.Dict(required=True, metadata={"description": "Composite grade by symptom, 0 to 3 or null"})
    measurements = fields.Dict(required=True, metadata={"description": "Measured at home, by name"})
    wants_call = fields.Boolean(required=True, metadata={"description": "Whether to be called back"})
    other_symptoms = fields.List(
        fields.Nested(OtherSymptomOut), metadata={"description": "What the questions did not ask about"}
    )
    caveats = fields.List(
        fields.String(),
        metadata={
            "description": "For staff, what to know of how it was asked: mode_not_validated, signs_asked_as_one, "
            "symptoms_asked_as_one, not_finished"
        },
    )
    provenance = fields.Dict(
        allow_none=True,
        metadata={
            "description": "For staff, where answers came one by one: item to by what channel and when; "
            "for questions that only texts ask, also the value"
        },
    )
    versions = fields.List(
        fields.Nested(VersionOut),
        required=True,
        metadata={"description": "The original and its corrections, in the order they came; the original first"},
    )


class ReportPageOut(PageOut):
    """Some reports, the newest first."""

    items = fields.List(fields.Nested(ReportSummaryOut), required=True, metadata={"description": "The reports"})

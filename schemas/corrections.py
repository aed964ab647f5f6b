"""Corrections of submitted reports: what is sent, what is decided, and how the versions are shown."""

from marshmallow import fields, validate

from schemas import people
from schemas.base import Schema, StrictBoolean
from schemas.reports import AdviceOut, FromAPhoneIn, OnBehalfIn, SaidIn


class AnyCorrectionIn(SaidIn):
    """The whole of the answers as they should have been; what is not said is withdrawn."""

    of_version = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"description": "The version it corrects, which must be the newest: 1 is the report as it was sent"},
    )


class CorrectionIn(AnyCorrectionIn, FromAPhoneIn):
    """A correction from the patient's own phone."""

    reason = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=people.LONGEST_NOTE), people.not_blank],
        metadata={"description": "Why, in one's own words"},
    )


class StaffCorrectionIn(AnyCorrectionIn, OnBehalfIn):
    """A correction that a member of staff enters for a patient."""

    reason = people.note(required=True, description="Why it is corrected")


class CorrectedOut(Schema):
    """What became of a correction at once."""

    id = fields.UUID(required=True, metadata={"description": "The correction, for whoever decides about it"})
    version = fields.Integer(required=True, metadata={"description": "Which version of the report it is"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    tier = fields.String(required=True, allow_none=True, metadata={"description": "T1, T2, T3 or null"})
    advice = fields.List(fields.Nested(AdviceOut), required=True, metadata={"description": "What to do now"})


class CorrectionDecisionIn(Schema):
    """Whether a correction counts."""

    accept = StrictBoolean(
        required=True, truthy={True}, falsy={False}, metadata={"description": "Whether it is the version that counts"}
    )
    reason = people.note(required=True, description="Why")


class CorrectionDecisionOut(Schema):
    """What was decided."""

    correction = fields.UUID(required=True, metadata={"description": "About which correction"})
    accepted = fields.Boolean(required=True, metadata={"description": "Whether it counts now"})
    decided_by = fields.UUID(required=True, allow_none=True, metadata={"description": "By whom"})
    decided_as = fields.String(required=True, allow_none=True, metadata={"description": "In which role"})
    decided_at = fields.AwareDateTime(required=True, metadata={"description": "When"})

"""How far patients' answers and clinicians' grades agree."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from schemas.base import Schema
from schemas.moments import day
from schemas.triage import PatientAtSiteOut, TermOut

USUAL_DAYS = 7


class ConcordanceQuery(Schema):
    """Which part of the record."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    term = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=20),
        metadata={"description": "Only what was reported under this term, by its code"},
    )
    from_on = day(data_key="from", load_default=None, description="Received from this day on, at the site")
    to_on = day(data_key="to", load_default=None, description="Received up to this day, at the site")
    days = fields.Integer(
        strict=False,
        load_default=USUAL_DAYS,
        validate=validate.Range(min=0, max=3650),
        metadata={"description": "List what is severe and undecided for so many days or longer"},
    )

    @validates_schema
    def _in_order(self, said: dict[str, Any], **_: Any) -> None:
        if said.get("from_on") and said.get("to_on") and said["to_on"] < said["from_on"]:
            raise ValidationError("Before the day it begins with.", "to")


class ConcordanceRowOut(Schema):
    """The pairs with one composite."""

    composite = fields.Integer(
        required=True, allow_none=True, metadata={"description": "0 to 3; null: the term has none, or one was missing"}
    )
    grades = fields.List(
        fields.Integer(),
        required=True,
        metadata={"description": "How many pairs have the grades 0 (dismissed as not present), 1, 2, 3, 4 and 5"},
    )


class QuartilesOut(Schema):
    """Days, counted in elapsed time."""

    n = fields.Integer(required=True, metadata={"description": "How many were counted"})
    q1 = fields.Float(required=True, allow_none=True, metadata={"description": "Lower quartile"})
    median = fields.Float(required=True, allow_none=True, metadata={"description": "Median"})
    q3 = fields.Float(required=True, allow_none=True, metadata={"description": "Upper quartile"})


class LagsOut(Schema):
    """How long the steps took."""

    received_to_known = fields.Nested(
        QuartilesOut, required=True, metadata={"description": "From the report to the first of the site who knew"}
    )
    known_to_confirmed = fields.Nested(
        QuartilesOut, required=True, metadata={"description": "From then until it was recorded as an adverse event"}
    )
    confirmed_to_signed = fields.Nested(
        QuartilesOut, required=True, metadata={"description": "From then until it was first signed"}
    )
    received_to_signed = fields.Nested(QuartilesOut, required=True, metadata={"description": "All of it"})


class TermConcordanceOut(Schema):
    """One term, as it was reported."""

    term = fields.Nested(
        TermOut, required=True, allow_none=True, metadata={"description": "null: words and wishes to be called"}
    )
    pairs = fields.Integer(required=True, metadata={"description": "How many were judged, drafts included"})
    coded_otherwise = fields.Integer(
        required=True, metadata={"description": "How many of them were confirmed under another term"}
    )
    settled = fields.List(
        fields.Nested(ConcordanceRowOut), required=True, metadata={"description": "Signed, or dismissed"}
    )
    drafts = fields.List(fields.Nested(ConcordanceRowOut), required=True, metadata={"description": "Not signed"})
    lags = fields.Nested(LagsOut, required=True, metadata={"description": "How long the steps took"})


class UndecidedOut(Schema):
    """A severe report that waits for a decision."""

    candidate_event_id = fields.UUID(required=True, metadata={"description": "Open it: /candidate-events/{id}"})
    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "About whom"})
    term = fields.Nested(TermOut, required=True, allow_none=True, metadata={"description": "What was reported"})
    tier = fields.String(required=True, metadata={"description": "T1, T2 or T3"})
    status = fields.String(required=True, metadata={"description": "proposed, acknowledged or needs_info"})
    composite = fields.Integer(required=True, allow_none=True, metadata={"description": "The worst"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When the first report came"})
    days = fields.Float(required=True, metadata={"description": "For how many days it has not been decided"})


class ConcordanceOut(Schema):
    """The whole of it."""

    definition = fields.String(required=True, metadata={"description": "What the figures count, in words"})
    terms = fields.List(
        fields.Nested(TermConcordanceOut), required=True, metadata={"description": "By the term that was reported"}
    )
    lags = fields.Nested(LagsOut, required=True, metadata={"description": "Over all terms"})
    undecided = fields.List(
        fields.Nested(UndecidedOut), required=True, metadata={"description": "Those that have waited longest first"}
    )

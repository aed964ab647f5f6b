"""Departures from the protocol: what the acts record, and what people enter."""

from marshmallow import fields, validate

from schemas import people
from schemas.agenda import ChangeOut
from schemas.base import Schema, StrictBoolean
from schemas.moments import day
from schemas.paging import PageOut, PageQuery
from schemas.sign_in import PatientRefOut

# Both are shown in lists that name nobody, so neither is free text.
KIND = validate.Regexp(r"[a-z][a-z0-9_]{0,39}\Z", error="Small letters, digits and underscores, such as visit_missed.")
SUBJECT = validate.Regexp(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z", error="A key such as visit.m3: letters, digits, dots, dashes, underscores."
)


class DeviationQuery(PageQuery):
    """Which deviations."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    patient = fields.UUID(
        load_default=None, metadata={"description": "Only this patient's, with reasons for who may read identifiers"}
    )


class DeviationIn(Schema):
    """A deviation that a person found."""

    patient = fields.UUID(required=True, metadata={"description": "Whose, by id"})
    kind = fields.String(
        required=True,
        validate=KIND,
        metadata={"description": "What went otherwise, in one word such as visit_missed or dose_changed"},
    )
    occurred_on = day(required=True, description="On which day, where the patient lives")
    subject = fields.String(
        required=True, validate=SUBJECT, metadata={"description": "About what: an agenda key such as visit.m3"}
    )
    important = StrictBoolean(
        required=True, metadata={"description": "Whether it may affect safety, rights or what the trial learns"}
    )
    reason = people.note(required=True, description="Why, in words; sealed")


class DeviationOut(Schema):
    """A departure from the protocol."""

    id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The deviation's id; null in a preview of a new one"}
    )
    patient = fields.Nested(PatientRefOut, required=True, metadata={"description": "Whose"})
    site = fields.String(required=True, metadata={"description": "The site's code"})
    kind = fields.String(
        required=True,
        metadata={"description": "eligibility_override, day_2_moved, day_2_missed, or the word a person entered"},
    )
    occurred_on = fields.Date(required=True, metadata={"description": "On which day"})
    subject = fields.String(required=True, metadata={"description": "About what"})
    important = fields.Boolean(
        required=True, metadata={"description": "Whether it may affect safety, rights or what the trial learns"}
    )
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When it was recorded"})
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was found to be a mistake; null: it stands"}
    )
    reversed_by = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Who signed that it was a mistake"}
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why; null unless asked for one patient by who may read identifiers"},
    )


class DeviationChangeOut(DeviationOut, ChangeOut):
    """A deviation that was entered, and what it did to the agenda: nothing."""


class DeviationPageOut(PageOut):
    """Some deviations, the latest recorded first."""

    items = fields.List(fields.Nested(DeviationOut), required=True, metadata={"description": "The deviations"})

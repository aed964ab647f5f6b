"""Closing a candidate event without an adverse event, and opening one again."""

from marshmallow import fields, validate

from backend.event_terms import Dismissal
from schemas import people
from schemas.base import Schema


class DismissalIn(Schema):
    """Why it is no adverse event."""

    reason = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Dismissal]),
        metadata={"description": "Why"},
    )
    note = people.note(
        load_default=None, allow_none=True, description="In one's own words; required when the reason is other"
    )


class MergeIn(Schema):
    """Of which candidate event it is another name."""

    into = fields.UUID(
        required=True, metadata={"description": "An open candidate event of the same patient, which stands for both"}
    )
    note = people.note(load_default=None, allow_none=True, description="Why, in one's own words")


class CandidateReopeningIn(Schema):
    """Why it must be looked at again."""

    reason = people.note(required=True, description="In one's own words")

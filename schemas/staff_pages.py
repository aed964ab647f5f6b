"""Calls to an emergency, as a candidate event shows them."""

from marshmallow import fields

from schemas.base import Schema


class PagedPersonOut(Schema):
    """Somebody who was called."""

    staff_id = fields.UUID(required=True, metadata={"description": "Who"})
    step = fields.String(required=True, metadata={"description": "on_call, investigator or principal_investigator"})
    first_paged_at = fields.AwareDateTime(required=True, metadata={"description": "Since when"})


class EmergencyPageOut(Schema):
    """One call to an emergency, repeated until a person acknowledges it."""

    opened_at = fields.AwareDateTime(required=True, metadata={"description": "When the first report called for it"})
    rounds = fields.Integer(required=True, metadata={"description": "How often it has gone out"})
    next_at = fields.AwareDateTime(required=True, metadata={"description": "When it goes out again, if unanswered"})
    acknowledged_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When a person acknowledged"}
    )
    acknowledged_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who did"})
    acknowledged_how = fields.String(
        required=True, allow_none=True, metadata={"description": "link, reply, console or death_recorded"}
    )
    people = fields.List(
        fields.Nested(PagedPersonOut), required=True, metadata={"description": "Who was called, the first one first"}
    )

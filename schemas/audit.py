"""The audit trail, as those see it who may: what was changed or read, by whom and when."""

from marshmallow import fields, validate

from schemas.base import Schema
from schemas.paging import PageOut, PageQuery


class AuditQuery(PageQuery):
    """Which entries."""

    verb = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^[a-z_]{1,40}\.[a-z_]{1,40}\Z", error="An act is a record's kind and a verb."),
        metadata={"description": "Only this act, such as candidate_event.acknowledged"},
    )
    record_type = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=60),
        metadata={"description": "Only records of this kind, such as patient"},
    )


class AuditEventOut(Schema):
    """One changed field, or one reading. What is sealed at rest is shown as the word sealed."""

    id = fields.Integer(required=True, metadata={"description": "Its place in the trail"})
    at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    verb = fields.String(required=True, metadata={"description": "What was done"})
    originator = fields.String(required=True, metadata={"description": "Whose word it was"})
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Who did it"})
    actor_name = fields.String(required=True, metadata={"description": "Who did it, by name or subject number"})
    role = fields.String(required=True, allow_none=True, metadata={"description": "As what, for staff"})
    site = fields.String(required=True, allow_none=True, metadata={"description": "The site's code"})
    patient_id = fields.UUID(required=True, allow_none=True, metadata={"description": "About whom"})
    record_type = fields.String(required=True, metadata={"description": "Which kind of record"})
    record_id = fields.String(required=True, metadata={"description": "Which record"})
    field = fields.String(required=True, allow_none=True, metadata={"description": "Which field; null: a reading"})
    old = fields.String(required=True, allow_none=True, metadata={"description": "What it was"})
    new = fields.String(required=True, allow_none=True, metadata={"description": "What it became"})
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why"})
    request_id = fields.String(required=True, metadata={"description": "Names the request in our log"})


class AuditPageOut(PageOut):
    """Some entries, the newest first."""

    items = fields.List(fields.Nested(AuditEventOut), required=True, metadata={"description": "The entries"})

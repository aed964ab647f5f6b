"""The roster: who is on call at a site, from when to when."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from schemas.base import Schema
from schemas.moments import instant
from schemas.paging import PageOut, PageQuery

MOST_SHIFTS = 400


class RosterQuery(PageQuery):
    """Which stretch of the roster."""

    from_ = instant(data_key="from", load_default=None, description="From when; now if left out")
    to = instant(load_default=None, description="Until when, at most 400 days on; 14 days on if left out")


class ShiftIn(Schema):
    """One person on call."""

    staff_id = fields.UUID(
        required=True, metadata={"description": "An active member of the site's care team with a telephone"}
    )
    from_ = instant(required=True, data_key="from", description="From this instant")
    to = instant(required=True, description="until this one, which no longer belongs to it")

    @validates_schema
    def ends_after_it_begins(self, given: dict[str, Any], **_: Any) -> None:
        """A shift has a length."""
        if given["to"] <= given["from_"]:
            raise ValidationError("A shift ends after it begins.", "to")


class RosterIn(Schema):
    """A new roster; it takes the place of every shift from its first one on. What is past stays as it was."""

    shifts = fields.List(
        fields.Nested(ShiftIn),
        required=True,
        validate=validate.Length(min=1, max=MOST_SHIFTS),
        metadata={"description": "In any order, without a gap between them; two people may be on call at once"},
    )


class OnCallOut(Schema):
    """Who is on call."""

    id = fields.UUID(required=True, metadata={"description": "The person's id"})
    name = fields.String(metadata={"description": "The person's name; absent for roles that may not read it"})
    active = fields.Boolean(
        required=True, metadata={"description": "False for who has left the care team since, and is not paged"}
    )


class ShiftOut(Schema):
    """One person on call."""

    staff = fields.Nested(OnCallOut, required=True, metadata={"description": "Who"})
    from_ = fields.AwareDateTime(required=True, data_key="from", metadata={"description": "From this instant"})
    to = fields.AwareDateTime(required=True, metadata={"description": "until this one"})
    on_call_now = fields.Boolean(required=True, metadata={"description": "Whether this person is paged at this moment"})


class GapOut(Schema):
    """A stretch in which nobody would be paged."""

    from_ = fields.AwareDateTime(required=True, data_key="from", metadata={"description": "From this instant"})
    to = fields.AwareDateTime(required=True, metadata={"description": "until this one"})


class RosterOut(PageOut):
    """Shifts that touch the stretch asked for, the first to begin leading."""

    items = fields.List(fields.Nested(ShiftOut), required=True, metadata={"description": "The shifts"})
    gaps = fields.List(
        fields.Nested(GapOut), required=True, metadata={"description": "Where nobody is on call, in the whole stretch"}
    )

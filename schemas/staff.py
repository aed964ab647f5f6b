"""Sites and members of staff, for administrators."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.conversation_terms import TextSurveys
from backend.terms import Role
from schemas import people
from schemas.base import Schema, StrictBoolean
from schemas.paging import PageOut
from schemas.sign_in import RoleOut


class WorkingHoursIn(Schema):
    """When a site works on a working day; by its close the queue of that day falls due."""

    opens = people.clock_time(required=True, description="From, on the site's wall, such as 08:00")
    closes = people.clock_time(required=True, description="Until, on the same day")

    @validates_schema
    def opens_before_it_closes(self, given: dict[str, Any], **_: Any) -> None:
        """A working day has a length, and ends on the day it began."""
        if given["closes"] <= given["opens"]:
            raise ValidationError("Must be later than opens, on the same day.", "closes")


def text_surveys() -> fields.String:
    """How questionnaires are answered by text message."""
    said = "Questionnaires by text: full, short (temperature, danger card, one answer for the rest) or link_only"
    return fields.String(validate=validate.OneOf([word.value for word in TextSurveys]), metadata={"description": said})


class SiteIn(Schema):
    """A new site."""

    code = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=20), people.one_line],
        metadata={"description": "Such as site-04; never changes"},
    )
    name = people.name(required=True, description="The hospital's name")
    time_zone = people.time_zone(required=True, description="The site's time zone; never changes")
    emergency_phone = people.phone(required=True, description="To be called day and night, as patients see it")
    office_phone = people.phone(allow_none=True, description="During working hours, as patients see it")
    working_hours = fields.Nested(WorkingHoursIn, metadata={"description": "Hours of a working day"})
    phone_region = fields.String(
        validate=validate.Regexp(r"^[A-Z]{2}\Z"),
        metadata={"description": "The country whose numbers need no country code; CN if left out"},
    )
    text_surveys = text_surveys()


class SiteChangeIn(Schema):
    """A change of a site; whatever is left out stays."""

    name = people.name(description="The hospital's name")
    emergency_phone = people.phone(description="To be called day and night, as patients see it")
    office_phone = people.phone(allow_none=True, description="During working hours, as patients see it")
    working_hours = fields.Nested(WorkingHoursIn, metadata={"description": "Hours of a working day"})
    text_surveys = text_surveys()


class SiteOut(Schema):
    """A site."""

    id = fields.UUID(required=True, metadata={"description": "The site's id"})
    code = fields.String(required=True, metadata={"description": "What every other answer calls it"})
    name = fields.String(required=True, metadata={"description": "The hospital's name"})
    time_zone = fields.String(required=True, metadata={"description": "The site's time zone"})
    emergency_phone = fields.String(required=True, metadata={"description": "To be called day and night"})
    office_phone = fields.String(required=True, allow_none=True, metadata={"description": "During working hours"})
    working_hours = fields.Dict(
        required=True, metadata={"description": "Hours of a working day, opens and closes; empty: 08:00 to 17:00"}
    )
    text_surveys = fields.String(
        required=True, metadata={"description": "How questionnaires are answered by text: full, short or link_only"}
    )


class SitePageOut(PageOut):
    """Some sites, in the order of their codes."""

    items = fields.List(fields.Nested(SiteOut), required=True, metadata={"description": "The sites"})


class RoleIn(Schema):
    """A role at a site."""

    role = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Role]),
        metadata={"description": "What the person is"},
    )
    site = fields.String(
        required=True, validate=validate.Length(max=20), metadata={"description": "A site's code, or * for every site"}
    )


class StaffIn(Schema):
    """A new member of staff."""

    email = people.email(required=True, description="The address to sign in with")
    name = people.name(required=True, description="The person's name")
    password = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "At least 12 characters"}
    )
    phone = people.phone(allow_none=True, description="Where pages go")
    language = people.language(description="The language of the console and of pages")
    roles = fields.List(
        fields.Nested(RoleIn),
        required=True,
        validate=validate.Length(min=1, max=20),
        metadata={"description": "What the person is, where"},
    )


class StaffChangeIn(Schema):
    """A change of a member of staff; whatever is left out stays."""

    name = people.name(description="The person's name")
    password = fields.String(
        validate=validate.Length(min=1, max=200), metadata={"description": "At least 12 characters; ends every session"}
    )
    phone = people.phone(allow_none=True, description="Where pages go")
    language = people.language(description="The language of the console and of pages")
    roles = fields.List(
        fields.Nested(RoleIn),
        validate=validate.Length(min=1, max=20),
        metadata={"description": "All roles from now on; ends every session"},
    )
    active = StrictBoolean(
        truthy={True}, falsy={False}, metadata={"description": "False lets the person go and ends every session"}
    )


class StaffOut(Schema):
    """A member of staff."""

    id = fields.UUID(required=True, metadata={"description": "The person's id"})
    name = fields.String(required=True, metadata={"description": "The person's name"})
    language = fields.String(required=True, metadata={"description": "The language of the console and of pages"})
    roles = fields.List(fields.Nested(RoleOut), required=True, metadata={"description": "What the person is, where"})
    active = fields.Boolean(required=True, metadata={"description": "Whether the person may sign in"})


class StaffPageOut(PageOut):
    """Some members of staff, the longest-serving first."""

    items = fields.List(fields.Nested(StaffOut), required=True, metadata={"description": "The members of staff"})

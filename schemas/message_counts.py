"""How many texts a site sent and received, week by week."""

from marshmallow import fields, validate

from schemas import moments
from schemas.base import Schema
from schemas.paging import OnePageOut


class MessageCountsQuery(Schema):
    """Which weeks, of which site."""

    site = fields.String(
        load_default=None,
        validate=validate.Length(max=20),
        metadata={"description": "Only this site; else all of one's own"},
    )
    first = moments.day(data_key="from", load_default=None, description="The first day; else three weeks before to")
    last = moments.day(data_key="to", load_default=None, description="The last day; else today")


class TemplateCountOut(Schema):
    """Texts of one template in one language."""

    template = fields.String(required=True, metadata={"description": "Which text"})
    language = fields.String(required=True, metadata={"description": "In which language"})
    texts = fields.Integer(required=True, metadata={"description": "How many were sent"})
    segments = fields.Integer(required=True, metadata={"description": "What a carrier charges for them"})


class SuppressedCountOut(Schema):
    """Messages that were not sent at all, for one reason."""

    reason = fields.String(required=True, metadata={"description": "Why"})
    messages = fields.Integer(required=True, metadata={"description": "How many"})


class WeekOfMessagesOut(Schema):
    """One site in one week, from Monday to Sunday on the wall of the site."""

    site = fields.String(required=True, metadata={"description": "The site's code"})
    week = fields.String(required=True, metadata={"description": "ISO 8601, such as 2027-W09"})
    starts_on = fields.Date(required=True, metadata={"description": "Its Monday"})
    texts = fields.Integer(required=True, metadata={"description": "Text messages that a provider took from us"})
    segments = fields.Integer(
        required=True, metadata={"description": "What a carrier charges for: 160 letters, or 70 with Chinese in it"}
    )
    automatic_replies = fields.Integer(
        required=True, metadata={"description": "Of them answers to texts that nobody of the team wrote"}
    )
    received = fields.Integer(
        required=True, metadata={"description": "Texts that came, but for those of which nobody knows the site"}
    )
    failed = fields.Integer(required=True, metadata={"description": "Texts that were given up"})
    suppressed = fields.List(
        fields.Nested(SuppressedCountOut), required=True, metadata={"description": "What was not said at all"}
    )
    by_template = fields.List(
        fields.Nested(TemplateCountOut), required=True, metadata={"description": "The texts by template and language"}
    )


class MessageCountsOut(OnePageOut):
    """Every week of every site asked for, also where nothing was said."""

    items = fields.List(
        fields.Nested(WeekOfMessagesOut), required=True, metadata={"description": "By site, the earliest week first"}
    )

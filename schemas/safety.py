"""Safety reports of serious events, and the form that is printed for them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from backend.event_terms import SafetyReportKind
from backend.terms import Language
from schemas import people
from schemas.base import Schema
from schemas.moments import instant
from schemas.paging import OnePageOut

MOST_RECIPIENTS = 20
EITHER = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Recipients(fields.Field[Any]):
    """One recipient as text, or several as a list; read back as it was sent."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> str | list[str]:
        if isinstance(value, str):
            return _recipient(value)
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_RECIPIENTS:
            raise ValidationError(f"Must be a text, or a list of 1 to {MOST_RECIPIENTS} texts.")
        return [_recipient(one) for one in value]


def _recipient(value: Any) -> str:
    read: str = people.name().deserialize(value)
    return read


class SafetyReportIn(Schema):
    """A report that was sent."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in SafetyReportKind]),
        metadata={"description": "initial, the first of all; follow_up, with news; or final"},
    )
    sent_at = instant(required=True, description="When it was sent: not ahead, and not before the event was known")
    recipients = Recipients(
        required=True, metadata={"description": "To whom: a text, or a list of texts; sealed", **EITHER}
    )
    reference = people.name(required=True, description="Under which reference it can be found again")


class SafetyReportOut(Schema):
    """A report that was sent."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    adverse_event_id = fields.UUID(required=True, metadata={"description": "Of which event"})
    kind = fields.String(required=True, metadata={"description": "initial, follow_up or final"})
    sent_at = fields.AwareDateTime(required=True, metadata={"description": "When it was sent"})
    recipients = fields.Raw(
        required=True,
        allow_none=True,
        metadata={
            "description": "To whom; null for who may not read identifiers",
            "oneOf": [*EITHER["oneOf"], {"type": "null"}],
        },
    )
    reference = fields.String(required=True, metadata={"description": "Under which reference"})
    event_version = fields.Integer(required=True, metadata={"description": "The version of the event it told of"})
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who recorded it"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})


class SafetyClockOut(Schema):
    """The clock of a serious event; all null while it is not serious."""

    first_known_at = fields.AwareDateTime(required=True, metadata={"description": "When the site first knew of it"})
    serious_known_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was known to be serious: the clock's start"}
    )
    report_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "By when a report must have been sent"}
    )
    reported_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the report that stopped the clock was sent"}
    )
    seconds_overdue = fields.Integer(
        required=True, metadata={"description": "How late the report is, or was when it was sent; 0: in time"}
    )
    warned = fields.String(
        required=True, allow_none=True, metadata={"description": "The last role told that no report is recorded"}
    )


class SafetyReportsOut(OnePageOut):
    """The reports of an event, and its clock."""

    items = fields.List(
        fields.Nested(SafetyReportOut), required=True, metadata={"description": "In the order they were recorded"}
    )
    clock = fields.Nested(SafetyClockOut, required=True, metadata={"description": "The clock they stop"})


class SafetyFormQuery(Schema):
    """In which language."""

    language = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in Language]),
        metadata={"description": "zh-CN or en; when left out, as Accept-Language says"},
    )

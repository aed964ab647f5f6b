"""The demo's doors: a text typed on a simulated phone, and a move of the clock."""

import re
from datetime import timedelta
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from schemas.base import Schema

LONGEST_TEXT = 1600
UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
INTERVAL = re.compile(r"(?:[0-9]{1,5}[wdhm]){1,4}")


class Interval(fields.Field[float]):
    """``1d``, ``30m`` or ``1d12h``, read as seconds."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if not isinstance(value, str) or not INTERVAL.fullmatch(value):
            raise ValidationError("Give weeks, days, hours and minutes, such as 1d, 6h, 30m or 1d12h.")
        parts = re.findall(r"([0-9]+)([wdhm])", value)
        return sum((int(number) * UNITS[unit]).total_seconds() for number, unit in parts)


class PhoneTextIn(Schema):
    """Somebody types on a simulated phone."""

    text = fields.String(
        required=True, validate=validate.Length(min=1, max=LONGEST_TEXT), metadata={"description": "As typed"}
    )


class ReplayIn(Schema):
    """A recorded conversation is played on a simulated phone: all of it, or one step."""

    name = fields.String(
        required=True, validate=validate.Length(1, 100), metadata={"description": "Which, as its file is named"}
    )
    step = fields.Integer(
        strict=True,
        validate=validate.Range(0, 99),
        metadata={"description": "Only this one, counted from 0; without it all of them"},
    )


class ClockMoveIn(Schema):
    """Where to move the clock: to a moment, or by an interval."""

    to = fields.AwareDateTime(
        format="iso", metadata={"description": "RFC 3339 with an offset, not before the present moment"}
    )
    by = Interval(metadata={"description": "Such as 1d, 6h, 30m, 2w or 1d12h"})

    @validates_schema
    def one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        """Neither and both say nothing clear."""
        if ("to" in data) == ("by" in data):
            raise ValidationError("Give either a moment as 'to' or an interval as 'by'.")

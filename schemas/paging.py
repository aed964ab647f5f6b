"""Pages of a list: how long, and where the last one ended. Cursors are opaque to callers and distrusted by us."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from backend.errors import InvalidCursor
from schemas.base import Schema

LONGEST_PAGE = 200
USUAL_PAGE = 50
LONGEST_CURSOR = 400


class PageQuery(Schema):
    """Which page of a list."""

    limit = fields.Integer(
        load_default=USUAL_PAGE,
        validate=validate.Range(min=1, max=LONGEST_PAGE),
        metadata={"description": "How many items at most"},
    )
    cursor = fields.String(
        load_default=None,
        validate=validate.Length(max=LONGEST_CURSOR),
        metadata={"description": "next_cursor of the page before"},
    )


class PageOut(Schema):
    """What every list looks like; each list names its items."""

    next_cursor = fields.String(
        required=True, allow_none=True, metadata={"description": "Ask for the next page with this; null at the end"}
    )


class OnePageOut(Schema):
    """A list that is short enough to be one page."""

    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "Always null"})


def make_cursor(values: Sequence[Any] | None) -> str | None:
    """Where a page ended, as opaque text; None when it was the last."""
    if values is None:
        return None
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *types: type[Any]) -> tuple[Any, ...] | None:
    """The values ``make_cursor`` was given, of these types. Raises ``InvalidCursor`` for whatever it never made."""
    if cursor is None:
        return None
    try:
        plain = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(plain, list) or not all(isinstance(value, str) for value in plain):
            raise InvalidCursor()
        return tuple(_typed(value, kind) for value, kind in zip(plain, types, strict=True))
    except (ValueError, OverflowError, RecursionError, binascii.Error) as wrong:
        raise InvalidCursor() from wrong


def _typed(value: str, kind: type[Any]) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise InvalidCursor()
        # Also finds out whether the moment can be told in UTC, as the database wants it: not all of year 9999 can.
        return moment.astimezone(UTC)
    if kind is UUID:
        return UUID(value)
    if kind is int and len(value) > 18:
        raise InvalidCursor()
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InvalidCursor()
    return kind(value)

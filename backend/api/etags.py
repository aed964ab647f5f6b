"""The version of a record, as HTTP speaks of it."""

import re

from flask import request

from backend.errors import PreconditionRequired, StaleRecord

TAG = re.compile(r'"([0-9]{1,9})"')

# For the document: each change that needs the header names it.
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string"},
    "description": "The record's ETag, as it was last read",
    "example": '"1"',
}
IN_ANSWERS = {"ETag": {"description": "The version of the record that is shown", "schema": {"type": "string"}}}


def headers(version: int) -> dict[str, str]:
    """What an answer that shows a record carries."""
    return {"ETag": f'"{version}"'}


def seen_version() -> int:
    """The version a change was based on.

    Raises ``PreconditionRequired`` without an If-Match and ``StaleRecord`` for one that no version ever had.
    """
    said = request.headers.get("If-Match", "").strip()
    if not said:
        raise PreconditionRequired()
    tag = TAG.fullmatch(said)
    if tag is None:
        raise StaleRecord()
    return int(tag[1])

"""CTCAE terms: how staff look for one, and what is shown of it."""

import re
from typing import Any

from marshmallow import fields, validate

from schemas.base import Schema
from schemas.paging import PageOut, PageQuery

LONGEST_SEARCH = 100
VERSION_PATTERN = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\Z")
VERSION = validate.Regexp(VERSION_PATTERN, error="Must be a version such as 5.0.")


def _described(description: str, **more: Any) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description}, **more}


def _version() -> fields.String:
    return fields.String(
        load_default="5.0", validate=VERSION, metadata={"description": "Which version of CTCAE; 5.0 if left out"}
    )


class TermQuery(Schema):
    """Of which version."""

    version = _version()


class TermSearch(PageQuery):
    """Which terms may be meant."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=LONGEST_SEARCH),
        metadata={
            "description": "A name, an abbreviation, a code or an everyday word, English or Chinese, slips included; "
            "without it, all terms"
        },
    )
    version = _version()


class OwnGradingOut(Schema):
    """A grading for what CTCAE has no term for, written beside the CTCAE grade."""

    name = fields.String(**_described("How an event names it in own_grading"))
    title = fields.String(**_described("What it is called, in the reader's language"))
    allowed = fields.List(fields.String(), **_described("Its grades, the mildest first"))
    criteria = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        **_described("What each means, in our own words and the reader's language"),
    )


class PublishedOut(Schema):
    """What NCI publishes of a term, word for word; in English."""

    grades = fields.Dict(keys=fields.String(), values=fields.String(), **_described("The criteria by grade"))
    definition = fields.String(**_described("What the term means", allow_none=True))
    note = fields.String(**_described("Which other term may fit better", allow_none=True))


class CtcaeTermOut(Schema):
    """A term of one version of CTCAE."""

    code = fields.String(**_described("The MedDRA lowest level term, eight digits as text"))
    name = fields.String(**_described("What CTCAE calls it"))
    name_zh = fields.String(**_described("What it is called in Chinese, in our translation", allow_none=True))
    soc = fields.String(**_described("Its organ class"))
    grades = fields.List(fields.Integer(), **_described("The grades it has; an event can have no other"))
    specify = fields.Boolean(**_described("Whether it is an Other, specify term, which needs words of its own"))
    version = fields.String(**_described("The version of CTCAE"))
    criteria = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        **_described(
            "What each grade means, in our own short words and the reader's language; empty where we have none. "
            "What counts is what NCI publishes"
        ),
    )
    hints = fields.List(
        fields.String(), **_described("What to ask when the patient's words do not tell the grade, in that language")
    )
    own_gradings = fields.List(
        fields.Nested(OwnGradingOut), **_described("Gradings for what CTCAE has no term for: gvhd, icans")
    )
    published = fields.Nested(
        PublishedOut, **_described("NCI's own text; null unless this site has imported it", allow_none=True)
    )


class CtcaeTermPageOut(PageOut):
    """Some terms, the likeliest first; all of them by name when nothing was typed."""

    items = fields.List(fields.Nested(CtcaeTermOut), **_described("The terms"))

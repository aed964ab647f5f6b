"""Questionnaires as a phone receives them: everything needed to ask, branch, check and warn."""

from typing import Any

from marshmallow import fields

from schemas.base import Schema


def _described(description: str) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description}}


class InstrumentRefOut(Schema):
    """One questionnaire, by name."""

    name = fields.String(**_described("How reports name it"))
    version = fields.Integer(**_described("The newest version"))
    title = fields.String(**_described("What it is called, in the reader's language"))


class InstrumentsOut(Schema):
    """The questionnaires: few, and therefore one page."""

    items = fields.List(fields.Nested(InstrumentRefOut), **_described("The questionnaires"))
    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "Always null"})


class InstrumentOut(Schema):
    """One version of one questionnaire, in one language."""

    name = fields.String(**_described("How reports name it"))
    version = fields.Integer(**_described("Which version; a report says which one was shown"))
    language = fields.String(**_described("The language of every text in it"))
    title = fields.String(**_described("What it is called"))
    notice = fields.String(**_described("Whose wording this is"))
    parts = fields.List(fields.Dict(), **_described("Its parts, with the days each looks back"))
    screens = fields.List(fields.Dict(), **_described("Questions that stand together on a phone"))
    items = fields.List(fields.Dict(), **_described("Questions, choices, and enable_when: when each is asked"))
    measurements = fields.List(fields.Dict(), **_described("What is measured at home, with bounds"))
    other_symptoms = fields.Dict(**_described("How to ask for anything else"))
    wants_call = fields.Dict(**_described("How to ask whether to be called"))
    emergency = fields.List(fields.Dict(), **_described("The emergency rules with their advice, to be said offline"))

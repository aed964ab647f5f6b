"""Questionnaires as a phone receives them: everything needed to ask, branch, check and warn, offline too."""

from typing import Any

from marshmallow import fields, validate

from schemas.base import Schema
from schemas.paging import OnePageOut

LONGEST_SEARCH = 100


def _described(description: str) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description}}


class InstrumentRefOut(Schema):
    """One questionnaire, by name."""

    name = fields.String(**_described("How reports name it"))
    version = fields.Integer(**_described("The newest version"))
    title = fields.String(**_described("What it is called, in the reader's language"))


class InstrumentsOut(OnePageOut):
    """The questionnaires: few, and therefore one page."""

    items = fields.List(fields.Nested(InstrumentRefOut), **_described("The questionnaires"))


class SymptomQuery(Schema):
    """Which symptom may be meant."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=LONGEST_SEARCH),
        metadata={
            "description": "A word or a sentence in any of our languages, slips of the finger included; without it, all"
        },
    )


class FoundSymptomOut(Schema):
    """A symptom that may be picked."""

    symptom = fields.String(**_described("How items name it, before the dot"))
    name = fields.String(**_described("What it is called, in the reader's language"))
    items = fields.List(fields.String(), **_described("Its items, in the order they are asked"))


class FoundSymptomsOut(OnePageOut):
    """The symptoms that may be meant, the likeliest first."""

    items = fields.List(fields.Nested(FoundSymptomOut), **_described("At most twelve, or all when nothing was typed"))


class OfferedSymptomOut(FoundSymptomOut):
    """A symptom to pick from, with all by which it can be found offline."""

    names = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        **_described("What it is called, by language: a reader may type any"),
    )
    search = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        **_described("What else may be typed for it, by language; never shown"),
    )


class RecentSignOut(Schema):
    """A danger sign reported lately."""

    item = fields.String(**_described("The item that was answered 1"))
    on = fields.Date(**_described("The day it was answered, where the patient is"))


class CircumstancesOut(Schema):
    """What emergency rules ask about this patient, so that a phone can answer with no connection."""

    as_of = fields.AwareDateTime(**_described("When this was so"))
    infusion_dates = fields.List(
        fields.Date(), **_described("The days on which cells were given or are confirmed, where the site is")
    )
    site_time_zone = fields.String(**_described("In which days since an infusion are counted"))
    time_zone = fields.String(**_described("In which days between reports are counted"))
    recent_signs = fields.List(
        fields.Nested(RecentSignOut),
        **_described("Signs that count together with those of a report"),
    )
    danger_words = fields.List(
        fields.String(),
        **_described("Words that mean danger wherever they stand in a text, with the signs that conditions explains"),
    )


class ConditionsOut(Schema):
    """The language in which the emergency rules are written."""

    version = fields.Integer(**_described("Rises when one of these changes its meaning"))
    groups = fields.Dict(keys=fields.String(), values=fields.String(), **_described("What joins conditions"))
    operators = fields.Dict(keys=fields.String(), values=fields.String(), **_described("What each comparison means"))
    operands = fields.Dict(keys=fields.String(), values=fields.String(), **_described("What can be compared"))
    facts = fields.Dict(keys=fields.String(), values=fields.String(), **_described("What each fact is"))
    unreadable = fields.String(**_described("What to do about anything else"))


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
    symptoms = fields.List(
        fields.Nested(OfferedSymptomOut), **_described("What may be picked; none where all is asked")
    )
    measurements = fields.List(fields.Dict(), **_described("What is measured at home, with bounds"))
    other_symptoms = fields.Dict(**_described("How to ask for anything else; at_most of them, longest, and together"))
    wants_call = fields.Dict(**_described("How to ask whether to be called"))
    emergency = fields.List(fields.Dict(), **_described("The emergency rules with their advice, to be said offline"))
    conditions = fields.Nested(ConditionsOut, **_described("The language in which those rules are written"))
    circumstances = fields.Nested(CircumstancesOut, **_described("What those rules ask about this patient"))

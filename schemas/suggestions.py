"""What a patient's own words may mean: terms suggested to the person who codes them."""

from marshmallow import fields, validate

from backend.terms import Language
from schemas.base import Schema

# As far as words are read, and longer than anything a phone sends.
LONGEST = 4000


class WordsIn(Schema):
    """Words to find terms for. They are read and not kept."""

    text = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST),
        metadata={"description": "A patient's own words, in any of the languages or in several"},
    )


class SuggestionOut(Schema):
    """A CTCAE term that may be meant. A suggestion is never a code: a person decides."""

    term_code = fields.String(required=True, metadata={"description": "The MedDRA LLT as text"})
    name = fields.String(required=True, metadata={"description": "Of the term, as CTCAE writes it"})
    score = fields.Float(
        required=True,
        validate=validate.Range(min=0, max=1),
        metadata={"description": "The higher the closer; no probability"},
    )
    matched = fields.String(required=True, metadata={"description": "What stands in the text"})
    language = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Language]),
        metadata={"description": "The language in which the matched words are known"},
    )
    negated = fields.Boolean(
        required=True, metadata={"description": "The patient seems to say that it is not so; such come last"}
    )


class PlacedSuggestionOut(SuggestionOut):
    """A suggestion and where it was found."""

    start = fields.Integer(required=True, metadata={"description": "Characters of the text before the match"})
    end = fields.Integer(required=True, metadata={"description": "Characters of the text up to the match's end"})


class SuggestionsOut(Schema):
    """At most three, the likeliest first."""

    items = fields.List(fields.Nested(PlacedSuggestionOut), required=True, metadata={"description": "The suggestions"})

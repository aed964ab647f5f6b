"""The shape of the files under ``seeds/lexicon``: what people say for each CTCAE term, one file a language."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import Language
from schemas.base import Schema
from schemas.instrument_files import TEXT, refuse_repeats

KINDS = (
    "denies",
    "denies_a_list",
    "denies_anew",
    "near",
    "denies_what_stood_before",
    "says_nothing",
    "ends",
    "supposes",
)
PAIR = validate.Regexp(r"^[^\x00-\x7f]{2}$", error="Must be a character and the one that it stands for.")


def _words(**more: Any) -> fields.List[str]:
    return fields.List(fields.String(validate=TEXT), **more)


class NegationWords(Schema):
    """Words that deny, that deny nothing though they look like it, and that end what is denied."""

    denies = _words(required=True)
    denies_a_list = _words(required=True)
    denies_anew = _words(required=True)
    near = _words(required=True)
    denies_what_stood_before = _words(required=True)
    says_nothing = _words(required=True)
    ends = _words(required=True)
    supposes = _words(required=True)

    @validates_schema
    def every_word_does_one_thing(self, words: dict[str, list[str]], **_: Any) -> None:
        """A word in two lists would do whatever the later one says."""
        for kind in KINDS:
            refuse_repeats(words[kind], kind)
        refuse_repeats([word for kind in KINDS for word in words[kind]], "says_nothing")


class LexiconFile(Schema):
    """One language of the lexicon. ``terms`` by the term's own name."""

    language = fields.String(required=True, validate=validate.OneOf([word.value for word in Language]))
    terms = fields.Dict(fields.String(), _words(validate=validate.Length(min=1)), required=True)
    meaningless = _words(required=True)
    negations = fields.Nested(NegationWords, required=True)
    fillers = _words(load_default=list)
    never_bent = _words(load_default=list)
    written_as = fields.List(fields.String(validate=PAIR), load_default=list)
    never_between = fields.String(load_default="")

    @validates_schema
    def every_phrase_stands_once(self, content: dict[str, Any], **_: Any) -> None:
        """A phrase twice for one term finds nothing more."""
        for term, phrases in content["terms"].items():
            refuse_repeats(phrases, "terms")
            if any(not phrase.strip("~… ") or phrase.startswith("…") for phrase in phrases):
                raise ValidationError(f"{term}: a phrase needs words of its own.", "terms")

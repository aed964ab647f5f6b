"""The shapes of the files under ``seeds/terminology`` that explain CTCAE terms: names, synonyms, criteria, gradings."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.event_terms import OWN_GRADES
from backend.event_terms import OwnGrading as Grading
from backend.terms import Language
from schemas.base import Schema
from schemas.instrument_files import CTCAE_CODE, TEXT, text

GRADE = validate.OneOf(["1", "2", "3", "4", "5"])
LANGUAGE = validate.OneOf([language.value for language in Language])


def _by_code(values: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=CTCAE_CODE), values=values, required=True)


def _texts() -> Any:
    return fields.List(fields.String(validate=TEXT), required=True, validate=validate.Length(min=1))


class NamesFile(Schema):
    """What terms are called in one language, by code."""

    language = fields.String(required=True, validate=LANGUAGE)
    names = _by_code(fields.String(validate=TEXT))


class SynonymsFile(Schema):
    """What else may be typed for a term, by code."""

    synonyms = _by_code(_texts())


class TermWording(Schema):
    """What each grade of a term means, and what to ask in order to tell which it is."""

    grades = fields.Dict(keys=fields.String(validate=GRADE), values=fields.String(validate=TEXT), required=True)
    ask = _texts()


class CriteriaFile(Schema):
    """The wording of terms in one language, by code."""

    language = fields.String(required=True, validate=LANGUAGE)
    terms = _by_code(fields.Nested(TermWording))


class GradingEntry(Schema):
    """A grading for what CTCAE has no term for: the term it is coded under, and each grade in every language."""

    name = fields.String(required=True, validate=validate.OneOf([grading.value for grading in Grading]))
    term = fields.String(required=True, validate=CTCAE_CODE)
    allowed = _texts()
    title = fields.Dict(keys=fields.String(validate=LANGUAGE), values=text(), required=True)
    criteria = fields.Dict(
        keys=fields.String(validate=LANGUAGE),
        values=fields.Dict(keys=fields.String(), values=fields.String(validate=TEXT)),
        required=True,
    )

    @validates_schema
    def every_grade_has_its_words_in_every_language(self, grading: dict[str, Any], **_: Any) -> None:
        """The grades are those that the program knows; none is without words, and no words are without a grade."""
        if tuple(grading["allowed"]) != OWN_GRADES[Grading(grading["name"])]:
            raise ValidationError("Must be the grades by which events are graded.", "allowed")
        languages = {language.value for language in Language}
        if set(grading["title"]) != languages or set(grading["criteria"]) != languages:
            raise ValidationError("Must be said in every language.", "title")
        for language, said in grading["criteria"].items():
            if list(said) != grading["allowed"]:
                raise ValidationError(f"Must say each allowed grade, in that order, in {language}.", "criteria")


class GradingsFile(Schema):
    """All gradings of our own."""

    gradings = fields.List(fields.Nested(GradingEntry), required=True)

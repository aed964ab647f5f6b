"""Questions to a patient about a candidate event, and their answers."""

from marshmallow import fields, validate

from schemas import people
from schemas.base import Schema
from schemas.paging import PageOut

LONGEST_QUESTION = 500


class QuestionIn(Schema):
    """What a person asks a patient."""

    text = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=LONGEST_QUESTION), people.not_blank],
        metadata={"description": "As the patient reads it; as a text message it must name no illness, drug or person"},
    )


class QuestionOut(Schema):
    """A question and, once it has come, its answer. The words are absent for roles that may not read them."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    text = fields.String(allow_none=True, metadata={"description": "The question; null: the patient was forgotten"})
    asked_at = fields.AwareDateTime(required=True, metadata={"description": "When it was asked"})
    asked_by = fields.UUID(required=True, metadata={"description": "By whom"})
    answered_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When a text answered it; null: not yet"}
    )
    answer = fields.String(allow_none=True, metadata={"description": "The patient's words; null: not yet"})


class QuestionPageOut(PageOut):
    """Some questions, the first one first."""

    items = fields.List(fields.Nested(QuestionOut), required=True, metadata={"description": "The questions"})

"""What a person of the team writes, to a patient or in answer to a text."""

from marshmallow import fields, validate

from backend.terms import Language
from schemas import people
from schemas.base import Schema

LONGEST_LETTER = 500


class LetterIn(Schema):
    """What is written to a patient."""

    text = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=LONGEST_LETTER), people.not_blank, people.plain_words],
        metadata={"description": "As it is read; as a text message it must name no illness, drug, study or patient"},
    )
    id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Made by whoever may send it twice; sending it again changes nothing"},
    )


class InboxReplyIn(LetterIn):
    """What is answered to a text."""

    language = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf([word.value for word in Language]),
        metadata={"description": "Of the words around it, where nobody can tell who wrote; else the patient's own"},
    )
    site = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=20),
        metadata={"description": "Whose telephone number it gives, where the text belongs to no site; else one's own"},
    )


class LetterOut(Schema):
    """A letter on its way. What becomes of it stands with the messages."""

    id = fields.UUID(required=True, metadata={"description": "The message's id"})
    recipient = fields.String(required=True, metadata={"description": "patient, caregiver or writer: whoever wrote"})
    status = fields.String(required=True, metadata={"description": "Where it stands"})
    send_at = fields.AwareDateTime(required=True, metadata={"description": "From when on it goes; hours of rest wait"})
    created_at = fields.AwareDateTime(required=True, metadata={"description": "When it was written"})

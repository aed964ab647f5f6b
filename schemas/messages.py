"""Messages: their whole life for staff, and a patient's own conversation with the site."""

from marshmallow import fields, validate

from backend.terms import MessageStatus
from schemas import people
from schemas.base import Schema
from schemas.paging import PageOut, PageQuery
from schemas.sign_in import PatientRefOut

LONGEST_TEXT = 2_000


class MessageQuery(PageQuery):
    """Which messages."""

    patient = fields.UUID(load_default=None, metadata={"description": "Only to this patient and their caregivers"})
    status = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in MessageStatus]),
        metadata={"description": "Only those that stand so"},
    )


class AttemptOut(Schema):
    """One call to a provider."""

    started_at = fields.AwareDateTime(required=True, metadata={"description": "When it began"})
    settled_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When its outcome was known"}
    )
    status = fields.String(required=True, metadata={"description": "What came of it"})
    code = fields.String(required=True, allow_none=True, metadata={"description": "The provider's word for a refusal"})


class MessageOut(Schema):
    """A message without its words and its address."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    key = fields.String(required=True, metadata={"description": "Why it exists, and the date it speaks of"})
    template = fields.String(required=True, metadata={"description": "Which text"})
    recipient = fields.String(
        required=True, metadata={"description": "patient, caregiver, staff, or writer: of a text nobody could place"}
    )
    patient = fields.Nested(
        PatientRefOut, required=True, allow_none=True, metadata={"description": "About whom; null: about no patient"}
    )
    site = fields.String(required=True, allow_none=True, metadata={"description": "The site's code"})
    agenda_key = fields.String(required=True, allow_none=True, metadata={"description": "The agenda item it is about"})
    send_at = fields.AwareDateTime(required=True, metadata={"description": "When it was planned for"})
    expires_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Until when it is worth saying"}
    )
    status = fields.String(required=True, metadata={"description": "Where it stands"})
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it waits, was recalled or was not sent"}
    )
    channel = fields.String(required=True, allow_none=True, metadata={"description": "By which way it went"})
    language = fields.String(required=True, allow_none=True, metadata={"description": "In which language"})
    created_at = fields.AwareDateTime(required=True, metadata={"description": "When it was queued"})
    settled_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When it ended"})
    attempts = fields.List(fields.Nested(AttemptOut), required=True, metadata={"description": "The first one first"})


class MessagePageOut(PageOut):
    """Some messages, the latest planned first."""

    items = fields.List(fields.Nested(MessageOut), required=True, metadata={"description": "The messages"})


class OwnMessageIn(Schema):
    """What a patient writes in the app."""

    text = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=LONGEST_TEXT), people.not_only_spaces],
        metadata={"description": "In the patient's own words"},
    )
    id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Made by the phone, if it may send twice; sending it again changes nothing"},
    )
    in_reply_to = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "The question it answers; one that is not open leaves the text to a person"},
    )


class LineOut(Schema):
    """One text, of ours or of the patient's."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    direction = fields.String(required=True, metadata={"description": "outbound: to the patient; inbound: from them"})
    channel = fields.String(required=True, metadata={"description": "in_app or sms"})
    text = fields.String(required=True, metadata={"description": "The words"})
    at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    question_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "What the team asks with it; null: nothing"}
    )


class LinePageOut(PageOut):
    """A part of the conversation, the newest first."""

    items = fields.List(fields.Nested(LineOut), required=True, metadata={"description": "The texts"})

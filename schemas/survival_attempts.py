"""Attempts to learn how a patient is, the call list, and dispositions."""

from marshmallow import fields, validate

from backend.contact_terms import ContactChannel, ContactOutcome, Disposition
from schemas import people
from schemas.base import Schema
from schemas.moments import instant, partial_day
from schemas.paging import OnePageOut, PageOut
from schemas.worklist import WorkItemOut


class ContactAttemptIn(Schema):
    """What somebody tried, and what came of it: all that a call brought in one request."""

    channel = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in ContactChannel]),
        metadata={"description": "By what way"},
    )
    person = people.name(
        required=True, description="`patient`, `caregiver`, `physician`, `record`, `registry`, `other`, or a name"
    )
    relation = people.name(load_default=None, allow_none=True, description="What they are to the patient")
    caregiver_id = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Which of the caregivers whom the patient named"}
    )
    outcome = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in ContactOutcome]),
        metadata={"description": "What came of it"},
    )
    as_of = partial_day(
        load_default=None,
        allow_none=True,
        description="alive: on which day, which a proxy must name; died: when, as precisely as it is known",
    )
    tried_at = instant(load_default=None, allow_none=True, description="When, if not just now")
    key = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=80),
        metadata={"description": "The survival check it was made for"},
    )
    work_item = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "The task of the call list it was made for"}
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping")


class ContactAttemptOut(Schema):
    """An attempt by a person, or a message that went out. Names and words are absent for who may not read them."""

    id = fields.UUID(required=True, metadata={"description": "The attempt's or the message's id"})
    kind = fields.String(
        required=True,
        validate=validate.OneOf(["contact", "message"]),
        metadata={"description": "Made by a person, or a message"},
    )
    tried_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    channel = fields.String(required=True, allow_none=True, metadata={"description": "By what way"})
    person = fields.String(required=True, metadata={"description": "Who was asked"})
    outcome = fields.String(
        required=True, metadata={"description": "What came of it; of a message: sent or delivered, never evidence"}
    )
    as_of = fields.String(required=True, allow_none=True, metadata={"description": "The day that was named"})
    key = fields.String(required=True, allow_none=True, metadata={"description": "The survival check it was for"})
    work_item = fields.UUID(required=True, allow_none=True, metadata={"description": "The task it was for"})
    operator = fields.UUID(required=True, allow_none=True, metadata={"description": "Who made it; null: a message"})
    name = fields.String(allow_none=True, metadata={"description": "The name of whoever was asked"})
    relation = fields.String(allow_none=True, metadata={"description": "What they are to the patient"})
    note = fields.String(allow_none=True, metadata={"description": "Words about it"})


class ContactAttemptMadeOut(ContactAttemptOut):
    """An attempt, and how things stand after it."""

    level = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "alive: how near to the patient it comes from (direct, proxy, record)"},
    )
    last_known_alive = fields.Date(
        required=True, allow_none=True, metadata={"description": "The latest day the patient is known to have lived"}
    )


class ContactAttemptsOut(OnePageOut):
    """Everything that was tried about one patient."""

    items = fields.List(fields.Nested(ContactAttemptOut), required=True, metadata={"description": "The newest first"})


class NumberOut(Schema):
    """Somebody to telephone."""

    person = fields.String(required=True, metadata={"description": "patient, caregiver or physician"})
    name = fields.String(required=True, allow_none=True, metadata={"description": "By name"})
    relation = fields.String(required=True, allow_none=True, metadata={"description": "What they are to the patient"})
    phone = fields.String(required=True, allow_none=True, metadata={"description": "The number, E.164"})
    is_right = fields.Boolean(
        required=True, metadata={"description": "False: found to be wrong, or of no use; see the task about it"}
    )


class FollowUpOut(Schema):
    """What whoever telephones needs to know."""

    why = fields.String(required=True, metadata={"description": "Why somebody is to telephone, in a sentence"})
    last_known_alive = fields.String(
        required=True, allow_none=True, metadata={"description": "The latest day the patient is known to have lived"}
    )
    next_step = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "call_patient, call_caregiver, ask_physician, search_records; null: wait for the next check"
        },
    )
    messages = fields.Integer(required=True, metadata={"description": "Texts about this check that went out"})
    attempts = fields.Integer(required=True, metadata={"description": "Attempts by people since the check opened"})
    last_outcome = fields.String(
        required=True, allow_none=True, metadata={"description": "What came of the latest of them"}
    )
    last_tried_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the latest of them was"}
    )
    numbers = fields.List(
        fields.Nested(NumberOut),
        metadata={"description": "Whom to telephone, in order; absent for who may not read identifiers"},
    )


class SurvivalWorkItemOut(WorkItemOut):
    """A task about survival."""

    follow_up = fields.Nested(
        FollowUpOut,
        required=True,
        allow_none=True,
        metadata={"description": "Whom to telephone and why; null: no call about a check"},
    )


class SurvivalWorkPageOut(PageOut):
    """Some tasks about survival, the most pressing first."""

    items = fields.List(fields.Nested(SurvivalWorkItemOut), required=True, metadata={"description": "The tasks"})


class DispositionIn(Schema):
    """An investigator finds that a patient is lost. A withdrawal is recorded at the patient's withdrawals."""

    disposition = fields.String(
        required=True,
        validate=validate.OneOf(
            [Disposition.LOST_TO_FOLLOW_UP.value],
            error="Must be lost_to_follow_up; a withdrawal is recorded at the patient's withdrawals.",
        ),
        metadata={"description": "lost_to_follow_up"},
    )
    reason = people.note(required=True, description="Why")


class DispositionEndIn(Schema):
    """Why the finding is taken back."""

    reason = people.note(required=True, description="Why")


class DispositionOut(Schema):
    """A finding that a patient was lost. Words are absent for who may not read them."""

    id = fields.UUID(required=True, metadata={"description": "The finding's id"})
    disposition = fields.String(required=True, metadata={"description": "lost_to_follow_up"})
    stands = fields.Boolean(
        required=True, metadata={"description": "False: taken back, or later evidence of life or a death is known"}
    )
    last_known_alive = fields.Date(required=True, metadata={"description": "The latest day known when it was made"})
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who found it"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    ended_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who took it back"})
    ended_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When"})
    reason = fields.String(allow_none=True, metadata={"description": "Why"})
    ended_because = fields.String(allow_none=True, metadata={"description": "Why it was taken back"})


class DispositionsOut(OnePageOut):
    """Every time a patient was found to be lost."""

    items = fields.List(fields.Nested(DispositionOut), required=True, metadata={"description": "The newest first"})

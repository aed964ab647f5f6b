"""The inbox: a text that a person must read, with what they need to know to answer it, and what came of it."""

from marshmallow import fields, validate

from backend.conversation_terms import InboxOutcome, WhyHere
from schemas import people
from schemas.base import Schema
from schemas.paging import PageOut
from schemas.triage import PatientAtSiteOut, TermOut

WHY = ", ".join(WhyHere)
OUTCOMES = ", ".join(InboxOutcome)


class InboxPatientOut(PatientAtSiteOut):
    """A patient, without anything that names them."""

    status = fields.String(required=True, metadata={"description": "Where they stand in the study"})


class InboxWriterOut(Schema):
    """Who wrote, as far as the number tells."""

    kind = fields.String(
        required=True,
        metadata={"description": "patient, caregiver, staff, several, former_number, or unknown"},
    )
    caregiver_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Which caregiver; null: none, or several"}
    )
    may_report = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether that caregiver may answer questionnaires"}
    )
    may_confirm_survival = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether that caregiver may say how the patient is"}
    )


class InboxLineOut(Schema):
    """One text that was said there, of ours or of theirs."""

    at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    direction = fields.String(required=True, metadata={"description": "outbound: of ours; inbound: of theirs"})
    channel = fields.String(required=True, metadata={"description": "in_app or sms"})
    text = fields.String(required=True, metadata={"description": "The words"})


class InboxQuestionOut(Schema):
    """What was asked for a digit, and has had no answer."""

    asks = fields.String(required=True, metadata={"description": "What about"})
    recipient = fields.String(required=True, metadata={"description": "Who was asked: patient or caregiver"})
    template = fields.String(required=True, metadata={"description": "With which text"})
    agenda_key = fields.String(required=True, allow_none=True, metadata={"description": "The agenda item it is about"})
    asked_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When it left"})


class InboxSurveyOut(Schema):
    """A questionnaire that is asked question by question."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    instrument = fields.String(required=True, metadata={"description": "Which questionnaire"})
    status = fields.String(required=True, metadata={"description": "pending, waiting, answering or stalled"})
    asked = fields.String(required=True, allow_none=True, metadata={"description": "The question that is open"})
    last_heard_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When an answer last came"}
    )
    closes_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When nothing is asked any more"}
    )


class InboxCandidateOut(Schema):
    """A candidate adverse event that nobody has closed."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    tier = fields.String(required=True, metadata={"description": "T1 emergency, T2 same day, T3 queue"})
    term = fields.Nested(
        TermOut, required=True, allow_none=True, metadata={"description": "null for words and wishes to be called"}
    )
    status = fields.String(required=True, metadata={"description": "Where it stands"})


class InboxReportOut(Schema):
    """The report that reached us last."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    instrument = fields.String(required=True, metadata={"description": "Which questionnaire"})
    completed_at = fields.AwareDateTime(required=True, metadata={"description": "When it was finished"})
    mode = fields.String(required=True, metadata={"description": "By what way it came"})
    tier = fields.String(required=True, allow_none=True, metadata={"description": "How urgent it was"})


class InboxNextItemOut(Schema):
    """What is open now, or comes next."""

    key = fields.String(required=True, metadata={"description": "Its key on the agenda"})
    kind = fields.String(required=True, metadata={"description": "Visit, infusion, assessment, contact ..."})
    due_on = fields.Date(required=True, metadata={"description": "Its day"})
    state = fields.String(required=True, metadata={"description": "not_yet_open, open or overdue"})
    instrument = fields.String(required=True, allow_none=True, metadata={"description": "Its questionnaire"})


class InboxHoldOut(Schema):
    """Why nobody is written to."""

    reason = fields.String(required=True, metadata={"description": "Why"})
    held_at = fields.AwareDateTime(required=True, metadata={"description": "Since when"})
    until = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "Until when; null: open"})


class InboxCircumstancesOut(Schema):
    """One patient whom the text is or may be about, now."""

    patient = fields.Nested(InboxPatientOut, required=True, metadata={"description": "Whose they are"})
    open_questions = fields.List(
        fields.Nested(InboxQuestionOut), required=True, metadata={"description": "The newest first"}
    )
    surveys = fields.List(
        fields.Nested(InboxSurveyOut), required=True, metadata={"description": "Questionnaires that are being asked"}
    )
    open_candidates = fields.List(
        fields.Nested(InboxCandidateOut), required=True, metadata={"description": "The most urgent first"}
    )
    last_report = fields.Nested(
        InboxReportOut, required=True, allow_none=True, metadata={"description": "null: none so far"}
    )
    next_item = fields.Nested(
        InboxNextItemOut, required=True, allow_none=True, metadata={"description": "null: nothing comes any more"}
    )
    contact_holds = fields.List(
        fields.Nested(InboxHoldOut), required=True, metadata={"description": "What holds contact, the earliest first"}
    )


class InboxItemOut(Schema):
    """A text that a person must read, and what they need to know to answer it."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When it reached us"})
    channel = fields.String(required=True, metadata={"description": "in_app or sms"})
    why = fields.String(
        required=True, allow_none=True, metadata={"description": f"Why it is here: {WHY}; null: not looked at yet"}
    )
    text = fields.String(required=True, metadata={"description": "The words; of a refused report, what was sent"})
    number = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where it came from; null: the app, or, in the list, a number that is known"},
    )
    patient = fields.Nested(
        InboxPatientOut, required=True, allow_none=True, metadata={"description": "About whom; null: not certain"}
    )
    site = fields.String(required=True, allow_none=True, metadata={"description": "The site's code; null: not known"})
    writer = fields.Nested(InboxWriterOut, required=True, metadata={"description": "Who wrote"})
    possible_patients = fields.List(
        fields.Nested(InboxPatientOut), required=True, metadata={"description": "Where it is not certain: one of these"}
    )
    possible_elsewhere = fields.Boolean(
        required=True, metadata={"description": "Or of somebody whom another site looks after"}
    )
    former_number_of = fields.List(
        fields.Nested(InboxPatientOut), required=True, metadata={"description": "Whose number it was before"}
    )
    conversation = fields.List(
        fields.Nested(InboxLineOut),
        required=True,
        metadata={"description": "The last lines there, the newest last"},
    )
    number_has_stopped = fields.Boolean(
        required=True, metadata={"description": "Whether nothing may be sent there, because it said STOP"}
    )
    circumstances = fields.List(
        fields.Nested(InboxCircumstancesOut),
        required=True,
        metadata={"description": "Of the patient, or of each whom it may be about"},
    )


class InboxDealtWithOut(Schema):
    """What came of a text."""

    at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who; null: no person had to read it"})
    outcome = fields.String(required=True, allow_none=True, metadata={"description": "In a word, or a few"})
    note = fields.String(required=True, allow_none=True, metadata={"description": "What was kept beside it"})


class InboxTextOut(InboxItemOut):
    """One text, by itself."""

    dealt_with = fields.Nested(
        InboxDealtWithOut, required=True, allow_none=True, metadata={"description": "null: it still waits"}
    )


class InboxPageOut(PageOut):
    """Some texts, the newest last."""

    items = fields.List(fields.Nested(InboxItemOut), required=True, metadata={"description": "The texts"})


class InboxResolutionIn(Schema):
    """What came of a text."""

    outcome = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=200), people.not_blank, people.one_line],
        metadata={"description": f"One of {OUTCOMES}; or in a few words of one's own"},
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping")
    patient = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whose it is, where nobody could tell: from then on it is among that patient's texts"},
    )


class InboxResolutionOut(Schema):
    """A text that has been dealt with."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    resolved_at = fields.AwareDateTime(required=True, metadata={"description": "When a person closed it"})
    outcome = fields.String(required=True, metadata={"description": f"{OUTCOMES}; other: in words of one's own"})


class InboxReopeningIn(Schema):
    """A text that was closed by mistake."""

    reason = people.note(required=True, description="Why it is open again")


class InboxReopeningOut(Schema):
    """A text that waits again."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    why = fields.String(required=True, metadata={"description": "Why it is here: reopened"})

"""Candidate events: what a rule found and a person has yet to judge."""

from marshmallow import fields, validate

from backend.terms import CandidateStatus, Tier
from schemas.base import Schema
from schemas.paging import PageOut, PageQuery
from schemas.questions import QuestionOut
from schemas.reports import OtherSymptomOut
from schemas.sign_in import PatientRefOut
from schemas.staff_pages import EmergencyPageOut
from schemas.suggestions import SuggestionOut


class CandidateQuery(PageQuery):
    """Which candidates."""

    status = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in CandidateStatus]),
        metadata={"description": "Only those that stand so, snoozed or not; without it, the open ones that wait now"},
    )
    tier = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in Tier]),
        metadata={"description": "Only this urgency"},
    )
    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    patient = fields.UUID(load_default=None, metadata={"description": "Only this patient"})
    claimed_by = fields.String(
        load_default=None,
        validate=validate.OneOf(["me", "nobody"]),
        metadata={"description": "Only those that the caller, or nobody, has taken on"},
    )
    needs_review = fields.Boolean(
        load_default=None, metadata={"description": "Only those that no rule understood, or only the others"}
    )
    escalated = fields.Boolean(
        load_default=None,
        metadata={"description": "Only those taken further because nobody looked, or only the others"},
    )
    snoozed = fields.Boolean(
        load_default=None, metadata={"description": "Only those expected until a later day, or only the others"}
    )


class PatientAtSiteOut(PatientRefOut):
    """Which patient, and where."""

    site = fields.String(required=True, metadata={"description": "The site's code"})


class TermOut(Schema):
    """A term of the terminology."""

    name = fields.String(required=True, metadata={"description": "Its CTCAE name"})
    code = fields.String(required=True, metadata={"description": "Its MedDRA code"})
    soc = fields.String(required=True, metadata={"description": "Its organ class"})


class LevelOut(Schema):
    """How bad reports say it is."""

    tier = fields.String(required=True, allow_none=True, metadata={"description": "The most urgent rule; null: none"})
    composite = fields.Integer(required=True, allow_none=True, metadata={"description": "0 to 3; not a CTCAE grade"})
    grade = fields.Integer(required=True, allow_none=True, metadata={"description": "From measurements alone"})
    measurements = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        metadata={"description": "What was measured about it, by name; absent from before these were kept"},
    )


class RuleRefOut(Schema):
    """Which rule put it where it is."""

    id = fields.String(required=True, metadata={"description": "The rule's name in the protocol"})
    version = fields.Integer(required=True, metadata={"description": "The rule's version"})


class CandidateOut(Schema):
    """One episode of one term in one patient; never an adverse event until a person says so."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "About whom"})
    term = fields.Nested(
        TermOut, required=True, allow_none=True, metadata={"description": "null for words and wishes to be called"}
    )
    tier = fields.String(required=True, metadata={"description": "T1 emergency, T2 same day, T3 queue"})
    status = fields.String(required=True, metadata={"description": "Where it stands"})
    onset_on = fields.Date(required=True, metadata={"description": "The patient's day of the first report"})
    opened_at = fields.AwareDateTime(required=True, metadata={"description": "When the first report reached us"})
    last_reported_at = fields.AwareDateTime(required=True, metadata={"description": "When the latest one did"})
    worst = fields.Nested(LevelOut, required=True, metadata={"description": "The worst of each, so far"})
    latest = fields.Nested(LevelOut, required=True, metadata={"description": "What the latest report said"})
    trend = fields.String(required=True, metadata={"description": "new, better, same or worse"})
    provisional_grade = fields.Integer(
        required=True, allow_none=True, metadata={"description": "CTCAE grade by arithmetic, where there is one"}
    )
    needs_review = fields.Boolean(required=True, metadata={"description": "No rule understood what was reported"})
    suspected_serious = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "No report raised it: hospitalisation (nobody planned it) or death, up to month 24"},
    )
    before_treatment = fields.Boolean(required=True, metadata={"description": "Found in a baseline report"})
    claimed_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who has taken it on"})
    claimed_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "Since when"})
    snoozed_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Until when it is expected as it is; null: it waits now"},
    )
    escalated_to = fields.String(
        required=True, allow_none=True, metadata={"description": "The role told because nobody else looked in time"}
    )
    acknowledged_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When a person took note"}
    )
    due_at = fields.AwareDateTime(required=True, metadata={"description": "By when a person must"})
    seconds_overdue = fields.Integer(
        required=True, metadata={"description": "How long nobody has taken note beyond that; 0 when somebody has"}
    )
    reports = fields.Integer(required=True, metadata={"description": "How many reports have joined"})
    rule = fields.Nested(RuleRefOut, required=True, metadata={"description": "Why it is here"})
    merged_into = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The candidate that stands for this one"}
    )
    first_known_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When somebody of the site first opened it, recorded it or acted on it"},
    )


class CandidatePageOut(PageOut):
    """Some candidates, the most urgent first."""

    items = fields.List(fields.Nested(CandidateOut), required=True, metadata={"description": "The candidates"})


class FindingReportOut(Schema):
    """The report behind a finding."""

    id = fields.UUID(required=True, metadata={"description": "The report's id"})
    version = fields.Integer(
        required=True, metadata={"description": "1: as it was sent; later ones are corrections, with their answers"}
    )
    instrument = fields.String(required=True, metadata={"description": "The questionnaire"})
    completed_at = fields.AwareDateTime(required=True, metadata={"description": "When it was answered"})
    respondent = fields.String(required=True, metadata={"description": "Whose answers these are"})
    mode = fields.String(required=True, metadata={"description": "How they were taken"})
    answers = fields.Dict(required=True, metadata={"description": "Item to value, or to why there is none"})
    composites = fields.Dict(required=True, metadata={"description": "Composite grade by symptom"})
    measurements = fields.Dict(required=True, metadata={"description": "Measured at home"})
    wants_call = fields.Boolean(required=True, metadata={"description": "Whether to be called back"})
    other_symptoms = fields.List(
        fields.Nested(OtherSymptomOut), metadata={"description": "Own words; absent for roles that may not read them"}
    )


class FindingOut(Schema):
    """What one report or text said about it."""

    report = fields.Nested(
        FindingReportOut, required=True, allow_none=True, metadata={"description": "null: it was a text message"}
    )
    text = fields.String(
        metadata={"description": "The text message; absent for roles that may not read it"}, allow_none=True
    )
    tier = fields.String(required=True, allow_none=True, metadata={"description": "null: no rule fired"})
    rule = fields.Nested(RuleRefOut, required=True, allow_none=True, metadata={"description": "Which rule fired"})
    composite = fields.Integer(required=True, allow_none=True, metadata={"description": "0 to 3"})
    grade = fields.Integer(required=True, allow_none=True, metadata={"description": "From measurements alone"})
    items = fields.List(fields.String(), required=True, metadata={"description": "What it rests on"})
    trend = fields.String(required=True, metadata={"description": "How it compared with the report before"})
    found_at = fields.AwareDateTime(required=True, metadata={"description": "When"})


class DecisionOut(Schema):
    """A step a person took."""

    kind = fields.String(required=True, metadata={"description": "What was done"})
    from_status = fields.String(required=True, metadata={"description": "From where"})
    to_status = fields.String(required=True, metadata={"description": "to where"})
    decided_by = fields.UUID(required=True, allow_none=True, metadata={"description": "By whom"})
    decided_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    decided_as = fields.String(
        required=True, allow_none=True, metadata={"description": "In which role; null for a patient's answer"}
    )
    reason_code = fields.String(required=True, allow_none=True, metadata={"description": "Why it was dismissed"})
    merged_into = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Into which other, or out of which it came again"}
    )
    reason = fields.String(
        allow_none=True, metadata={"description": "Why, in the person's words; absent for roles that may not read them"}
    )


class CandidateRecordOut(CandidateOut):
    """A candidate with everything that stands behind it."""

    findings = fields.List(fields.Nested(FindingOut), required=True, metadata={"description": "The first one first"})
    decisions = fields.List(fields.Nested(DecisionOut), required=True, metadata={"description": "The first one first"})
    questions = fields.List(fields.Nested(QuestionOut), required=True, metadata={"description": "The first one first"})
    pages = fields.List(fields.Nested(EmergencyPageOut), required=True, metadata={"description": "The first one first"})
    merged = fields.List(
        fields.UUID(), required=True, metadata={"description": "The candidates that were merged into this one"}
    )
    suggestions = fields.List(
        fields.Nested(SuggestionOut),
        required=True,
        metadata={
            "description": "At most three terms that the patient's own words may mean, where no term is known yet; "
            "none for a reader who may not read the words"
        },
    )


class AcknowledgementIn(Schema):
    """Nothing more needs to be said."""


class ClaimIn(Schema):
    """Whoever asks takes it on; nothing more needs to be said."""


class SnoozeIn(Schema):
    """Expected at this level until."""

    until = fields.Date(
        required=True,
        metadata={"description": "The day, at the site, on which it is back; after today and at most 90 days ahead"},
    )
    reason = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "Why it is expected"},
    )

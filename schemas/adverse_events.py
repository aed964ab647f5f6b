"""Adverse events: what a person judged, how it went on, and whose name stands under it."""

from typing import Any

from marshmallow import fields, validate

from backend.event_terms import (
    ActionTaken,
    EventOutcome,
    EventSource,
    EventStatus,
    OwnGrading,
    Relation,
    Seriousness,
)
from schemas import people
from schemas.base import Schema, StrictBoolean
from schemas.moments import partial_day
from schemas.paging import OnePageOut, PageOut, PageQuery
from schemas.sign_in import a_password
from schemas.triage import PatientAtSiteOut, TermOut

LONGEST_CODE = 20
NEWEST = "5.0"


def _word(vocabulary: Any, description: str, **options: Any) -> fields.String:
    return fields.String(
        validate=validate.OneOf([word.value for word in vocabulary]), metadata={"description": description}, **options
    )


def _grade(**options: Any) -> fields.Integer:
    said = {"description": "CTCAE grade; only one that exists for the term"}
    return fields.Integer(strict=True, validate=validate.Range(min=1, max=5), metadata=said, **options)


class JudgedIn(Schema):
    """What a person judges about an event."""

    term_code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_CODE),
        metadata={"description": "The term's MedDRA code, as text"},
    )
    grade = _grade(required=True)
    onset_on = partial_day(required=True, description="As precise as it is known: 2027-03-17, 2027-03 or 2027")
    ended_on = partial_day(
        load_default=None, allow_none=True, description="The same; null while it lasts or nobody knows"
    )
    outcome = _word(EventOutcome, "How it stands, or ended", required=True)
    serious = fields.List(
        fields.String(validate=validate.OneOf([word.value for word in Seriousness])),
        load_default=list,
        validate=validate.Length(max=len(Seriousness)),
        metadata={"description": "Which of the six criteria make it serious; none: it is not serious"},
    )
    relation_cells = _word(Relation, "To the cells; not_applicable in arms without cells", required=True)
    relation_drug = _word(Relation, "To the targeted drug", required=True)
    action_cells = _word(ActionTaken, "With the cells; not_applicable in arms without cells", required=True)
    action_drug = _word(ActionTaken, "With the targeted drug", required=True)
    expected = StrictBoolean(
        load_default=None, allow_none=True, metadata={"description": "The sponsor's judgement; null: none yet"}
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping; sealed")
    specify = people.note(
        load_default=None,
        allow_none=True,
        description="What it is: with an 'Other, specify' term, and only there; sealed",
    )
    own_grading = _word(OwnGrading, "For what CTCAE has no term for: gvhd or icans", load_default=None, allow_none=True)
    own_grade = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=10),
        metadata={"description": "The grade by that grading: I to IV, or 1 to 4"},
    )
    ctcae_version = fields.String(
        load_default=NEWEST,
        validate=validate.Length(min=1, max=10),
        metadata={"description": "By which version it is coded; the newest unless it is said"},
    )


# A change names only what changes.
JUDGED = tuple(JudgedIn().fields)


class CandidateConfirmationIn(JudgedIn):
    """The candidate is this adverse event, as whoever sends it judges; a draft until it is signed."""


class AdverseEventIn(JudgedIn):
    """An event that no report raised."""

    source = _word(EventSource, "Where the site learnt of it", required=True)


class AdverseEventChangeIn(JudgedIn):
    """What changes, and why."""

    reason = people.note(required=True, description="Why it is changed; sealed")
    grade_from_on = partial_day(
        load_default=None,
        description="From which day the grade counts; without it from today, or from the end of what has ended",
    )


class GradeIn(Schema):
    """A grade the event had from a day on."""

    grade = _grade(required=True)
    from_on = partial_day(required=True, description="From which day; said again for the same day, it corrects that")
    reason = people.note(required=True, description="Why it is recorded; sealed")


class EventSignatureIn(Schema):
    """One's own hand."""

    password = a_password("One's password again", required=True)
    meaning = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=200), people.not_blank, people.one_line],
        metadata={"description": "What the signature means, such as: reviewed and approved"},
    )
    version = fields.Integer(
        strict=True,
        load_default=None,
        validate=validate.Range(min=1, max=999_999_999),
        metadata={"description": "The version that was read; a later one is refused. Without it, the newest now"},
    )


class VoidingIn(Schema):
    """Why it should never have been recorded."""

    reason = people.note(required=True, description="Why it was a mistake; sealed")


class AdverseEventQuery(PageQuery):
    """Which adverse events; without a status, those that stand."""

    patient = fields.UUID(load_default=None, metadata={"description": "Only this patient"})
    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    status = _word(EventStatus, "Only those that stand so", load_default=None)
    serious = fields.Boolean(load_default=None, metadata={"description": "Only the serious ones, or only the others"})
    term = fields.String(
        load_default=None,
        validate=validate.Length(max=LONGEST_CODE),
        metadata={"description": "Only this term, by its code"},
    )


class GradeOut(Schema):
    """A grade that was recorded."""

    number = fields.Integer(required=True, metadata={"description": "1 for the first"})
    grade = fields.Integer(required=True, metadata={"description": "Which grade"})
    from_on = fields.String(required=True, metadata={"description": "From which day; of one day, the last one counts"})
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "By whom"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})


class EmergenceFactsOut(Schema):
    """What the flags rest on, as it stood when they were computed."""

    randomised_on = fields.String(required=True, metadata={"description": "The first day of study and drug"})
    study_ends_on = fields.String(
        required=True, metadata={"description": "Month 24, the last day of the study's period"}
    )
    receives_cells = fields.Boolean(required=True, metadata={"description": "Whether the arm does"})
    first_infusion_on = fields.String(required=True, allow_none=True, metadata={"description": "null: none was given"})
    last_infusion_on = fields.String(
        required=True, allow_none=True, metadata={"description": "The latest that was given"}
    )
    drug_stopped_on = fields.String(required=True, allow_none=True, metadata={"description": "null: it is still taken"})


class EmergenceWordsOut(Schema):
    """Why, in words, in the language of the answer."""

    study = fields.String(required=True, metadata={"description": "Of the study"})
    cells = fields.String(required=True, metadata={"description": "Of the cells"})
    drug = fields.String(required=True, metadata={"description": "Of the targeted drug"})


class EmergenceOut(Schema):
    """In which periods the event began, or rose in grade. What may have, by a partial date, counts."""

    study_emergent = fields.Boolean(required=True, metadata={"description": "From randomisation to month 24"})
    cells_emergent = fields.Boolean(
        required=True, metadata={"description": "From the first infusion to 30 days after the last"}
    )
    drug_emergent = fields.Boolean(
        required=True, metadata={"description": "From randomisation to 30 days after the targeted drug was stopped"}
    )
    facts = fields.Nested(EmergenceFactsOut, required=True, metadata={"description": "What they rest on"})
    words = fields.Nested(EmergenceWordsOut, required=True, metadata={"description": "Why, for a reader"})


class SignatureEndOut(Schema):
    """How a signature ended."""

    at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who changed what was signed"})
    because = fields.List(fields.String(), required=True, metadata={"description": "The fields that were changed"})


class SignatureOut(Schema):
    """Somebody's name under the event."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    signed_by = fields.UUID(required=True, metadata={"description": "By whom"})
    signed_as = fields.String(required=True, metadata={"description": "In which role"})
    signed_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    meaning = fields.String(required=True, metadata={"description": "What it means"})
    event_version = fields.Integer(required=True, metadata={"description": "Which version was signed"})
    content_hash = fields.String(required=True, metadata={"description": "SHA-256 of exactly what was signed, salted"})
    voided = fields.Nested(
        SignatureEndOut, required=True, allow_none=True, metadata={"description": "null while it stands"}
    )


class SignaturesOut(OnePageOut):
    """Every signature that was ever given."""

    items = fields.List(fields.Nested(SignatureOut), required=True, metadata={"description": "The first one first"})


class EventVoidingOut(Schema):
    """That it was recorded by mistake."""

    at = fields.AwareDateTime(required=True, metadata={"description": "When that was said"})
    by = fields.UUID(required=True, allow_none=True, metadata={"description": "By whom"})
    because = fields.String(
        allow_none=True, metadata={"description": "Why; absent in lists and for roles that may not read it"}
    )


class AdverseEventOut(Schema):
    """An adverse event, as a person on the site judged it."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Whose it is"})
    candidate_event_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The candidate it came from; null: entered directly"}
    )
    source = fields.String(required=True, metadata={"description": "Where the site learnt of it"})
    ctcae_version = fields.String(required=True, metadata={"description": "By which version it is coded"})
    term = fields.Nested(TermOut, required=True, metadata={"description": "Its term"})
    specify = fields.String(
        allow_none=True, metadata={"description": "What it is; absent in lists and for roles that may not read it"}
    )
    grade = fields.Integer(required=True, metadata={"description": "The grade now"})
    worst_grade = fields.Integer(required=True, metadata={"description": "The highest it had"})
    grade_history = fields.List(
        fields.Nested(GradeOut), required=True, metadata={"description": "Every grade, as it was recorded"}
    )
    own_grading = fields.String(required=True, allow_none=True, metadata={"description": "gvhd, icans or null"})
    own_grade = fields.String(required=True, allow_none=True, metadata={"description": "The grade by it"})
    onset_on = fields.String(required=True, metadata={"description": "As precise as it is known"})
    ended_on = fields.String(required=True, allow_none=True, metadata={"description": "The same"})
    outcome = fields.String(required=True, metadata={"description": "How it stands, or ended"})
    serious = fields.List(
        fields.String(), required=True, metadata={"description": "By which criteria; empty: it is not"}
    )
    relation_cells = fields.String(required=True, metadata={"description": "To the cells"})
    relation_drug = fields.String(required=True, metadata={"description": "To the targeted drug"})
    action_cells = fields.String(required=True, metadata={"description": "With the cells"})
    action_drug = fields.String(required=True, metadata={"description": "With the targeted drug"})
    expected = fields.Boolean(required=True, allow_none=True, metadata={"description": "null: nobody has said"})
    note = fields.String(
        allow_none=True, metadata={"description": "Absent in lists and for roles that may not read it"}
    )
    status = fields.String(required=True, metadata={"description": "draft, signed or voided"})
    version = fields.Integer(required=True, metadata={"description": "Which its ETag names"})
    study_emergent = fields.Boolean(required=True, metadata={"description": "As in emergent"})
    cells_emergent = fields.Boolean(required=True, metadata={"description": "As in emergent"})
    drug_emergent = fields.Boolean(required=True, metadata={"description": "As in emergent"})
    emergent = fields.Nested(EmergenceOut, required=True, metadata={"description": "The flags, and why"})
    signature = fields.Nested(
        SignatureOut, required=True, allow_none=True, metadata={"description": "The one in force; null for a draft"}
    )
    signatures = fields.List(
        fields.Nested(SignatureOut), required=True, metadata={"description": "Every one there was, the first one first"}
    )
    received_at = fields.AwareDateTime(required=True, metadata={"description": "When the report of it reached us"})
    first_known_at = fields.AwareDateTime(
        required=True, metadata={"description": "When a member of staff first opened, acknowledged or recorded it"}
    )
    serious_known_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Since when it is known to be serious; null: it is not"},
    )
    report_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "By when a safety report must have been sent"}
    )
    reported_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the first one was sent"}
    )
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "By whom it was recorded"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    voided = fields.Nested(EventVoidingOut, required=True, allow_none=True, metadata={"description": "null: it stands"})


class AdverseEventPageOut(PageOut):
    """Some adverse events, the latest recorded one first."""

    items = fields.List(fields.Nested(AdverseEventOut), required=True, metadata={"description": "The events"})

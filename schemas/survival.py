"""Being alive, and deaths: what is said, by whom, and what a second person decides."""

from marshmallow import fields, validate

from backend.terms import EvidenceSource, Respondent, SurvivalStatus, WorkReason
from schemas import people
from schemas.base import Schema
from schemas.moments import day
from schemas.paging import OnePageOut, PageQuery
from schemas.triage import PatientAtSiteOut

DIED = "died"
ON_THE_LIST = (
    WorkReason.SURVIVAL_CHECK_UNANSWERED,
    WorkReason.SEARCH_RECORDS,
    WorkReason.CONTACT_REFUSED,
    WorkReason.DEATH_REPORTED,
    WorkReason.RESUME_CONTACT,
)


class ConfirmationIn(Schema):
    """Somebody at the patient's phone says how the patient is."""

    status = fields.String(
        required=True,
        validate=validate.OneOf([SurvivalStatus.ALIVE.value, DIED]),
        metadata={"description": "alive, or (from a caregiver) died"},
    )
    respondent = fields.String(
        required=True,
        validate=validate.OneOf([Respondent.PATIENT.value, Respondent.CAREGIVER.value]),
        metadata={"description": "Who says so"},
    )
    as_of = day(required=True, description="alive: on which day; died: the day of death, as the caregiver knows it")
    key = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=80),
        metadata={"description": "The survival check that asked"},
    )


class ConfirmationOut(Schema):
    """What was kept."""

    id = fields.UUID(required=True, metadata={"description": "The evidence's or the death report's id"})
    status = fields.String(required=True, metadata={"description": "alive or died"})
    respondent = fields.String(required=True, metadata={"description": "Who said so"})
    as_of = fields.Date(required=True, metadata={"description": "For which day it counts"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When it was kept"})


class SurvivalStatusIn(Schema):
    """What the site learnt. A death is reported at death-reports, where a second person decides."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(
            [SurvivalStatus.ALIVE.value, SurvivalStatus.UNKNOWN.value],
            error="Must be alive or unknown; a death is reported at the patient's death-reports.",
        ),
        metadata={"description": "alive or unknown"},
    )
    as_of = day(required=True, description="For which day it counts")
    source = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in EvidenceSource]),
        metadata={"description": "How it is known"},
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping")


class SurvivalStatusOut(Schema):
    """What was kept."""

    status = fields.String(required=True, metadata={"description": "alive or unknown"})
    as_of = fields.Date(required=True, metadata={"description": "For which day it counts"})
    source = fields.String(required=True, metadata={"description": "How it is known"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When it was kept"})
    last_known_alive = fields.Date(
        required=True, allow_none=True, metadata={"description": "The latest day the patient is known to have lived"}
    )


class DeathReportIn(Schema):
    """Somebody says that the patient has died."""

    died_on = fields.String(
        required=True,
        allow_none=True,
        validate=validate.Length(min=4, max=10),
        metadata={"description": "As precise as it is known: 2027-03-17, 2027-03, 2027; null: not known yet"},
    )
    cause = people.note(load_default=None, allow_none=True, description="The cause, as it was told")
    informant = people.name(required=True, description="Who said so")
    relation = people.name(load_default=None, allow_none=True, description="What they are to the patient")


class DenialIn(Schema):
    """Why a report of a death was mistaken."""

    reason = people.note(required=True, description="Why")


class ApprovalIn(Schema):
    """Only a report that came without a date needs one now."""

    died_on = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=4, max=10),
        metadata={"description": "2027-03-17, 2027-03 or 2027, when the report came without a date"},
    )


class DeathReportOut(Schema):
    """A report of a death. Names and free text are absent for roles that may not read them."""

    id = fields.UUID(required=True, metadata={"description": "The report's id"})
    patient_id = fields.UUID(required=True, metadata={"description": "The patient's id"})
    status = fields.String(required=True, metadata={"description": "pending, approved, denied or reversed"})
    died_on = fields.String(required=True, allow_none=True, metadata={"description": "As precise as it is known"})
    reported_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who entered it"})
    reported_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    decided_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who decided"})
    decided_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When"})
    cause = fields.String(allow_none=True, metadata={"description": "The cause, as it was told"})
    informant = fields.String(allow_none=True, metadata={"description": "Who said so"})
    relation = fields.String(allow_none=True, metadata={"description": "Who the informant is to them"})
    denied_because = fields.String(allow_none=True, metadata={"description": "Why it was mistaken"})
    disagrees_with = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "Other reports, not denied, whose date cannot be of the same day; all are kept"},
    )
    last_known_alive = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "The latest day the patient is known to have lived; after died_on, one is mistaken"},
    )


class DeathReportsOut(OnePageOut):
    """The reports of one patient's death: few, and therefore one page."""

    items = fields.List(fields.Nested(DeathReportOut), required=True, metadata={"description": "The newest first"})


class SurvivalWorkQuery(PageQuery):
    """Which tasks about survival."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    reason = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in ON_THE_LIST]),
        metadata={"description": "Only tasks that exist for this reason"},
    )


class SurvivalCheckQuery(Schema):
    """Where to look."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )


class ContradictionOut(Schema):
    """One thing that cannot be true beside the rest of a patient's record."""

    check = fields.String(required=True, metadata={"description": "Which check it breaks"})
    sentence = fields.String(required=True, metadata={"description": "What should be true"})
    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "About whom"})
    record_id = fields.UUID(required=True, metadata={"description": "The report, event or patient that breaks it"})


class ContradictionsOut(OnePageOut):
    """What breaks any check: nothing, while all is well."""

    items = fields.List(fields.Nested(ContradictionOut), required=True, metadata={"description": "By check"})

"""What the trial found, as data: every figure with the patients it rests on."""

from marshmallow import fields, validate

from backend.event_terms import ResponseCriteria
from schemas import moments
from schemas.base import Schema
from schemas.triage import PatientAtSiteOut, TermOut


class OutcomeQuery(Schema):
    """Which patients, and until when."""

    cutoff = moments.day(
        load_default=None, description="What came after this day is ignored; not before the first randomisation"
    )
    arm = fields.String(
        load_default=None,
        validate=validate.Length(max=40),
        metadata={"description": "Only this arm; not for roles kept blind, which see one, `all`"},
    )
    site = fields.String(
        load_default=None,
        validate=validate.Length(max=20),
        metadata={"description": "Only this site; else all of one's own"},
    )


class StepOut(Schema):
    """What a day changed."""

    day = fields.Integer(required=True, metadata={"description": "Day of follow-up; randomisation is day 1"})
    at_risk = fields.Integer(required=True, metadata={"description": "Still followed when the day began"})
    events = fields.Integer(required=True, metadata={"description": "Deaths on it"})
    censored = fields.Integer(required=True, metadata={"description": "Last known alive on it"})
    survival = fields.Float(required=True, metadata={"description": "The share alive from then on, 0 to 1"})
    lower = fields.Float(required=True, allow_none=True, metadata={"description": "95 % limit; null: not defined"})
    upper = fields.Float(required=True, allow_none=True, metadata={"description": "95 % limit; null: not defined"})


class MedianOut(Schema):
    """The day on which half is reached."""

    days = fields.Integer(required=True, allow_none=True, metadata={"description": "null: not reached"})
    lower = fields.Integer(required=True, allow_none=True, metadata={"description": "95 % limit; null: not reached"})
    upper = fields.Integer(required=True, allow_none=True, metadata={"description": "95 % limit; null: not reached"})


class AtRiskOut(Schema):
    """How many were still followed."""

    month = fields.Integer(required=True, metadata={"description": "So many months after randomisation"})
    at_risk = fields.Integer(required=True, metadata={"description": "Still followed when it began"})


class CurveOut(Schema):
    """One Kaplan-Meier curve."""

    arm = fields.String(required=True, allow_none=True, metadata={"description": "null: all arms together"})
    patients = fields.Integer(required=True, metadata={"description": "How many were randomised"})
    events = fields.Integer(required=True, metadata={"description": "How many of them died"})
    median = fields.Nested(MedianOut, required=True, metadata={"description": "Median survival"})
    follow_up = fields.Nested(
        MedianOut,
        required=True,
        metadata={"description": "Median follow-up by reverse Kaplan-Meier: how complete the knowledge is"},
    )
    steps = fields.List(fields.Nested(StepOut), required=True, metadata={"description": "The first day first"})
    numbers_at_risk = fields.List(fields.Nested(AtRiskOut), required=True, metadata={"description": "By month"})


class LogRankOut(Schema):
    """Whether two arms differ more than chance explains."""

    statistic = fields.Float(required=True, metadata={"description": "Chi-square with one degree of freedom"})
    p = fields.Float(required=True, metadata={"description": "Two-sided"})


class SurvivingOut(Schema):
    """One patient of the analysis."""

    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Who"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    randomised_on = fields.Date(required=True, metadata={"description": "Day 1"})
    end_on = fields.Date(required=True, metadata={"description": "The day of death, or last known alive"})
    days = fields.Integer(required=True, metadata={"description": "From the one to the other, both counted"})
    has_died = fields.Boolean(required=True, metadata={"description": "false: censored"})
    reported_died_on = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "As precisely as it was reported; null: not counted as dead"},
    )
    is_imputed = fields.Boolean(
        required=True,
        metadata={"description": "Whether the day of death was placed by the rule, for the analysis only"},
    )


class OverallSurvivalOut(Schema):
    """Overall survival by arm and in all."""

    definition = fields.String(required=True, metadata={"description": "What is counted, in words"})
    cutoff = fields.Date(required=True, allow_none=True, metadata={"description": "null: all that is known"})
    computed_at = fields.AwareDateTime(required=True, metadata={"description": "When this was computed"})
    together = fields.Nested(CurveOut, required=True, metadata={"description": "Everybody"})
    arms = fields.List(fields.Nested(CurveOut), required=True, metadata={"description": "By the arm's name"})
    log_rank = fields.Nested(
        LogRankOut, required=True, allow_none=True, metadata={"description": "null: not two arms, or no deaths"}
    )
    imputed = fields.Integer(required=True, metadata={"description": "How many days of death were placed by the rule"})
    patients = fields.List(fields.Nested(SurvivingOut), required=True, metadata={"description": "By subject number"})


class DiseaseControlQuery(OutcomeQuery):
    """Which patients, until when, and by which criteria."""

    criteria = fields.String(
        load_default=ResponseCriteria.RECIST.value,
        validate=validate.OneOf([word.value for word in ResponseCriteria]),
        metadata={"description": "RECIST 1.1 or mRECIST"},
    )


class ShareOut(Schema):
    """A share with its exact limits (Clopper-Pearson, 95 %)."""

    count = fields.Integer(required=True, metadata={"description": "How many"})
    of = fields.Integer(required=True, metadata={"description": "Of how many"})
    share = fields.Float(required=True, allow_none=True, metadata={"description": "0 to 1; null: of nobody"})
    lower = fields.Float(required=True, allow_none=True, metadata={"description": "95 % limit"})
    upper = fields.Float(required=True, allow_none=True, metadata={"description": "95 % limit"})


class ControlOut(Schema):
    """Disease control of one arm, or of everybody."""

    arm = fields.String(required=True, allow_none=True, metadata={"description": "null: all arms together"})
    patients = fields.Integer(required=True, metadata={"description": "How many were randomised"})
    controlled = fields.Nested(ShareOut, required=True, metadata={"description": "CR, PR, or SD after six weeks"})
    best_responses = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How many had each: CR, PR, SD, SD_before_6_weeks, PD, NE, never_assessed"},
    )


class ImagedOut(Schema):
    """One patient of the analysis."""

    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Who"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    randomised_on = fields.Date(required=True, metadata={"description": "When"})
    best_response = fields.String(required=True, metadata={"description": "As in best_responses"})
    seen_on = fields.Date(required=True, allow_none=True, metadata={"description": "When it was first seen"})
    is_controlled = fields.Boolean(required=True, metadata={"description": "Whether it counts"})


class DiseaseControlOut(Schema):
    """Disease control by arm and in all."""

    definition = fields.String(required=True, metadata={"description": "What is counted, in words"})
    criteria = fields.String(required=True, metadata={"description": "By which criteria"})
    cutoff = fields.Date(required=True, allow_none=True, metadata={"description": "null: all that is known"})
    computed_at = fields.AwareDateTime(required=True, metadata={"description": "When this was computed"})
    together = fields.Nested(ControlOut, required=True, metadata={"description": "Everybody"})
    arms = fields.List(fields.Nested(ControlOut), required=True, metadata={"description": "By the arm's name"})
    patients = fields.List(fields.Nested(ImagedOut), required=True, metadata={"description": "By subject number"})


class CountsOut(Schema):
    """So many assessments were expected, and so they came."""

    expected = fields.Integer(
        required=True, metadata={"description": "Whose window has closed, or which were answered"}
    )
    on_time = fields.Integer(required=True, metadata={"description": "Answered before the window closed"})
    late = fields.Integer(required=True, metadata={"description": "Answered after it"})
    missed = fields.Integer(required=True, metadata={"description": "Not answered"})
    share_on_time = fields.Nested(ShareOut, required=True, metadata={"description": "Of those expected"})


class WeekOut(CountsOut):
    """One week after randomisation."""

    week = fields.Integer(required=True, metadata={"description": "0 is the week of randomisation"})


class WeeksOut(CountsOut):
    """All weeks of a group, and each."""

    weeks = fields.List(fields.Nested(WeekOut), required=True, metadata={"description": "The first week first"})


class ArmWeeksOut(WeeksOut):
    """An arm."""

    arm = fields.String(required=True, metadata={"description": "The arm"})


class SiteWeeksOut(WeeksOut):
    """A site."""

    site = fields.String(required=True, metadata={"description": "The site's code"})


class PatientCountsOut(CountsOut):
    """A patient."""

    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Who"})


class AdherenceOut(Schema):
    """Adherence to reporting, by week, arm and site."""

    definition = fields.String(required=True, metadata={"description": "What is counted, in words"})
    cutoff = fields.Date(required=True, allow_none=True, metadata={"description": "null: all that is known"})
    computed_at = fields.AwareDateTime(required=True, metadata={"description": "When this was computed"})
    together = fields.Nested(CountsOut, required=True, metadata={"description": "Everybody"})
    arms = fields.List(fields.Nested(ArmWeeksOut), required=True, metadata={"description": "By the arm's name"})
    sites = fields.List(fields.Nested(SiteWeeksOut), required=True, metadata={"description": "Each site"})
    patients = fields.List(
        fields.Nested(PatientCountsOut), required=True, metadata={"description": "By subject number"}
    )


class AdverseEventOutcomesQuery(OutcomeQuery):
    """Which patients, until when, and which events."""

    emergent = fields.String(
        load_default="study",
        validate=validate.OneOf(["study", "cells", "drug", "all"]),
        metadata={
            "description": "Only events that emerged in the study, under the cells, under the drug; or all. "
            "For roles kept blind not under the cells or the drug"
        },
    )


class AskedOut(Schema):
    """How often an arm was asked."""

    arm = fields.String(required=True, metadata={"description": "The arm"})
    patients = fields.Integer(required=True, metadata={"description": "How many were randomised"})
    reports = fields.Integer(required=True, metadata={"description": "How many reports they sent"})
    reports_per_patient_month = fields.Float(
        required=True, allow_none=True, metadata={"description": "Over the months they were followed"}
    )


class EventRowOut(Schema):
    """One term in one arm."""

    term = fields.Nested(TermOut, required=True, allow_none=True, metadata={"description": "The CTCAE term"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    events = fields.Integer(required=True, metadata={"description": "How many events"})
    patients = fields.Integer(required=True, metadata={"description": "How many patients had any"})
    grade_3_or_more = fields.Integer(required=True, metadata={"description": "Patients at worst grade 3 or more"})
    serious = fields.Integer(required=True, metadata={"description": "Patients with a serious one"})
    study_emergent = fields.Integer(
        required=True, metadata={"description": "Patients with one that began or worsened in the study"}
    )
    by_worst_grade = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Patients by the worst grade they had, 1 to 5"},
    )


class EventTablesOut(Schema):
    """Signed events, and drafts apart."""

    signed = fields.List(fields.Nested(EventRowOut), required=True, metadata={"description": "By term and arm"})
    drafts = fields.List(fields.Nested(EventRowOut), required=True, metadata={"description": "Not signed yet"})


class EventCountedOut(Schema):
    """One event of the tables."""

    id = fields.UUID(required=True, metadata={"description": "The adverse event's id"})
    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Whose"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    term = fields.Nested(TermOut, required=True, allow_none=True, metadata={"description": "The CTCAE term"})
    onset_on = fields.String(required=True, metadata={"description": "As precisely as it is known"})
    worst_grade = fields.Integer(required=True, metadata={"description": "The highest of its course, by the cut-off"})
    serious = fields.Boolean(required=True, metadata={"description": "Whether it is serious"})
    signed = fields.Boolean(required=True, metadata={"description": "false: a draft"})
    shared = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Assessments that both arms have could find it; null: not for roles kept blind"},
    )
    study_emergent = fields.Boolean(required=True, metadata={"description": "Began or worsened in the study"})


class ReportingOut(Schema):
    """How often one patient reported."""

    patient = fields.Nested(PatientAtSiteOut, required=True, metadata={"description": "Who"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    reports = fields.Integer(required=True, metadata={"description": "How many reports came"})
    months = fields.Float(required=True, metadata={"description": "For how long they were followed"})


class AdverseEventOutcomesOut(EventTablesOut):
    """Adverse events by term, worst grade and arm."""

    definition = fields.String(required=True, metadata={"description": "What is counted, in words"})
    cutoff = fields.Date(required=True, allow_none=True, metadata={"description": "null: all that is known"})
    emergent = fields.String(required=True, metadata={"description": "Which events are counted"})
    computed_at = fields.AwareDateTime(required=True, metadata={"description": "When this was computed"})
    arms = fields.List(fields.Nested(AskedOut), required=True, metadata={"description": "Over whom, asked how often"})
    shared_assessments = fields.Nested(
        EventTablesOut,
        required=True,
        allow_none=True,
        metadata={"description": "The same, of what both arms are asked alike; null: not for roles kept blind"},
    )
    events = fields.List(fields.Nested(EventCountedOut), required=True, metadata={"description": "What is counted"})
    patients = fields.List(
        fields.Nested(ReportingOut), required=True, metadata={"description": "Whose reports those of the arms are"}
    )

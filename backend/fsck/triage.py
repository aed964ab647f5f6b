"""Candidate events: each rests on what somebody said, none waits without an hour, none is lost by being put off."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, ReportMode, Tier
from backend.triage.closing import REOPENED
from backend.triage.models import CandidateDecision, CandidateEvent, CandidateFinding

EMERGENCY_WITHIN = timedelta(hours=1)

_findings = (
    select(CandidateFinding.candidate_event_id.label("event"), func.count().label("findings"))
    .group_by(CandidateFinding.candidate_event_id)
    .subquery()
)
_of_report = and_(
    CandidateFinding.patient_id == SymptomReport.patient_id, CandidateFinding.report_id == SymptomReport.id
)
# An answer by text is judged as it comes: what it called for rests on the text, before there is a report.
_alarm = aliased(CandidateFinding)
_alarmed_by_its_texts = exists().where(
    _alarm.patient_id == SymptomReport.patient_id,
    _alarm.inbound_message_id.is_not(None),
    _alarm.tier == SymptomReport.tier,
    _alarm.found_at.between(SymptomReport.started_at, SymptomReport.received_at),
    SymptomReport.mode.in_((ReportMode.SMS, ReportMode.WEB_FORM)),
)
_last_decision = (
    select(CandidateDecision.candidate_event_id.label("event"), func.max(CandidateDecision.decided_at).label("at"))
    .group_by(CandidateDecision.candidate_event_id)
    .subquery()
)

_last_reopened = (
    select(CandidateDecision.candidate_event_id.label("event"), func.max(CandidateDecision.decided_at).label("at"))
    .where(CandidateDecision.kind == REOPENED)
    .group_by(CandidateDecision.candidate_event_id)
    .subquery()
)


def emergencies_without_haste(txn: Transaction) -> Iterator[str]:
    """Open emergencies that are due so late that nobody would call them one."""
    rows = (
        select(CandidateEvent.id, CandidateEvent.due_at, CandidateEvent.last_reported_at, _last_reopened.c.at)
        .outerjoin(_last_reopened, _last_reopened.c.event == CandidateEvent.id)
        .where(CandidateEvent.status.in_(OPEN_CANDIDATE_STATUSES), CandidateEvent.tier == Tier.T1)
    )
    for row in txn.session.execute(rows):
        if row.due_at > max(row.last_reported_at, row.at or row.last_reported_at) + EMERGENCY_WITHIN:
            yield str(row.id)


INVARIANTS = (
    Invariant(
        "triage.findings",
        "Every candidate event rests on as many findings as it counts reports",
        ids_of(
            lambda: (
                select(CandidateEvent.id)
                .outerjoin(_findings, _findings.c.event == CandidateEvent.id)
                .where(func.coalesce(_findings.c.findings, 0) != CandidateEvent.report_count)
            )
        ),
    ),
    Invariant(
        "triage.reports",
        "Every report that alarmed a rule, itself or by one of its texts, is before a coordinator as a candidate event",
        ids_of(
            lambda: (
                select(SymptomReport.patient_id, SymptomReport.id)
                .outerjoin(CandidateFinding, _of_report)
                .where(SymptomReport.tier.is_not(None), CandidateFinding.id.is_(None), ~_alarmed_by_its_texts)
            )
        ),
    ),
    Invariant(
        "triage.same_patient",
        "A finding and its candidate event are of one patient",
        ids_of(
            lambda: (
                select(CandidateFinding.id)
                .join(CandidateEvent, CandidateEvent.id == CandidateFinding.candidate_event_id)
                .where(CandidateEvent.patient_id != CandidateFinding.patient_id)
            )
        ),
    ),
    Invariant(
        "triage.source",
        "Every finding names the report, the text or the correction it was found in",
        ids_of(
            lambda: (
                select(CandidateFinding.id)
                .outerjoin(ReportCorrection, ReportCorrection.id == CandidateFinding.correction_id)
                .where(
                    CandidateFinding.report_id.is_(None),
                    CandidateFinding.inbound_message_id.is_(None),
                    ReportCorrection.id.is_(None),
                )
            )
        ),
    ),
    Invariant(
        "triage.due",
        "No open candidate event was due before it was opened",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                CandidateEvent.status.in_(OPEN_CANDIDATE_STATUSES), CandidateEvent.due_at < CandidateEvent.opened_at
            )
        ),
    ),
    Invariant(
        "triage.emergency",
        "Every open emergency is due within the hour after it was last reported or opened again",
        emergencies_without_haste,
    ),
    Invariant(
        "triage.acknowledged",
        "Whoever took note of a candidate event is named, and when",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                CandidateEvent.status == CandidateStatus.ACKNOWLEDGED,
                or_(CandidateEvent.acknowledged_at.is_(None), CandidateEvent.acknowledged_by.is_(None)),
            )
        ),
    ),
    Invariant(
        "triage.decided",
        "Every acknowledged candidate event has the decision that acknowledged it",
        ids_of(
            lambda: (
                select(CandidateEvent.id)
                .outerjoin(_last_decision, _last_decision.c.event == CandidateEvent.id)
                .where(CandidateEvent.status != CandidateStatus.PROPOSED, _last_decision.c.event.is_(None))
            )
        ),
    ),
    Invariant(
        "triage.waiting",
        "No candidate event that waits for somebody to take note has been taken note of, or is expected",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                CandidateEvent.status == CandidateStatus.PROPOSED,
                or_(
                    CandidateEvent.acknowledged_at.is_not(None),
                    CandidateEvent.acknowledged_by.is_not(None),
                    CandidateEvent.snoozed_until.is_not(None),
                ),
            )
        ),
    ),
    Invariant(
        "triage.claimed",
        "Every candidate event that somebody has taken on is open, and says since when",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                or_(
                    CandidateEvent.claimed_by.is_(None) != CandidateEvent.claimed_at.is_(None),
                    and_(
                        CandidateEvent.claimed_by.is_not(None),
                        CandidateEvent.status.not_in(OPEN_CANDIDATE_STATUSES),
                    ),
                )
            )
        ),
    ),
    Invariant(
        "triage.snoozed",
        "Every candidate event that is expected until a day says at which level, and none is an emergency",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                or_(
                    CandidateEvent.snoozed_until.is_(None) != CandidateEvent.snoozed_level.is_(None),
                    and_(CandidateEvent.snoozed_until.is_not(None), CandidateEvent.tier == Tier.T1),
                )
            )
        ),
    ),
)

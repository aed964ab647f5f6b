"""Candidate events that people closed: by somebody, once, and into something that is there."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from backend.adverse_events.models import AdverseEvent
from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.report_correction import ReportCorrection
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus
from backend.triage.models import CandidateDecision, CandidateEvent

_target = aliased(CandidateEvent)
_standing_events = (
    select(func.count())
    .where(AdverseEvent.candidate_event_id == CandidateEvent.id, AdverseEvent.voided_at.is_(None))
    .scalar_subquery()
)


def merged_in_a_circle(txn: Transaction) -> Iterator[str]:
    """Merged ones behind which nothing stands, because the line of what each was merged into comes round again."""
    rows = select(CandidateEvent.id, CandidateEvent.merged_into).where(CandidateEvent.merged_into.is_not(None))
    into = {row.id: row.merged_into for row in txn.session.execute(rows)}
    for merged in into:
        passed: set[UUID] = set()
        at = merged
        while at in into and at not in passed:
            passed.add(at)
            at = into[at]
        if at in passed:
            yield str(merged)


INVARIANTS = (
    Invariant(
        "triage.merged",
        "Every merged candidate event names another of the same patient, and no other names one",
        ids_of(
            lambda: (
                select(CandidateEvent.id)
                .outerjoin(_target, _target.id == CandidateEvent.merged_into)
                .where(
                    or_(
                        (CandidateEvent.status == CandidateStatus.MERGED) != CandidateEvent.merged_into.is_not(None),
                        and_(CandidateEvent.merged_into.is_not(None), _target.id.is_(None)),
                        _target.patient_id != CandidateEvent.patient_id,
                        _target.id == CandidateEvent.id,
                    )
                )
            )
        ),
    ),
    Invariant(
        "triage.circle",
        "Behind every merged candidate event stands one that is not merged",
        merged_in_a_circle,
    ),
    Invariant(
        "triage.closed",
        "Every closed candidate event has the step that closed it",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                CandidateEvent.status.not_in(OPEN_CANDIDATE_STATUSES),
                ~exists().where(
                    CandidateDecision.candidate_event_id == CandidateEvent.id,
                    CandidateDecision.to_status == CandidateEvent.status,
                ),
            )
        ),
    ),
    Invariant(
        "triage.corrections",
        "The corrections of a report are numbered from 2 without a gap",
        ids_of(
            lambda: (
                select(ReportCorrection.patient_id, ReportCorrection.report_id)
                .group_by(ReportCorrection.patient_id, ReportCorrection.report_id)
                .having(func.max(ReportCorrection.version) != func.count() + 1)
            )
        ),
    ),
    Invariant(
        "triage.confirmed",
        "A candidate event is confirmed when exactly one adverse event of it stands, and no other has one",
        ids_of(
            lambda: select(CandidateEvent.id).where(
                or_(
                    and_(CandidateEvent.status == CandidateStatus.CONFIRMED, _standing_events != 1),
                    and_(CandidateEvent.status != CandidateStatus.CONFIRMED, _standing_events != 0),
                )
            )
        ),
    ),
)

"""Serious events: each has its clock, a clock that runs asks for a report, and what stopped one is on record."""

from collections.abc import Iterator

from sqlalchemy import and_, select

from backend.adverse_events.models import AdverseEvent, SafetyReport
from backend.adverse_events.safety import is_waiting
from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.terms import WorkReason
from backend.worklist.models import WorkItem

_stopped_by = and_(SafetyReport.adverse_event_id == AdverseEvent.id, SafetyReport.sent_at == AdverseEvent.reported_at)


def without_the_right_clock(txn: Transaction) -> Iterator[str]:
    """Serious events without a clock, and clocks of events that are not serious."""
    standing = select(AdverseEvent.id, AdverseEvent.serious, AdverseEvent.report_due_at)
    for row in txn.session.execute(standing.where(AdverseEvent.voided_at.is_(None)).order_by(AdverseEvent.id)):
        if bool(row.serious) != (row.report_due_at is not None):
            yield str(row.id)


def running_unseen(txn: Transaction) -> Iterator[str]:
    """Clocks that run while no task asks for the report."""
    open_tasks = select(WorkItem.key).where(
        WorkItem.reason == WorkReason.SAFETY_REPORT_DUE, WorkItem.resolved_at.is_(None)
    )
    asked_for = {key.partition("@")[0] for key in txn.session.scalars(open_tasks)}
    clocks = select(AdverseEvent).where(AdverseEvent.report_due_at.is_not(None))
    for event in txn.session.scalars(clocks.order_by(AdverseEvent.id)):
        if is_waiting(event) and f"safety-report:{event.id}" not in asked_for:
            yield str(event.id)


INVARIANTS = (
    Invariant("safety.clock", "Every serious event has a clock, and no other has one", without_the_right_clock),
    Invariant("safety.asked", "While the clock of a serious event runs, a task asks for the report", running_unseen),
    Invariant(
        "safety.reported",
        "What is held to be reported has a report of that time",
        ids_of(
            lambda: (
                select(AdverseEvent.id)
                .outerjoin(SafetyReport, _stopped_by)
                .where(AdverseEvent.reported_at.is_not(None), SafetyReport.id.is_(None))
            )
        ),
    ),
)

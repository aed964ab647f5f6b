"""The clock of serious events: a safety report is due within the protocol's hours of the seriousness being known.

Known when it is recorded, it was known when the event was: ``first_known_at``. Known later, from that moment. A death
of the patient stops messages to the patient, never this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from backend.adverse_events.models import AdverseEvent
from backend.db import Transaction
from backend.patients.models import Patient
from backend.protocol.load import protocol_of
from backend.terms import Duty, WorkReason
from backend.worklist.items import Handover, open_item, resolve
from backend.worklist.models import WorkItem

# What came of a task that no report closed.
NOT_SERIOUS, VOIDED = "not_serious", "voided"


@dataclass(frozen=True)
class Clock:
    """Since when an event is known to be serious, and by when it must be told of."""

    known_at: datetime
    due_at: datetime


def clock_of(known_at: datetime, hours: int) -> Clock:
    """The clock of an event whose seriousness was known at ``known_at``. Pure."""
    return Clock(known_at, known_at + timedelta(hours=hours))


def judge_clock(txn: Transaction, event: AdverseEvent) -> None:
    """Start, keep or clear the clock of an event after ``event.serious`` was set. Sets attributes and nothing else.

    Call it whenever seriousness is set or changed, before ``audit.record`` of the event, so that the trail holds the
    clock too; and ``follow_clock`` after the flush. An event serious from the first counts from ``first_known_at``;
    one found to be serious later counts from this act. One that is serious no longer has no clock; when it becomes
    so again another begins, and waits for a report of its own.
    """
    if not event.serious:
        event.serious_known_at = event.report_due_at = event.reported_at = event.escalated_to = None
        return
    if event.serious_known_at is not None:
        return
    is_being_recorded = event.recorded_at == txn.now
    clock = clock_of(event.first_known_at if is_being_recorded else txn.now, _hours(txn, event))
    event.serious_known_at, event.report_due_at = clock.known_at, clock.due_at
    event.reported_at = event.escalated_to = None


def follow_clock(txn: Transaction, event: AdverseEvent) -> None:
    """Ask for the report a clock waits for, and let go of what no clock asks for any more. After the event's flush."""
    wanted = _task_of(event)
    for item in _open_tasks(txn, event):
        if item.key != wanted:
            resolve(txn, item, VOIDED if event.voided_at is not None else NOT_SERIOUS)
    if wanted is None or event.report_due_at is None:
        return
    open_item(
        txn,
        reason=WorkReason.SAFETY_REPORT_DUE,
        key=wanted,
        site_id=event.site_id,
        patient_id=event.patient_id,
        due_at=event.report_due_at,
        handover=Handover(Duty.INVESTIGATOR),
    )


def close_task(txn: Transaction, event: AdverseEvent, outcome: str) -> None:
    """What was asked for was done: ``outcome`` says by which report."""
    for item in _open_tasks(txn, event):
        resolve(txn, item, outcome)


def seconds_overdue(event: AdverseEvent, now: datetime) -> int:
    """How late the report is, or was when it was sent; 0 in time, and where none is awaited. Pure."""
    if event.report_due_at is None or event.voided_at is not None:
        return 0
    until = event.reported_at or now
    return max(0, int((until - event.report_due_at).total_seconds()))


def is_waiting(event: AdverseEvent) -> bool:
    """Whether a clock runs: serious, not told of yet, and not recorded by mistake."""
    return event.report_due_at is not None and event.reported_at is None and event.voided_at is None


def _task_of(event: AdverseEvent) -> str | None:
    """The key of the task that asks for the report; None while no report is awaited. A new clock is a new task."""
    if not is_waiting(event) or event.serious_known_at is None:
        return None
    return f"{_prefix(event)}{event.serious_known_at:%Y%m%dT%H%M%S.%fZ}"


def _prefix(event: AdverseEvent) -> str:
    return f"safety-report:{event.id}@"


def _open_tasks(txn: Transaction, event: AdverseEvent) -> Sequence[WorkItem]:
    waiting = select(WorkItem).where(
        WorkItem.owner_id == event.patient_id,
        WorkItem.reason == WorkReason.SAFETY_REPORT_DUE,
        WorkItem.resolved_at.is_(None),
    )
    rows = txn.session.scalars(waiting.order_by(WorkItem.key)).all()
    return [row for row in rows if row.key.startswith(_prefix(event))]


def _hours(txn: Transaction, event: AdverseEvent) -> int:
    patient = txn.session.get_one(Patient, event.patient_id)
    return protocol_of(txn, patient.protocol_version_id).safety_report_hours

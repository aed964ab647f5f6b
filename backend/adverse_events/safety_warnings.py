"""Who hears, before it is too late, that a serious event has not been reported yet.

Investigators first, then principal investigators, each at the hour the protocol names, by text and e-mail, at night
as well. Any number of workers may do this at once: a step is taken by one transaction of one of them, and each letter
has a key of its own.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select

from backend import audit
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.safety import follow_clock, is_waiting
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.patients.turns import one_at_a_time_for
from backend.protocol.definition import SafetyWarnings
from backend.protocol.load import protocol_of
from backend.staff.models import StaffMember
from backend.terms import PageStep, WorkReason
from backend.triage.paging import called_at, can_be_written_to
from backend.triage.staff_letters import write_to_staff
from backend.worklist.items import open_item

WARNER = system("safety report clock")
WAYS = ("sms", "email")

log = logging.getLogger(__name__)

# Events whose clock runs and whose last warning has not gone out. Asked every few seconds, and so put together once.
_EVENT, _PATIENT = AdverseEvent.__table__.c, Patient.__table__.c
_UNREPORTED: Select[Any] = (
    select(_EVENT.id, _EVENT.report_due_at, _EVENT.escalated_to, _PATIENT.protocol_version_id)
    .join(Patient.__table__, _PATIENT.id == _EVENT.patient_id)
    .where(_EVENT.report_due_at.is_not(None), _EVENT.reported_at.is_(None), _EVENT.voided_at.is_(None))
    .where(or_(_EVENT.escalated_to.is_(None), _EVENT.escalated_to != PageStep.PRINCIPAL_INVESTIGATOR.value))
    .order_by(_EVENT.report_due_at, _EVENT.id)
)


@dataclass(frozen=True)
class SafetyWarning:
    """Who is told, and from when on."""

    step: PageStep
    at: datetime


def warnings_of(report_due_at: datetime, said: SafetyWarnings) -> tuple[SafetyWarning, ...]:
    """Whom a clock must have reached, and when. Pure."""
    hours = (
        (PageStep.INVESTIGATOR, said.investigator_hours_left),
        (PageStep.PRINCIPAL_INVESTIGATOR, said.principal_investigator_hours_left),
    )
    return tuple(SafetyWarning(step, report_due_at - timedelta(hours=left)) for step, left in hours)


def warnings_left(report_due_at: datetime, escalated_to: str | None, said: SafetyWarnings) -> tuple[SafetyWarning, ...]:
    """Those of ``warnings_of`` that have not gone out, in the order of their steps. Pure."""
    all_of_them = warnings_of(report_due_at, said)
    taken = [number for number, one in enumerate(all_of_them, 1) if one.step == escalated_to]
    return all_of_them[taken[0] :] if taken else all_of_them


def warn_due(db: Database) -> dict[str, int]:
    """Tell everybody who must have heard by now; says of how many events. Each in a transaction of its own."""
    with db.reading(WARNER) as txn:
        due = [row.id for row in _unreported(txn) if _due(txn, row, row.protocol_version_id)]
    told = sum(_told(db, event_id) for event_id in due)
    return {"safety_warnings": told} if told else {}


def next_warning(txn: Transaction, *, after: datetime) -> datetime | None:
    """When the next warning is due unless a report is recorded: for whoever moves a demo's clock."""
    rows = _unreported(txn)
    ahead = (one.at for row in rows for one in _left(txn, row, row.protocol_version_id) if one.at > after)
    return min(ahead, default=None)


def _unreported(txn: Transaction) -> Sequence[Row[Any]]:
    """Those whose clock runs and whose last warning has not gone out."""
    return txn.connection.execute(_UNREPORTED).all()


def _left(txn: Transaction, event: AdverseEvent | Row[Any], protocol_version_id: UUID) -> tuple[SafetyWarning, ...]:
    said = protocol_of(txn, protocol_version_id).safety_report_warnings
    assert event.report_due_at is not None, "Only what waits is warned of."
    return warnings_left(event.report_due_at, event.escalated_to, said)


def _due(txn: Transaction, event: AdverseEvent | Row[Any], protocol_version_id: UUID) -> list[PageStep]:
    return [one.step for one in _left(txn, event, protocol_version_id) if one.at <= txn.now]


def _told(db: Database, event_id: UUID) -> bool:
    try:
        with db.transaction(WARNER) as txn:
            return _tell(txn, event_id)
    except Exception:
        # The next tick tries again. One event that cannot be told of must not silence the others.
        log.exception("a safety warning failed", extra={"adverse_event_id": str(event_id)})
        return False


def _tell(txn: Transaction, event_id: UUID) -> bool:
    event = txn.session.get_one(AdverseEvent, event_id)
    one_at_a_time_for(txn, event.patient_id)
    # Of two workers the second finds what the first has told; and a report may have come meanwhile.
    txn.session.refresh(event)
    patient = txn.session.get_one(Patient, event.patient_id)
    steps = _due(txn, event, patient.protocol_version_id) if is_waiting(event) else []
    for step in steps:
        event.escalated_to = step
        audit.record(txn, "adverse_event.report_warned", event)
        txn.session.flush()
        _write_to_all(txn, event, step)
    if steps:
        # The task stands from the first; whoever recorded the event past its door has one by now.
        follow_clock(txn, event)
    return bool(steps)


def _write_to_all(txn: Transaction, event: AdverseEvent, step: PageStep) -> None:
    members, as_meant = called_at(txn, event.site_id, step, can_be_written_to)
    for member in members:
        for way in WAYS:
            if way == "email" or member.phone_sealed is not None:
                _write(txn, event, step, member, way)
    if not as_meant:
        open_item(
            txn,
            reason=WorkReason.NOBODY_TO_PAGE,
            key=f"nobody-to-warn:{_once(event)}:{step}",
            site_id=event.site_id,
            patient_id=event.patient_id,
            due_at=txn.now,
        )


def _write(txn: Transaction, event: AdverseEvent, step: PageStep, member: StaffMember, way: str) -> None:
    assert event.report_due_at is not None, "Only what waits is warned of."
    write_to_staff(
        txn,
        member.id,
        key=f"safety-report:{_once(event)}:{step}:{member.id}:{way}",
        template=f"safety_report_{way}",
        patient_id=event.patient_id,
        site_id=event.site_id,
        values={"event": str(event.id), "due_at": event.report_due_at.isoformat()},
    )


def _once(event: AdverseEvent) -> str:
    """A clock that has begun anew warns anew, and so its hour is in the key."""
    return f"{event.id}:{event.report_due_at:%Y%m%dT%H%M%SZ}"

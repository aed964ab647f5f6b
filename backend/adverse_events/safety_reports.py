"""What was told of a serious event: when, to whom, under which reference. The first of them stops its clock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backend import audit
from backend.adverse_events.models import AdverseEvent, SafetyReport
from backend.adverse_events.recording import read_in_turn
from backend.adverse_events.safety import close_task
from backend.db import Transaction
from backend.errors import InvalidInput, NotSerious, ReportOutOfOrder
from backend.event_terms import SafetyReportKind
from backend.sealing import seal, unseal

FINAL, INITIAL = SafetyReportKind.FINAL, SafetyReportKind.INITIAL

# One of them, or several; as they were told.
Recipients = str | list[str]


@dataclass(frozen=True)
class Told:
    """A report as somebody says it was sent."""

    kind: SafetyReportKind
    sent_at: datetime
    recipients: Recipients
    reference: str


def record_report(txn: Transaction, event: AdverseEvent, told: Told) -> SafetyReport:
    """Keep that a report was sent, with the version of the event it told of; a clock that runs stops.

    Raises ``NotSerious`` for an event that is not, ``NoLongerPossible`` for one that was voided, ``ReportOutOfOrder``
    for a second initial report, another kind before it, or one after the final report unless the event has changed
    since, and ``InvalidInput`` for a time to come, before the event was known, or before the initial report.
    """
    read_in_turn(txn, event)
    if not event.serious:
        raise NotSerious()
    before = reports_of(txn, event)
    _refuse_out_of_order(event, before, told.kind)
    _check_time(txn, event, before, told)
    row = SafetyReport(
        patient_id=event.patient_id,
        site_id=event.site_id,
        adverse_event_id=event.id,
        kind=told.kind,
        sent_at=told.sent_at,
        reference=told.reference,
        event_version=event.version,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    row.recipients_sealed = seal(txn, row, "recipients_sealed", json.dumps(told.recipients, ensure_ascii=False))
    audit.record(txn, "safety_report.recorded", row)
    txn.session.flush()
    _stop_clock(txn, event, told)
    return row


def reports_of(txn: Transaction, event: AdverseEvent) -> Sequence[SafetyReport]:
    """Every report of an event, in the order in which they were recorded."""
    told = select(SafetyReport).where(SafetyReport.adverse_event_id == event.id)
    return txn.session.scalars(told.order_by(SafetyReport.recorded_at, SafetyReport.sent_at, SafetyReport.id)).all()


def recipients_of(txn: Transaction, report: SafetyReport) -> Recipients | None:
    """To whom it went, as it was told; None when the patient is forgotten."""
    words = unseal(txn, report, "recipients_sealed")
    told: Recipients | None = json.loads(words) if words is not None else None
    return told


def _refuse_out_of_order(event: AdverseEvent, before: Sequence[SafetyReport], kind: SafetyReportKind) -> None:
    if kind is INITIAL and before:
        raise _out_of_order(
            "The initial report is recorded already; what follows is a follow-up or final one.", before[0]
        )
    if kind is not INITIAL and not before:
        raise ReportOutOfOrder("The first report of an event is the initial one.")
    final = [one for one in before if one.kind == FINAL]
    if final and event.version <= final[-1].event_version:
        raise _out_of_order("The final report is recorded, and the event has not changed since.", final[-1])


def _out_of_order(said: str, standing: SafetyReport) -> ReportOutOfOrder:
    """Who comes too late hears who was first, and when."""
    by = str(standing.recorded_by) if standing.recorded_by else None
    return ReportOutOfOrder(said, by=by, at=standing.recorded_at.isoformat())


def _check_time(txn: Transaction, event: AdverseEvent, before: Sequence[SafetyReport], told: Told) -> None:
    complaint = None
    if told.sent_at > txn.now:
        complaint = "This time has not come yet."
    elif told.sent_at < event.first_known_at:
        complaint = f"Before the event was known at {event.first_known_at.isoformat()}."
    elif before and told.sent_at < before[0].sent_at:
        complaint = f"Before the initial report at {before[0].sent_at.isoformat()}."
    if complaint:
        raise InvalidInput(fields={"sent_at": [complaint]})


def _stop_clock(txn: Transaction, event: AdverseEvent, told: Told) -> None:
    """A clock that began anew stops with a report of its own: what was sent before it says nothing of it."""
    if event.reported_at is not None:
        return
    event.reported_at = told.sent_at
    audit.record(txn, "adverse_event.reported", event)
    txn.session.flush()
    close_task(txn, event, told.kind)

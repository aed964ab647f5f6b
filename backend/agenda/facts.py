"""What happened to agenda items: answered, attended, missed, replied. Rows are added, never changed."""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from backend import audit, clock
from backend.agenda.models import AgendaFact
from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import seal
from backend.terms import Reply


class FactKind(StrEnum):
    """What sort of thing happened."""

    ANSWERED = "answered"
    REPORTED = "reported"
    ATTENDED = "attended"
    MISSED = "missed"
    REPLIED = "replied"


def fulfil(txn: Transaction, patient: Patient, key: str, report_id: UUID, completed_at: datetime) -> AgendaFact:
    """A report answered this item."""
    return _add(txn, patient, FactKind.ANSWERED, key, at=completed_at, report_id=report_id)


def note_report(
    txn: Transaction, patient: Patient, instrument: str, report_id: UUID, completed_at: datetime
) -> AgendaFact:
    """A report was filed, whether or not it answered an item; the calendar decides what it covers."""
    return _add(txn, patient, FactKind.REPORTED, instrument, at=completed_at, report_id=report_id)


def note_attendance(txn: Transaction, patient: Patient, key: str, kind: FactKind, on: date) -> AgendaFact:
    """The patient came, or did not."""
    return _add(txn, patient, kind, key, on=on)


def note_reply(
    txn: Transaction, patient: Patient, key: str, reply: Reply, *, due_on: date, note: str | None
) -> AgendaFact:
    """The patient answered an invitation for ``due_on``. Their own words are kept sealed."""
    return _add(txn, patient, FactKind.REPLIED, key, on=due_on, reply=reply, note=note)


def facts_of(txn: Transaction, patient: Patient) -> Iterator[AgendaFact]:
    """Everything that happened, so that of one kind and key the last one counts."""
    rows = select(AgendaFact).where(AgendaFact.patient_id == patient.id)
    yield from txn.session.scalars(rows.order_by(AgendaFact.kind, AgendaFact.key, AgendaFact.revision))


def _add(
    txn: Transaction,
    patient: Patient,
    kind: FactKind,
    key: str,
    *,
    on: date | None = None,
    at: datetime | None = None,
    reply: Reply | None = None,
    note: str | None = None,
    report_id: UUID | None = None,
) -> AgendaFact:
    fact = AgendaFact(
        patient_id=patient.id,
        site_id=patient.site_id,
        key=key,
        kind=kind,
        revision=_next_revision(txn, patient, kind, key),
        on=on or clock.local_day(at or txn.now, patient.time_zone),
        at=at,
        reply=reply,
        report_id=report_id,
        recorded_at=txn.now,
        recorded_by=txn.actor.id,
    )
    fact.note_sealed = seal(txn, fact, "note_sealed", note)
    audit.record(txn, f"agenda.{kind}", fact)
    txn.session.flush()
    return fact


def _next_revision(txn: Transaction, patient: Patient, kind: FactKind, key: str) -> int:
    last = txn.session.scalar(
        select(func.max(AgendaFact.revision)).where(
            AgendaFact.patient_id == patient.id, AgendaFact.key == key, AgendaFact.kind == kind
        )
    )
    return (last or 0) + 1

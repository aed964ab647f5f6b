"""What happened to agenda items: attended, missed, replied, and answered by a report. Rows are added, never changed."""

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, select

from backend import audit
from backend.agenda.models import AgendaFact
from backend.among import among
from backend.db import Transaction
from backend.patients.acts import Reversal
from backend.patients.models import Patient
from backend.patients.of_each import Rows, as_kept, of_each
from backend.patients.symptom_report import MOMENT, SymptomReport
from backend.sealing import seal
from backend.terms import Reply


class FactKind(StrEnum):
    """What sort of thing happened."""

    ATTENDED = "attended"
    MISSED = "missed"
    REPLIED = "replied"


# Who came and who did not: what a person may have entered by mistake.
ATTENDANCE = (FactKind.ATTENDED, FactKind.MISSED)

# Asked by every report and before every message, and so put together once, of plain columns.
_ROW = AgendaFact.__table__.c
_REVERSAL = Reversal.__table__.c
# What a signed reversal says was a mistake stays, and says nothing any more.
_STANDS = ~exists().where(_REVERSAL.patient_id == _ROW.patient_id, _REVERSAL.of_id == _ROW.id)
_FACTS = (
    select(as_kept(_ROW.patient_id), _ROW.kind, _ROW.key, _ROW.on, _ROW.reply, _ROW.recorded_at)
    .where(among(_ROW.patient_id, "whose"), _ROW.report_id.is_(None), _STANDS)
    .order_by(_ROW.kind, _ROW.key, _ROW.revision)
)
_REPORT = SymptomReport.__table__.c
FILED = (
    select(as_kept(_REPORT.patient_id), _REPORT.agenda_key, _REPORT.instrument, MOMENT.label("at"))
    .where(among(_REPORT.patient_id, "whose"))
    .order_by(_REPORT.received_at, _REPORT.id)
)
FILED_FOR_ANY_ITEM = FILED.where(_REPORT.agenda_key.is_not(None))
FILED_FOR_ONE = FILED.where(_REPORT.agenda_key == bindparam("key"))


def note_attendance(txn: Transaction, patient: Patient, key: str, kind: FactKind, on: date) -> AgendaFact:
    """The patient came, or did not."""
    return _keep(txn, _fact(txn, patient, kind, key, on=on))


def note_reply(
    txn: Transaction, patient: Patient, key: str, reply: Reply, *, due_on: date, note: str | None
) -> AgendaFact:
    """The patient answered an invitation for ``due_on``. Their own words are kept sealed."""
    fact = _fact(txn, patient, FactKind.REPLIED, key, on=due_on)
    fact.reply = reply
    fact.note_sealed = seal(txn, fact, "note_sealed", note)
    return _keep(txn, fact)


def facts_of(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Rows]:
    """By patient, everything a person wrote down, so that of one kind and key the last one counts.

    Each has a ``kind``, the ``key`` of the item, the day ``on``, a ``reply``, and ``recorded_at``.
    """
    return of_each(patient_ids, txn.connection.execute(_FACTS, {"whose": patient_ids}))


def filed_by(
    txn: Transaction, patient_ids: Collection[UUID], filed: Select[Any] = FILED, key: str | None = None
) -> Mapping[UUID, Rows]:
    """By patient, the reports in the order they came in: all, those for any item, or those for the item of ``key``.

    Each has the ``agenda_key`` of the item it was filed for, its ``instrument``, and ``at``, when it was about. Which
    other items it covers is for the calendar to decide.
    """
    return of_each(patient_ids, txn.connection.execute(filed, {"whose": patient_ids, "key": key}))


def attendance_by_key(txn: Transaction, patient: Patient) -> dict[str, UUID]:
    """By agenda key, the entry that says now whether the patient came: what a reversal would name."""
    said = select(_ROW.key, _ROW.id).where(_ROW.patient_id == patient.id, _ROW.kind.in_(ATTENDANCE), _STANDS)
    return dict(txn.connection.execute(said.order_by(_ROW.recorded_at, _ROW.on)).all())


def _fact(txn: Transaction, patient: Patient, kind: FactKind, key: str, *, on: date) -> AgendaFact:
    return AgendaFact(
        patient_id=patient.id,
        site_id=patient.site_id,
        key=key,
        kind=kind,
        revision=_next_revision(txn, patient, kind, key),
        on=on,
        reply=None,
        note_sealed=None,
        recorded_at=txn.now,
        recorded_by=txn.actor.id,
    )


def _keep(txn: Transaction, fact: AgendaFact) -> AgendaFact:
    audit.record(txn, f"agenda.{fact.kind}", fact)
    txn.session.flush()
    return fact


def _next_revision(txn: Transaction, patient: Patient, kind: FactKind, key: str) -> int:
    same = (_ROW.patient_id == patient.id, _ROW.kind == kind, _ROW.key == key)
    return (txn.session.scalar(select(func.max(_ROW.revision)).where(*same)) or 0) + 1

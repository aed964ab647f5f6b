"""What happened to agenda items: attended, missed, replied, and answered by a report. Rows are added, never changed."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, select

from backend import audit
from backend.agenda.models import AgendaFact
from backend.among import among
from backend.db import Transaction
from backend.patients.acts import Reversal
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.sealing import seal
from backend.terms import Reply


class FactKind(StrEnum):
    """What sort of thing happened."""

    ATTENDED = "attended"
    MISSED = "missed"
    REPLIED = "replied"


# Who came and who did not: what a person may have entered by mistake.
ATTENDANCE = (FactKind.ATTENDED, FactKind.MISSED)


class Happened(NamedTuple):
    """What the calendar needs to know of a fact. There are many of a patient, so they are not loaded as rows."""

    kind: str
    key: str
    on: date
    reply: str | None
    recorded_at: datetime


class Filed(NamedTuple):
    """What the calendar needs to know of a report; ``answers`` is the key of the item it was filed for."""

    answers: str | None
    instrument: str
    completed_at: datetime
    received_at: datetime

    @property
    def at(self) -> datetime:
        """When it was completed, as far as a phone's clock is believed."""
        return moment_of(self.completed_at, self.received_at)


# Asked by every report, and so put together once, of plain columns.
_ROW = AgendaFact.__table__.c
_REVERSAL = Reversal.__table__.c
# What a signed reversal says was a mistake stays, and says nothing any more.
_STANDS = ~exists().where(_REVERSAL.patient_id == _ROW.patient_id, _REVERSAL.of_id == _ROW.id)
_FACTS = (
    select(*(_ROW[name] for name in Happened._fields))
    .where(_ROW.patient_id == bindparam("patient_id"), _ROW.report_id.is_(None), _STANDS)
    .order_by(_ROW.kind, _ROW.key, _ROW.revision)
)
_REPORT = SymptomReport.__table__.c
_FILED = (
    select(_REPORT.agenda_key, _REPORT.instrument, _REPORT.completed_at, _REPORT.received_at)
    .where(_REPORT.patient_id == bindparam("patient_id"))
    .order_by(_REPORT.received_at, _REPORT.id)
)
_FACTS_OF_ALL = (
    select(_ROW.patient_id, *(_ROW[name] for name in Happened._fields))
    .where(among(_ROW.patient_id, "whose"), _ROW.report_id.is_(None), _STANDS)
    .order_by(_ROW.patient_id, _ROW.kind, _ROW.key, _ROW.revision)
)
_FILED_BY_ALL = (
    select(_REPORT.patient_id, _REPORT.agenda_key, _REPORT.instrument, _REPORT.completed_at, _REPORT.received_at)
    .where(among(_REPORT.patient_id, "whose"))
    .order_by(_REPORT.patient_id, _REPORT.received_at, _REPORT.id)
)
_FILED_FOR_ANY_ITEM = _FILED.where(_REPORT.agenda_key.is_not(None))
_FILED_FOR_ONE = _FILED.where(_REPORT.agenda_key == bindparam("key"))


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


def facts_of(txn: Transaction, patient: Patient) -> Iterator[Happened]:
    """Everything a person wrote down, so that of one kind and key the last one counts."""
    yield from map(Happened._make, txn.connection.execute(_FACTS, {"patient_id": patient.id}))


def attendance_by_key(txn: Transaction, patient: Patient) -> dict[str, UUID]:
    """By agenda key, the entry that says now whether the patient came: what a reversal would name."""
    said = select(_ROW.key, _ROW.id).where(_ROW.patient_id == patient.id, _ROW.kind.in_(ATTENDANCE), _STANDS)
    return dict(txn.connection.execute(said.order_by(_ROW.recorded_at, _ROW.on)).all())


def filed_by(txn: Transaction, patient: Patient) -> Iterator[Filed]:
    """The patient's reports in the order they came in.

    Which other items a report covers is for the calendar to decide.
    """
    yield from _filed(txn, _FILED, patient_id=patient.id)


def facts_of_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, list[Happened]]:
    """By patient, what ``facts_of`` gives of each."""
    found: dict[UUID, list[Happened]] = {patient_id: [] for patient_id in patient_ids}
    for patient_id, *fact in txn.connection.execute(_FACTS_OF_ALL, {"whose": list(found)}):
        found[patient_id].append(Happened._make(fact))
    return found


def filed_by_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, list[Filed]]:
    """By patient, what ``filed_by`` gives of each."""
    found: dict[UUID, list[Filed]] = {patient_id: [] for patient_id in patient_ids}
    for patient_id, *report in txn.connection.execute(_FILED_BY_ALL, {"whose": list(found)}):
        found[patient_id].append(Filed._make(report))
    return found


def filed_for(txn: Transaction, patient: Patient, key: str | None) -> Iterator[Filed]:
    """Those filed for the agenda item of this key; without a key, for any item."""
    if key is None:
        yield from _filed(txn, _FILED_FOR_ANY_ITEM, patient_id=patient.id)
    else:
        yield from _filed(txn, _FILED_FOR_ONE, patient_id=patient.id, key=key)


def _filed(txn: Transaction, reports: Select[Any], **whose: object) -> Iterator[Filed]:
    yield from map(Filed._make, txn.connection.execute(reports, whose))


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

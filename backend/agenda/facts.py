"""What happened to agenda items: answered, attended, missed, replied. Rows are added, never changed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, tuple_

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


class Happened(NamedTuple):
    """What the calendar needs to know of a fact. There are hundreds of a patient, so they are not loaded as rows."""

    kind: str
    key: str
    on: date
    at: datetime | None
    reply: str | None
    recorded_at: datetime


# Asked by every report, and so put together once, of plain columns.
_ROW = AgendaFact.__table__.c
_FACTS = (
    select(*(_ROW[name] for name in Happened._fields))
    .where(_ROW.patient_id == bindparam("patient_id"))
    .order_by(_ROW.kind, _ROW.key, _ROW.revision)
)
_WITHOUT_REPORTS = _FACTS.where(_ROW.kind != FactKind.REPORTED)
_LAST_REVISIONS = (
    select(_ROW.kind, _ROW.key, func.max(_ROW.revision))
    .where(
        _ROW.patient_id == bindparam("patient_id"),
        tuple_(_ROW.kind, _ROW.key).in_(bindparam("named", expanding=True)),
    )
    .group_by(_ROW.kind, _ROW.key)
)

Named = tuple[FactKind, str]


def note_report(
    txn: Transaction, patient: Patient, instrument: str, report_id: UUID, completed_at: datetime, *, answers: str | None
) -> None:
    """A report was filed; ``answers`` is the key of the item it answered, if it did.

    Which other items it covers is for the calendar to decide.
    """
    named: list[Named] = [(FactKind.REPORTED, instrument)]
    if answers is not None:
        named.append((FactKind.ANSWERED, answers))
    revisions = _next_revisions(txn, patient, named)
    for one in named:
        fact = _fact(txn, patient, one, revisions[one], at=completed_at, report_id=report_id)
        audit.record_insert(txn, f"agenda.{fact.kind}", fact)


def note_attendance(txn: Transaction, patient: Patient, key: str, kind: FactKind, on: date) -> AgendaFact:
    """The patient came, or did not."""
    fact = _fact(txn, patient, (kind, key), _next_revision(txn, patient, kind, key), on=on)
    return _keep(txn, fact)


def note_reply(
    txn: Transaction, patient: Patient, key: str, reply: Reply, *, due_on: date, note: str | None
) -> AgendaFact:
    """The patient answered an invitation for ``due_on``. Their own words are kept sealed."""
    revision = _next_revision(txn, patient, FactKind.REPLIED, key)
    fact = _fact(txn, patient, (FactKind.REPLIED, key), revision, on=due_on)
    fact.reply = reply
    fact.note_sealed = seal(txn, fact, "note_sealed", note)
    return _keep(txn, fact)


def facts_of(txn: Transaction, patient: Patient, *, with_reports: bool = True) -> Iterator[Happened]:
    """Everything that happened, so that of one kind and key the last one counts."""
    facts = _FACTS if with_reports else _WITHOUT_REPORTS
    yield from map(Happened._make, txn.session.execute(facts, {"patient_id": patient.id}))


def _fact(
    txn: Transaction,
    patient: Patient,
    named: Named,
    revision: int,
    *,
    on: date | None = None,
    at: datetime | None = None,
    report_id: UUID | None = None,
) -> AgendaFact:
    kind, key = named
    return AgendaFact(
        patient_id=patient.id,
        site_id=patient.site_id,
        key=key,
        kind=kind,
        revision=revision,
        on=on or clock.local_day(at or txn.now, patient.time_zone),
        at=at,
        reply=None,
        note_sealed=None,
        report_id=report_id,
        recorded_at=txn.now,
        recorded_by=txn.actor.id,
    )


def _keep(txn: Transaction, fact: AgendaFact) -> AgendaFact:
    audit.record(txn, f"agenda.{fact.kind}", fact)
    txn.session.flush()
    return fact


def _next_revision(txn: Transaction, patient: Patient, kind: FactKind, key: str) -> int:
    return _next_revisions(txn, patient, [(kind, key)])[kind, key]


def _next_revisions(txn: Transaction, patient: Patient, named: Sequence[Named]) -> dict[Named, int]:
    rows = txn.session.execute(_LAST_REVISIONS, {"patient_id": patient.id, "named": list(named)})
    last = {(kind, key): revision for kind, key, revision in rows}
    return {one: last.get(one, 0) + 1 for one in named}

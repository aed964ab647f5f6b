"""What happened to agenda items: attended, missed, replied, and answered by a report. Rows are added, never changed."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, exists, func, select

from backend import audit
from backend.agenda.models import AgendaFact
from backend.db import Transaction
from backend.patients.acts import Reversal
from backend.patients.models import Patient
from backend.sealing import seal
from backend.terms import Reply


class FactKind(StrEnum):
    """What sort of thing happened."""

    ATTENDED = "attended"
    MISSED = "missed"
    REPLIED = "replied"


# Who came and who did not: what a person may have entered by mistake.
ATTENDANCE = (FactKind.ATTENDED, FactKind.MISSED)

_ROW = AgendaFact.__table__.c
_REVERSAL = Reversal.__table__.c
# What a signed reversal says was a mistake stays, and says nothing any more.
STANDS = ~exists().where(_REVERSAL.patient_id == _ROW.patient_id, _REVERSAL.of_id == _ROW.id)
_ATTENDANCE = (
    select(_ROW.key, _ROW.id)
    .where(_ROW.patient_id == bindparam("patient_id"), _ROW.kind.in_(ATTENDANCE), STANDS)
    .order_by(_ROW.recorded_at, _ROW.on)
)
_REVISION = select(func.max(_ROW.revision)).where(
    _ROW.patient_id == bindparam("patient_id"), _ROW.kind == bindparam("kind"), _ROW.key == bindparam("key")
)


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


def attendance_by_key(txn: Transaction, patient: Patient) -> dict[str, UUID]:
    """By agenda key, the entry that says now whether the patient came: what a reversal would name."""
    return dict(txn.connection.execute(_ATTENDANCE, {"patient_id": patient.id}).all())


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
    same = {"patient_id": patient.id, "kind": kind, "key": key}
    return (txn.connection.scalar(_REVISION, same) or 0) + 1

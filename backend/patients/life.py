"""Whether the patient lives, and how we know. Evidence is only ever added; a death is recorded in one place above."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from backend import audit, clock
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.patients.models import EvidenceOfLife, Patient
from backend.sealing import seal
from backend.terms import EvidenceSource, PatientStatus, SurvivalStatus


@dataclass(frozen=True)
class VitalState:
    """Alive or dead as far as is known; a day of death may be a month or a year only."""

    status: SurvivalStatus
    last_known_alive: date | None
    died_on: str | None


def add_evidence(
    txn: Transaction,
    patient: Patient,
    *,
    as_of: date,
    source: EvidenceSource,
    reference: str = "",
    note: str | None = None,
) -> EvidenceOfLife:
    """Keep that the patient was alive on ``as_of``. ``reference`` says what showed it: ``report:<id>``.

    Nobody can be known to be alive tomorrow, so a date ahead of the patient's own counts as today.
    """
    evidence = EvidenceOfLife(
        patient_id=patient.id,
        site_id=patient.site_id,
        as_of=min(as_of, clock.local_day(txn.now, patient.time_zone)),
        source=source,
        reference=reference,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    evidence.note_sealed = seal(txn, evidence, "note_sealed", note)
    audit.record(txn, "evidence_of_life.added", evidence)
    txn.session.flush()
    return evidence


def alive_dates(txn: Transaction, patient: Patient) -> tuple[date, ...]:
    """Every date on which the patient is known to have been alive, earliest first."""
    dates = select(EvidenceOfLife.as_of).where(EvidenceOfLife.patient_id == patient.id)
    return tuple(txn.session.scalars(dates.distinct().order_by(EvidenceOfLife.as_of)))


def last_known_alive(txn: Transaction, patient: Patient) -> date | None:
    """The latest date on which the patient is known to have been alive."""
    return txn.session.scalar(select(func.max(EvidenceOfLife.as_of)).where(EvidenceOfLife.patient_id == patient.id))


def vital_state(txn: Transaction, patient: Patient) -> VitalState:
    """Dead since a date, alive as of one, or unknown when nobody has ever said."""
    known = last_known_alive(txn, patient)
    if is_dead(patient):
        return VitalState(SurvivalStatus.DEAD, known, patient.died_on)
    return VitalState(SurvivalStatus.ALIVE if known else SurvivalStatus.UNKNOWN, known, None)


def is_dead(patient: Patient) -> bool:
    """Whether a death stands on the record. A death that is only reported holds contact and is no death yet."""
    return patient.status == PatientStatus.DIED


def record_death(txn: Transaction, patient: Patient, died_on: str) -> None:
    """The patient has died. Only the approval of a death report calls this; it recalls the messages itself."""
    if is_dead(patient):
        raise NoLongerPossible("A death is already on the record.")
    patient.status = PatientStatus.DIED
    patient.died_on = died_on
    audit.record(txn, "patient.died", patient)
    txn.session.flush()

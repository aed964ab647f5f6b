"""Whether the patient lives, and how we know. Evidence is only ever added; a death is recorded in one place above."""

from datetime import date, datetime

from sqlalchemy import exists, func, select

from backend import audit, clock
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.partial_dates import latest
from backend.patients.acts import Reversal, VoidedEvidence
from backend.patients.models import EvidenceOfLife, Patient
from backend.patients.sign_in import void_unused_codes
from backend.sealing import seal
from backend.terms import EvidenceSource, PatientStatus

# What counts: evidence that rested on a mistaken entry stays, and shows nothing any more.
COUNTS = ~exists().where(VoidedEvidence.evidence_id == EvidenceOfLife.id)


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
    Raises ``NoLongerPossible`` for a day after the recorded death.
    """
    as_of = min(as_of, clock.local_day(txn.now, patient.time_zone))
    if _is_after_death(patient, as_of):
        raise NoLongerPossible("A death is on the record, and this day is after it.")
    evidence = EvidenceOfLife(
        patient_id=patient.id,
        site_id=patient.site_id,
        as_of=as_of,
        source=source,
        reference=reference,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    evidence.note_sealed = seal(txn, evidence, "note_sealed", note)
    # Whoever is enrolled in this very act must be there first.
    txn.session.flush()
    audit.record_insert(txn, "evidence_of_life.added", evidence)
    return evidence


def last_known_alive(txn: Transaction, patient: Patient) -> date | None:
    """The latest date on which the patient is known to have been alive."""
    of_patient = select(func.max(EvidenceOfLife.as_of)).where(EvidenceOfLife.patient_id == patient.id, COUNTS)
    return txn.session.scalar(of_patient)


def void_evidence(
    txn: Transaction, patient: Patient, reversal: Reversal, reference: str, *, recorded_at: datetime | None = None
) -> None:
    """What showed that the patient was alive never happened: it stays on the record, and counts no more.

    ``reference`` and ``recorded_at``, where it is known, are those of ``add_evidence``.
    """
    meant = select(EvidenceOfLife).where(
        EvidenceOfLife.patient_id == patient.id, EvidenceOfLife.reference == reference, COUNTS
    )
    if recorded_at is not None:
        meant = meant.where(EvidenceOfLife.recorded_at == recorded_at)
    for evidence in txn.session.scalars(meant.order_by(EvidenceOfLife.id)):
        voided = VoidedEvidence(
            patient_id=patient.id,
            site_id=patient.site_id,
            evidence_id=evidence.id,
            reversal_id=reversal.id,
            voided_at=txn.now,
        )
        audit.record(txn, "evidence_of_life.voided", voided)
    txn.session.flush()


def is_dead(patient: Patient) -> bool:
    """Whether a death stands on the record. A death that is only reported holds contact and is no death yet."""
    return patient.status == PatientStatus.DIED


def check_day(patient: Patient, on: date, *, field: str) -> None:
    """Refuse a day on which the patient was not in the study yet, or not alive any more. ``field`` is its name."""
    if on < patient.consented_on:
        raise InvalidInput(fields={field: [f"Before consent on {patient.consented_on.isoformat()}."]})
    if _is_after_death(patient, on):
        raise InvalidInput(fields={field: [f"After the patient's death ({patient.died_on})."]})


def check_day_past(txn: Transaction, patient: Patient, on: date, *, field: str, zone: str | None = None) -> None:
    """The same, and a day that has not come yet, in ``zone`` or else where the patient lives."""
    if on > clock.local_day(txn.now, zone or patient.time_zone):
        raise InvalidInput(fields={field: ["This day has not come yet."]})
    check_day(patient, on, field=field)


def check_before_withdrawal(patient: Patient, on: date, *, field: str) -> None:
    """Refuse a day after the patient had left the study."""
    left_on = patient.withdrawn_from_study_on
    if left_on is not None and on > left_on:
        raise InvalidInput(fields={field: [f"After the withdrawal from the study on {left_on.isoformat()}."]})


def record_death(txn: Transaction, patient: Patient, died_on: str) -> None:
    """The patient has died, and no phone can be signed in any more.

    Only the approval of a death report calls this; it recalls the messages itself.
    """
    if is_dead(patient):
        raise NoLongerPossible("A death is already on the record.")
    patient.status = PatientStatus.DIED
    patient.died_on = died_on
    audit.record(txn, "patient.died", patient)
    void_unused_codes(txn, patient, "the patient has died")
    txn.session.flush()


def take_back_death(txn: Transaction, patient: Patient) -> None:
    """The patient has not died: they stand in the study where they stood. Phones are signed in with new codes.

    Only the signed reversal of an approved death report calls this.
    """
    patient.died_on = None
    patient.status = PatientStatus.ON_STUDY
    if patient.withdrawn_from_reporting_on is not None:
        patient.status = PatientStatus.WITHDRAWN_FROM_REPORTING
    if patient.withdrawn_from_study_on is not None:
        patient.status = PatientStatus.WITHDRAWN
    audit.record(txn, "patient.has_not_died", patient)
    txn.session.flush()


def _is_after_death(patient: Patient, on: date) -> bool:
    """A month or a year of death may mean its last day. Without any date, no day is known to be before the death."""
    if not is_dead(patient):
        return False
    return patient.died_on is None or on > latest(patient.died_on)

"""What must list nothing: records about a patient's life and death that cannot all be true. Nothing is repaired."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from backend import clock
from backend.adverse_events.judgement import FATAL_GRADE
from backend.adverse_events.models import AdverseEvent
from backend.db import Transaction
from backend.partial_dates import is_before, latest
from backend.patients.life import COUNTS
from backend.patients.models import EvidenceOfLife, Patient
from backend.patients.symptom_report import SymptomReport
from backend.survival import deaths
from backend.survival.models import DeathReport
from backend.terms import DeathReportStatus, PatientStatus, Respondent

Broken = Iterator[tuple[UUID, UUID]]


@dataclass(frozen=True)
class Check:
    """A sentence that is always true. ``find`` yields what breaks it: whose record, and which row."""

    name: str
    sentence: str
    find: Callable[[Transaction], Broken]


def alive_after_death(txn: Transaction) -> Broken:
    """Evidence of life on a day after the latest that the recorded death can mean."""
    rows = (
        select(Patient.id, Patient.died_on, func.max(EvidenceOfLife.as_of))
        .join(EvidenceOfLife, EvidenceOfLife.patient_id == Patient.id)
        .where(Patient.status == PatientStatus.DIED, Patient.died_on.is_not(None), COUNTS)
        .group_by(Patient.id, Patient.died_on)
    )
    for patient_id, died_on, alive_on in txn.session.execute(rows.order_by(Patient.id)):
        if died_on and alive_on > latest(died_on):
            yield patient_id, patient_id


def two_dates_of_death(txn: Transaction) -> Broken:
    """Two approved reports whose dates cannot be of one day."""
    approved = select(DeathReport).where(
        DeathReport.status == DeathReportStatus.APPROVED, DeathReport.died_on.is_not(None)
    )
    told: dict[UUID, list[DeathReport]] = {}
    for report in txn.session.scalars(approved.order_by(DeathReport.decided_at, DeathReport.id)):
        told.setdefault(report.patient_id, []).append(report)
    for patient_id, reports in told.items():
        for place, report in enumerate(reports):
            if any(_contradict(report.died_on or "", other.died_on or "") for other in reports[:place]):
                yield patient_id, report.id


def _contradict(one: str, other: str) -> bool:
    return is_before(one, other) or is_before(other, one)


def reported_after_death(txn: Transaction) -> Broken:
    """Answers that the patient gave on a day after the recorded death."""
    rows = select(SymptomReport.patient_id, SymptomReport.id, SymptomReport.completed_at, Patient).join(
        Patient, Patient.id == SymptomReport.patient_id
    )
    of_the_dead = rows.where(Patient.status == PatientStatus.DIED, SymptomReport.respondent == Respondent.PATIENT)
    for patient_id, report_id, completed_at, patient in txn.session.execute(of_the_dead.order_by(SymptomReport.id)):
        if patient.died_on and clock.local_day(completed_at, patient.time_zone) > latest(patient.died_on):
            yield patient_id, report_id


def grade_5_without_death(txn: Transaction) -> Broken:
    """A fatal adverse event of somebody whose death nobody has reported."""
    told_of = and_(DeathReport.patient_id == AdverseEvent.patient_id, DeathReport.status.not_in(deaths.MISTAKEN))
    rows = select(AdverseEvent.patient_id, AdverseEvent.id).outerjoin(DeathReport, told_of)
    fatal = rows.where(AdverseEvent.grade == FATAL_GRADE, AdverseEvent.voided_at.is_(None), DeathReport.id.is_(None))
    yield from _rows(txn, fatal.order_by(AdverseEvent.id))


def grade_5_another_day(txn: Transaction) -> Broken:
    """A fatal adverse event that ended on a day on which the patient, by the record of the death, did not die."""
    rows = select(AdverseEvent.patient_id, AdverseEvent.id, AdverseEvent.ended_on, Patient.died_on)
    fatal = rows.join(Patient, Patient.id == AdverseEvent.patient_id).where(
        AdverseEvent.grade == FATAL_GRADE, AdverseEvent.voided_at.is_(None), Patient.died_on.is_not(None)
    )
    for patient_id, event_id, ended_on, died_on in txn.session.execute(fatal.order_by(AdverseEvent.id)):
        if ended_on and _contradict(ended_on, died_on or ""):
            yield patient_id, event_id


def died_without_a_report(txn: Transaction) -> Broken:
    """A death on the record that no approved report stands behind."""
    approved = and_(DeathReport.patient_id == Patient.id, DeathReport.status == DeathReportStatus.APPROVED)
    rows = select(Patient.id, Patient.id.label("record")).outerjoin(DeathReport, approved)
    dead = rows.where(Patient.status == PatientStatus.DIED, DeathReport.id.is_(None))
    yield from _rows(txn, dead.order_by(Patient.id))


def approved_without_a_death(txn: Transaction) -> Broken:
    """An approved report of somebody who is not dead on the record, or has no date of death."""
    rows = select(DeathReport.patient_id, DeathReport.id).join(Patient, Patient.id == DeathReport.patient_id)
    approved = rows.where(DeathReport.status == DeathReportStatus.APPROVED)
    missing = approved.where((Patient.status != PatientStatus.DIED) | Patient.died_on.is_(None))
    yield from _rows(txn, missing.order_by(DeathReport.id))


def _rows(txn: Transaction, query: Select[UUID, UUID]) -> Broken:
    return ((patient_id, record_id) for patient_id, record_id in txn.session.execute(query))


CHECKS = (
    Check("alive_after_death", "Nobody is known to have been alive after their death", alive_after_death),
    Check(
        "two_dates_of_death", "No two approved reports give one patient different dates of death", two_dates_of_death
    ),
    Check("reported_after_death", "Nobody answered a questionnaire after their death", reported_after_death),
    Check("grade_5", "Whoever has an adverse event of grade 5 was reported to have died", grade_5_without_death),
    Check("grade_5_date", "A fatal adverse event ends on the day of the recorded death", grade_5_another_day),
    Check("approved", "Every recorded death was approved from a report", died_without_a_report),
    Check(
        "recorded",
        "Every approved report of a death is on the patient's record, with its date",
        approved_without_a_death,
    ),
)

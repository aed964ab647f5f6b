"""What must list nothing: records about a patient's life and death that cannot all be true. Nothing is repaired."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from backend import clock
from backend.adverse_events.judgement import FATAL_GRADE
from backend.adverse_events.models import AdverseEvent
from backend.among import among
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


@dataclass(frozen=True)
class _Told:
    """A date on which somebody died, and where it stands: on the patient's record, or in an approved report."""

    died_on: str
    record_id: UUID


def _dates_of_death(txn: Transaction) -> Mapping[UUID, Sequence[_Told]]:
    """By patient, the recorded date first, then what each approved report says, in the order of approval."""
    found: dict[UUID, list[_Told]] = {}
    recorded = select(Patient.id, Patient.died_on).where(
        Patient.status == PatientStatus.DIED, Patient.died_on.is_not(None)
    )
    for patient_id, died_on in txn.session.execute(recorded.order_by(Patient.id)):
        found[patient_id] = [_Told(died_on or "", patient_id)]
    for report in _approved(txn):
        found.setdefault(report.patient_id, []).append(_Told(report.died_on or "", report.id))
    return found


def _approved(txn: Transaction) -> Sequence[DeathReport]:
    approved = select(DeathReport).where(
        DeathReport.status == DeathReportStatus.APPROVED, DeathReport.died_on.is_not(None)
    )
    return txn.session.scalars(approved.order_by(DeathReport.decided_at, DeathReport.id)).all()


def alive_after_death(txn: Transaction) -> Broken:
    """Evidence of life on a day after the latest that the recorded death, or an approved report of it, can mean."""
    dates = _dates_of_death(txn)
    rows = (
        select(EvidenceOfLife.patient_id, func.max(EvidenceOfLife.as_of))
        .where(among(EvidenceOfLife.patient_id, "whose"), COUNTS)
        .group_by(EvidenceOfLife.patient_id)
        .order_by(EvidenceOfLife.patient_id)
    )
    for patient_id, alive_on in txn.session.execute(rows, {"whose": list(dates)}):
        wrong = next((told for told in dates[patient_id] if alive_on > latest(told.died_on)), None)
        if wrong is not None:
            yield patient_id, wrong.record_id


def two_dates_of_death(txn: Transaction) -> Broken:
    """Two approved reports whose dates cannot be of one day."""
    told: dict[UUID, list[DeathReport]] = {}
    for report in _approved(txn):
        told.setdefault(report.patient_id, []).append(report)
    for patient_id, reports in told.items():
        for place, report in enumerate(reports):
            if any(_contradict(report.died_on or "", other.died_on or "") for other in reports[:place]):
                yield patient_id, report.id


def _contradict(one: str, other: str) -> bool:
    return is_before(one, other) or is_before(other, one)


def reported_after_death(txn: Transaction) -> Broken:
    """Answers that the patient gave on a day after the recorded death, or after an approved report's."""
    dates = _dates_of_death(txn)
    rows = select(SymptomReport.patient_id, SymptomReport.id, SymptomReport.completed_at, Patient.time_zone).join(
        Patient, Patient.id == SymptomReport.patient_id
    )
    theirs = rows.where(among(SymptomReport.patient_id, "whose"), SymptomReport.respondent == Respondent.PATIENT)
    found = txn.session.execute(theirs.order_by(SymptomReport.id), {"whose": list(dates)})
    for patient_id, report_id, completed_at, zone in found:
        if clock.local_day(completed_at, zone) > min(latest(told.died_on) for told in dates[patient_id]):
            yield patient_id, report_id


def grade_5_without_death(txn: Transaction) -> Broken:
    """A fatal adverse event of somebody whose death nobody has reported."""
    told_of = and_(DeathReport.patient_id == AdverseEvent.patient_id, DeathReport.status.not_in(deaths.MISTAKEN))
    rows = select(AdverseEvent.patient_id, AdverseEvent.id).outerjoin(DeathReport, told_of)
    fatal = rows.where(AdverseEvent.grade == FATAL_GRADE, AdverseEvent.voided_at.is_(None), DeathReport.id.is_(None))
    yield from _rows(txn, fatal.order_by(AdverseEvent.id))


def grade_5_another_day(txn: Transaction) -> Broken:
    """A fatal adverse event that ended on a day on which the patient, by the record or an approved report, lived."""
    dates = _dates_of_death(txn)
    rows = select(AdverseEvent.patient_id, AdverseEvent.id, AdverseEvent.ended_on)
    fatal = rows.where(AdverseEvent.grade == FATAL_GRADE, AdverseEvent.voided_at.is_(None))
    for patient_id, event_id, ended_on in txn.session.execute(fatal.order_by(AdverseEvent.id)):
        if ended_on and any(_contradict(ended_on, told.died_on) for told in dates.get(patient_id, ())):
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

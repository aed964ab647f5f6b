"""Life and death: told by one person, confirmed by another, and nothing on record that contradicts it."""

from collections.abc import Iterator

from sqlalchemy import and_, func, select

from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.life import COUNTS, last_day_of
from backend.patients.models import ContactHold, EvidenceOfLife, Patient
from backend.survival.deaths import HELD_BECAUSE_REPORTED
from backend.survival.models import DeathReport
from backend.terms import DeathReportStatus, PatientStatus, WorkReason
from backend.worklist.models import WorkItem


def alive_after_death(txn: Transaction) -> Iterator[str]:
    """Evidence of life on a day after the latest that the recorded death can mean."""
    rows = (
        select(Patient.id, Patient.died_on, func.max(EvidenceOfLife.as_of))
        .join(EvidenceOfLife, EvidenceOfLife.patient_id == Patient.id)
        .where(Patient.status == PatientStatus.DIED, Patient.died_on.is_not(None), COUNTS)
        .group_by(Patient.id, Patient.died_on)
    )
    for patient_id, died_on, alive_on in txn.session.execute(rows):
        if died_on and alive_on > last_day_of(died_on):
            yield str(patient_id)


_approved = and_(DeathReport.patient_id == Patient.id, DeathReport.status == DeathReportStatus.APPROVED)
_silenced = and_(
    ContactHold.patient_id == DeathReport.patient_id,
    ContactHold.reason == HELD_BECAUSE_REPORTED,
    ContactHold.lifted_at.is_(None),
)
_asked = and_(
    WorkItem.patient_id == DeathReport.patient_id,
    WorkItem.reason == WorkReason.DEATH_REPORTED,
    WorkItem.resolved_at.is_(None),
)

INVARIANTS = (
    Invariant(
        "survival.approved",
        "Every recorded death was approved from a report",
        ids_of(
            lambda: (
                select(Patient.id)
                .outerjoin(DeathReport, _approved)
                .where(Patient.status == PatientStatus.DIED, DeathReport.id.is_(None))
            )
        ),
    ),
    Invariant(
        "survival.recorded",
        "Every approved report of a death is on the patient's record, with its date",
        ids_of(
            lambda: (
                select(DeathReport.id)
                .join(Patient, Patient.id == DeathReport.patient_id)
                .where(DeathReport.status == DeathReportStatus.APPROVED)
                .where((Patient.status != PatientStatus.DIED) | Patient.died_on.is_(None))
            )
        ),
    ),
    Invariant(
        "survival.two_people",
        "Nobody decided a report of death that they had made themselves",
        ids_of(
            lambda: select(DeathReport.id).where(
                DeathReport.decided_by == DeathReport.reported_by, DeathReport.status != DeathReportStatus.PENDING
            )
        ),
    ),
    Invariant(
        "survival.held",
        "While a report of death waits, nothing may be sent to that patient",
        ids_of(
            lambda: (
                select(DeathReport.id)
                .outerjoin(ContactHold, _silenced)
                .where(DeathReport.status == DeathReportStatus.PENDING, ContactHold.id.is_(None))
            )
        ),
    ),
    Invariant(
        "survival.asked",
        "Every report of death that waits is a task for a second person",
        ids_of(
            lambda: (
                select(DeathReport.id)
                .outerjoin(WorkItem, _asked)
                .where(DeathReport.status == DeathReportStatus.PENDING, WorkItem.id.is_(None))
            )
        ),
    ),
    Invariant("survival.alive_after_death", "Nobody is known to have been alive after their death", alive_after_death),
)

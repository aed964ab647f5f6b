"""The only place that records a death.

A report by anyone holds contact and recalls every unsent message in its own transaction, before anybody has
confirmed anything: a text to the dead is worse than a text too few. A second person then approves or denies.
"""

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

import notifications
from backend import audit, clock
from backend.db import Transaction, one_at_a_time_for
from backend.errors import InvalidInput, NoLongerPossible, SamePersonMayNot
from backend.patients import contact, life
from backend.patients.models import Patient
from backend.sealing import seal
from backend.survival.models import DeathReport
from backend.terms import DeathReportStatus, WorkReason
from backend.worklist.items import find_item, open_item, resolve

PARTIAL_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
HELD_BECAUSE_REPORTED = "death_reported"
HELD_BECAUSE_DIED = "died"


def report_death(
    txn: Transaction,
    patient: Patient,
    *,
    died_on: str | None = None,
    cause: str | None = None,
    informant: str | None = None,
    relation: str | None = None,
    field: str = "died_on",
) -> DeathReport:
    """Keep what was said, stop everything addressed to the patient and the caregivers, and ask a person.

    ``died_on`` is as precise as it is known: ``2027-03-17``, ``2027-03``, ``2027`` or None; ``field`` is what the
    sender called it, for complaints.
    """
    if died_on is not None:
        _check_date(txn, patient, died_on, field)
    report = DeathReport(
        patient_id=patient.id,
        site_id=patient.site_id,
        status=DeathReportStatus.PENDING,
        died_on=died_on,
        reported_by=txn.actor.id,
        reported_at=txn.now,
    )
    report.cause_sealed = seal(txn, report, "cause_sealed", cause)
    report.informant_sealed = seal(txn, report, "informant_sealed", informant)
    report.relation_sealed = seal(txn, report, "relation_sealed", relation)
    audit.record(txn, "death.reported", report)
    contact.hold(txn, patient, HELD_BECAUSE_REPORTED)
    notifications.cancel(txn, patient.id, reason=HELD_BECAUSE_REPORTED)
    open_item(
        txn,
        reason=WorkReason.DEATH_REPORTED,
        key=_task_of(report),
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )
    return report


def approve(txn: Transaction, patient: Patient, report: DeathReport) -> DeathReport:
    """The death is on the record. The approver is another person than the reporter."""
    _decide(txn, report, DeathReportStatus.APPROVED)
    if report.died_on is None:
        raise InvalidInput(fields={"died_on": ["A year at least is needed before a death can be approved."]})
    audit.record(txn, "death.approved", report)
    if not life.is_dead(patient):
        life.record_death(txn, patient, report.died_on)
    contact.hold(txn, patient, HELD_BECAUSE_DIED)
    notifications.cancel(txn, patient.id, reason=HELD_BECAUSE_DIED)
    return report


def deny(txn: Transaction, patient: Patient, report: DeathReport, reason: str) -> DeathReport:
    """The report was mistaken. Contact stays held until a person resumes it from the work list."""
    _decide(txn, report, DeathReportStatus.DENIED)
    report.denied_because_sealed = seal(txn, report, "denied_because_sealed", reason)
    audit.record(txn, "death.denied", report)
    open_item(
        txn,
        reason=WorkReason.RESUME_CONTACT,
        key=f"resume-contact:{report.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )
    return report


def resume_contact(txn: Transaction, patient: Patient) -> None:
    """A person has judged that the patient may be written to again after a mistaken report of death."""
    if any(report.status == DeathReportStatus.PENDING for report in reports_of(txn, patient)):
        raise NoLongerPossible("Another report of death still waits for a decision.")
    for held in contact.holds(txn, patient):
        if held.reason == HELD_BECAUSE_REPORTED:
            contact.lift(txn, held)


def reports_of(txn: Transaction, patient: Patient) -> Sequence[DeathReport]:
    """Every report of this patient's death, the latest first."""
    told = select(DeathReport).where(DeathReport.patient_id == patient.id)
    return txn.session.scalars(told.order_by(DeathReport.reported_at.desc(), DeathReport.id)).all()


def _decide(txn: Transaction, report: DeathReport, status: DeathReportStatus) -> None:
    # Of two people who decide at once, the second finds the first one's decision.
    one_at_a_time_for(txn, report.patient_id)
    txn.session.refresh(report)
    if report.status != DeathReportStatus.PENDING:
        raise NoLongerPossible(f"This report was {report.status} before.")
    if report.reported_by is not None and report.reported_by == txn.actor.id:
        raise SamePersonMayNot()
    # Closed first: looking for the task flushes, and the audit must still see what the report was before.
    task = find_item(txn, report.patient_id, _task_of(report))
    if task is not None and task.resolved_at is None:
        resolve(txn, task, status)
    report.status = status
    report.decided_by = txn.actor.id
    report.decided_at = txn.now


def _task_of(report: DeathReport) -> str:
    """The key of the task that asks for the second person."""
    return f"death-report:{report.id}"


def _check_date(txn: Transaction, patient: Patient, died_on: str, field: str) -> None:
    today = clock.local_day(txn.now, patient.time_zone).isoformat()
    if not _is_partial_date(died_on):
        raise InvalidInput(fields={field: ["Give a day (2027-03-17), a month (2027-03) or a year (2027)."]})
    if died_on > today:
        raise InvalidInput(fields={field: ["This day has not come yet."]})
    if died_on < patient.consented_on.isoformat()[: len(died_on)]:
        raise InvalidInput(fields={field: [f"Before consent on {patient.consented_on.isoformat()}."]})


def _is_partial_date(text: str) -> bool:
    if not PARTIAL_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:10])
    except ValueError:
        return False
    return True

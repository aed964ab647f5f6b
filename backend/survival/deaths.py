"""The only place that records a death.

A report by anyone holds contact and recalls every unsent message in its own transaction, before anybody has
confirmed anything: a text to the dead is worse than a text too few. A second person then approves or denies.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

from sqlalchemy import select

import notifications
from backend import audit, clock
from backend.adverse_events.deaths import suspect_death, unsuspect_death
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible, SamePersonMayNot
from backend.partial_dates import HOW_TO_WRITE, is_after_day, is_before, is_before_day, is_partial_date
from backend.patients import contact, life
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.survival.calls import call_again, stop_calling
from backend.survival.models import DeathReport
from backend.terms import DeathReportStatus, WorkReason
from backend.worklist.items import find_item, open_item, reopen, resolve
from backend.worklist.models import WorkItem

HELD_BECAUSE_REPORTED = "death_reported"
HELD_BECAUSE_DIED = "died"
PENDING = DeathReportStatus.PENDING
# Nobody holds such a report to be true any more.
MISTAKEN = frozenset({DeathReportStatus.DENIED, DeathReportStatus.REVERSED})
# What may come of the question whether to write to the patient again.
RESUME, KEEP_SILENT = "resume", "keep_silent"
TASKS = frozenset({WorkReason.DEATH_REPORTED, WorkReason.RESUME_CONTACT})


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
    take_turn(txn, patient)
    if died_on is not None:
        _check_date(txn, patient, died_on, field)
    report = DeathReport(
        patient_id=patient.id,
        site_id=patient.site_id,
        status=PENDING,
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
    stop_calling(txn, patient)
    open_item(
        txn,
        reason=WorkReason.DEATH_REPORTED,
        key=_task_of(report),
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )
    suspect_death(txn, patient, died_on)
    return report


def approve(txn: Transaction, patient: Patient, report: DeathReport, died_on: str | None = None) -> DeathReport:
    """The death is on the record. The approver is another person than the reporter.

    ``died_on`` is for a report that came without a date, by text for instance; a date that was told stands. A death
    that is on the record already is dated more precisely by a report that knows the day of the month or year told.
    """
    take_turn(txn, patient)
    _decide(txn, report, DeathReportStatus.APPROVED)
    report.died_on = _date_of(txn, patient, report, died_on)
    audit.record(txn, "death.approved", report)
    if not life.is_dead(patient):
        life.record_death(txn, patient, report.died_on)
    elif patient.died_on is not None:
        date_death(txn, patient, _more_precise(patient.died_on, report.died_on))
    contact.hold(txn, patient, HELD_BECAUSE_DIED)
    notifications.cancel(txn, patient.id, reason=HELD_BECAUSE_DIED)
    stop_calling(txn, patient)
    return report


def deny(txn: Transaction, patient: Patient, report: DeathReport, reason: str) -> DeathReport:
    """The report was mistaken. Contact stays held until a person resumes it from the work list."""
    take_turn(txn, patient)
    _decide(txn, report, DeathReportStatus.DENIED)
    report.denied_because_sealed = seal(txn, report, "denied_because_sealed", reason)
    audit.record(txn, "death.denied", report)
    if all(one.status in MISTAKEN for one in reports_of(txn, patient)):
        unsuspect_death(txn, patient)
    if life.is_dead(patient):
        # Another report of the same death was approved; there is nobody to write to again.
        return report
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
    take_turn(txn, patient)
    if any(report.status == PENDING for report in reports_of(txn, patient)):
        raise NoLongerPossible("Another report of death still waits for a decision.")
    for held in contact.holds(txn, patient):
        if held.reason == HELD_BECAUSE_REPORTED:
            contact.lift(txn, held)
    call_again(txn, patient)


def is_reported(txn: Transaction, patient: Patient) -> bool:
    """Whether contact is held because somebody told of the death, also while nobody has resumed it after a denial."""
    return any(held.reason == HELD_BECAUSE_REPORTED for held in contact.holds(txn, patient))


def date_death(txn: Transaction, patient: Patient, died_on: str | None) -> None:
    """The recorded death was on this day, month or year; written where the record says another."""
    if patient.died_on == died_on:
        return
    patient.died_on = died_on
    audit.record(txn, "patient.died", patient)
    txn.session.flush()


def date_of(approved: Iterable[DeathReport]) -> str | None:
    """When somebody died, by these approved reports: as the first said, or more precisely as a later one did.

    None without any. A report that contradicts the first changes nothing; ``checks`` lists the two.
    """
    in_turn = sorted(approved, key=lambda report: (report.decided_at or report.reported_at, report.id))
    dates = [report.died_on for report in in_turn if report.died_on]
    return reduce(_more_precise, dates) if dates else None


def close_task(txn: Transaction, patient: Patient, item: WorkItem, outcome: str, note: str | None = None) -> WorkItem:
    """Close a task that a report of death opened. None may vanish while contact is held because of it.

    A pending report closes its task by being decided. Whether to write again needs one of two plain words.
    """
    if item.reason == WorkReason.DEATH_REPORTED:
        if any(_task_of(report) == item.key and report.status == PENDING for report in reports_of(txn, patient)):
            raise NoLongerPossible("Approve or deny the report; that closes this task.")
    elif outcome not in (RESUME, KEEP_SILENT):
        raise InvalidInput(fields={"outcome": [f"Must be {RESUME} or {KEEP_SILENT}."]})
    closed = resolve(txn, item, outcome, note)
    if outcome == RESUME:
        resume_contact(txn, patient)
    return closed


def reopen_task(txn: Transaction, patient: Patient, item: WorkItem, reason: str) -> WorkItem:
    """Ask again whether to write to the patient, as long as nothing has gone out since; a decision stands."""
    if item.reason == WorkReason.DEATH_REPORTED:
        raise NoLongerPossible("The report was decided. A death recorded by mistake is undone by a signed reversal.")
    if not is_reported(txn, patient):
        raise NoLongerPossible("Messages go out again. A pause stops them for a time, a report of death at once.")
    return reopen(txn, item, reason)


def reports_of(txn: Transaction, patient: Patient) -> Sequence[DeathReport]:
    """Every report of this patient's death, the latest first."""
    told = select(DeathReport).where(DeathReport.patient_id == patient.id)
    return txn.session.scalars(told.order_by(DeathReport.reported_at.desc(), DeathReport.id)).all()


def disagree(one: DeathReport, other: DeathReport) -> bool:
    """Whether two reports, neither of them denied, give dates that cannot be of one day."""
    if MISTAKEN & {one.status, other.status} or not (one.died_on and other.died_on):
        return False
    return is_before(one.died_on, other.died_on) or is_before(other.died_on, one.died_on)


def _decide(txn: Transaction, report: DeathReport, status: DeathReportStatus) -> None:
    # Of two people who decide at once, the second finds the first one's decision.
    txn.session.refresh(report)
    if report.status != PENDING:
        by = str(report.decided_by) if report.decided_by else None
        at = report.decided_at.isoformat() if report.decided_at else None
        raise NoLongerPossible("This report was decided before.", standing=report.status, by=by, at=at)
    if report.reported_by is not None and report.reported_by == txn.actor.id:
        raise SamePersonMayNot()
    task = find_item(txn, report.patient_id, _task_of(report))
    if task is not None and task.resolved_at is None:
        resolve(txn, task, status)
    report.status = status
    report.decided_by = txn.actor.id
    report.decided_at = txn.now


def _date_of(txn: Transaction, patient: Patient, report: DeathReport, given: str | None) -> str:
    """The date that was told, or the one the approver gives a report that came without."""
    if given is not None and report.died_on not in (None, given):
        raise InvalidInput(fields={"died_on": [f"The report says {report.died_on}; deny it and enter another."]})
    died_on = report.died_on or given
    if died_on is None:
        raise InvalidInput(fields={"died_on": ["A year at least is needed before a death can be approved."]})
    if report.died_on is None:
        _check_date(txn, patient, died_on, "died_on")
    return died_on


def _more_precise(told: str, other: str) -> str:
    """The other date where it is a month or a day within the one that was told; else the one that was."""
    return other if other.startswith(f"{told}-") else told


def _task_of(report: DeathReport) -> str:
    """The key of the task that asks for the second person."""
    return f"death-report:{report.id}"


def _check_date(txn: Transaction, patient: Patient, died_on: str, field: str) -> None:
    if not is_partial_date(died_on):
        raise InvalidInput(fields={field: [HOW_TO_WRITE]})
    if is_after_day(died_on, clock.local_day(txn.now, patient.time_zone)):
        raise InvalidInput(fields={field: ["This day has not come yet."]})
    if is_before_day(died_on, patient.randomised_on):
        raise InvalidInput(fields={field: [f"Before randomisation on {patient.randomised_on.isoformat()}."]})

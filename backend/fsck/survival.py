"""Life and death: told by one person, confirmed by another, and nothing on record that contradicts it."""

from collections.abc import Iterator

from sqlalchemy import and_, select

from backend.contact_terms import ContactOutcome
from backend.db import Transaction
from backend.fsck.invariant import Find, Invariant, ids_of
from backend.patients.models import ContactHold, EvidenceOfLife
from backend.survival.checks import CHECKS, Check
from backend.survival.deaths import HELD_BECAUSE_REPORTED
from backend.survival.models import ContactAttempt, DeathReport
from backend.terms import DeathReportStatus, WorkReason
from backend.worklist.models import WorkItem

# No report is refused because its patient has died: a relative may have had the phone. It is listed, and no damage.
LISTED_ONLY = frozenset({"reported_after_death"})

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


def alive_without_evidence(txn: Transaction) -> Iterator[str]:
    """Attempts that found the patient alive, and left nothing that a survival check could close by."""
    references = select(EvidenceOfLife.reference).where(EvidenceOfLife.reference.startswith("contact-attempt:"))
    left = set(txn.session.scalars(references))
    found = select(ContactAttempt.id).where(ContactAttempt.outcome == ContactOutcome.ALIVE)
    for attempt_id in txn.session.scalars(found.order_by(ContactAttempt.id)):
        if f"contact-attempt:{attempt_id}" not in left:
            yield str(attempt_id)


def _rows_of(check: Check) -> Find:
    return lambda txn: (str(record_id) for _, record_id in check.find(txn))


INVARIANTS = (
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
    Invariant(
        "survival.attempts", "Every attempt that found a patient alive left evidence of life", alive_without_evidence
    ),
    *(
        Invariant(f"survival.{check.name}", check.sentence, _rows_of(check))
        for check in CHECKS
        if check.name not in LISTED_ONLY
    ),
)

"""What a fault has left in the database, counted from outside."""

from collections import Counter
from uuid import UUID

from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.symptom_report import SymptomReport
from backend.triage.models import CandidateFinding

WATCHER = system("test")


def reports(db: Database) -> Counter[str]:
    """How often each report is kept."""
    with db.reading(WATCHER) as txn:
        return Counter(str(report_id) for report_id in txn.session.scalars(select(SymptomReport.id)))


def halves(db: Database) -> list[str]:
    """Reports without their audit entry or their finding, and entries and findings without their report."""
    with db.reading(WATCHER) as txn:
        kept = set(txn.session.scalars(select(SymptomReport.id)))
        audited = select(AuditEvent.new, AuditEvent.record_id).where(AuditEvent.verb == "report.submitted")
        told = [record_id for _, record_id in txn.session.execute(audited)]
        found = set(txn.session.scalars(select(CandidateFinding.report_id)))
    entries = Counter(told)
    unequal = [f"finding {one}" for one in kept ^ {one for one in found if one is not None}]
    return unequal + [f"entry {name} {times}" for name, times in entries.items() if times != 1 or not _of(name, kept)]


def count(db: Database, model: type) -> int:
    """How many rows there are."""
    with db.reading(WATCHER) as txn:
        return txn.session.scalar(select(func.count()).select_from(model)) or 0


def _of(record_id: str, kept: set[UUID]) -> bool:
    return any(str(one) in record_id for one in kept)

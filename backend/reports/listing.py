"""Reading reports: a patient's list, one of them, and the words in it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from backend.db import Transaction
from backend.errors import NotFound
from backend.patients.models import Patient
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.sealing import unseal

# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


@dataclass(frozen=True)
class Page:
    """Some reports, and after which one the next begin; None at the end."""

    items: Sequence[SymptomReport]
    after: tuple[datetime, UUID] | None


def reports_of(
    txn: Transaction, patient: Patient, *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> Page:
    """A patient's reports, the newest first, by keyset."""
    wanted = select(SymptomReport).where(SymptomReport.patient_id == patient.id)
    if after:
        wanted = wanted.where(tuple_(SymptomReport.received_at, SymptomReport.id) < after)
    newest_first = (SymptomReport.received_at.desc(), SymptomReport.id.desc())
    rows = txn.session.scalars(wanted.order_by(*newest_first).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, (shown[-1].received_at, shown[-1].id) if len(rows) > limit else None)


def report_of(txn: Transaction, patient: Patient, report_id: UUID) -> SymptomReport:
    """One report of this patient. Raises ``NotFound``, also for a report of somebody else's."""
    report = txn.session.get(SymptomReport, (patient.id, report_id))
    if report is None:
        raise NotFound()
    return report


def own_words(txn: Transaction, report: SymptomReport | ReportCorrection) -> list[dict[str, Any]]:
    """What the person wrote of their own: ``[{text, severity?}]``."""
    written = unseal(txn, report, "other_symptoms_sealed")
    listed: list[dict[str, Any]] = json.loads(written) if written else []
    return listed

"""Which version of a report counts: the original, or the latest correction that an investigator has accepted."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select

from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.report_correction import CorrectionDecision, ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.protocol.load import protocol_of

ORIGINAL, PENDING, ACCEPTED, DECLINED, SUPERSEDED = "original", "pending", "accepted", "declined", "superseded"
# What a correction may say anew, and what is computed from it.
OF_VERSION = ("answers", "composites", "measurements")


def is_corrected(patient_id: ColumnElement[UUID], report_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """For a query over reports: whether a correction of this one counts."""
    return exists().where(
        ReportCorrection.patient_id == patient_id,
        ReportCorrection.report_id == report_id,
        CorrectionDecision.correction_id == ReportCorrection.id,
        CorrectionDecision.accepted,
    )


def corrections_that_count(
    txn: Transaction, patient_id: UUID, report_ids: Collection[UUID] | None = None
) -> Mapping[UUID, ReportCorrection]:
    """By report, the latest accepted correction; a report without one is not there."""
    accepted = (
        select(ReportCorrection)
        .join(CorrectionDecision, CorrectionDecision.correction_id == ReportCorrection.id)
        .where(ReportCorrection.patient_id == patient_id, CorrectionDecision.accepted)
        .order_by(ReportCorrection.report_id, ReportCorrection.version)
    )
    if report_ids is not None:
        accepted = accepted.where(ReportCorrection.report_id.in_(report_ids))
    return {row.report_id: row for row in txn.session.scalars(accepted)}


def answers_that_count(txn: Transaction, patient_id: UUID) -> Mapping[UUID, dict[str, Any]]:
    """By corrected report, its answers, composites and measurements as they count."""
    return {id_: content_of(row) for id_, row in corrections_that_count(txn, patient_id).items()}


def content_of(version: SymptomReport | ReportCorrection) -> dict[str, Any]:
    """The answers, composites and measurements of a version."""
    return {name: getattr(version, name) for name in OF_VERSION}


def corrections_of(txn: Transaction, report: SymptomReport) -> Sequence[ReportCorrection]:
    """Every correction of a report, in the order they came."""
    rows = select(ReportCorrection).where(
        ReportCorrection.patient_id == report.patient_id, ReportCorrection.report_id == report.id
    )
    return txn.session.scalars(rows.order_by(ReportCorrection.version)).all()


def decisions_about(txn: Transaction, corrections: Collection[ReportCorrection]) -> Mapping[UUID, CorrectionDecision]:
    """By correction, what was decided about it; one that waits is not there."""
    rows = select(CorrectionDecision).where(CorrectionDecision.correction_id.in_([one.id for one in corrections]))
    return {row.correction_id: row for row in txn.session.scalars(rows)}


def state_of(correction: ReportCorrection, newest: int, decided: CorrectionDecision | None) -> str:
    """Where a correction stands. One that was corrected again before anybody decided is no longer asked about."""
    if decided is not None:
        return ACCEPTED if decided.accepted else DECLINED
    return PENDING if correction.version == newest else SUPERSEDED


def words_of_state(txn: Transaction, patient: Patient, state: str, language: str) -> str:
    """What the patient reads of it. A protocol version of before has no words of its own for it."""
    texts = protocol_of(txn, patient.protocol_version_id).triage["progress"]
    usual = texts["received"] if state == PENDING else texts["decided"]
    said: str = texts.get(f"correction_{state}", usual)[language]
    return said

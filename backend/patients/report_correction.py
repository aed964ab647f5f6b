"""Corrections of submitted reports: new versions beside an original that stays as it was sent. Insert-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Json, WithId
from backend.patients.models import OfPatient


class ReportCorrection(OfPatient, WithId, Base):
    """A whole version of a report's answers, and why: version 1 is the report, each correction counts one up.

    ``sent_id`` was made by the sender and is unique per patient. ``originator`` says whose correction it is. What the
    rules make of it is computed when it comes (``findings``) and stands beside what the original raised.
    """

    __tablename__ = "report_correction"
    __table_args__ = (
        UniqueConstraint("patient_id", "report_id", "version"),
        UniqueConstraint("patient_id", "sent_id"),
        ForeignKeyConstraint(["patient_id", "report_id"], ["symptom_report.patient_id", "symptom_report.id"]),
    )

    report_id: Mapped[UUID]
    version: Mapped[int]
    sent_id: Mapped[UUID]
    body_fingerprint: Mapped[str]
    originator: Mapped[str]
    mode: Mapped[str]
    recorded_by: Mapped[UUID | None]
    received_at: Mapped[datetime]
    answers: Mapped[dict[str, Any]]
    composites: Mapped[dict[str, Any]]
    measurements: Mapped[dict[str, Any]]
    other_symptoms_sealed: Mapped[str | None]
    reason_sealed: Mapped[str | None]
    on_behalf_reason_sealed: Mapped[str | None]
    tier: Mapped[str | None]
    advice: Mapped[list[dict[str, str]]] = mapped_column(Json())
    # {subject, term_code, tier, composite, grade, items, rule_id}: what a report with these answers raises.
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json())


class CorrectionDecision(OfPatient, WithId, Base):
    """What an investigator decided about a correction: whether it is the version that counts. Insert-only."""

    __tablename__ = "correction_decision"

    correction_id: Mapped[UUID] = mapped_column(ForeignKey("report_correction.id"), unique=True)
    accepted: Mapped[bool]
    decided_by: Mapped[UUID | None]
    decided_as: Mapped[str | None]
    decided_at: Mapped[datetime]
    reason_sealed: Mapped[str | None]

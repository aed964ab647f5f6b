"""Candidate events: what a rule found and a person has yet to judge, with every step kept."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Json, WithId
from backend.patients.models import OfPatient

OPEN = text("status IN ('proposed', 'acknowledged', 'needs_info')")


class CandidateEvent(OfPatient, WithId, Base):
    """One episode of one term in one patient; never an adverse event until a person says so.

    ``subject`` is what reports join on: the MedDRA code of the term, or the one report that has none.
    ``is_running`` says whether later reports still join; it never closes the candidate.
    """

    __tablename__ = "candidate_event"
    __table_args__ = (
        Index(
            "ix_candidate_event_open_by_site",
            "site_id",
            "tier",
            "due_at",
            "id",
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index("ix_candidate_event_open", "tier", "due_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index(
            "uq_candidate_event_running",
            "patient_id",
            "subject",
            unique=True,
            sqlite_where=text("is_running"),
            postgresql_where=text("is_running"),
        ),
    )

    subject: Mapped[str]
    term_code: Mapped[str | None]
    tier: Mapped[str]
    status: Mapped[str]
    rule_id: Mapped[str]
    rule_version: Mapped[int]
    onset_on: Mapped[date]
    opened_at: Mapped[datetime]
    last_reported_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # {tier, composite, grade}: the worst of each so far, and those of the latest report.
    worst: Mapped[dict[str, Any]]
    latest: Mapped[dict[str, Any]]
    items: Mapped[list[str]] = mapped_column(Json())
    trend: Mapped[str]
    provisional_grade: Mapped[int | None]
    needs_review: Mapped[bool]
    before_treatment: Mapped[bool]
    report_count: Mapped[int]
    claimed_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    is_running: Mapped[bool]
    zero_since: Mapped[date | None]


class CandidateFinding(OfPatient, WithId, Base):
    """What one report said about one candidate, and the rule that raised it. Insert-only."""

    __tablename__ = "candidate_finding"
    __table_args__ = (
        UniqueConstraint("candidate_event_id", "report_id"),
        ForeignKeyConstraint(["candidate_event_id"], ["candidate_event.id"]),
        ForeignKeyConstraint(["patient_id", "report_id"], ["symptom_report.patient_id", "symptom_report.id"]),
        Index("ix_candidate_finding_patient_id_report_id", "patient_id", "report_id"),
    )

    candidate_event_id: Mapped[UUID]
    # None when a text message raised the candidate, which is no report.
    report_id: Mapped[UUID | None]
    inbound_message_id: Mapped[UUID | None]
    # None when the report joined a running episode without a rule having fired.
    tier: Mapped[str | None]
    rule_id: Mapped[str | None]
    rule_version: Mapped[int | None]
    composite: Mapped[int | None]
    grade: Mapped[int | None]
    items: Mapped[list[str]] = mapped_column(Json())
    trend: Mapped[str]
    found_at: Mapped[datetime]


class CandidateDecision(OfPatient, WithId, Base):
    """A step a person took about a candidate: who, when, from which state to which, and why. Insert-only."""

    __tablename__ = "candidate_decision"

    candidate_event_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    from_status: Mapped[str]
    to_status: Mapped[str]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime]
    reason_sealed: Mapped[str | None]

    __table_args__ = (ForeignKeyConstraint(["candidate_event_id"], ["candidate_event.id"]),)

"""Adverse events, the grades they went through, the signatures under them, and what was told of the serious ones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Json, WithId
from backend.patients.models import OfPatient


class AdverseEvent(OfPatient, WithId, Base):
    """What a person on the site decided has happened to a patient; a draft until it is signed.

    Dates are as precise as they are known: ``2027-03-17``, ``2027-03`` or ``2027``. ``version`` is what an ETag names.
    """

    __tablename__ = "adverse_event"
    __table_args__ = (
        Index("ix_adverse_event_site_id_recorded_at", "site_id", "recorded_at", "id"),
        # One candidate is at most one event at a time; one that was voided leaves its place.
        Index(
            "uq_adverse_event_candidate_event_id",
            "candidate_event_id",
            unique=True,
            sqlite_where=text("voided_at IS NULL"),
            postgresql_where=text("voided_at IS NULL"),
        ),
        # What the clock of the serious ones looks at.
        Index(
            "ix_adverse_event_unreported",
            "report_due_at",
            "id",
            sqlite_where=text("report_due_at IS NOT NULL AND reported_at IS NULL AND voided_at IS NULL"),
            postgresql_where=text("report_due_at IS NOT NULL AND reported_at IS NULL AND voided_at IS NULL"),
        ),
    )

    # None when it was entered directly.
    candidate_event_id: Mapped[UUID | None] = mapped_column(ForeignKey("candidate_event.id"))
    source: Mapped[str]
    ctcae_version: Mapped[str]
    term_code: Mapped[str]
    # What "Other, specify" stands for, in the person's words.
    specify_sealed: Mapped[str | None]
    # The grade now; every grade it had stands in ``adverse_event_grade``.
    grade: Mapped[int]
    # A grading that CTCAE v5 does not have: ``gvhd`` or ``icans``, and the grade by it.
    own_grading: Mapped[str | None]
    own_grade: Mapped[str | None]
    onset_on: Mapped[str]
    ended_on: Mapped[str | None]
    outcome: Mapped[str]
    serious: Mapped[list[str]] = mapped_column(Json())
    relation_cells: Mapped[str]
    relation_drug: Mapped[str]
    action_cells: Mapped[str]
    action_drug: Mapped[str]
    # The sponsor's judgement; None while there is none.
    expected: Mapped[bool | None]
    note_sealed: Mapped[str | None]
    study_emergent: Mapped[bool]
    cells_emergent: Mapped[bool]
    drug_emergent: Mapped[bool]
    # The facts that the flags rest on, as they were when they were computed.
    emergence: Mapped[dict[str, Any]]
    # When the report behind it reached us; when a member of staff first opened, acknowledged or recorded it.
    received_at: Mapped[datetime]
    first_known_at: Mapped[datetime]
    # Since when it is known to be serious, by when the safety report is due, and when it was sent.
    serious_known_at: Mapped[datetime | None]
    report_due_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    # How far the clock's warnings have gone: the roles told.
    escalated_to: Mapped[str | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    version: Mapped[int]
    # The signature in force; None for a draft.
    signature_id: Mapped[UUID | None]
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[UUID | None]
    voided_because_sealed: Mapped[str | None]


class AdverseEventGrade(OfPatient, WithId, Base):
    """A grade that an event had from a day on. Insert-only: a later row supersedes a mistake."""

    __tablename__ = "adverse_event_grade"
    __table_args__ = (UniqueConstraint("adverse_event_id", "number"),)

    adverse_event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"))
    # 1 for the first. The grade from ``from_on`` on is what the row with the highest number of that day says.
    number: Mapped[int]
    grade: Mapped[int]
    from_on: Mapped[str]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class AdverseEventSignature(OfPatient, WithId, Base):
    """Somebody's name under an event, what it means, and the hash of exactly what was signed. Insert-only."""

    __tablename__ = "adverse_event_signature"

    adverse_event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"), index=True)
    # The version of the event that was signed.
    event_version: Mapped[int]
    signed_by: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    signed_as: Mapped[str]
    signed_at: Mapped[datetime]
    meaning: Mapped[str]
    # The exact text that was hashed, sealed because it holds the person's own words.
    content_sealed: Mapped[str | None]
    content_hash: Mapped[str]


class SignatureVoiding(OfPatient, WithId, Base):
    """A signature that no longer stands, since what it was bound to was changed. Insert-only."""

    __tablename__ = "signature_voiding"

    signature_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event_signature.id"), unique=True)
    # The fields that changed.
    because: Mapped[list[str]] = mapped_column(Json())
    voided_by: Mapped[UUID | None]
    voided_at: Mapped[datetime]


class SafetyReport(OfPatient, WithId, Base):
    """What was told about a serious event, when, and to whom: initial, follow-up or final. Insert-only."""

    __tablename__ = "safety_report"

    adverse_event_id: Mapped[UUID] = mapped_column(ForeignKey("adverse_event.id"), index=True)
    kind: Mapped[str]
    sent_at: Mapped[datetime]
    recipients_sealed: Mapped[str | None]
    reference: Mapped[str]
    # The version of the event that was told of.
    event_version: Mapped[int]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]

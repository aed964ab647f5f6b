"""What was decided about a patient's treatment and contact: each a row of its own, never changed, only reversed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId
from backend.patients.models import OfPatient


class Reversible(OfPatient, WithId):
    """An act by a person, with its reason. ``reversed_at`` is set when a signed reversal says it was a mistake."""

    reason_sealed: Mapped[str | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class Discontinuation(Reversible, Base):
    """A treatment was stopped for good; the patient stays in follow-up. No withdrawal."""

    __tablename__ = "discontinuation"

    treatment: Mapped[str]
    on: Mapped[date]


class Withdrawal(Reversible, Base):
    """The patient withdrew, from reporting or from the study, and whether record searches stay allowed."""

    __tablename__ = "withdrawal"

    scope: Mapped[str]
    on: Mapped[date]
    records_search_allowed: Mapped[bool | None]


class Hospitalisation(Reversible, Base):
    """A stay in hospital. An unplanned one pauses prompts until discharge, or until a person must look again."""

    __tablename__ = "hospitalisation"

    planned: Mapped[bool]
    admitted_on: Mapped[date]
    discharged_on: Mapped[date | None]


class TumourAssessment(OfPatient, WithId, Base):
    """What imaging of one day showed, by one set of criteria."""

    __tablename__ = "tumour_assessment"
    __table_args__ = (Index("ix_tumour_assessment_patient_id_assessed_on", "patient_id", "assessed_on"),)

    assessed_on: Mapped[date]
    response: Mapped[str]
    criteria: Mapped[str]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    # Set when a signed reversal says that it was entered by mistake.
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class Reversal(OfPatient, WithId, Base):
    """A signed statement that an act was a mistake. Insert-only.

    ``content`` is the act as it stood, by which an undone one stays readable; ``content_hash`` is the SHA-256 of its
    canonical text. Reversals from before that was kept have the hash alone.
    """

    __tablename__ = "reversal"

    of_type: Mapped[str]
    of_id: Mapped[UUID]
    reason_sealed: Mapped[str | None]
    content: Mapped[dict[str, Any] | None]
    content_hash: Mapped[str]
    signed_by: Mapped[UUID | None]
    signed_at: Mapped[datetime]


class VoidedEvidence(OfPatient, WithId, Base):
    """Evidence of life that rested on a mistaken entry: it stays to be read and counts no more. Insert-only."""

    __tablename__ = "voided_evidence"
    __table_args__ = (UniqueConstraint("evidence_id"),)

    evidence_id: Mapped[UUID] = mapped_column(ForeignKey("evidence_of_life.id"))
    reversal_id: Mapped[UUID] = mapped_column(ForeignKey("reversal.id"), index=True)
    voided_at: Mapped[datetime]


class ProtocolMove(OfPatient, WithId, Base):
    """The patient goes on under another version of the protocol. What had begun by ``recorded_at`` stays as it was.

    ``moved_on`` is the day it was decided for, which may lie before the day it was entered.
    """

    __tablename__ = "protocol_move"

    from_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"))
    to_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"))
    moved_on: Mapped[date]
    reconsented_on: Mapped[date | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    # Set when a signed reversal says that it was entered by mistake.
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class CalendarFeed(OfPatient, WithId, Base):
    """Where a patient's calendar program reads the agenda, as a keyed hash; voided when the address has leaked."""

    __tablename__ = "calendar_feed"

    fingerprint: Mapped[str] = mapped_column(unique=True, info={"audited": False})
    generation: Mapped[int]
    opened_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]

"""What was decided about a patient's treatment and contact: each a row of its own, never changed, only reversed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey
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


class Reversal(OfPatient, WithId, Base):
    """A signed statement that an act was a mistake. ``content_hash`` is taken of the act as it stood. Insert-only."""

    __tablename__ = "reversal"

    of_type: Mapped[str]
    of_id: Mapped[UUID]
    reason_sealed: Mapped[str | None]
    content_hash: Mapped[str]
    signed_by: Mapped[UUID | None]
    signed_at: Mapped[datetime]


class ProtocolMove(OfPatient, WithId, Base):
    """The patient goes on under another version of the protocol. What happened before stays under the old one."""

    __tablename__ = "protocol_move"

    from_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"))
    to_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"))
    moved_on: Mapped[date]
    reconsented_on: Mapped[date | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class CalendarFeed(OfPatient, WithId, Base):
    """Where a patient's calendar program reads the agenda, as a keyed hash; voided when the address has leaked."""

    __tablename__ = "calendar_feed"

    fingerprint: Mapped[str] = mapped_column(unique=True, info={"audited": False})
    generation: Mapped[int]
    opened_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]

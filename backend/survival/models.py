"""Reports of death and the second person's decision; attempts to learn how a patient is; who was lost."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId
from backend.patients.models import OfPatient


class DeathReport(OfPatient, WithId, Base):
    """Somebody says the patient has died. Two reports that disagree are both kept.

    ``died_on`` is as precise as it is known: ``2027-03-17``, ``2027-03``, ``2027`` or None.
    """

    __tablename__ = "death_report"

    status: Mapped[str]
    died_on: Mapped[str | None]
    cause_sealed: Mapped[str | None]
    informant_sealed: Mapped[str | None]
    relation_sealed: Mapped[str | None]
    reported_by: Mapped[UUID | None]
    reported_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    denied_because_sealed: Mapped[str | None]
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class ContactAttempt(OfPatient, WithId, Base):
    """A person tried to learn how the patient is. Insert-only; what the mailroom sent stands in its own ledger.

    ``as_of`` is the day alive, or the day, month or year of death, that was named. ``agenda_key`` and ``work_item_id``
    say which survival check and which task it was made for.
    """

    __tablename__ = "contact_attempt"
    __table_args__ = (Index("ix_contact_attempt_patient_id_tried_at", "patient_id", "tried_at"),)

    tried_at: Mapped[datetime]
    channel: Mapped[str]
    person: Mapped[str]
    caregiver_id: Mapped[UUID | None] = mapped_column(ForeignKey("caregiver.id"), index=True)
    name_sealed: Mapped[str | None]
    relation_sealed: Mapped[str | None]
    outcome: Mapped[str]
    as_of: Mapped[str | None]
    note_sealed: Mapped[str | None]
    agenda_key: Mapped[str | None]
    work_item_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_item.id"), index=True)
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class LostToFollowUp(OfPatient, WithId, Base):
    """An investigator found a patient to be lost, by the definition. It says nothing about survival.

    It stands until somebody ends it, and while nothing later than ``last_known_alive`` is known.
    """

    __tablename__ = "lost_to_follow_up"

    last_known_alive: Mapped[date]
    reason_sealed: Mapped[str | None]
    recorded_by: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    ended_because_sealed: Mapped[str | None]

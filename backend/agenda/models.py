"""What the calendar is computed from: cycles, and the facts of what was attended, missed or replied.

Agenda items themselves are never stored: they are a pure function of the protocol, these rows and now.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from backend.db import Base, WithId
from backend.patients.models import OfPatient


class Cycle(OfPatient, WithId, Base):
    """One attempt at one treatment cycle, from the donor's collection to the two infusion days.

    Days are dates in the site's zone. An attempt whose release failed keeps its row, its keys and its history;
    the next collection for the same number makes the next attempt. So does one that was entered by mistake.
    """

    __tablename__ = "cycle"
    __table_args__ = (UniqueConstraint("patient_id", "number", "attempt"),)

    number: Mapped[int]
    attempt: Mapped[int]
    status: Mapped[str]
    donor_collection_on: Mapped[date]
    day_1_on: Mapped[date]
    day_2_on: Mapped[date]
    day_1_started_at: Mapped[datetime | None]
    day_2_started_at: Mapped[datetime | None]
    day_2_missed_at: Mapped[datetime | None]
    planned_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    # What day 1 was to be before its start was recorded: a start that never was gives the day back.
    day_1_agreed_on: Mapped[date | None]
    # Set when a signed reversal says that the collection was entered by mistake.
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[UUID | None]


class AgendaFact(OfPatient, WithId, Base):
    """Something that happened to an agenda item. Insert-only; the highest revision of a kind is what counts.

    ``on`` is the day it happened; for a reply, the date it spoke of, so that a move leaves it behind. What a report
    answers stands in the report: a row with ``at`` and ``report_id`` is a copy from before that was so, and not read.
    """

    __tablename__ = "agenda_fact"
    __table_args__ = (UniqueConstraint("patient_id", "key", "kind", "revision"),)

    key: Mapped[str]
    kind: Mapped[str]
    revision: Mapped[int]
    on: Mapped[date]
    at: Mapped[datetime | None]
    reply: Mapped[str | None]
    note_sealed: Mapped[str | None]
    report_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID | None]

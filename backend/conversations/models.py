"""Questionnaires that are asked question by question, by text message or on the plain form, and each answer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId
from backend.patients.models import FormerNumber as FormerNumber
from backend.patients.models import OfPatient


class Conversation(OfPatient, WithId, Base):
    """One questionnaire on its way to becoming one report, whichever way each answer comes.

    ``report_id`` is the id of the report that it will be filed as, so that filing twice is filing once. ``asked`` is
    the question that is open, ``question_id`` the message that asks it: the time for an answer begins when that has
    really left. ``unclear`` counts the answers to it that nobody could read.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("patient_id", "report_id"),
        Index(
            "uq_conversation_live",
            "patient_id",
            "agenda_key",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND agenda_key IS NOT NULL"),
            postgresql_where=text("ended_at IS NULL AND agenda_key IS NOT NULL"),
        ),
        Index(
            "ix_conversation_not_ended",
            "patient_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    # None: the patient. A caregiver may answer where the patient lets them report.
    caregiver_id: Mapped[UUID | None] = mapped_column(ForeignKey("caregiver.id"), index=True)
    report_id: Mapped[UUID]
    instrument: Mapped[str]
    instrument_version: Mapped[int]
    agenda_key: Mapped[str | None]
    language: Mapped[str]
    # How it is asked by text message: a word of ``TextSurveys``.
    extent: Mapped[str]
    status: Mapped[str]
    asked: Mapped[str | None]
    question_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"), index=True)
    # Since when that question is the open one, however often it was put: what was written before is no answer to it.
    asked_since: Mapped[datetime | None]
    unclear: Mapped[int]
    # How urgent the answers are, as they were judged after the last of them: T3 also where they may raise nothing.
    tier_so_far: Mapped[str | None]
    opened_at: Mapped[datetime]
    first_answer_at: Mapped[datetime | None]
    last_heard_at: Mapped[datetime | None]
    # When its window closes, and nothing is asked any more.
    closes_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # How often a link to the form was given out: only the newest opens it.
    links_issued: Mapped[int]
    link_expires_at: Mapped[datetime | None]


class ConversationAnswer(OfPatient, WithId, Base):
    """One answer, as it came. Insert-only: of several to one question the newest counts.

    ``item`` is an item of the instrument, a measurement, or a question that only texts ask (see
    ``conversations/script.py``). ``value`` is None where it was left out. The words themselves are kept with the
    text that brought them, or, from the form, in ``words_sealed``.
    """

    __tablename__ = "conversation_answer"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), index=True)
    item: Mapped[str]
    value: Mapped[float | None] = mapped_column(Double())
    words_sealed: Mapped[str | None]
    channel: Mapped[str]
    answered_at: Mapped[datetime]
    # Of answers that came at one instant, which is the newer.
    turn: Mapped[int]
    inbound_id: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)

"""Candidate events: what a rule found and a person has yet to judge, with every step kept."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, and_, text
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
        Index(
            "ix_candidate_event_merged_into",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
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
    # {tier, composite, grade, measurements, answers, heard}: the worst of each so far, and those of the latest report.
    worst: Mapped[dict[str, Any]]
    latest: Mapped[dict[str, Any]]
    items: Mapped[list[str]] = mapped_column(Json())
    trend: Mapped[str]
    provisional_grade: Mapped[int | None]
    needs_review: Mapped[bool]
    before_treatment: Mapped[bool]
    report_count: Mapped[int]
    claimed_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    # Until when a person expects it at ``snoozed_level``; the level is what a later report must exceed to be seen.
    snoozed_until: Mapped[datetime | None]
    snoozed_level: Mapped[dict[str, Any] | None]
    # The role that has been told because nobody else took note in time.
    escalated_to: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    is_running: Mapped[bool]
    zero_since: Mapped[date | None]
    # The candidate it was merged into: the same event under another name.
    merged_into: Mapped[UUID | None]
    # When a member of staff first opened, acknowledged or claimed it.
    first_known_at: Mapped[datetime | None]
    # What makes it serious if it is confirmed: a stay in hospital nobody planned, or a death. None where nothing does.
    suspected_serious: Mapped[str | None]


def is_snoozed(snoozed_until: datetime | None, now: datetime) -> bool:
    """Whether a snooze until then is in force. The column keeps one that has run out; it is none any more."""
    return snoozed_until is not None and now < snoozed_until


def snoozed_at(now: datetime) -> ColumnElement[bool]:
    """The same for a query over ``CandidateEvent``; never unknown, so it may be negated."""
    return and_(CandidateEvent.snoozed_until.is_not(None), CandidateEvent.snoozed_until > now)


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
    # Set when a correction of a report said so; the report itself never did.
    correction_id: Mapped[UUID | None]
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
    # The role that the person held at the site then; None of a patient, and of steps from before this was kept.
    decided_as: Mapped[str | None]
    # Why, as one of our words, where the step needs one; and into which candidate, where it merged.
    reason_code: Mapped[str | None]
    merged_into: Mapped[UUID | None]

    __table_args__ = (ForeignKeyConstraint(["candidate_event_id"], ["candidate_event.id"]),)


class CandidateQuestion(OfPatient, WithId, Base):
    """What a person asked the patient about a candidate, and the text that answered it."""

    __tablename__ = "candidate_question"
    __table_args__ = (
        ForeignKeyConstraint(["candidate_event_id"], ["candidate_event.id"]),
        Index("ix_candidate_question_candidate_event_id_asked_at", "candidate_event_id", "asked_at"),
        Index(
            "ix_candidate_question_unanswered",
            "patient_id",
            "asked_at",
            sqlite_where=text("answered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL"),
        ),
    )

    candidate_event_id: Mapped[UUID]
    text_sealed: Mapped[str | None]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"), index=True)
    answered_at: Mapped[datetime | None]
    answered_by_text: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)


class StaffPage(OfPatient, WithId, Base):
    """One call for a person about one report (or text) with an emergency in it, repeated until somebody answers.

    ``renewed_at`` is when the latest report joined it. ``rounds`` counts how often it has gone out; ``next_at`` is when
    it goes out again unless acknowledged before.
    """

    __tablename__ = "staff_page"
    __table_args__ = (
        Index(
            "ix_staff_page_unanswered",
            "next_at",
            "id",
            sqlite_where=text("acknowledged_at IS NULL"),
            postgresql_where=text("acknowledged_at IS NULL"),
        ),
        Index("ix_staff_page_patient_id_opened_at", "patient_id", "opened_at"),
    )

    report_id: Mapped[UUID | None]
    inbound_message_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    renewed_at: Mapped[datetime]
    next_at: Mapped[datetime]
    rounds: Mapped[int]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    # How the answer came: by link, by reply, in the console or API.
    acknowledged_how: Mapped[str | None]


class PagedCandidate(OfPatient, WithId, Base):
    """A candidate that a page is about. One page a report, however many danger signs it holds."""

    __tablename__ = "paged_candidate"
    __table_args__ = (UniqueConstraint("page_id", "candidate_event_id"),)

    page_id: Mapped[UUID] = mapped_column(ForeignKey("staff_page.id"))
    candidate_event_id: Mapped[UUID] = mapped_column(ForeignKey("candidate_event.id"), index=True)


class PagedPerson(OfPatient, WithId, Base):
    """Somebody a page has reached out to, from which step on; everybody reached so far hears each repetition."""

    __tablename__ = "paged_person"
    __table_args__ = (UniqueConstraint("page_id", "staff_id"),)

    page_id: Mapped[UUID] = mapped_column(ForeignKey("staff_page.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    step: Mapped[str]
    first_paged_at: Mapped[datetime]

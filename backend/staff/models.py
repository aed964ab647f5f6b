"""Sites and the people who work there. Names, addresses and numbers of staff are sealed under their site's key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId
from backend.sealing import STUDY
from backend.terms import SessionPurpose


class Site(WithId, Base):
    """A hospital taking part. Its telephone numbers are for patients to see and therefore not sealed."""

    __tablename__ = "site"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    phone_region: Mapped[str]
    emergency_phone: Mapped[str]
    office_phone: Mapped[str | None]
    working_hours: Mapped[dict[str, Any]]
    # How questionnaires may be answered by text message: a word of ``TextSurveys``.
    text_surveys: Mapped[str] = mapped_column(server_default="full")
    # Counted up by one statement at each enrolment, so that two coordinators never give out one number.
    last_subject: Mapped[int] = mapped_column(default=0, info={"audited": False})
    created_at: Mapped[datetime]

    @property
    def key_owner_id(self) -> UUID:
        """A site has a data key of its own."""
        return self.id

    @property
    def subject_prefix(self) -> str:
        """What this site's subject numbers begin with: ``01`` of ``site-01``."""
        return self.code.rpartition("-")[2]


class StaffMember(WithId, Base):
    """A person who works on the trial. ``home_site_id`` is None for those who belong to no one site."""

    __tablename__ = "staff_member"

    home_site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    name_sealed: Mapped[str]
    email_sealed: Mapped[str]
    email_index: Mapped[str] = mapped_column(unique=True, info={"audited": False})
    phone_sealed: Mapped[str | None]
    phone_index: Mapped[str | None] = mapped_column(index=True, info={"audited": False})
    # A hash in the audit trail could never be taken out again, so the act is noted and the value is not.
    password_hash: Mapped[str] = mapped_column(info={"audited": False})
    language: Mapped[str]
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]

    @property
    def site_id(self) -> UUID | None:
        """Whose audit trail this person's changes belong to."""
        return self.home_site_id

    @property
    def key_owner_id(self) -> UUID:
        """Sealed under the home site's key, or the study's."""
        return self.home_site_id or STUDY


class StaffRole(WithId, Base):
    """A role held at one site; ``site_id`` is None for every site. Ended, never deleted."""

    __tablename__ = "staff_role"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    role: Mapped[str]
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffSession(WithId, Base):
    """One sign-in. Only the token's fingerprint is kept; its times are real time, not trial time."""

    __tablename__ = "staff_session"
    __table_args__ = (UniqueConstraint("fingerprint"),)

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(info={"audited": False})
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(info={"audited": False})
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # What it opens: everything, or only the setting up of a second factor.
    purpose: Mapped[str] = mapped_column(default=SessionPurpose.WORK, server_default=SessionPurpose.WORK)


class StaffAuthenticator(WithId, Base):
    """A second factor: begun when its QR code is shown, in force once a first code has proved it, ended when replaced.

    ``last_step`` is the time step of the last code that was taken, so that no code is taken twice (RFC 6238, 5.2).
    """

    __tablename__ = "staff_authenticator"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    home_site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    # Even sealed it stays out of the trail: what is in the trail could never be taken out again.
    secret_sealed: Mapped[str] = mapped_column(info={"audited": False})
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger(), info={"audited": False})

    @property
    def site_id(self) -> UUID | None:
        """Whose audit trail it belongs to."""
        return self.home_site_id

    @property
    def key_owner_id(self) -> UUID:
        """Sealed under the home site's key, or the study's."""
        return self.home_site_id or STUDY


class RecoveryCode(WithId, Base):
    """A code on paper for the day the authenticator is lost. Kept as a keyed hash, and good once."""

    __tablename__ = "recovery_code"

    authenticator_id: Mapped[UUID] = mapped_column(ForeignKey("staff_authenticator.id"), index=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    home_site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(unique=True, info={"audited": False})
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @property
    def site_id(self) -> UUID | None:
        """Whose audit trail it belongs to."""
        return self.home_site_id


class OnCallShift(WithId, Base):
    """Who answers emergencies at a site, from one instant to another. Replaced by a new roster, never deleted."""

    __tablename__ = "on_call_shift"
    __table_args__ = (
        Index(
            "ix_on_call_shift_in_force",
            "site_id",
            "starts_at",
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    entered_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]

    @property
    def key_owner_id(self) -> UUID:
        """Nothing in it is sealed; the audit trail asks all the same."""
        return self.site_id

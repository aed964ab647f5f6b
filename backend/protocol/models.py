"""Protocol versions as they were loaded: one immutable row each, never edited."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId


class ProtocolVersion(WithId, Base):
    """The whole content of one version of a study's protocol. What happened under it stays under it."""

    __tablename__ = "protocol_version"
    __table_args__ = (UniqueConstraint("study", "version"),)

    study: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    loaded_at: Mapped[datetime]


class ProtocolEffect(WithId, Base):
    """From which day a version holds at a site, as its principal investigator has set it, and whether it needs consent.

    Until that day has begun it may be set anew; from then on it stays.
    """

    __tablename__ = "protocol_effect"
    __table_args__ = (UniqueConstraint("protocol_version_id", "site_id"),)

    protocol_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"))
    # There since 0012, and never empty: nothing wrote here before.
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True, nullable=True)
    effective_on: Mapped[date]
    needs_consent: Mapped[bool]
    # Effects of before the first version that had them were written by no person.
    reason_sealed: Mapped[str | None]
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime]

    @property
    def key_owner_id(self) -> UUID:
        """Sealed under the site's key."""
        return self.site_id

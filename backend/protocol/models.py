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
    """From when a version holds, as a principal investigator has set it, and whether patients must consent anew."""

    __tablename__ = "protocol_effect"

    protocol_version_id: Mapped[UUID] = mapped_column(ForeignKey("protocol_version.id"), unique=True)
    effective_on: Mapped[date]
    needs_consent: Mapped[bool]
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime]

"""Protocol versions as they were loaded: one immutable row each, never edited."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

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

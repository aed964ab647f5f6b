"""Instruments and terminologies as they were loaded: one immutable row a version, wording included."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from backend.db import Base, WithId


class InstrumentVersion(WithId, Base):
    """One version of one instrument, whole: items, branching order, bounds and the wording of every language."""

    __tablename__ = "instrument_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    name: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    loaded_at: Mapped[datetime]


class TerminologyVersion(WithId, Base):
    """One version of a terminology: the codes, names and grades that this product needs of it."""

    __tablename__ = "terminology_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    name: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    loaded_at: Mapped[datetime]

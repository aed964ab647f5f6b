"""Counted attempts, in the database, so that several processes share one count.

A count is kept under a keyed hash of what it counts (an address, a route, an account), for one window of time.
Windows are real time: moving a demo's clock gives nobody more guesses.
"""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base


class AttemptCount(Base):
    """How often something was tried in the window that ends at ``ends_at``."""

    __tablename__ = "attempt_count"

    key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)

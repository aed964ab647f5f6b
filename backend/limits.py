"""Counted attempts, in the database, so that several processes share one count.

A count is kept under a keyed hash of what it counts (an address, a route, an account), for one window of time.
Several counts may be about one thing, as an account's, one for each network it is tried from; another keyed hash says
so, and they can be forgotten together.
Windows are real time: moving a demo's clock gives nobody more guesses.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from backend.clock import wall
from backend.db import Base, Database, Transaction, system
from backend.sealing import keyring_of

COUNTER = system("limits")


class AttemptCount(Base):
    """How often something was tried in the window that ends at ``ends_at``."""

    __tablename__ = "attempt_count"

    key: Mapped[str] = mapped_column(primary_key=True)
    hits: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    about: Mapped[str | None] = mapped_column(index=True)


@dataclass(frozen=True)
class Count:
    """How often it was tried in the window that is running, and when that window ends."""

    hits: int
    ends_at: datetime

    @property
    def seconds_left(self) -> int:
        """Whole seconds until the window ends, rounded up; never less than one."""
        return max(1, math.ceil((self.ends_at - wall()).total_seconds()))


def take(db: Database, purpose: str, subject: str, *, most: int, window: timedelta, about: str | None = None) -> int:
    """Count one attempt; 0 when it may be made, else the seconds until the window ends.

    The count is a transaction of its own, so it stands whatever becomes of the request, and of any number at
    once exactly ``most`` get 0. Count first and try afterwards. On SQLite a thread that holds a writer's
    transaction open would wait for itself here: count before it begins. ``about`` is for ``forget_about``.
    """
    count = add(db, purpose, subject, window=window, about=about)
    return count.seconds_left if count.hits > most else 0


def give_back(db: Database, purpose: str, subject: str) -> None:
    """Forget the count: whoever tried has proved to be the right one."""
    with db.transaction(COUNTER) as txn:
        forget(txn, purpose, subject)


def forget(txn: Transaction, purpose: str, subject: str) -> None:
    """As ``give_back``, with the act that earned it: if that is not kept, the count stands."""
    txn.session.execute(delete(AttemptCount).where(AttemptCount.key == _key(txn, purpose, subject)))


def forget_about(txn: Transaction, about: str) -> None:
    """As ``forget``, for every count that was taken with this ``about``."""
    txn.session.execute(delete(AttemptCount).where(AttemptCount.about == _about(txn, about)))


def add(
    db: Database, purpose: str, subject: str, *, window: timedelta, hits: int = 1, about: str | None = None
) -> Count:
    """Count ``hits`` more in a transaction of its own; a window that has ended begins anew."""
    with db.transaction(COUNTER) as txn:
        return add_with(txn, purpose, subject, window=window, hits=hits, about=about)


def add_with(
    txn: Transaction, purpose: str, subject: str, *, window: timedelta, hits: int = 1, about: str | None = None
) -> Count:
    """As ``add``, by one statement of this transaction: for what is only counted when it is kept."""
    at = wall()
    insert = sqlite.insert if txn.database.is_sqlite else postgresql.insert
    fresh = insert(AttemptCount).values(
        key=_key(txn, purpose, subject),
        hits=hits,
        ends_at=at + window,
        about=None if about is None else _about(txn, about),
    )
    over = AttemptCount.ends_at <= at
    statement = fresh.on_conflict_do_update(
        index_elements=[AttemptCount.key],
        set_={
            "hits": case((over, fresh.excluded.hits), else_=AttemptCount.hits + fresh.excluded.hits),
            "ends_at": case((over, fresh.excluded.ends_at), else_=AttemptCount.ends_at),
        },
    ).returning(AttemptCount.hits, AttemptCount.ends_at)
    row = txn.session.execute(statement).one()
    return Count(row.hits, row.ends_at)


def count_of(db: Database, purpose: str, subject: str) -> Count | None:
    """The count of the window that is running; None when nothing was tried in it."""
    with db.reading(COUNTER) as txn:
        running = select(AttemptCount).where(AttemptCount.key == _key(txn, purpose, subject))
        row = txn.session.scalar(running.where(AttemptCount.ends_at > wall()))
        return Count(row.hits, row.ends_at) if row else None


def forget_old_counts(db: Database) -> int:
    """Delete the counts whose window has ended; how many there were."""
    with db.transaction(COUNTER) as txn:
        ended = txn.session.scalars(
            delete(AttemptCount).where(AttemptCount.ends_at <= wall()).returning(AttemptCount.key)
        )
        return len(ended.all())


def _key(txn: Transaction, purpose: str, subject: str) -> str:
    """An address or an account is not to be read from the table, nor found in it by trying."""
    return keyring_of(txn).fingerprint(f"attempts {purpose}", subject)


def _about(txn: Transaction, about: str) -> str:
    return keyring_of(txn).fingerprint("attempts about", about)

"""The demo's clock, kept in the database: its one row also marks the database as a demo's.

Only trial time is ever moved. Web and worker processes of one demo read the same row, so they agree on the time.
"""

from datetime import datetime, timedelta

from sqlalchemy import inspect
from sqlalchemy.orm import Mapped, mapped_column

from backend import clock
from backend.db import Base, Database, Transaction, system

ONLY_ROW = 1
DEMO = system("demo")


class DemoClock(Base):
    """How far trial time runs ahead of real time. There is one row, and only in a demo."""

    __tablename__ = "demo_clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ahead_seconds: Mapped[float]


def is_demo(db: Database) -> bool:
    """Whether the database was made by ``followup demo``. An empty or a foreign database is not."""
    if not inspect(db.engine).has_table(DemoClock.__tablename__):
        return False
    with db.reading(DEMO) as txn:
        return txn.session.get(DemoClock, ONLY_ROW) is not None


def keep(txn: Transaction) -> None:
    """Write down how far the clock is ahead now."""
    row = txn.session.get(DemoClock, ONLY_ROW) or DemoClock(id=ONLY_ROW)
    row.ahead_seconds = clock.ahead().total_seconds()
    txn.session.add(row)


def follow(db: Database) -> None:
    """Set this process's trial time to the demo's, in case another process has moved it."""
    with db.reading(DEMO) as txn:
        row = txn.session.get(DemoClock, ONLY_ROW)
        if row is not None:
            clock.set_ahead(timedelta(seconds=row.ahead_seconds))


def move_to(db: Database, moment: datetime) -> None:
    """Make trial time say ``moment`` here and, from their next look on, in the demo's other processes."""
    clock.move_to(moment)
    with db.transaction(DEMO) as txn:
        keep(txn)

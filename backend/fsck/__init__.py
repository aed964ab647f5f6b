"""The invariants of a trial's database: what must be true at every moment, and who breaks it.

Each room states its own in a file here, as a tuple of ``Invariant``; a new file goes into ``invariants`` below.
Nothing is repaired: what is found is for a person to understand first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.db import Database, Transaction, lift_time_limits, system
from backend.fsck import (
    closed,
    events,
    messages,
    pages,
    patients,
    safety,
    schema,
    staff,
    surveys,
    survival,
    trail,
    triage,
    versions,
)
from backend.fsck.invariant import Invariant

CHECKER = system("fsck")
IDS_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """What came of one invariant: how many rows break it, and the ids of the first."""

    invariant: Invariant
    broken: int
    first: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0


def invariants(checkpoints: Path | None = None) -> tuple[Invariant, ...]:
    """Every invariant there is, in the order in which they are checked.

    ``checkpoints`` is the file that proves the audit trail's length; without it, only its links are checked.
    """
    return (
        *schema.INVARIANTS,
        *versions.INVARIANTS,
        *patients.INVARIANTS,
        *staff.INVARIANTS,
        *triage.INVARIANTS,
        *closed.INVARIANTS,
        *events.INVARIANTS,
        *safety.INVARIANTS,
        *pages.INVARIANTS,
        *survival.INVARIANTS,
        *surveys.INVARIANTS,
        *messages.INVARIANTS,
        *trail.invariants(checkpoints),
    )


def check(db: Database, wanted: Iterable[Invariant]) -> Iterator[Finding]:
    """Look for whatever breaks each invariant, all of them at one moment of the database, changing nothing."""
    with db.reading(CHECKER) as txn:
        see_one_moment(txn)
        for invariant in wanted:
            yield _find(txn, invariant)


def see_one_moment(txn: Transaction) -> None:
    """Every query of this transaction sees the database as it was at the first, and may take its time."""
    if not txn.database.is_sqlite:
        txn.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    lift_time_limits(txn)


def _find(txn: Transaction, invariant: Invariant) -> Finding:
    broken, first = 0, []
    for row_id in invariant.find(txn):
        broken += 1
        if broken <= IDS_SHOWN:
            first.append(row_id)
    return Finding(invariant, broken, tuple(first))

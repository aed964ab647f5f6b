"""The audit trail: sealed within a minute, in the order of what happened, and every seal still fits."""

from collections.abc import Iterator
from pathlib import Path

from backend.audit_seals import SEALED_WITHIN, unsealed_for
from backend.audit_verification import backdated, verify
from backend.db import Transaction
from backend.fsck.invariant import Invariant


def unsealed(txn: Transaction) -> Iterator[str]:
    """Entries that no chain protects yet, though a minute has passed."""
    yield from map(str, unsealed_for(txn, SEALED_WITHIN))


def out_of_time(txn: Transaction) -> Iterator[str]:
    """Entries that look as if somebody had put them into the past."""
    yield from map(str, backdated(txn))


def invariants(checkpoints: Path | None) -> tuple[Invariant, ...]:
    """The trail's own invariants; ``checkpoints`` is the file that proves how long it was, which must be there."""

    def defects(txn: Transaction) -> Iterator[str]:
        yield from (str(defect) for defect in verify(txn.database, checkpoints=checkpoints).defects)

    return (
        Invariant("trail.sealed", "Every entry of the audit trail is sealed within a minute", unsealed),
        Invariant("trail.order", "No audit entry is dated long before one that was sealed earlier", out_of_time),
        Invariant("trail.verified", "The audit trail is what was written", defects),
    )

"""The audit trail: sealed within a minute, and every seal still fits."""

from collections.abc import Iterator
from pathlib import Path

from backend.audit_seals import SEALED_WITHIN, unsealed_for
from backend.audit_verification import verify
from backend.db import Transaction, database_of
from backend.fsck.invariant import Invariant


def unsealed(txn: Transaction) -> Iterator[str]:
    """Entries that no chain protects yet, though a minute has passed."""
    yield from map(str, unsealed_for(txn, SEALED_WITHIN))


def invariants(checkpoints: Path | None) -> tuple[Invariant, ...]:
    """The trail's own invariants; ``checkpoints`` is the file that proves how long it was."""

    def defects(txn: Transaction) -> Iterator[str]:
        file = checkpoints if checkpoints and checkpoints.exists() else None
        yield from (str(defect) for defect in verify(database_of(txn), checkpoints=file).defects)

    return (
        Invariant("trail.sealed", "Every entry of the audit trail is sealed within a minute", unsealed),
        Invariant("trail.verified", "The audit trail is what was written", defects),
    )

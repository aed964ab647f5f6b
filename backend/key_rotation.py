"""A new master key in the place of an old one: every data key wrapped anew, and no sealed value touched.

Processes go on working meanwhile, because with both keys configured each of them opens either. Each batch is a
transaction of its own, so this may be killed at any moment and run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from backend import audit
from backend.db import Database, Transaction, system
from backend.errors import WrongDataKey
from backend.sealing import DataKey, Keyring, keyring_of, master_keys_in_use

ROTATION = system("key rotation")
REWRAPPED = "data_key.rewrapped"
# Short enough that nobody on SQLite waits for it, long enough that a study is done in a blink.
BATCH = 50
FIRST = UUID(int=0)


@dataclass(frozen=True)
class Rotated:
    """What a rotation did, and how things stand afterwards.

    ``in_use`` says by name of a master key how many data keys only it opens; ``unopened`` counts the data keys that
    a configured master key should open and does not.
    """

    rewrapped: int
    already: int
    forgotten: int
    unopened: int
    newest: str
    in_use: dict[str, int]

    @property
    def still_needed(self) -> dict[str, int]:
        """The master keys other than the newest without which something cannot be opened."""
        return {name: number for name, number in self.in_use.items() if name != self.newest}


@dataclass(frozen=True)
class _Batch:
    """One step: how many were wrapped anew, how many could not be opened, and where the next step begins."""

    rewrapped: int
    unopened: int
    last: UUID | None


def rotate(db: Database, progress: Callable[[int, int], None] = lambda done, of: None) -> Rotated:
    """Wrap every data key with the newest master key. Running it again does what is left, or nothing.

    A key that no configured master key opens is left alone and counted. ``progress`` is told how many of how many
    have been looked at.
    """
    with db.reading(ROTATION) as txn:
        waiting = _count(txn, *_to_rewrap(keyring_of(txn)))
        already = master_keys_in_use(txn).get(keyring_of(txn).newest, 0)
    rewrapped = unopened = 0
    last: UUID | None = FIRST
    while last is not None:
        with db.transaction(ROTATION) as txn:
            batch = _rewrap_some(txn, after=last)
        rewrapped, unopened, last = rewrapped + batch.rewrapped, unopened + batch.unopened, batch.last
        progress(min(rewrapped + unopened, waiting), waiting)
    with db.reading(ROTATION) as txn:
        forgotten = _count(txn, DataKey.forgotten_at.is_not(None))
        return Rotated(rewrapped, already, forgotten, unopened, keyring_of(txn).newest, master_keys_in_use(txn))


def _rewrap_some(txn: Transaction, *, after: UUID) -> _Batch:
    """The next keys in the order of their owners. Each is held, so that none is shredded or wrapped meanwhile."""
    waiting = select(DataKey).where(DataKey.owner_id > after, *_to_rewrap(keyring_of(txn)))
    held = waiting.order_by(DataKey.owner_id).limit(BATCH).with_for_update()
    rows = txn.session.scalars(held).all()
    rewrapped = sum(_rewrap(txn, row) for row in rows)
    txn.session.flush()
    return _Batch(rewrapped, len(rows) - rewrapped, rows[-1].owner_id if rows else None)


def _rewrap(txn: Transaction, row: DataKey) -> bool:
    """Whether it could be opened. What was altered stays as it is: it is evidence, and rotation is no repair."""
    keyring = keyring_of(txn)
    try:
        key = keyring.unwrap(row)
    except WrongDataKey:
        return False
    row.wrapped, row.master_key = keyring.wrap(row.owner_id, key)
    audit.record(txn, REWRAPPED, row)
    return True


def _to_rewrap(keyring: Keyring) -> tuple[ColumnElement[bool], ...]:
    """What an older one of the configured master keys wraps."""
    return DataKey.forgotten_at.is_(None), DataKey.master_key.in_(keyring.names[1:])


def _count(txn: Transaction, *which: ColumnElement[bool]) -> int:
    return txn.session.scalar(select(func.count()).select_from(DataKey).where(*which)) or 0

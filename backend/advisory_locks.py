"""One at a time, by name: for what is not a row yet, so that no constraint can hold it without failing the second."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import BigInteger, bindparam, func, select, text

from backend.db import Transaction

_LOCK = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger())))


def one_at_a_time(txn: Transaction, *names: object) -> None:
    """Whoever names the same thing waits here until the first has ended; on SQLite every writer does."""
    # On SQLite it is having begun that keeps the others waiting.
    connection = txn.connection
    if not txn.database.is_sqlite:
        connection.execute(_LOCK, {"key": _key_of(names)})


# In the order of the keys, so that of two who take several at once none waits for one who waits for it.
_LOCKS = text(
    "SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(CAST(:keys AS BIGINT[])) AS key ORDER BY 1) AS in_order"
)


def all_one_at_a_time(txn: Transaction, things: Iterable[tuple[object, ...]]) -> None:
    """``one_at_a_time`` for many things at once, each by its names."""
    connection = txn.connection
    if not txn.database.is_sqlite:
        connection.execute(_LOCKS, {"keys": [_key_of(names) for names in things]})


def _key_of(names: tuple[object, ...]) -> int:
    digest = hashlib.sha256(":".join(str(name) for name in names).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)

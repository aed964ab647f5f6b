"""Data keys as a study has them, and how they stand."""

from collections import Counter
from uuid import uuid4

from sqlalchemy import insert, select

from backend.db import Database
from backend.sealing import DataKey, Keyring
from tests.databases import INDEX_KEY, MASTER_KEY, SECRET_KEY
from tests.keys.life import TEST

NEW = "the master key that comes after and is long too"


def keyring(*data_keys: str) -> Keyring:
    """The tests' keys, but for these master keys."""
    return Keyring(data_keys, INDEX_KEY, SECRET_KEY)


OLD_ONLY, NEW_ONLY, BOTH = keyring(MASTER_KEY), keyring(NEW), keyring(NEW, MASTER_KEY)


def many_keys(db: Database, count: int) -> None:
    """The keys of patients who are not there: enough for a rotation to take a while."""
    with db.transaction(TEST) as txn:
        made = [(owner, *OLD_ONLY.wrap(owner, b"k" * 32)) for owner in (uuid4() for _ in range(count))]
        names = ("owner_id", "wrapped", "master_key")
        txn.session.execute(insert(DataKey), [dict(zip(names, one, strict=True)) for one in made])


def standing(db: Database) -> Counter[str]:
    """How many keys each master key wraps: ``old``, ``new``."""
    names = {OLD_ONLY.newest: "old", NEW_ONLY.newest: "new"}
    with db.reading(TEST) as txn:
        return Counter(names[one] for one in txn.session.scalars(select(DataKey.master_key)))

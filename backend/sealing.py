"""Identifiers at rest: one data key a patient and a site, each value bound to its own place, blind look-up.

A data key is 256 random bits, wrapped by the newest master key. A sealed value is AES-256-GCM with
``table:column:row`` as associated data, so a ciphertext pasted into another row does not open. Shredding a
data key forgets everything sealed under it, and leaves a tombstone, so that a lost key is never taken for a
forgotten one. Phone numbers are looked up by HMAC, never by decrypting.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Row, bindparam, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from backend import clock
from backend.among import among
from backend.db import Base, Database, Transaction
from backend.errors import Forgotten, SchemaOutOfDate, WrongDataKey, WrongIndexKey, WrongSecretKey

NONCE_BYTES = 12
SHREDDED = ""
STUDY = UUID("00000000-0000-4000-8000-000000000001")
INDEX_KEY = "INDEX_KEY"
SECRET_KEY = "SECRET_KEY"


class DataKey(Base):
    """A patient's, a site's or the study's own key, wrapped by the master key of that name.

    A forgotten one is a tombstone: ``wrapped`` and ``master_key`` are empty, ``forgotten_at`` says since when.
    """

    __tablename__ = "data_key"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    # What stands in the trail could never be shredded.
    wrapped: Mapped[str] = mapped_column(info={"audited": False})
    master_key: Mapped[str]
    forgotten_at: Mapped[datetime | None]

    @property
    def row_id(self) -> str:
        """The owner names the key."""
        return str(self.owner_id)


# Asked before every message, and so put together once.
_KEYS_OF_ALL = select(DataKey).where(among(DataKey.owner_id, "owners"))
_KEY = select(*DataKey.__table__.columns).where(DataKey.owner_id == bindparam("owner"))


class KeyCheck(Base):
    """What a key that opens nothing looks like from outside, so that another in its place is noticed at start."""

    __tablename__ = "key_check"

    setting: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]


@runtime_checkable
class Sealable(Protocol):
    """A row with sealed columns: it knows whose key seals them and which row it is."""

    @property
    def __tablename__(self) -> str:
        """Which table the sealed values are bound to."""

    @property
    def key_owner_id(self) -> UUID:
        """Whose data key seals this row's identifiers."""

    @property
    def row_id(self) -> str:
        """Which row the sealed values are bound to."""


class Keyring:
    """The master keys (the first wraps, all unwrap) and the keys for hashes and look-ups."""

    def __init__(self, data_keys: tuple[str, ...], index_key: str, secret_key: str) -> None:
        """Derive fixed-length keys from the secrets, so that any text of enough entropy will do."""
        derived = [_derive(secret, "data key wrapping") for secret in data_keys]
        self._masters = {hashlib.sha256(key).hexdigest()[:12]: AESGCM(key) for key in derived}
        self._newest = next(iter(self._masters))
        self._index = _derive(index_key, "blind index")
        self._tokens = _derive(secret_key, "token hashing")

    @property
    def newest(self) -> str:
        """The name of the master key that wraps."""
        return self._newest

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all master keys, the newest first: short fingerprints that say nothing about the keys."""
        return tuple(self._masters)

    def checks(self) -> dict[str, str]:
        """By setting, what is kept of the keys whose change nothing else would show."""
        return {
            INDEX_KEY: self.blind_index("key check", INDEX_KEY),
            SECRET_KEY: self.fingerprint("key check", SECRET_KEY),
        }

    def wrap(self, owner_id: UUID, key: bytes) -> tuple[str, str]:
        """The key sealed under the newest master key, and that master key's name."""
        return _lock(self._masters[self._newest], key, f"data_key:wrapped:{owner_id}"), self._newest

    def unwrap(self, row: DataKey | Row[Any]) -> bytes:
        """The key itself. Raises ``WrongDataKey`` when no configured master key opens it."""
        master = self._masters.get(row.master_key)
        if master is None:
            raise WrongDataKey()
        return _unlock(master, row.wrapped, f"data_key:wrapped:{row.owner_id}")

    def blind_index(self, kind: str, value: str) -> str:
        """What a value is looked up by: equal values give equal indexes, and nothing else can be learnt."""
        return hmac.digest(self._index, f"{kind}:{value}".encode(), "sha256").hex()

    def fingerprint(self, purpose: str, token: str) -> str:
        """What is stored of a token or a code: a keyed hash, useless to whoever reads the database."""
        return hmac.digest(self._tokens, f"{purpose}:{token}".encode(), "sha256").hex()

    def derive_token(self, purpose: str, token: str) -> str:
        """A new token that only we can compute from an old one, so that a retry gets the same answer."""
        digest = hmac.new(self._tokens, f"derive:{purpose}:{token}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_token() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def refuse_wrong_keys(txn: Transaction) -> None:
    """Raise unless every key this database was used with is configured; one that holds nothing yet passes.

    For processes that start: finding out at the first patient would burn messages and frighten a coordinator.
    ``WrongDataKey`` when a master key is missing that wraps something, ``WrongIndexKey`` when numbers would no longer
    be found, ``WrongSecretKey`` when every session and code would be dead.
    """
    keyring = keyring_of(txn)
    missing = sorted(set(master_keys_in_use(txn)) - set(keyring.names))
    if missing:
        raise WrongDataKey(f"FOLLOWUP_DATA_KEYS lacks the master key {', '.join(missing)} (followup keys list).")
    known = dict(txn.session.execute(select(KeyCheck.setting, KeyCheck.fingerprint)).all())
    for setting, wrong in ((INDEX_KEY, WrongIndexKey), (SECRET_KEY, WrongSecretKey)):
        if setting not in known:
            raise SchemaOutOfDate("The database has not been told its keys yet: followup db upgrade")
        if not hmac.compare_digest(known[setting], keyring.checks()[setting]):
            raise wrong()


def keep_key_checks(connection: Connection, keyring: object) -> None:
    """Remember which index key and secret key this database is used with. What is known already stays."""
    assert isinstance(keyring, Keyring)
    known = set(connection.scalars(select(KeyCheck.setting)))
    for setting, fingerprint in keyring.checks().items():
        if setting not in known:
            connection.execute(insert(KeyCheck).values(setting=setting, fingerprint=fingerprint))


def accept_secret_key(txn: Transaction) -> bool:
    """From now on the secret key configured is the right one; False when it was already.

    Every session, token, activation code and recovery code made under the one before is dead.
    """
    row = txn.session.get_one(KeyCheck, SECRET_KEY)
    fingerprint = keyring_of(txn).checks()[SECRET_KEY]
    if row.fingerprint == fingerprint:
        return False
    row.fingerprint = fingerprint
    txn.session.flush()
    return True


def master_keys_in_use(txn: Transaction) -> dict[str, int]:
    """By name of a master key, how many data keys only it opens."""
    counted = select(DataKey.master_key, func.count()).where(DataKey.forgotten_at.is_(None))
    found = txn.session.execute(counted.group_by(DataKey.master_key).order_by(DataKey.master_key))
    return dict(found.all())


def keyring_of(txn: Transaction) -> Keyring:
    """The keyring the database was opened with."""
    keyring = txn.database.keyring
    assert isinstance(keyring, Keyring)
    return keyring


def make_data_key(txn: Transaction, owner_id: UUID) -> None:
    """Give a new patient, site or the study a data key of its own."""
    key = os.urandom(32)
    wrapped, master = keyring_of(txn).wrap(owner_id, key)
    txn.session.add(DataKey(owner_id=owner_id, wrapped=wrapped, master_key=master))
    _opened(txn)[owner_id] = AESGCM(key)


def shred(txn: Transaction, owner_id: UUID) -> None:
    """Forget everything sealed under this owner's key, wherever it stands. There is no way back but a backup."""
    if txn.database.is_sqlite:
        # Otherwise the old bytes stay in the file until something else happens to be written there.
        txn.session.execute(text("PRAGMA secure_delete = ON"))
    row = txn.session.get_one(DataKey, owner_id, with_for_update=True, populate_existing=True)
    row.wrapped = row.master_key = SHREDDED
    row.forgotten_at = clock.wall()
    _opened(txn).pop(owner_id, None)
    txn.session.flush()


def sweep(db: Database) -> None:
    """Have the database let go of what was shredded: its log (SQLite) and its dead rows (PostgreSQL) hold copies.

    After the commit, and as far as others' open transactions allow; what is left goes with the next writes.
    """
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM data_key")
        return
    # Past the engine, whose connections begin a transaction first: inside one nothing is folded in.
    with closing(db.engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_forgotten(txn: Transaction, owner_id: UUID) -> bool:
    """Whether this owner's key was shredded on purpose. A key that is simply not there was lost instead."""
    if owner_id in _opened(txn):
        return False
    row = txn.session.get(DataKey, owner_id)
    return row is not None and row.forgotten_at is not None


def seal(txn: Transaction, row: Sealable, column: str, value: str | None) -> str | None:
    """``value`` as it may be stored in ``row.column``. Raises ``Forgotten`` when its owner's key was shredded."""
    return seal_for(txn, row.key_owner_id, row, column, value)


def seal_for(txn: Transaction, owner_id: UUID, row: Sealable, column: str, value: str | None) -> str | None:
    """The same for a row that becomes this owner's."""
    if value is None:
        return None
    key = _data_key(txn, owner_id)
    if key is None:
        raise Forgotten()
    return _lock(key, value.encode(), _place(row, column))


def unseal(txn: Transaction, row: Sealable, column: str) -> str | None:
    """What ``row.column`` says; None when it is empty or its owner is forgotten.

    Raises ``WrongDataKey`` when it was moved or altered, or when the key was lost rather than forgotten.
    """
    sealed: str | None = getattr(row, column)
    if sealed is None:
        return None
    key = _data_key(txn, row.key_owner_id)
    return _unlock(key, sealed, _place(row, column)).decode() if key else None


def open_keys(txn: Transaction, owner_ids: Collection[UUID]) -> Sequence[DataKey]:
    """Open the keys of many owners with one look. Hold what it returns: the session forgets what nobody holds.

    A key that was lost or shredded is found out by whoever needs it.
    """
    opened = _opened(txn)
    shut = [one for one in owner_ids if one not in opened]
    rows = txn.session.scalars(_KEYS_OF_ALL, {"owners": shut}).all() if shut else ()
    open_these(txn, rows)
    return rows


def open_these(txn: Transaction, rows: Iterable[DataKey]) -> None:
    """The same for keys that were read already, in this transaction."""
    opened, keyring = _opened(txn), keyring_of(txn)
    for row in rows:
        if row.forgotten_at is None and row.owner_id not in opened:
            opened[row.owner_id] = AESGCM(keyring.unwrap(row))


def open_key(txn: Transaction, owner_id: UUID) -> None:
    """The work that unsealing begins with, for whoever has nothing to unseal and must not be told by it."""
    _data_key(txn, owner_id)


def _place(row: Sealable, column: str) -> str:
    return f"{row.__tablename__}:{column}:{row.row_id}"


def _data_key(txn: Transaction, owner_id: UUID) -> AESGCM | None:
    """The owner's key; None when it was shredded."""
    opened = _opened(txn)
    if owner_id not in opened:
        row = txn.connection.execute(_KEY, {"owner": owner_id}).one_or_none()
        if row is None:
            raise WrongDataKey("The data key of this record is gone.")
        if row.forgotten_at is not None:
            return None
        opened[owner_id] = AESGCM(keyring_of(txn).unwrap(row))
    return opened[owner_id]


def _opened(txn: Transaction) -> dict[UUID, AESGCM]:
    """The data keys this transaction has opened; they go with it."""
    opened: dict[UUID, AESGCM] = txn.notes.setdefault("opened_data_keys", {})
    return opened


def _lock(key: AESGCM, value: bytes, place: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + key.encrypt(nonce, value, place.encode())).decode()


def _unlock(key: AESGCM, sealed: str, place: str) -> bytes:
    try:
        raw = base64.b64decode(sealed, validate=True)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
    except (InvalidTag, binascii.Error, ValueError) as wrong:
        # Altered, moved, cut short, or no ciphertext at all: which of them is nobody's business.
        raise WrongDataKey() from wrong


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"followup {purpose}".encode()).derive(secret.encode())

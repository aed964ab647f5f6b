"""Identifiers at rest: one data key a patient and a site, each value bound to its own place, blind look-up.

A data key is 256 random bits, wrapped by the newest master key. A sealed value is AES-256-GCM with
``table:column:row`` as associated data, so a ciphertext pasted into another row does not open. Deleting a
data key forgets everything sealed under it. Phone numbers are looked up by HMAC, never by decrypting.
"""

import base64
import hashlib
import hmac
import os
import secrets
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Transaction
from backend.errors import WrongDataKey

NONCE_BYTES = 12
STUDY = UUID("00000000-0000-4000-8000-000000000001")


class DataKey(Base):
    """A patient's, a site's or the study's own key, wrapped. Deleting the row forgets what it sealed."""

    __tablename__ = "data_key"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[str]
    master_key: Mapped[str]
    forgotten_at: Mapped[datetime | None]

    @property
    def row_id(self) -> str:
        """The owner names the key."""
        return str(self.owner_id)


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

    def wrap(self, owner_id: UUID, key: bytes) -> tuple[str, str]:
        """The key sealed under the newest master key, and that master key's name."""
        return _lock(self._masters[self._newest], key, f"data_key:wrapped:{owner_id}"), self._newest

    def unwrap(self, row: DataKey) -> bytes:
        """The key itself. Raises ``WrongDataKey`` when no configured master key opens it."""
        master = self._masters.get(row.master_key)
        if master is None:
            raise WrongDataKey()
        return _unlock(master, row.wrapped, f"data_key:wrapped:{row.owner_id}")

    def blind_index(self, kind: str, value: str) -> str:
        """What a value is looked up by: equal values give equal indexes, and nothing else can be learnt."""
        return hmac.new(self._index, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()

    def fingerprint(self, purpose: str, token: str) -> str:
        """What is stored of a token or a code: a keyed hash, useless to whoever reads the database."""
        return hmac.new(self._tokens, f"{purpose}:{token}".encode(), hashlib.sha256).hexdigest()

    def derive_token(self, purpose: str, token: str) -> str:
        """A new token that only we can compute from an old one, so that a retry gets the same answer."""
        digest = hmac.new(self._tokens, f"derive:{purpose}:{token}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_token() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def refuse_wrong_keys(txn: Transaction) -> None:
    """Raise ``WrongDataKey`` when the configured master keys cannot open this database; one not seeded passes.

    For processes that start: finding out at the first patient would burn messages and frighten a coordinator.
    """
    row = txn.session.get(DataKey, STUDY)
    if row is not None:
        keyring_of(txn).unwrap(row)


def keyring_of(txn: Transaction) -> Keyring:
    """The keyring the session was opened with."""
    keyring = txn.session.info["keyring"]
    assert isinstance(keyring, Keyring)
    return keyring


def make_data_key(txn: Transaction, owner_id: UUID) -> None:
    """Give a new patient, site or the study a data key of its own."""
    key = os.urandom(32)
    wrapped, master = keyring_of(txn).wrap(owner_id, key)
    txn.session.add(DataKey(owner_id=owner_id, wrapped=wrapped, master_key=master))
    _opened(txn)[owner_id] = AESGCM(key)


def seal(txn: Transaction, row: Sealable, column: str, value: str | None) -> str | None:
    """``value`` as it may be stored in ``row.column``."""
    if value is None:
        return None
    return _lock(_data_key(txn, row.key_owner_id), value.encode(), _place(row, column))


def unseal(txn: Transaction, row: Sealable, column: str) -> str | None:
    """What ``row.column`` says; None when it is empty. Raises ``WrongDataKey`` when it was moved or altered."""
    sealed: str | None = getattr(row, column)
    if sealed is None:
        return None
    return _unlock(_data_key(txn, row.key_owner_id), sealed, _place(row, column)).decode()


def _place(row: Sealable, column: str) -> str:
    return f"{row.__tablename__}:{column}:{row.row_id}"


def _data_key(txn: Transaction, owner_id: UUID) -> AESGCM:
    opened = _opened(txn)
    if owner_id not in opened:
        row = txn.session.get(DataKey, owner_id)
        if row is None:
            raise WrongDataKey("The data key of this record is gone.")
        opened[owner_id] = AESGCM(keyring_of(txn).unwrap(row))
    return opened[owner_id]


def _opened(txn: Transaction) -> dict[UUID, AESGCM]:
    """The data keys this session has opened; they go with it."""
    opened: dict[UUID, AESGCM] = txn.session.info.setdefault("opened_data_keys", {})
    return opened


def _lock(key: AESGCM, value: bytes, place: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + key.encrypt(nonce, value, place.encode())).decode()


def _unlock(key: AESGCM, sealed: str, place: str) -> bytes:
    raw = base64.b64decode(sealed)
    try:
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
    except InvalidTag as wrong:
        raise WrongDataKey() from wrong


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"followup {purpose}".encode()).derive(secret.encode())

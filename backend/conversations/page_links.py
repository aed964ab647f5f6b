"""The address at which a page is acknowledged. Nothing of it is stored: whoever holds it was sent it."""

import hmac
from uuid import UUID

from backend.db import Transaction
from backend.sealing import keyring_of

PURPOSE = "page link"


def token_for(txn: Transaction, paged_person_id: UUID) -> str:
    """What proves that the holder was sent this page: only this server can compute it."""
    return keyring_of(txn).derive_token(PURPOSE, str(paged_person_id))


def is_right(txn: Transaction, paged_person_id: UUID, token: str) -> bool:
    """Whether it is. Compared in constant time: how far a guess was right must not show."""
    return hmac.compare_digest(token_for(txn, paged_person_id).encode(), token.encode())


def address_of(txn: Transaction, paged_person_id: UUID, public_url: str) -> str:
    """The whole address, for an e-mail; never for a text message."""
    return f"{public_url}/console/pages/{paged_person_id}/{token_for(txn, paged_person_id)}"

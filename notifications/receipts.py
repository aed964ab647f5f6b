"""What a provider says later about an attempt: twice, late, out of order, or before it answered our call."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from backend.db import Transaction, insert_once
from backend.terms import MessageStatus
from notifications import settling
from notifications.channels import Refusal
from notifications.models import Attempt, Receipt
from notifications.refusal_codes import refusal_for
from notifications.settling import DeadLetter


class Said(StrEnum):
    """The three things a receipt can mean to us."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class ReceiptFromProvider:
    """One receipt, for the attempt whose id came back with it."""

    attempt_id: UUID
    said: Said
    provider_id: str
    code: str | None = None
    # The class of a failure, where the provider's codes are not those of ``refusal_codes``.
    why: Refusal | None = None


def note_receipt(txn: Transaction, receipt: ReceiptFromProvider, on_dead_letter: DeadLetter) -> bool:
    """Keep the receipt and move its message forward, never back; whether anything moved.

    A receipt for an attempt we never made, or one heard before, changes nothing. What could not be delivered is seen to
    like what was refused: said again later, another way, or by a person.
    """
    if txn.session.get(Attempt, receipt.attempt_id) is None:
        return False
    message, attempt = settling.hold_attempt(txn, receipt.attempt_id)
    if not _kept(txn, receipt):
        return False
    settling.accepted(txn, attempt, receipt.provider_id)
    attempt.code = receipt.code or attempt.code
    if receipt.said is Said.FAILED:
        why = receipt.why or refusal_for(receipt.code or "")
        return settling.fail(txn, message, attempt, why, on_dead_letter)
    if receipt.said is Said.SENT and attempt.refusal is not None:
        # It left, and then did not arrive: that was said before, and the message may wait for its next attempt.
        return False
    return settling.advance(txn, message, MessageStatus(receipt.said.value))


def keep_delivered(txn: Transaction, attempt_ids: Sequence[UUID]) -> None:
    """The receipts of attempts that were delivered as they were taken, at once. The caller holds the rows."""
    rows = [
        {"id": uuid4(), "attempt_id": one, "status": Said.DELIVERED, "code": None, "at": txn.now} for one in attempt_ids
    ]
    if rows:
        txn.connection.execute(insert_once(txn, Receipt), rows)


def _kept(txn: Transaction, receipt: ReceiptFromProvider) -> bool:
    """Whether it is new. Providers repeat themselves."""
    new = insert_once(txn, Receipt).values(
        id=uuid4(), attempt_id=receipt.attempt_id, status=receipt.said, code=receipt.code, at=txn.now
    )
    return txn.session.scalar(new.returning(Receipt.id)) is not None

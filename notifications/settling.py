"""What became of an attempt: accepted, refused, tried again later, or given to a person. States only move forward."""

import random
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from backend.db import Transaction
from backend.terms import AttemptStatus, MessageStatus
from notifications.channels import Accepted, Refusal, Undeliverable
from notifications.models import Attempt, Message
from notifications.outbox import hold, let_go

MAX_TRIES = 5
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)

# Trying again cannot help.
HOPELESS = (Refusal.FINAL, Refusal.NUMBER_OF_NO_USE)

DeadLetter = Callable[[Transaction, Message, Attempt | None], None]


def settle(txn: Transaction, attempt_id: UUID, answer: Accepted) -> None:
    """The provider has it. A receipt may have said so first, or more."""
    message, attempt = hold_attempt(txn, attempt_id)
    accepted(txn, attempt, answer.provider_id)
    advance(txn, message, MessageStatus.SENT)


def accepted(txn: Transaction, attempt: Attempt, provider_id: str) -> None:
    """The provider names its copy, by answer, receipt or listing: the attempt was accepted whatever we thought."""
    attempt.status = AttemptStatus.ACCEPTED
    attempt.provider_id = provider_id
    attempt.settled_at = attempt.settled_at or txn.now


def refuse(txn: Transaction, attempt_id: UUID, refusal: Undeliverable, on_dead_letter: DeadLetter) -> None:
    """The provider will not have it: try again later, or give it to a person."""
    message, attempt = hold_attempt(txn, attempt_id)
    if not attempt.is_open:
        return
    attempt.status = AttemptStatus.REFUSED
    attempt.code = refusal.code
    attempt.settled_at = txn.now
    if message.status not in (MessageStatus.SENDING, MessageStatus.IN_DOUBT):
        return
    try_again_or_give_up(
        txn, message, attempt, reason=refusal.code, permanent=refusal.why in HOPELESS, on_dead_letter=on_dead_letter
    )


def try_again_or_give_up(
    txn: Transaction,
    message: Message,
    attempt: Attempt | None,
    *,
    reason: str,
    permanent: bool,
    on_dead_letter: DeadLetter,
) -> None:
    """One try was for nothing: wait longer each time, and after the last make it a person's task."""
    message.tries += 1
    message.reason = reason
    let_go(message)
    if not permanent and message.tries < MAX_TRIES:
        message.status = MessageStatus.QUEUED
        message.next_try_at = txn.now + delay_after(message.tries)
        return
    message.status = MessageStatus.FAILED
    message.settled_at = txn.now
    on_dead_letter(txn, message, attempt)


def delay_after(tries: int) -> timedelta:
    """Doubling, at most an hour, and spread so that those who failed together do not return together."""
    delay = min(FIRST_DELAY * (1 << (tries - 1)), LONGEST_DELAY)
    return delay * random.uniform(0.75, 1.25)


_FORWARD = (
    MessageStatus.QUEUED,
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.IN_DOUBT,
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.DELIVERED,
)


def advance(txn: Transaction, message: Message, status: MessageStatus) -> bool:
    """Move a message forward on the provider's word; what is recalled or suppressed, or further on, stays.

    A message believed lost and queued again moves too: it has arrived, so it must not be said twice.
    """
    here = MessageStatus(message.status)
    if here not in _FORWARD or _FORWARD.index(here) >= _FORWARD.index(status):
        return False
    message.status = status
    message.reason = None
    message.settled_at = txn.now
    let_go(message)
    return True


def hold_attempt(txn: Transaction, attempt_id: UUID) -> tuple[Message, Attempt]:
    """An attempt and its message, both unchanged by others until this transaction ends."""
    message_id = txn.session.scalars(select(Attempt.message_id).where(Attempt.id == attempt_id)).one()
    message = hold(txn, message_id)
    return message, txn.session.get_one(Attempt, attempt_id, populate_existing=True)

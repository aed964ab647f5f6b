"""What the mailroom must do with an outbox out of a backup, before anybody looks at it.

Time has passed since it was copied. Whoever was speaking then has spoken or not; whatever was due since may
have been sent by the server that is gone. Nothing of it may simply be said again.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from backend.db import Transaction
from backend.terms import AttemptStatus, MessageStatus
from notifications.models import Attempt, Message
from notifications.outbox import suppress

RESTORED = "restored_from_backup"


def doubt_what_was_being_said(txn: Transaction) -> int:
    """Every message on its way to a provider becomes one in doubt, so that the provider is asked; says how many.

    What was only claimed waits again: nobody had begun to say it.
    """
    free = {"lease_token": None, "lease_until": None}
    doubted = txn.session.scalars(
        update(Message)
        .where(Message.status == MessageStatus.SENDING)
        .values(status=MessageStatus.IN_DOUBT, **free)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    txn.session.execute(
        update(Attempt)
        .where(Attempt.status == AttemptStatus.SENDING)
        .values(status=AttemptStatus.IN_DOUBT)
        .execution_options(synchronize_session=False)
    )
    txn.session.execute(
        update(Message)
        .where(Message.status == MessageStatus.CLAIMED)
        .values(status=MessageStatus.QUEUED, **free)
        .execution_options(synchronize_session=False)
    )
    return len(doubted)


def hold_back_the_due(txn: Transaction, due_by: datetime) -> Sequence[Message]:
    """Suppress everything that should have left by ``due_by``, because it may have: a person is to find out."""
    due = select(Message).where(Message.status == MessageStatus.QUEUED, Message.next_try_at <= due_by)
    held_back = txn.session.scalars(due.order_by(Message.next_try_at, Message.id)).all()
    for message in held_back:
        suppress(txn, message, RESTORED)
    txn.session.flush()
    return held_back

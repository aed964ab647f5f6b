"""Attempts that were overtaken: begun, never answered, and their message settled since by another attempt's receipt.

Nothing is sent because of them. But whoever reads the books later must find what became of each call, and above all
whether a person heard the same twice. So their provider is asked once more, as about any doubt.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import or_, select

from backend import clock
from backend.db import Database, Transaction
from backend.terms import AttemptStatus, MessageStatus
from notifications import settling
from notifications.channels import Absent, Accepted, CannotTell, Channel, Sighting
from notifications.dispatcher import Counts
from notifications.leases import LONGEST_LEASE
from notifications.models import Attempt, Message
from notifications.reconciliation import RECONCILER, sought_for, whoever_knows

log = logging.getLogger(__name__)

OPEN = (AttemptStatus.SENDING, AttemptStatus.IN_DOUBT)
IN_OTHER_HANDS = (MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.IN_DOUBT)
MOST_FAILED_LOOKS = 8
BATCH = 50


def settle_overtaken(db: Database, channels: Mapping[str, Channel]) -> Counts:
    """Find out what became of every such attempt; says how many had which outcome."""
    with db.reading(RECONCILER) as txn:
        overtaken = _overtaken(txn)
    return dict(Counter(_look(db, channels, attempt_id) for attempt_id in overtaken))


def _overtaken(txn: Transaction) -> Sequence[UUID]:
    """After so long nobody is speaking any more, and every list of a provider's is complete."""
    now = clock.wall()
    found = (
        select(Attempt.id)
        .join(Message, Message.id == Attempt.message_id)
        .where(Attempt.status.in_(OPEN), Attempt.settled_at.is_(None), Message.status.not_in(IN_OTHER_HANDS))
        .where(or_(Attempt.called_at < now - LONGEST_LEASE, Attempt.called_at > now + LONGEST_LEASE))
    )
    return txn.session.scalars(found.order_by(Attempt.called_at, Attempt.id).limit(BATCH)).all()


def _look(db: Database, channels: Mapping[str, Channel], attempt_id: UUID) -> str:
    """Ask with no transaction open. A provider that cannot be asked, again and again, cannot tell."""
    with db.reading(RECONCILER) as txn:
        attempt = txn.session.get_one(Attempt, attempt_id)
        channel, failed_looks = whoever_knows(attempt, channels), attempt.failed_looks or 0
    try:
        with db.reading(RECONCILER) as txn:
            sought = sought_for(txn, txn.session.get_one(Attempt, attempt_id))
        sighting: Sighting | None = channel.find(sought)
    except Exception:
        log.exception("an attempt that was overtaken could not be looked for", extra={"attempt_id": str(attempt_id)})
        sighting = CannotTell() if failed_looks + 1 >= MOST_FAILED_LOOKS else None
    with db.transaction(RECONCILER) as txn:
        return _conclude(txn, attempt_id, sighting)


def _conclude(txn: Transaction, attempt_id: UUID, sighting: Sighting | None) -> str:
    """The message only moves forward: it was settled by what is known for certain."""
    message, attempt = settling.hold_attempt(txn, attempt_id)
    if not attempt.is_open or message.status in IN_OTHER_HANDS:
        return "settled_meanwhile"
    attempt.looked_at = clock.wall()
    match sighting:
        case None:
            attempt.failed_looks = (attempt.failed_looks or 0) + 1
            return "look_failed"
        case Accepted() as answer:
            is_second = message.status in (MessageStatus.SENT, MessageStatus.DELIVERED)
            settling.settle(txn, attempt.id, answer)
            if is_second:
                log.error("a message was taken twice", extra={"message_id": str(message.id)})
            return "taken_twice" if is_second else "found"
        case Absent():
            attempt.status, attempt.settled_at = AttemptStatus.ABSENT, txn.now
            return "absent"
        case CannotTell():
            # It stays in doubt in the books, and nobody is asked about it any more.
            attempt.status, attempt.settled_at = AttemptStatus.IN_DOUBT, txn.now
            return "nobody_can_tell"

"""Our own book, read from the tables: every message that was due, its attempts, its task."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.exc import OperationalError

from backend import clock
from backend.db import Database, Transaction, is_unavailable, system
from backend.sealing import unseal
from backend.terms import MessageStatus
from backend.worklist.models import WorkItem
from notifications.models import Attempt, Message
from notifications.reconciliation import LONGEST_PAUSE
from tests.ledger.reckoning import OurAttempt, OurMessage, TheirText

LEDGER = system("ledger")
# So the keys of those begin that are to be sent at once, whatever else is planned.
WANTED = "ledger:"
# Begun, or could not even be prepared because a worker that stood still held what it needs.
_HAS_BEEN_TRIED = or_(Message.tries > 0, exists().where(Attempt.message_id == Message.id))
_ON_THEIR_WAY = (MessageStatus.CLAIMED, MessageStatus.SENDING)


def our_book(db: Database) -> list[OurMessage]:
    """Every message, the planned ones included; opened with the tests' own keys."""
    with db.reading(LEDGER) as txn:
        tasks = {key.removeprefix("undelivered:") for key in txn.session.scalars(select(WorkItem.key))}
        attempts: dict[UUID, list[OurAttempt]] = {}
        for row in txn.session.scalars(select(Attempt).order_by(Attempt.message_id, Attempt.number)):
            attempts.setdefault(row.message_id, []).append(_attempt(txn, row))
        return [
            OurMessage(
                id=str(row.id),
                status=row.status,
                reason=row.reason,
                attempts=attempts.get(row.id, ()),
                has_task=str(row.id) in tasks,
                is_wanted=row.key.startswith(WANTED),
                is_reply=row.in_reply_to is not None,
                # One that waits and was never tried is planned for later, or was put off by a rule.
                is_due=row.status != MessageStatus.QUEUED
                or row.tries > 0
                or row.id in attempts
                or row.next_try_at <= txn.now,
            )
            for row in txn.session.scalars(select(Message).order_by(Message.id))
        ]


def their_book(books: Mapping[str, Any]) -> Sequence[TheirText]:
    """What the provider says it accepted."""
    names = ("sid", "attempt", "to", "body_hash", "fate")
    return [TheirText(**{name: line[name] for name in names}) for line in books["accepted"]]


def unsettled(db: Database) -> int:
    """How many messages are due, or begun, and have not come to an end."""
    with db.reading(LEDGER) as txn:
        is_unsettled = or_(
            Message.status.in_(_ON_THEIR_WAY),
            (Message.status == MessageStatus.IN_DOUBT) & Message.reason.is_(None),
            (Message.status == MessageStatus.QUEUED) & or_(Message.next_try_at <= txn.now, _HAS_BEEN_TRIED),
        )
        return txn.session.scalar(select(func.count(Message.id)).where(is_unsettled)) or 0


def cut_waits_short(db: Database, *, looks: bool) -> int:
    """Whoever waits minutes after a refusal is due now, as if the time had passed; says how many.

    With ``looks`` a provider that could not answer for a doubtful message, and can now, is asked again at once. The
    waits themselves are rules of their own with tests of their own. Of a worker that stands still in the middle
    of a transaction, SQLite waits for the end of it, and so do we: none then.
    """
    try:
        return _cut_waits_short(db, looks=looks)
    except OperationalError as error:
        if not is_unavailable(error):
            raise
        return 0


def _cut_waits_short(db: Database, *, looks: bool) -> int:
    with db.transaction(LEDGER) as txn:
        now, long_ago = clock.now(), clock.wall() - LONGEST_PAUSE
        is_waiting = (Message.status == MessageStatus.QUEUED) & (Message.next_try_at > now) & _HAS_BEEN_TRIED
        hurried = update(Message).where(is_waiting).values(next_try_at=now).returning(Message.id)
        if looks:
            failed = update(Attempt).where(Attempt.failed_looks > 0, Attempt.looked_at > long_ago)
            txn.session.execute(failed.values(looked_at=long_ago).execution_options(synchronize_session=False))
        return len(txn.session.execute(hurried.execution_options(synchronize_session=False)).all())


def _attempt(txn: Transaction, row: Attempt) -> OurAttempt:
    body = unseal(txn, row, "body_sealed") or ""
    assert row.called_at is not None
    return OurAttempt(
        id=str(row.id),
        status=row.status,
        provider_id=row.provider_id,
        to=unseal(txn, row, "address_sealed") or "",
        body_hash=hashlib.sha256(body.encode()).hexdigest(),
        called_at=row.called_at,
        was_looked_for=row.looked_at is not None,
    )

"""Messages on their way out: queued once by key, recalled while unsent, claimed, begun.

No other module claims rows. Two workers never hold one message: a claim takes rows nobody has
(``FOR UPDATE SKIP LOCKED`` on PostgreSQL, the one writer of ``BEGIN IMMEDIATE`` on SQLite), and whoever then
speaks must first move its row from ``claimed`` to ``sending`` under the claim's own token, and commit that.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Integer, Table, Text, Uuid, bindparam, func, literal_column, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from backend import clock
from backend.among import among
from backend.db import Transaction, as_written, insert_once
from backend.indexes import whichever_index, word
from backend.terms import AttemptStatus, MessageStatus, Recipient, Urgency
from notifications import leases
from notifications.models import UNSENT, Attempt, Message

PRIORITY = {Urgency.SAFETY: 0, Urgency.REPLY: 0, Urgency.INFUSION: 1, Urgency.ROUTINE: 2}
# As they stand in a statement. Told which there are, SQLite finds by its index what is due.
PRIORITIES: Sequence[ColumnElement[int]] = [literal_column(str(one)) for one in sorted(set(PRIORITY.values()))]
EXPIRED = "expired"
THE_PATIENTS_SIDE = (Recipient.PATIENT, Recipient.CAREGIVER, Recipient.FORMER_NUMBER)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What somebody wants said. ``values`` holds dates, times and keys only; the rest is decided at release."""

    key: str
    template: str
    recipient: Recipient
    send_at: datetime
    urgency: Urgency = Urgency.ROUTINE
    patient_id: UUID | None = None
    caregiver_id: UUID | None = None
    staff_id: UUID | None = None
    site_id: UUID | None = None
    in_reply_to: UUID | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    agenda_key: str | None = None
    asks: str | None = None
    local_date: date | None = None
    local_time: time | None = None
    zone: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Claim:
    """Messages that are ours until the lease ends."""

    token: UUID
    message_ids: tuple[UUID, ...]
    # By message, which patient it is about.
    whose: Mapping[UUID, UUID | None] = field(default_factory=dict)


# Every report recalls what would have reminded of it, so this is put together once, of plain columns.
_ROW = cast(Table, Message.__table__)
ENDED = ("status", "reason", "settled_at", "lease_token", "lease_until")
_RECALL = (
    update(_ROW)
    .where(
        # The patients' table is none of ours, so the type of its ids is said here.
        _ROW.c.patient_id == bindparam("whose", type_=Uuid()),
        _ROW.c.status.in_([word(one) for one in UNSENT]),
        among(_ROW.c.recipient, "to"),
        # Not LIKE: SQLite's does not tell capitals from small letters.
        func.substr(_ROW.c.key, 1, bindparam("length", type_=Integer())) == bindparam("prefix", type_=Text()),
    )
    .values(
        status=MessageStatus.CANCELLED,
        reason=bindparam("because"),
        settled_at=bindparam("at"),
        lease_token=None,
        lease_until=None,
    )
    .returning(_ROW.c.id)
)
_RECALL_SOME = _RECALL.where(among(_ROW.c.key, "keys"))
_EXPIRE_SOME = _RECALL_SOME.values(status=MessageStatus.SUPPRESSED)

_ASKED = (
    select(Message)
    .where(
        Message.asks.is_not(None),
        Message.answered_at.is_(None),
        whichever_index(Message.status.in_([word(MessageStatus.SENT), word(MessageStatus.DELIVERED)])),
    )
    .order_by(Message.settled_at.desc(), Message.id.desc())
)

_ASKED_OF_ONE = _ASKED.where(_ROW.c.patient_id == bindparam("whose", type_=Uuid()), _ROW.c.recipient == bindparam("to"))
_ASKED_OF_ALL = _ASKED.where(
    among(Message.patient_id, "whose"), Message.recipient.in_([word(one) for one in THE_PATIENTS_SIDE])
)

# Said for every breath.
_OURS = (
    select(Message)
    .where(
        among(Message.id, "ids"),
        Message.status == word(MessageStatus.CLAIMED),
        Message.lease_token == bindparam("token"),
    )
    .execution_options(populate_existing=True)
)
_OURS_WAITED_FOR, _OURS_AND_FREE = _OURS.with_for_update(), _OURS.with_for_update(skip_locked=True)
_HELD = select(Message).where(Message.id == bindparam("id")).with_for_update().execution_options(populate_existing=True)

# --- the counter -------------------------------------------------------------------------------------------


def queue(txn: Transaction, letter: Letter) -> Message | None:
    """Keep a message to be sent, once: None when one with this key is already on its way, sent or settled.

    One that was cancelled unsent is queued again, because a date that moved away may move back. One that still
    waits takes over the letter's times and words. Whether it may really be sent is decided at release, not here.
    """
    if txn.session.new:
        # Whom it goes to, or what it answers, may be new; what else has changed is written with the next flush.
        txn.session.flush()
    row = _columns(txn, letter)
    if txn.connection.scalar(_telling(insert_once(txn, Message)), row) is not None:
        added = Message(**row)
        as_written(txn, added)
        return added
    # What this transaction has changed itself must be written before the row is read anew.
    txn.session.flush()
    known = txn.session.scalars(
        select(Message).where(*_same_key(letter)).with_for_update().execution_options(populate_existing=True)
    ).one()
    if known.status == MessageStatus.CANCELLED:
        _wait_again(known, letter)
        return known
    if known.is_unsent and differs(known, letter):
        _wait_again(known, letter)
    return None


def queue_all(txn: Transaction, letters: Sequence[Letter]) -> int:
    """``queue`` for many at once, with one statement; says how many wait that did not before."""
    if not letters:
        return 0
    txn.session.flush()
    rows = [_columns(txn, letter) for letter in letters]
    if txn.connection.execute(insert_once(txn, Message), rows).rowcount == len(rows):
        return len(rows)
    # Some were there already. Asking for what was added with every insert would cost more than this does now and then.
    ids = [row["id"] for row in rows]
    added = set(txn.connection.scalars(select(_ROW.c.id).where(_ROW.c.id.in_(ids))))
    others = [letter for letter, row in zip(letters, rows, strict=True) if row["id"] not in added]
    return len(added) + sum(queue(txn, letter) is not None for letter in others)


def cancel(
    txn: Transaction,
    patient_id: UUID,
    *,
    key_prefix: str = "",
    keys: Collection[str] | None = None,
    recipients: Collection[Recipient] = THE_PATIENTS_SIDE,
    reason: str,
) -> int:
    """Recall what nobody has begun to say to a patient and their caregivers; says how many rows.

    A prefix that means one agenda item ends with ``@``, or ``weekly.w1`` would also recall ``weekly.w12``.
    """
    chosen = {"whose": patient_id, "to": recipients, "prefix": key_prefix, "length": len(key_prefix)}
    if keys is None:
        return _end(txn, _RECALL, {**chosen, "because": reason, "at": txn.now})
    return _end(txn, _RECALL_SOME, {**chosen, "keys": keys, "because": reason, "at": txn.now})


def expire(txn: Transaction, patient_id: UUID, *, keys: Collection[str]) -> int:
    """What nobody could send while it was worth anything is suppressed as expired, not recalled; says how many."""
    chosen = {"whose": patient_id, "to": THE_PATIENTS_SIDE, "prefix": "", "length": 0, "keys": keys}
    return _end(txn, _EXPIRE_SOME, {**chosen, "because": EXPIRED, "at": txn.now})


def open_questions(txn: Transaction, patient_id: UUID, recipient: Recipient = Recipient.PATIENT) -> Sequence[Message]:
    """What was asked for a digit and has had no answer, newest first."""
    return txn.session.scalars(_ASKED_OF_ONE, {"whose": patient_id, "to": recipient}).all()


def open_questions_of_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Message]]:
    """By patient, the same for many at once, whether the patient was asked or a caregiver."""
    found: dict[UUID, list[Message]] = {patient_id: [] for patient_id in patient_ids}
    for message in txn.session.scalars(_ASKED_OF_ALL, {"whose": patient_ids}):
        assert message.patient_id is not None
        found[message.patient_id].append(message)
    return found


# --- taking, deciding --------------------------------------------------------------------------------------


def claim(
    txn: Transaction, *, due_by: datetime, lease_seconds: float, limit: int = 50, only: Collection[str] | None = None
) -> Claim:
    """Take what is due and nobody has, most urgent first; and so much again of others' claims that have run out.

    ``only`` these templates; all when it is not given.
    """
    token, until = uuid4(), clock.wall() + timedelta(seconds=lease_seconds)
    taken = txn.connection.execute(
        _taking(not txn.database.is_sqlite, None if only is None else frozenset(only)),
        {"due_by": due_by, "many": limit, "token": token, "until": until, **leases.limits()},
    )
    ordered = [(one, whose) for *_, one, whose in sorted(taken, key=itemgetter(0, 1, 2))]
    return Claim(token, tuple(one for one, _ in ordered), dict(ordered))


@functools.cache
def _taking(is_postgres: bool, only: frozenset[str] | None) -> ReturningUpdate[Any]:
    """Take what is due; put together once, because it is said before every breath."""
    row = _ROW.c
    due = select(row.id).where(row.next_try_at <= bindparam("due_by", type_=row.next_try_at.type))
    due = due.limit(bindparam("many", type_=Integer()))
    if only is not None:
        due = due.where(row.template.in_(sorted(only)))
    if is_postgres:
        due = due.with_for_update(skip_locked=True)
    left_behind = due.where(row.status == word(MessageStatus.CLAIMED), leases.IS_OVER)
    waiting = due.where(row.status == word(MessageStatus.QUEUED)).order_by(row.priority, row.next_try_at, row.id)
    if not is_postgres:
        # Else it reads and sorts everything that waits.
        waiting = waiting.where(row.priority.in_(PRIORITIES))
    free = select(waiting.cte("due").c.id).union_all(select(left_behind.cte("left_behind").c.id))
    return (
        update(_ROW)
        .where(row.id.in_(free))
        .values(status=MessageStatus.CLAIMED, lease_token=bindparam("token"), lease_until=bindparam("until"))
        .returning(row.priority, row.next_try_at, row.id, row.patient_id)
    )


def take(txn: Transaction, message_ids: Collection[UUID], token: UUID) -> Sequence[Message]:
    """Of claimed messages those that are still ours, in the order asked for, held until this transaction ends.

    One alone is waited for when somebody else holds it. Of several, whatever another holds is left out: so whoever
    takes many never keeps somebody waiting for whom it waits.
    """
    ours = _OURS_WAITED_FOR if len(message_ids) <= 1 else _OURS_AND_FREE
    found = txn.session.scalars(ours, {"ids": message_ids, "token": token})
    by_id = {message.id: message for message in found}
    return [by_id[one] for one in message_ids if one in by_id]


def hold(txn: Transaction, message_id: UUID) -> Message:
    """A message that nobody else changes until this transaction ends, as it is now."""
    # What this transaction has changed itself must be written before the row is read anew.
    txn.session.flush()
    return txn.session.scalars(_HELD, {"id": message_id}).one()


def postpone(txn: Transaction, message: Message, at: datetime, reason: str) -> None:
    """Not now. Never to the past, or one run would meet it again and again."""
    message.status = MessageStatus.QUEUED
    message.reason = reason
    message.next_try_at = max(at, txn.now + timedelta(seconds=1))
    let_go(message)


def hurry(txn: Transaction, reason: str) -> int:
    """What was put off for this reason need not wait any longer; says how many."""
    waiting = (
        select(Message.id)
        .where(Message.status == MessageStatus.QUEUED, Message.reason == reason)
        .where(Message.next_try_at > txn.now, Message.send_at <= txn.now)
        .order_by(Message.id)
        # Who holds one now decides about it anyway.
        .with_for_update(skip_locked=True)
    )
    hurried = txn.session.scalars(waiting).all()
    for some in range(0, len(hurried), 500):
        few = update(Message).where(Message.id.in_(hurried[some : some + 500])).values(next_try_at=txn.now)
        txn.session.execute(few.execution_options(synchronize_session=False))
    return len(hurried)


def suppress(txn: Transaction, message: Message, reason: str) -> None:
    """Not at all; the row and its reason stay for whoever asks why nothing came."""
    message.status = MessageStatus.SUPPRESSED
    message.reason = reason
    message.settled_at = txn.now
    let_go(message)


def doubt_the_overdue(txn: Transaction) -> int:
    """Whoever was speaking has not come back in time: what it was saying becomes in doubt."""
    overdue = txn.session.scalars(
        select(Message.id)
        .where(Message.status == word(MessageStatus.SENDING), leases.IS_OVER)
        .order_by(Message.id)
        .with_for_update(skip_locked=True),
        leases.limits(),
    ).all()
    if not overdue:
        return 0
    txn.session.execute(
        update(Message).where(Message.id.in_(overdue)).values(status=MessageStatus.IN_DOUBT, lease_until=None)
    )
    txn.session.execute(
        update(Attempt)
        .where(Attempt.message_id.in_(overdue), Attempt.status == AttemptStatus.SENDING)
        .values(status=AttemptStatus.IN_DOUBT)
    )
    return len(overdue)


# --- small parts -------------------------------------------------------------------------------------------


@functools.cache
def _telling(insert: Any) -> Any:
    return insert.returning(_ROW.c.id)


def _end(txn: Transaction, statement: ReturningUpdate[tuple[UUID]], chosen: Mapping[str, Any]) -> int:
    ended = txn.connection.scalars(statement, dict(chosen)).all()
    for message in [row for row in txn.session if isinstance(row, Message) and row.id in ended]:
        txn.session.expire(message, ENDED)
    return len(ended)


def _intent(letter: Letter) -> dict[str, Any]:
    said = {name: getattr(letter, name) for name in Letter.__dataclass_fields__}
    return {
        **said,
        "values": dict(letter.values),
        "priority": PRIORITY[letter.urgency],
        "next_try_at": letter.send_at,
    }


def _columns(txn: Transaction, letter: Letter) -> dict[str, Any]:
    """A new row. Those of one statement have the same columns."""
    return {**_intent(letter), "id": uuid4(), "created_at": txn.now, "status": MessageStatus.QUEUED, "tries": 0}


def _same_key(letter: Letter) -> list[ColumnElement[bool]]:
    if letter.patient_id is not None:
        return [Message.patient_id == letter.patient_id, Message.key == letter.key]
    return [Message.patient_id.is_(None), Message.site_id == letter.site_id, Message.key == letter.key]


def differs(message: object, letter: Letter) -> bool:
    """Whether a stored message's plan has changed. ``next_try_at`` is no plan: postponements survive replanning."""
    intent = _intent(letter)
    del intent["next_try_at"]
    return any(getattr(message, name) != value for name, value in intent.items())


def _wait_again(message: Message, letter: Letter) -> None:
    for name, value in _intent(letter).items():
        setattr(message, name, value)
    message.status = MessageStatus.QUEUED
    message.tries = 0
    message.reason = None
    message.settled_at = None
    let_go(message)


def let_go(message: Message) -> None:
    """Nobody holds it any more."""
    message.lease_token = None
    message.lease_until = None

"""Messages in doubt: somebody began to say them and never wrote down what came of it.

They are never simply said again. The provider is asked; what it has is settled, what it provably does not have
is queued again under a new attempt, and what nobody can tell waits for a person.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.db import Database, Transaction, system
from backend.sealing import unseal
from backend.terms import AttemptStatus, Language, MessageStatus
from notifications import outbox, settling
from notifications.channels import Absent, Accepted, CannotTell, Channel, Envelope, Removed, Sighting, Sought
from notifications.dispatcher import Counts, settle
from notifications.models import Attempt, Message
from notifications.settling import DeadLetter

log = logging.getLogger(__name__)

RECONCILER = system("reconciler")
IN_DOUBT = "in_doubt"
BATCH = 100


@dataclass(frozen=True)
class _Doubt:
    sought: Sought
    channel: Channel

    @property
    def attempt_id(self) -> UUID:
        return self.sought.attempt_id


def reconcile(db: Database, channels: Mapping[str, Channel], *, on_dead_letter: DeadLetter) -> Counts:
    """Find out what became of every message whose sender did not come back; says how many had which outcome."""
    counts: Counter[str] = Counter()
    with db.transaction(RECONCILER) as txn:
        counts["doubted"] = outbox.doubt_the_overdue(txn)
    with db.reading(RECONCILER) as txn:
        doubts = _to_look_for(txn, channels)
    for doubt in doubts:
        counts[_look(db, doubt, on_dead_letter)] += 1
    return {word: count for word, count in counts.items() if count}


def _to_look_for(txn: Transaction, channels: Mapping[str, Channel]) -> Sequence[_Doubt]:
    rows = txn.session.execute(
        select(Message, Attempt)
        .join(Attempt, Attempt.message_id == Message.id)
        # A reason says that a person has it.
        .where(Message.status == MessageStatus.IN_DOUBT, Message.reason.is_(None))
        .where(Attempt.status == AttemptStatus.IN_DOUBT)
        .order_by(Message.id)
        .limit(BATCH)
    )
    found = []
    for message, attempt in rows:
        channel = channels.get(attempt.channel) or Removed()
        pause = timedelta(seconds=channel.seconds_between_looks)
        if attempt.looked_at is None or attempt.looked_at + pause <= clock.wall():
            found.append(_Doubt(_sought(txn, message, attempt), channel))
    return found


def _sought(txn: Transaction, message: Message, attempt: Attempt) -> Sought:
    """With the ids of this message's other attempts: what is known to be another's is not this one."""
    others = select(Attempt.provider_id).where(Attempt.message_id == message.id, Attempt.provider_id.is_not(None))
    known = tuple(name for name in txn.session.scalars(others) if name)
    return Sought(attempt.id, _envelope(txn, message, attempt), attempt.called_at, known)


def _envelope(txn: Transaction, message: Message, attempt: Attempt) -> Envelope:
    return Envelope(
        address=unseal(txn, attempt, "address_sealed") or "",
        text=unseal(txn, attempt, "body_sealed") or "",
        language=Language(attempt.language),
        template=attempt.template,
        values=message.values,
    )


def _look(db: Database, doubt: _Doubt, on_dead_letter: DeadLetter) -> str:
    """Ask with no transaction open, then settle. A question that fails is asked again next time."""
    try:
        sighting = doubt.channel.find(doubt.sought)
        with db.transaction(RECONCILER) as txn:
            return _conclude(txn, doubt, sighting, on_dead_letter)
    except Exception:
        log.exception("an attempt in doubt could not be looked for", extra={"attempt_id": str(doubt.attempt_id)})
        return "look_failed"


def _conclude(txn: Transaction, doubt: _Doubt, sighting: Sighting, on_dead_letter: DeadLetter) -> str:
    message, attempt = settling.hold_attempt(txn, doubt.attempt_id)
    if not attempt.is_open or message.status != MessageStatus.IN_DOUBT:
        return "settled_meanwhile"
    attempt.looked_at = clock.wall()
    match sighting:
        case Accepted() as answer:
            settle(txn, attempt.id, answer, on_dead_letter)
            return "found"
        case Absent():
            return _absent(txn, doubt, message, attempt)
        case CannotTell():
            message.reason = IN_DOUBT
            on_dead_letter(txn, message, attempt)
            return "for_a_person"


def _absent(txn: Transaction, doubt: _Doubt, message: Message, attempt: Attempt) -> str:
    """Said again only once the provider was asked often enough to be believed."""
    attempt.looks += 1
    if attempt.looks < doubt.channel.looks_to_be_sure:
        return "absent_so_far"
    attempt.status = AttemptStatus.ABSENT
    attempt.settled_at = txn.now
    outbox.postpone(txn, message, txn.now, "never_arrived")
    return "absent"

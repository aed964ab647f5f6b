"""Saying what was begun, with no transaction open, and settling what is answered.

Nobody has called for what a breath did not come to say: it is put back, certain not to have been heard.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from sqlalchemy import Table, bindparam, text, update

from backend import clock
from backend.among import among
from backend.db import Transaction, UTCDateTime
from backend.indexes import word
from backend.terms import AttemptStatus, MessageStatus
from notifications import breakers, outbox, settling
from notifications.breath import DISPATCHER, Round, Spoken
from notifications.channels import Accepted, Refusal, Undeliverable
from notifications.models import Attempt, Message
from notifications.receipts import ReceiptFromProvider, Said, keep_delivered, note_receipt
from notifications.settling import DeadLetter

log = logging.getLogger(__name__)

# Whoever dies or writes STOP while a breath is being said may hear the rest of it for no longer than this.
LONGEST_BREATH = 1.0
# What is wrong with more than the one message that met it.
NOT_ITS_OWN_FAULT = frozenset({Refusal.CONFIGURATION, Refusal.NOT_PROCESSED})

_ATTEMPTS, _MESSAGES = Attempt.__table__, Message.__table__
assert isinstance(_ATTEMPTS, Table)
assert isinstance(_MESSAGES, Table)
_AT = bindparam("at", type_=UTCDateTime())
_ACCEPTED = (
    update(_ATTEMPTS)
    .where(_ATTEMPTS.c.id == bindparam("which"))
    .values(status=AttemptStatus.ACCEPTED, provider_id=bindparam("named"), settled_at=_AT)
)
# PostgreSQL takes all of them in one statement; each by itself would cost more than all the rest of settling.
_ACCEPTED_AT_ONCE = text(
    "UPDATE message_attempt AS one SET status = 'accepted', provider_id = said.named, settled_at = :at"
    " FROM unnest(CAST(:which AS UUID[]), CAST(:named AS TEXT[])) AS said (id, named) WHERE one.id = said.id"
)
_MOVE = (
    update(_MESSAGES)
    .where(
        among(_MESSAGES.c.id, "ids"),
        _MESSAGES.c.status == word(MessageStatus.SENDING),
        _MESSAGES.c.lease_token == bindparam("token"),
    )
    .values(status=bindparam("as"), reason=None, settled_at=_AT, lease_token=None, lease_until=None)
    .returning(_MESSAGES.c.id)
)


@dataclass(frozen=True)
class _Answered:
    """What was said, and the provider's answer."""

    spoken: Spoken
    answer: Accepted


def say(this: Round, spoken: Sequence[Spoken]) -> tuple[Counter[str], float]:
    """Say all of a breath, one after another, and settle it; how many had which outcome, and the seconds of the calls.

    When the way refuses us, when nobody knows what became of one, or when it takes too long, the rest is not said.
    """
    counts: Counter[str] = Counter()
    answered: list[_Answered] = []
    began = monotonic()
    until = began + min(LONGEST_BREATH, this.lease_seconds / 4)
    unsaid = list(spoken)
    while unsaid:
        word, goes_on = _say_one(this, unsaid.pop(0), answered)
        counts[word] += bool(word)
        if not goes_on or monotonic() >= until:
            break
    seconds = monotonic() - began
    counts.update(_settle(this, answered))
    counts["unsaid"] += _put_back(this, unsaid)
    return +counts, seconds


def _say_one(this: Round, one: Spoken, answered: list[_Answered]) -> tuple[str, bool]:
    """The only place where a provider is called: no transaction is open here.

    A word, unless it was answered, and whether the next may follow.
    """
    # Held up so long, this process must not speak: before its call has ended another may be finding out. Nothing may
    # come between this question and the call.
    if monotonic() >= one.too_late_at or clock.wall() >= one.lease_until:
        return "too_late", True
    try:
        answered.append(_Answered(one, one.channel.send(one.envelope, one.attempt_id)))
    except Undeliverable as refusal:
        return _refuse(this, one, refusal), refusal.why not in NOT_ITS_OWN_FAULT
    except Exception:
        return _unknown(one), False
    return "", True


def _refuse(this: Round, one: Spoken, refusal: Undeliverable) -> str:
    try:
        with this.db.transaction(DISPATCHER) as txn:
            settling.refuse(txn, one.attempt_id, refusal, this.on_dead_letter)
    except Exception:
        return _unknown(one)
    return "refused"


def _unknown(one: Spoken) -> str:
    """It may have been said. The row stays ``sending``, and reconciliation decides once the lease has run out."""
    log.exception("the outcome of an attempt is unknown", extra={"attempt_id": str(one.attempt_id)})
    return "unknown"


def _settle(this: Round, answered: Sequence[_Answered]) -> Counter[str]:
    """All in one transaction; if that fails each in its own, so that one of them does not leave the others in doubt."""
    if answered and not any(one.spoken.finds_out for one in answered):
        try:
            with this.db.transaction(DISPATCHER) as txn:
                _settle_together(txn, answered, this.on_dead_letter)
        except Exception:
            log.warning("answers could not be settled together", exc_info=True)
        else:
            return Counter(sent=len(answered))
    return Counter(_settle_alone(this, one) for one in answered)


def _settle_together(txn: Transaction, answered: Sequence[_Answered], on_dead_letter: DeadLetter) -> None:
    """Those that nobody has heard of meanwhile, in few statements; whatever a receipt came first for, one by one."""
    moved = _moved(txn, [one for one in answered if one.answer.failed is None])
    plain = [one for one in answered if one.spoken.message_id in moved]
    if plain:
        _accept(txn, {one.spoken.attempt_id: one.answer.provider_id for one in plain})
    keep_delivered(txn, [one.spoken.attempt_id for one in plain if one.answer.delivered])
    for one in answered:
        if one.spoken.message_id not in moved:
            settle(txn, one.spoken.attempt_id, one.answer, on_dead_letter)


def _moved(txn: Transaction, taken: Sequence[_Answered]) -> Collection[UUID]:
    """Move the rows forward; which of them were ours to the last, so that their attempts are as they were begun."""
    alike: dict[tuple[MessageStatus, UUID], list[UUID]] = defaultdict(list)
    for one in taken:
        status = MessageStatus.DELIVERED if one.answer.delivered else MessageStatus.SENT
        alike[status, one.spoken.token].append(one.spoken.message_id)
    moved: set[UUID] = set()
    for (status, token), ids in alike.items():
        chosen = {"ids": ids, "token": token, "as": status, "at": txn.now}
        moved.update(txn.connection.scalars(_MOVE, chosen))
    return moved


def _accept(txn: Transaction, named: Mapping[UUID, str]) -> None:
    if txn.connection.dialect.name == "postgresql":
        said = {"which": list(named), "named": list(named.values()), "at": txn.now}
        txn.connection.execute(_ACCEPTED_AT_ONCE, said)
    else:
        txn.connection.execute(_ACCEPTED, [{"which": one, "named": name, "at": txn.now} for one, name in named.items()])


def _settle_alone(this: Round, one: _Answered) -> str:
    try:
        with this.db.transaction(DISPATCHER) as txn:
            settle(txn, one.spoken.attempt_id, one.answer, this.on_dead_letter)
            takes_it = one.spoken.finds_out and one.answer.failed is None
            is_mended = takes_it and breakers.close(txn, one.spoken.way)
        if is_mended:
            # By itself: other workers put messages off while this one found out, and they would wait for half an hour.
            with this.db.transaction(DISPATCHER) as txn:
                outbox.hurry(txn, breakers.STOPPED)
    except Exception:
        return _unknown(one.spoken)
    return "sent"


def _put_back(this: Round, unsaid: Sequence[Spoken]) -> int:
    """No call was made for these, nor will be: they wait again, unless somebody has begun to ask after them."""
    if not unsaid:
        return 0
    try:
        with this.db.transaction(DISPATCHER) as txn:
            for one in unsaid:
                settling.never_said(txn, one.attempt_id)
    except Exception:
        # They stay `sending`, and reconciliation finds that nobody has them.
        log.exception("messages that were not said could not be put back")
    return len(unsaid)


def settle(txn: Transaction, attempt_id: UUID, answer: Accepted, on_dead_letter: DeadLetter) -> None:
    """The provider has it; when its answer was also a receipt, that is kept as one."""
    settling.settle(txn, attempt_id, answer)
    if answer.delivered:
        note_receipt(txn, ReceiptFromProvider(attempt_id, Said.DELIVERED, answer.provider_id), on_dead_letter)
    if answer.failed is not None:
        failed = ReceiptFromProvider(attempt_id, Said.FAILED, answer.provider_id, answer.failed)
        note_receipt(txn, failed, on_dead_letter)

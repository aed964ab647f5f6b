"""Sending what is due: claim, let go of the database, decide, speak, settle.

One transaction a step, and none open while a provider answers. A message that cannot be prepared moves on by
itself and never holds up the others.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import UUID

from backend import clock
from backend.config import Settings
from backend.db import Database, Transaction, system
from backend.terms import ChannelKind, Language
from notifications import breakers, numbers, opt_outs, outbox, settling
from notifications.channels import Accepted, Channel, Envelope, Removed, Undeliverable
from notifications.models import Attempt, Message
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from notifications.settling import DeadLetter
from notifications.templates import Template, render

log = logging.getLogger(__name__)

DISPATCHER = system("dispatcher")
BATCH = 50
# So many seconds for one message are a provider's; so much of a lease may pass with them in one run.
A_WAIT, PART_OF_A_LEASE = 0.1, 0.25


@dataclass(frozen=True)
class Send:
    """Say it now, this way. ``values`` are the template's placeholders; dates and times as ISO 8601."""

    channel: str
    address: str
    language: Language
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Later:
    """Not before ``at``."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Suppress:
    """Not at all."""

    reason: str


Decision = Send | Later | Suppress
Release = Callable[[Transaction, Message], Decision]
Counts = dict[str, int]


@dataclass(frozen=True)
class _Spoken:
    """What is to be said, once it is written down that it will be."""

    attempt_id: UUID
    way: str
    channel: Channel
    envelope: Envelope
    lease_until: datetime
    # By the clock that nobody sets. From then on less than half of the lease is left.
    too_late_at: float
    finds_out: bool


@dataclass(frozen=True)
class _Round:
    """What every step of one run needs."""

    db: Database
    channels: Mapping[str, Channel]
    release: Release
    on_dead_letter: DeadLetter
    templates: Mapping[str, Template]
    lease_seconds: float


def dispatch_due(
    db: Database,
    channels: Mapping[str, Channel],
    release: Release,
    settings: Settings,
    *,
    on_dead_letter: DeadLetter,
    templates: Mapping[str, Template],
) -> Counts:
    """Send everything that is due at this moment; says how many had which outcome.

    Any number of workers may run this at once. When providers keep it waiting it ends early and leaves the rest to the
    next run: emergencies come first there, and where one thread does everything, other jobs have their turn.
    """
    this = _Round(db, channels, release, on_dead_letter, templates, settings.lease_seconds)
    due_by = clock.now()
    counts: Counter[str] = Counter()
    waited = 0.0
    while True:
        with db.transaction(DISPATCHER) as txn:
            claim = outbox.claim(txn, due_by=due_by, lease_seconds=this.lease_seconds, limit=BATCH)
        if not claim.message_ids:
            return dict(counts)
        for message_id in claim.message_ids:
            began = monotonic()
            counts[_dispatch(this, message_id, claim.token)] += 1
            took = monotonic() - began
            waited += took if took > A_WAIT else 0.0
            if waited > this.lease_seconds * PART_OF_A_LEASE:
                with db.transaction(DISPATCHER) as txn:
                    outbox.leave(txn, claim.token)
                return dict(counts)


def _dispatch(this: _Round, message_id: UUID, token: UUID) -> str:
    """One message, and one word for what became of it. Nothing it does can stop the loop."""
    try:
        spoken = _decide(this, message_id, token)
    except Exception as error:
        log.exception("a message could not be prepared", extra={"message_id": str(message_id)})
        return _stumble(this, message_id, token, type(error).__name__)
    if isinstance(spoken, str):
        return spoken
    try:
        return _speak(this, spoken)
    except Exception:
        # It may have been said. The row stays `sending`, and reconciliation decides once the lease has run out.
        log.exception("the outcome of an attempt is unknown", extra={"attempt_id": str(spoken.attempt_id)})
        return "unknown"


def _decide(this: _Round, message_id: UUID, token: UUID) -> _Spoken | str:
    """Ask the trial, write the words, and commit that they are about to be said."""
    with this.db.transaction(DISPATCHER) as txn:
        message = outbox.take(txn, message_id, token)
        if message is None:
            return "recalled"
        match _decision(this, txn, message):
            case Suppress(reason):
                outbox.suppress(txn, message, reason)
                if reason in FOR_A_PERSON:
                    this.on_dead_letter(txn, message, None)
                return "expired" if reason == EXPIRED else "suppressed"
            case Later(at, reason):
                outbox.postpone(txn, message, at, reason)
                return "later"
            case Send() as send:
                return _begin_or_wait(this, txn, message, send)


EXPIRED = outbox.EXPIRED
# What is held back for these reasons, somebody can put right.
FOR_A_PERSON = frozenset({numbers.OF_NO_USE, numbers.MALFORMED})


def _decision(this: _Round, txn: Transaction, message: Message) -> Decision:
    """The trial's decision, within what the mailroom itself must keep: expiry, and STOP at the number."""
    if _is_past(message, txn.now):
        return Suppress(EXPIRED)
    decision = this.release(txn, message)
    if isinstance(decision, Later) and _is_past(message, decision.at):
        return Suppress(EXPIRED)
    if isinstance(decision, Send) and decision.channel == ChannelKind.SMS:
        return _why_not_to(this, txn, message, decision.address) or decision
    return decision


def _why_not_to(this: _Round, txn: Transaction, message: Message, number: str) -> Suppress | None:
    """What holds for the number, whoever's it is and whatever the trial thinks of it."""
    if numbers.is_malformed(number):
        return Suppress(numbers.MALFORMED)
    stopped = opt_outs.held_standing(txn, number)
    # The carrier would not even let the answer to a STOP through.
    if stopped and (stopped.refused_attempt or not this.templates[message.template].answers_after_stop):
        return Suppress(opt_outs.OPTED_OUT)
    return Suppress(numbers.OF_NO_USE) if numbers.standing(txn, number) else None


def _is_past(message: Message, moment: datetime) -> bool:
    return message.expires_at is not None and moment >= message.expires_at


def _begin_or_wait(this: _Round, txn: Transaction, message: Message, send: Send) -> _Spoken | str:
    """Not by a way that is shut, but for the one message that finds out whether it still is."""
    gate = breakers.gate(txn, send.channel)
    if gate.shut_until is None:
        return _begin(this, txn, message, send, finds_out=gate.finds_out)
    outbox.postpone(txn, message, txn.now + (gate.shut_until - clock.wall()), breakers.STOPPED)
    return "held"


def _begin(this: _Round, txn: Transaction, message: Message, send: Send, *, finds_out: bool) -> _Spoken:
    channel = this.channels.get(send.channel) or Removed()
    template = this.templates[message.template]
    text = render(template, send.language, send.values, signed=send.channel == ChannelKind.SMS)
    envelope = Envelope(send.address, text, send.language, template.name, send.values)
    attempt = outbox.begin(
        txn,
        message,
        envelope,
        channel=send.channel,
        gateway=channel.gateway,
        version=template.version,
        lease_seconds=this.lease_seconds,
    )
    assert message.lease_until is not None
    too_late_at = monotonic() + this.lease_seconds / 2
    return _Spoken(attempt.id, send.channel, channel, envelope, message.lease_until, too_late_at, finds_out)


def _speak(this: _Round, spoken: _Spoken) -> str:
    """The only place where a provider is called: no transaction is open here."""
    # Held up so long, this process must not speak: before its call has ended another may be finding out. Nothing may
    # come between this question and the call.
    if monotonic() >= spoken.too_late_at or clock.wall() >= spoken.lease_until:
        return "too_late"
    try:
        answer = spoken.channel.send(spoken.envelope, spoken.attempt_id)
    except Undeliverable as refusal:
        with this.db.transaction(DISPATCHER) as txn:
            settling.refuse(txn, spoken.attempt_id, refusal, this.on_dead_letter)
        return "refused"
    with this.db.transaction(DISPATCHER) as txn:
        settle(txn, spoken.attempt_id, answer, this.on_dead_letter)
        is_mended = spoken.finds_out and answer.failed is None and breakers.close(txn, spoken.way)
    if is_mended:
        # By itself: other workers put messages off while this one found out, and they would wait for half an hour.
        with this.db.transaction(DISPATCHER) as txn:
            outbox.hurry(txn, breakers.STOPPED)
    return "sent"


def settle(txn: Transaction, attempt_id: UUID, answer: Accepted, on_dead_letter: DeadLetter) -> None:
    """The provider has it; when its answer was also a receipt, that is kept as one."""
    settling.settle(txn, attempt_id, answer)
    if answer.delivered:
        note_receipt(txn, ReceiptFromProvider(attempt_id, Said.DELIVERED, answer.provider_id), on_dead_letter)
    if answer.failed is not None:
        failed = ReceiptFromProvider(attempt_id, Said.FAILED, answer.provider_id, answer.failed)
        note_receipt(txn, failed, on_dead_letter)


def _stumble(this: _Round, message_id: UUID, token: UUID, error: str) -> str:
    """A message that raises is put behind the others, and after some tries becomes a person's task."""
    try:
        with this.db.transaction(DISPATCHER) as txn:
            message = outbox.take(txn, message_id, token)
            if message is not None:
                settling.stumble(txn, message, error, this.on_dead_letter)
    except Exception:
        # The claim runs out by itself.
        log.exception("a message could not be put back", extra={"message_id": str(message_id)})
    return "stumbled"


__all__ = ["Attempt", "Counts", "Decision", "Later", "Release", "Send", "Suppress", "dispatch_due", "settle"]

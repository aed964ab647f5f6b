"""Sending what is due: claim, let go of the database, decide, speak, settle.

One transaction a step, and none open while a provider answers. A message that cannot be prepared moves on by
itself and never holds up the others.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from backend import clock
from backend.config import Settings
from backend.db import Database, Transaction, system
from backend.terms import ChannelKind, Language
from notifications import opt_outs, outbox, settling
from notifications.channels import Accepted, Channel, Envelope, Removed, Undeliverable
from notifications.models import Attempt, Message
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from notifications.settling import DeadLetter
from notifications.templates import Template, render

log = logging.getLogger(__name__)

DISPATCHER = system("dispatcher")
BATCH = 50


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
    channel: Channel
    envelope: Envelope
    lease_until: datetime


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

    Any number of workers may run this at once.
    """
    this = _Round(db, channels, release, on_dead_letter, templates, settings.lease_seconds)
    due_by = clock.now()
    counts: Counter[str] = Counter()
    while True:
        with db.transaction(DISPATCHER) as txn:
            claim = outbox.claim(txn, due_by=due_by, lease_seconds=this.lease_seconds, limit=BATCH)
        if not claim.message_ids:
            return dict(counts)
        for message_id in claim.message_ids:
            counts[_dispatch(this, message_id, claim.token)] += 1


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
                return "expired" if reason == EXPIRED else "suppressed"
            case Later(at, reason):
                outbox.postpone(txn, message, at, reason)
                return "later"
            case Send() as send:
                return _begin(this, txn, message, send)


EXPIRED = outbox.EXPIRED
OPTED_OUT = "opted_out"


def _decision(this: _Round, txn: Transaction, message: Message) -> Decision:
    """The trial's decision, within what the mailroom itself must keep: expiry, and STOP at the number."""
    if _is_past(message, txn.now):
        return Suppress(EXPIRED)
    decision = this.release(txn, message)
    if isinstance(decision, Later) and _is_past(message, decision.at):
        return Suppress(EXPIRED)
    if isinstance(decision, Send) and decision.channel == ChannelKind.SMS:
        template = this.templates[message.template]
        if not template.answers_after_stop and opt_outs.has_stopped(txn, decision.address):
            return Suppress(OPTED_OUT)
    return decision


def _is_past(message: Message, moment: datetime) -> bool:
    return message.expires_at is not None and moment >= message.expires_at


def _begin(this: _Round, txn: Transaction, message: Message, send: Send) -> _Spoken:
    channel = this.channels.get(send.channel) or Removed()
    template = this.templates[message.template]
    text = render(template, send.language, send.values, signed=send.channel == ChannelKind.SMS)
    envelope = Envelope(send.address, text, send.language, template.name, send.values)
    attempt = outbox.begin(
        txn, message, envelope, channel=send.channel, version=template.version, lease_seconds=this.lease_seconds
    )
    assert message.lease_until is not None
    return _Spoken(attempt.id, channel, envelope, message.lease_until)


def _speak(this: _Round, spoken: _Spoken) -> str:
    """The only place where a provider is called: no transaction is open here."""
    if clock.wall() >= spoken.lease_until:
        # This process was held up so long that another may already be finding out. It must not speak now.
        return "too_late"
    try:
        answer = spoken.channel.send(spoken.envelope, spoken.attempt_id)
    except Undeliverable as refusal:
        with this.db.transaction(DISPATCHER) as txn:
            settling.refuse(txn, spoken.attempt_id, refusal, this.on_dead_letter)
        return "refused"
    with this.db.transaction(DISPATCHER) as txn:
        settle(txn, spoken.attempt_id, answer, this.on_dead_letter)
    return "sent"


def settle(txn: Transaction, attempt_id: UUID, answer: Accepted, on_dead_letter: DeadLetter) -> None:
    """The provider has it; when its answer was also a receipt, that is kept as one."""
    settling.settle(txn, attempt_id, answer)
    if answer.delivered:
        note_receipt(txn, ReceiptFromProvider(attempt_id, Said.DELIVERED, answer.provider_id), on_dead_letter)


def _stumble(this: _Round, message_id: UUID, token: UUID, error: str) -> str:
    """A message that raises is put behind the others, and after some tries becomes a person's task."""
    try:
        with this.db.transaction(DISPATCHER) as txn:
            message = outbox.take(txn, message_id, token)
            if message is not None:
                settling.try_again_or_give_up(
                    txn, message, None, reason=error, permanent=False, on_dead_letter=this.on_dead_letter
                )
    except Exception:
        # The claim runs out by itself.
        log.exception("a message could not be put back", extra={"message_id": str(message_id)})
    return "stumbled"


__all__ = ["Attempt", "Counts", "Decision", "Later", "Release", "Send", "Suppress", "dispatch_due", "settle"]

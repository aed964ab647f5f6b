"""A breath: the messages that are begun in one transaction, one of each patient, and committed before any is said.

What holds for one message holds for each of them. Its row, its number and whatever the trial holds still are held from
the decision to that commit; it becomes ``sending`` by compare-and-set under the claim's own token, with an attempt of
its own; and if one of them cannot be prepared, none has been begun.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, bindparam, func, insert, select, update

from backend import clock
from backend.among import among
from backend.db import Database, Transaction, system
from backend.indexes import word
from backend.sealing import STUDY, open_keys, seal
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from notifications import breakers, outbox
from notifications.breakers import Gate
from notifications.channels import Channel, Envelope, Removed
from notifications.deciding import Decided, Send, Trial, decide, keep_back
from notifications.models import Attempt, Message
from notifications.outbox import Claim
from notifications.settling import DeadLetter
from notifications.templates import Template, render, segment_count

DISPATCHER = system("dispatcher")
OPEN = Gate()

_ATTEMPTS, _MESSAGES = Attempt.__table__, Message.__table__
assert isinstance(_ATTEMPTS, Table)
assert isinstance(_MESSAGES, Table)
# Plain columns, and nothing to return: many rows go in one statement.
_WRITE = insert(_ATTEMPTS)
_EARLIER = (
    select(_ATTEMPTS.c.message_id, func.max(_ATTEMPTS.c.number))
    .where(among(_ATTEMPTS.c.message_id, "ids"))
    .group_by(_ATTEMPTS.c.message_id)
)
_MOVE = (
    update(_MESSAGES)
    .where(
        among(_MESSAGES.c.id, "ids"),
        _MESSAGES.c.status == word(MessageStatus.CLAIMED),
        _MESSAGES.c.lease_token == bindparam("token"),
    )
    .values(
        status=MessageStatus.SENDING,
        reason=None,
        channel=bindparam("way"),
        language=bindparam("in_language"),
        lease_until=bindparam("until"),
    )
    .returning(_MESSAGES.c.id)
)


@dataclass(frozen=True)
class Round:
    """What every step of one run needs."""

    db: Database
    channels: Mapping[str, Channel]
    trial: Trial
    on_dead_letter: DeadLetter
    templates: Mapping[str, Template]
    lease_seconds: float


@dataclass(frozen=True)
class Spoken:
    """What is to be said, now that it is written down that it will be."""

    attempt_id: UUID
    message_id: UUID
    # The claim's. For as long as the message has it nobody else has changed anything of it or of this attempt.
    token: UUID
    way: str
    channel: Channel
    envelope: Envelope
    lease_until: datetime
    # By the clock that nobody sets. From then on less than half of the lease is left.
    too_late_at: float
    finds_out: bool


@dataclass(frozen=True)
class Begun:
    """What may be said now, what became of the others, and what somebody else held just then."""

    spoken: Sequence[Spoken]
    counts: Mapping[str, int]
    held_by_others: Sequence[UUID]


@dataclass(frozen=True)
class _Beginning:
    """One that goes out, and all that is written down of it."""

    message: Message
    send: Send
    envelope: Envelope
    finds_out: bool
    id: UUID

    __tablename__ = Attempt.__tablename__

    @property
    def key_owner_id(self) -> UUID:
        return self.message.patient_id or STUDY

    @property
    def row_id(self) -> str:
        return str(self.id)


def begin(this: Round, claim: Claim, some: Sequence[UUID]) -> Begun:
    """Decide about some messages of a claim, and commit that those which may go out are about to be said.

    Raises whatever keeps one of them from being prepared: then nothing has happened to any.
    """
    with this.db.transaction(DISPATCHER) as txn:
        # Whoever acts about a patient takes the patient first and the messages after, and so does this.
        patients = {owner for one in some if (owner := claim.whose[one])}
        release = this.trial(txn, patients)
        messages = outbox.take(txn, some, claim.token)
        keys = open_keys(txn, {message.key_owner_id for message in messages})
        decided = decide(txn, release, messages, this.templates, again=lambda: this.trial(txn, patients))
        counts, going = _keep_back(this, txn, decided)
        spoken = _write_down(this, txn, going, claim.token)
        counts["recalled"] += len(going) - len(spoken)
        # Nothing may be able to fail between the commit and the calls.
        begun = _begun(spoken, counts, some, {message.id for message, _ in decided.messages})
        del keys
    return begun


def _begun(spoken: Sequence[Spoken], counts: Counter[str], some: Sequence[UUID], taken: Collection[UUID]) -> Begun:
    missing = [one for one in some if one not in taken]
    if len(some) > 1:
        return Begun(spoken, +counts, missing)
    # It was waited for, and is not ours any more.
    counts["recalled"] += len(missing)
    return Begun(spoken, +counts, ())


def _keep_back(this: Round, txn: Transaction, decided: Decided) -> tuple[Counter[str], list[_Beginning]]:
    counts: Counter[str] = Counter()
    going: list[_Beginning] = []
    for message, said in decided.messages:
        # Deciding about one may have recalled another.
        if message.status != MessageStatus.CLAIMED:
            counts["recalled"] += 1
        elif not isinstance(said, Send):
            counts[keep_back(txn, message, said, this.on_dead_letter)] += 1
        elif (gate := _gate(txn, said.channel, decided.shut)).shut_until is None:
            going.append(_Beginning(message, said, _envelope(this, message, said), gate.finds_out, uuid4()))
        else:
            # Not by a way that is shut, but for the one message that finds out whether it still is.
            wait = gate.shut_until - clock.wall()
            outbox.postpone(txn, message, txn.now + wait, breakers.STOPPED)
            counts["held"] += 1
    txn.session.flush()
    return counts, going


def _gate(txn: Transaction, channel: str, shut: Collection[str]) -> Gate:
    """A way that is shut is asked after for each message, as it lets one through now and then."""
    return breakers.gate(txn, channel) if channel in shut else OPEN


def _envelope(this: Round, message: Message, send: Send) -> Envelope:
    template = this.templates[send.template or message.template]
    words = render(template, send.language, send.values, signed=send.channel == ChannelKind.SMS)
    return Envelope(send.address, words, send.language, template.name, send.values)


def _write_down(this: Round, txn: Transaction, going: Sequence[_Beginning], token: UUID) -> list[Spoken]:
    """Move the rows to ``sending``, and write an attempt for each that moved."""
    if not going:
        return []
    lease_until = clock.wall() + timedelta(seconds=this.lease_seconds)
    moved = _moved(txn, going, token, lease_until)
    begun = [one for one in going if one.message.id in moved]
    earlier = _earlier(txn, begun)
    if begun:
        txn.connection.execute(_WRITE, [_attempt(this, txn, one, earlier.get(one.message.id, 0) + 1) for one in begun])
    too_late_at = monotonic() + this.lease_seconds / 2
    ways = [(one.send.channel, _channel(this, one.send)) for one in begun]
    return [
        Spoken(one.id, one.message.id, token, *way, one.envelope, lease_until, too_late_at, one.finds_out)
        for one, way in zip(begun, ways, strict=True)
    ]


def _moved(txn: Transaction, going: Sequence[_Beginning], token: UUID, lease_until: datetime) -> set[UUID]:
    """Which of them were ours to the last: one statement for each way and language."""
    alike: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for one in going:
        alike[one.send.channel, one.send.language].append(one.message.id)
    moved: set[UUID] = set()
    for (way, language), ids in alike.items():
        chosen = {"ids": ids, "token": token, "way": way, "in_language": language, "until": lease_until}
        moved.update(txn.connection.scalars(_MOVE, chosen))
    return moved


def _earlier(txn: Transaction, begun: Sequence[_Beginning]) -> Mapping[UUID, int]:
    """By message, the number of its last attempt, of those that were tried before: these have a way already."""
    tried = [one.message.id for one in begun if one.message.channel is not None]
    return dict(txn.connection.execute(_EARLIER, {"ids": tried}).all()) if tried else {}


def _attempt(this: Round, txn: Transaction, one: _Beginning, number: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "message_id": one.message.id,
        "patient_id": one.message.patient_id,
        "key_owner_id": one.key_owner_id,
        "number": number,
        "channel": one.send.channel,
        "gateway": _channel(this, one.send).gateway,
        "language": one.send.language,
        "template": one.envelope.template,
        "template_version": this.templates[one.envelope.template].version,
        "address_sealed": seal(txn, one, "address_sealed", one.envelope.address),
        "body_sealed": seal(txn, one, "body_sealed", one.envelope.text),
        "segments": segment_count(one.envelope.text) if one.send.channel == ChannelKind.SMS else None,
        "status": AttemptStatus.SENDING,
        "started_at": txn.now,
        "called_at": clock.wall(),
        "looks": 0,
    }


def _channel(this: Round, send: Send) -> Channel:
    return this.channels.get(send.channel) or Removed()

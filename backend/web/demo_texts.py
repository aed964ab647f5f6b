"""What one phone of a demo shows: its texts with what became of each, and what did not reach it, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from backend.agenda.planning import REPLANNED
from backend.db import Transaction
from backend.patients import contact
from backend.sealing import keyring_of, unseal
from backend.terms import ChannelKind, Direction, MessageStatus, Recipient
from notifications.channels.simulator import IN_ORDER
from notifications.inbound import BEING_READ
from notifications.inbox import ON_TOP, RESOLVED
from notifications.models import Attempt, InboundMessage, Message, SimulatedText

NEVER_SENT = (MessageStatus.SUPPRESSED, MessageStatus.CANCELLED, MessageStatus.FAILED)
# Enough to understand the last year of a phone.
MOST_NOT_SENT = 300


@dataclass(frozen=True)
class ShownText:
    """A text on a phone. ``state`` says how far ours came, or what was made of the phone's own; None: not known."""

    direction: Direction
    text: str
    at: datetime
    state: str | None
    template: str | None


@dataclass(frozen=True)
class NotSent:
    """Texts that did not leave, or wait: ``count`` of them that were decided about together.

    ``state`` is a word of ``MessageStatus``; ``queued`` waits ``until``, and ``at`` is then when it was due. ``in_app``
    was shown in the app instead.
    """

    state: str
    reason: str | None
    template: str
    at: datetime
    until: datetime | None
    count: int


def shown_on(txn: Transaction, number: str) -> list[ShownText]:
    """Everything on one phone, oldest first."""
    index = keyring_of(txn).blind_index("phone", number)
    ours, theirs = _what_became_of_ours(txn, index), _what_was_made_of_theirs(txn, index)
    rows = txn.session.scalars(select(SimulatedText).where(SimulatedText.number_index == index).order_by(*IN_ORDER))
    return [_shown(txn, row, ours, theirs) for row in rows]


def not_sent_to(txn: Transaction, number: str) -> list[NotSent]:
    """What was meant for this phone and did not leave, oldest first, and then what waits."""
    rows = txn.session.scalars(
        select(Message)
        .where(_meant_for(txn, number), or_(_was_never_sent(), _went_to_the_app(), _is_held(txn)))
        .order_by(Message.created_at.desc(), Message.id)
        .limit(MOST_NOT_SENT)
    )
    noted = sorted((_note_of(row) for row in rows), key=lambda one: (one.until is not None, one.at, _alike(one)))
    return [_together(list(same)) for _, same in groupby(noted, key=_alike)]


def _shown(
    txn: Transaction, row: SimulatedText, ours: Mapping[UUID, tuple[str, str]], theirs: Mapping[str, str]
) -> ShownText:
    state, template = ours.get(row.attempt_id, (None, None)) if row.attempt_id else (None, None)
    if row.direction == Direction.INBOUND:
        state = theirs.get(f"simulated-{row.id}")
    return ShownText(Direction(row.direction), unseal(txn, row, "text_sealed") or "", row.at, state, template)


def _what_became_of_ours(txn: Transaction, index: str) -> dict[UUID, tuple[str, str]]:
    """By attempt: how far its message came, and which it was."""
    said = (
        select(Attempt.id, Message.status, Message.template)
        .join(Message, Message.id == Attempt.message_id)
        .join(SimulatedText, SimulatedText.attempt_id == Attempt.id)
        .where(SimulatedText.number_index == index)
    )
    return {row.id: (row.status, row.template) for row in txn.session.execute(said)}


def _what_was_made_of_theirs(txn: Transaction, index: str) -> dict[str, str]:
    """By the simulator's id."""
    said = select(InboundMessage).where(InboundMessage.number_index == index)
    return {one.provider_id: _standing(one) for one in txn.session.scalars(said)}


def _standing(received: InboundMessage) -> str:
    if received.handled_at is not None:
        return "settled" if received.handled_how == RESOLVED else "handled"
    if received.handled_how in (None, BEING_READ):
        return "waiting"
    return "urgent" if received.handled_how in ON_TOP else "for_a_person"


def _meant_for(txn: Transaction, number: str) -> ColumnElement[bool]:
    """By whose number it is now; an answer is meant for the number that wrote."""
    patients = [one.id for one in contact.patients_by_phone(txn, number)]
    caregivers = [one.id for one in contact.caregivers_by_phone(txn, number)]
    wrote = select(InboundMessage.id).where(InboundMessage.number_index == keyring_of(txn).blind_index("phone", number))
    unasked = Message.in_reply_to.is_(None)
    return or_(
        and_(Message.recipient == Recipient.PATIENT, Message.patient_id.in_(patients), unasked),
        and_(Message.recipient == Recipient.CAREGIVER, Message.caregiver_id.in_(caregivers), unasked),
        Message.in_reply_to.in_(wrote),
    )


def _was_never_sent() -> ColumnElement[bool]:
    """What was planned anew before its time came is no news to anybody."""
    return and_(Message.status.in_(NEVER_SENT), Message.reason.is_distinct_from(REPLANNED))


def _went_to_the_app() -> ColumnElement[bool]:
    is_told = Message.status.in_((MessageStatus.SENT, MessageStatus.DELIVERED))
    return and_(is_told, Message.channel == ChannelKind.IN_APP)


def _is_held(txn: Transaction) -> ColumnElement[bool]:
    is_put_off = and_(Message.reason.is_not(None), Message.send_at <= txn.now)
    return and_(Message.status == MessageStatus.QUEUED, is_put_off)


def _note_of(message: Message) -> NotSent:
    is_held = message.status == MessageStatus.QUEUED
    return NotSent(
        state="in_app" if message.channel == ChannelKind.IN_APP else message.status,
        reason=message.reason,
        template=message.template,
        at=message.send_at if is_held else message.settled_at or message.send_at,
        until=message.next_try_at if is_held else None,
        count=1,
    )


def _alike(note: NotSent) -> tuple[str, str, str, str]:
    minute = note.at.replace(second=0, microsecond=0).isoformat()
    return minute, note.state, note.reason or "", str(note.until or "")


def _together(notes: Sequence[NotSent]) -> NotSent:
    first = notes[0]
    return NotSent(first.state, first.reason, first.template, first.at, first.until, len(notes))

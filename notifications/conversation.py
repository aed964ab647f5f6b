"""What was said between a patient and us, both ways, in the words that were really used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import false, or_, select, tuple_

from backend.db import Transaction
from backend.sealing import unseal
from backend.terms import AttemptStatus, ChannelKind, Direction, Recipient
from notifications.inbound import REFUSED_REPORT, text_of
from notifications.models import Attempt, InboundMessage, Message

SAID = (AttemptStatus.SENDING, AttemptStatus.IN_DOUBT, AttemptStatus.ACCEPTED)


@dataclass(frozen=True)
class Line:
    """One text, of ours or of theirs. ``message_id`` is the message that a text of ours was an attempt at."""

    id: UUID
    direction: Direction
    channel: ChannelKind
    text: str
    at: datetime
    message_id: UUID | None = None


def conversation_with(
    txn: Transaction,
    patient_id: UUID,
    *,
    limit: int = 50,
    before: tuple[datetime, UUID] | None = None,
    only_from: Collection[str | None] | None = None,
) -> list[Line]:
    """The newest lines first; ``before`` is the time and id of the last line already seen.

    Only what was said to the patient, not to caregivers or staff, and only what was not refused. ``only_from``
    keeps texts to those from these number indexes (None among them: written in the app), because a caregiver's
    text about the patient is not the patient's to read.
    """
    lines = _ours(txn, patient_id, limit, before) + _theirs(txn, patient_id, limit, before, only_from)
    return sorted(lines, key=lambda line: (line.at, line.id), reverse=True)[:limit]


def _ours(txn: Transaction, patient_id: UUID, limit: int, before: tuple[datetime, UUID] | None) -> list[Line]:
    attempts = (
        select(Attempt)
        .join(Message, Message.id == Attempt.message_id)
        .where(Attempt.patient_id == patient_id, Message.recipient == Recipient.PATIENT, Attempt.status.in_(SAID))
        .order_by(Attempt.started_at.desc(), Attempt.id.desc())
        .limit(limit)
    )
    if before:
        attempts = attempts.where(tuple_(Attempt.started_at, Attempt.id) < before)
    return [
        Line(
            row.id,
            Direction.OUTBOUND,
            ChannelKind(row.channel),
            unseal(txn, row, "body_sealed") or "",
            row.started_at,
            row.message_id,
        )
        for row in txn.session.scalars(attempts)
    ]


def _theirs(
    txn: Transaction,
    patient_id: UUID,
    limit: int,
    before: tuple[datetime, UUID] | None,
    only_from: Collection[str | None] | None,
) -> list[Line]:
    texts = (
        select(InboundMessage)
        .where(
            InboundMessage.patient_id == patient_id,
            # A questionnaire that was not accepted is no line of a conversation.
            ~InboundMessage.provider_id.startswith(REFUSED_REPORT, autoescape=True),
        )
        .order_by(InboundMessage.received_at.desc(), InboundMessage.id.desc())
        .limit(limit)
    )
    if before:
        texts = texts.where(tuple_(InboundMessage.received_at, InboundMessage.id) < before)
    if only_from is not None:
        numbers = [index for index in only_from if index is not None]
        in_the_app = InboundMessage.number_index.is_(None) if None in only_from else false()
        texts = texts.where(or_(InboundMessage.number_index.in_(numbers), in_the_app))
    return [
        Line(row.id, Direction.INBOUND, ChannelKind(row.channel), text_of(txn, row), row.received_at)
        for row in txn.session.scalars(texts)
    ]

"""The last lines between us and each of many numbers, both ways: what a text that a person reads came after."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from backend.db import Transaction
from backend.sealing import STUDY, keyring_of, open_keys, unseal
from backend.terms import ChannelKind, Direction, Recipient
from notifications.conversation import SAID, Line
from notifications.inbound import REFUSED_REPORT, text_of
from notifications.models import Attempt, InboundMessage, Message

MOST_LINES = 30
# What was said longer ago explains no text of today.
LOOKS_BACK = timedelta(days=120)
# A number's index; or, of what is written in the app, whose it is.
Place = str | UUID


@dataclass(frozen=True)
class _Asked:
    """Whose lines are wanted. Of whoever is not among ``patients`` nothing is shown."""

    numbers: Collection[str]
    patients: Collection[UUID]
    since: datetime


def place_of(received: InboundMessage) -> Place | None:
    """Where a text was written: at a number, or in a patient's app."""
    return received.number_index or received.patient_id


def last_said(
    txn: Transaction, texts: Sequence[InboundMessage], patient_ids: Collection[UUID]
) -> Mapping[Place, Sequence[Line]]:
    """By place, the last lines there, the newest last.

    To a number belongs what really went there, whosever it was. Lines of patients other than ``patient_ids`` are left
    out: the reader has nothing to do with them.
    """
    keys = open_keys(txn, [*patient_ids, STUDY])
    asked = _Asked([one.number_index for one in texts if one.number_index], list(patient_ids), txn.now - LOOKS_BACK)
    lines: dict[Place, list[Line]] = {}
    for place, line in (*_ours(txn, asked), *_theirs(txn, asked)):
        lines.setdefault(place, []).append(line)
    # Held until here, because the session forgets keys that nobody holds.
    del keys
    return {place: sorted(said, key=_in_order)[-MOST_LINES:] for place, said in lines.items()}


def _in_order(line: Line) -> tuple[datetime, bool, UUID]:
    """Of one moment what was written to us first: the rest may be the answer to it."""
    return line.at, line.direction is Direction.OUTBOUND, line.id


def _ours(txn: Transaction, asked: _Asked) -> Iterable[tuple[Place, Line]]:
    """What was said to these patients and their caregivers, and what was answered to whoever had such a number."""
    to_them = and_(
        Attempt.patient_id.in_(asked.patients), Message.recipient.in_((Recipient.PATIENT, Recipient.CAREGIVER))
    )
    wrote = select(InboundMessage.id).where(InboundMessage.number_index.in_(asked.numbers))
    to_strangers = and_(Message.patient_id.is_(None), Message.in_reply_to.in_(wrote))
    for condition in (to_them, to_strangers):
        for row in txn.session.scalars(_newest_attempts(condition, asked.since)):
            place = _place_of_ours(txn, row)
            if place is not None:
                words = unseal(txn, row, "body_sealed") or ""
                yield place, Line(row.id, Direction.OUTBOUND, ChannelKind(row.channel), words, row.started_at)


def _newest_attempts(condition: ColumnElement[bool], since: datetime) -> Select[Attempt]:
    """Of each who was spoken to, the last few by each way; answers to each number by themselves."""
    each = (Message.patient_id, Message.caregiver_id, InboundMessage.number_index, Attempt.channel)
    ranked = (
        select(Attempt.id, _place_in_line(each, Attempt.started_at, Attempt.id))
        .join(Message, Message.id == Attempt.message_id)
        .outerjoin(InboundMessage, InboundMessage.id == Message.in_reply_to)
        .where(condition, Attempt.started_at >= since, Attempt.status.in_(SAID))
        .subquery()
    )
    return select(Attempt).join(ranked, ranked.c.id == Attempt.id).where(ranked.c.place <= MOST_LINES)


def _place_of_ours(txn: Transaction, attempt: Attempt) -> Place | None:
    if attempt.channel != ChannelKind.SMS:
        return attempt.patient_id
    address = unseal(txn, attempt, "address_sealed")
    return keyring_of(txn).blind_index("phone", address) if address else None


def _theirs(txn: Transaction, asked: _Asked) -> Iterable[tuple[Place, Line]]:
    at_a_number = InboundMessage.number_index.in_(asked.numbers)
    in_the_app = and_(InboundMessage.number_index.is_(None), InboundMessage.patient_id.in_(asked.patients))
    each = (InboundMessage.number_index, InboundMessage.patient_id)
    ranked = (
        select(InboundMessage.id, _place_in_line(each, InboundMessage.received_at, InboundMessage.id))
        .where(
            or_(at_a_number, in_the_app),
            or_(InboundMessage.patient_id.is_(None), InboundMessage.patient_id.in_(asked.patients)),
            InboundMessage.received_at >= asked.since,
            # A questionnaire that was not accepted is no line of a conversation.
            ~InboundMessage.provider_id.startswith(REFUSED_REPORT, autoescape=True),
        )
        .subquery()
    )
    rows = select(InboundMessage).join(ranked, ranked.c.id == InboundMessage.id).where(ranked.c.place <= MOST_LINES)
    for row in txn.session.scalars(rows):
        place = place_of(row)
        if place is not None:
            yield place, Line(row.id, Direction.INBOUND, ChannelKind(row.channel), text_of(txn, row), row.received_at)


def _place_in_line(each: Sequence[Any], at: Any, row_id: Any) -> Any:
    return func.row_number().over(partition_by=each, order_by=(at.desc(), row_id.desc())).label("place")

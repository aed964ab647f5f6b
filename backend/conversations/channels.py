"""The ladder of channels: what did not reach a patient one way in time is said once more, the next way.

Text messages go first wherever the patient allows them, because the app cannot call anybody to its inbox. A step is
taken when a text was not delivered, or a message in the app not opened, within the protocol's hours. The next way
has a message of its own, under a key of its own, so that two workers never take one step twice; whether it may still
go is decided at release like that of any other.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update

import notifications
from backend import audit
from backend.agenda.calendar import by_key
from backend.agenda.history import agenda_of
from backend.agenda.planning import INSTEAD_OF
from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.db import Database, Transaction, system
from backend.indexes import word
from backend.patients import contact
from backend.patients.models import Patient
from backend.patients.new_numbers import PLEASE_CONFIRM
from backend.protocol.load import protocol_of
from backend.sealing import is_forgotten
from backend.terms import NO_LONGER_FOLLOWED, PATIENT_CHANNELS, ChannelKind, MessageStatus, Recipient, Urgency
from notifications import Letter, numbers, opt_outs
from notifications.models import Message
from notifications.outbox import hold

LISTENER = system("listener")
# By which way alone a message is to go, among its values.
BY = "by"
# Older ones are left: whoever was not reached for two days is telephoned by then.
LOOKED_BACK = timedelta(days=2)
BATCH = 200

log = logging.getLogger(__name__)


def fall_back(db: Database) -> dict[str, int]:
    """Say by the next channel what the first did not bring in time, one message a transaction; says how many."""
    with db.reading(LISTENER) as txn:
        unheard = to_say_again(txn)
    return say_again(db, unheard)


def to_say_again(txn: Transaction) -> Sequence[UUID]:
    """Messages that have waited long enough and may be heard by another channel. So many as are said in one go."""
    # No number of those that have no other way may hide one that has.
    waited = (txn.session.get_one(Message, one.id) for one in _unheard(txn) if _has_waited(txn, one))
    return list(islice((one.id for one in waited if next_channel(txn, one) is not None), BATCH))


def say_again(db: Database, unheard: Sequence[UUID]) -> dict[str, int]:
    """Take the next step of each, where nobody else has done so meanwhile."""
    taken = 0
    for message_id in unheard:
        try:
            with db.transaction(LISTENER) as txn:
                taken += take_next_step(txn, message_id)
        except Exception:
            # One that cannot be looked at must not keep back the others.
            log.exception("the next channel could not be tried", extra={"message_id": str(message_id)})
    return {"fell_back": taken} if taken else {}


def take_next_step(txn: Transaction, message_id: UUID) -> bool:
    """Queue a message again for its next channel. False when it needs none, or another has done so."""
    message = hold(txn, message_id)
    channel = next_channel(txn, message)
    if channel is None:
        return False
    queued = notifications.queue(txn, _again(txn, message, channel))
    if queued is None:
        return False
    audit.note(txn, "message.fell_back", queued)
    return True


def next_channel(txn: Transaction, message: Message) -> ChannelKind | None:
    """Which way to try now; None while there is time, when it was heard or is worthless, or when no way is left."""
    if message.patient_id is None or INSTEAD_OF in message.values or not _is_unheard(message):
        return None
    patient = txn.session.get_one(Patient, message.patient_id)
    if not _has_waited(txn, _Unheard.of(message, patient)) or _may_not_hear(txn, patient):
        return None
    ways = (ChannelKind(name) for name in patient.channels if name != message.channel)
    way = next((way for way in ways if _is_open(txn, message, way)), None)
    # Asked last, because it takes the whole agenda.
    return way if way is not None and _is_worth_it(txn, patient, message) else None


def next_fall_back(txn: Transaction, after: datetime) -> datetime | None:
    """When the next message will have waited long enough, if nobody hears it before."""
    times = (_time_of(txn, one) for one in _unheard(txn))
    return min((at for at in times if at > after), default=None)


def note_opened(txn: Transaction, message_ids: Collection[UUID]) -> None:
    """The app has shown these to the patient. The first time counts."""
    shown = txn.session.scalars(
        update(Message)
        .where(Message.id.in_(message_ids), *_NOT_OPENED)
        .values(opened_at=txn.now)
        .returning(Message)
        .execution_options(synchronize_session=False)
    ).all()
    for message in shown:
        audit.note(txn, "message.opened", message)


def unopened(txn: Transaction, message_ids: Collection[UUID]) -> Sequence[UUID]:
    """Which of these messages in the app the patient had not seen before."""
    return txn.session.scalars(select(Message.id).where(Message.id.in_(message_ids), *_NOT_OPENED)).all()


_NOT_OPENED = (Message.channel == ChannelKind.IN_APP, Message.opened_at.is_(None))


class _Unheard(NamedTuple):
    """What it takes to see whether a message has waited long enough, and for whom there is another way."""

    id: UUID
    channel: str | None
    urgency: str
    settled_at: datetime | None
    ways: Collection[str]
    protocol_version_id: UUID

    @classmethod
    def of(cls, message: Message, patient: Patient) -> Self:
        """The same of a message that has been read whole."""
        settled_at, version_id = message.settled_at, patient.protocol_version_id
        return cls(message.id, message.channel, message.urgency, settled_at, patient.channels, version_id)


_ROW, _PATIENT = Message.__table__.c, Patient.__table__.c
# What has left lately and shows no sign of having been heard, by the index that holds just these. Kept apart, because
# SQLite would otherwise go by the status, which nearly all messages there ever were have in common.
_OF_EACH = ("id", "patient_id", "key", "template", "recipient", "channel", "urgency", "status", "settled_at")
_LATELY = (
    select(*(_ROW[name] for name in (*_OF_EACH, "in_reply_to", "words_sealed")))
    .where(_ROW.answered_at.is_(None), _ROW.opened_at.is_(None), _ROW.settled_at > bindparam("since"))
    .cte("lately")
    .prefix_with("MATERIALIZED")
)
_LEFT, _AGAIN = _LATELY.c, Message.__table__.alias("again").c
_NOT_HEARD: ColumnElement[bool] = and_(
    _LEFT.recipient == word(Recipient.PATIENT),
    _LEFT.channel.is_not(None),
    # Answers go back the way the question came; what the team asks in its own words is that message's alone.
    _LEFT.in_reply_to.is_(None),
    _LEFT.words_sealed.is_(None),
    # Only the number itself can show whose it is.
    _LEFT.template != PLEASE_CONFIRM,
    or_(
        _LEFT.status.in_((word(MessageStatus.SENT), word(MessageStatus.FAILED))),
        and_(_LEFT.status == word(MessageStatus.DELIVERED), _LEFT.channel == word(ChannelKind.IN_APP)),
    ),
)
_WAS_SAID_AGAIN = exists().where(
    _AGAIN.patient_id == _LEFT.patient_id,
    _AGAIN.key.in_([_LEFT.key + f"/{channel}" for channel in PATIENT_CHANNELS]),
)
# Every minute asks, and most of it has no other way or time left: so it is put together once, of plain columns.
_UNHEARD = (
    select(_LEFT.id, _LEFT.channel, _LEFT.urgency, _LEFT.settled_at, _PATIENT.channels, _PATIENT.protocol_version_id)
    .join(Patient.__table__, _PATIENT.id == _LEFT.patient_id)
    .where(_NOT_HEARD, ~_WAS_SAID_AGAIN)
    .order_by(_LEFT.settled_at, _LEFT.id)
)


def _unheard(txn: Transaction) -> Iterator[_Unheard]:
    return map(_Unheard._make, txn.connection.execute(_UNHEARD, {"since": txn.now - LOOKED_BACK}))


def _has_waited(txn: Transaction, message: _Unheard) -> bool:
    """Whether there is another way, and the time for being heard by this one is over."""
    return not set(message.ways) <= {message.channel} and _time_of(txn, message) <= txn.now


def _is_unheard(message: Message) -> bool:
    """As it is now, once it is held."""
    if message.answered_at or message.opened_at:
        return False
    if message.status in (MessageStatus.SENT, MessageStatus.FAILED):
        return True
    return message.status == MessageStatus.DELIVERED and message.channel == ChannelKind.IN_APP


def _may_not_hear(txn: Transaction, patient: Patient) -> bool:
    has_ended = patient.status in NO_LONGER_FOLLOWED
    return has_ended or is_forgotten(txn, patient.id) or bool(contact.holds(txn, patient))


def _time_of(txn: Transaction, message: _Unheard) -> datetime:
    """When it has waited long enough to be heard."""
    usual = protocol_of(txn, message.protocol_version_id).messaging
    hours = usual.fallback_safety_hours if message.urgency == Urgency.SAFETY else usual.fallback_hours
    assert message.settled_at is not None, "It has left."
    return message.settled_at + timedelta(hours=hours)


def _is_worth_it(txn: Transaction, patient: Patient, message: Message) -> bool:
    """Not once it has expired, or what it was about is done, is stopped or has moved to another day."""
    if message.expires_at is not None and message.expires_at <= txn.now:
        return False
    if message.agenda_key is None:
        return True
    item = by_key(agenda_of(txn, patient)).get(message.agenda_key)
    return item is not None and item.state in AHEAD_OR_OPEN and item.due_on.isoformat() in message.key


def _is_open(txn: Transaction, message: Message, way: ChannelKind) -> bool:
    if way is not ChannelKind.SMS:
        return True
    number = contact.address_of(txn, message)
    return number is not None and not opt_outs.seems_stopped(txn, number) and numbers.standing(txn, number) is None


def _again(txn: Transaction, message: Message, channel: ChannelKind) -> Letter:
    return Letter(
        key=f"{message.key}/{channel}",
        template=message.template,
        recipient=Recipient(message.recipient),
        send_at=txn.now,
        urgency=Urgency(message.urgency),
        patient_id=message.patient_id,
        site_id=message.site_id,
        values={**message.values, BY: channel, INSTEAD_OF: message.key},
        agenda_key=message.agenda_key,
        asks=message.asks,
        local_date=message.local_date,
        local_time=message.local_time,
        zone=message.zone,
        expires_at=message.expires_at,
    )

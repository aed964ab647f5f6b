"""What waits, for many patients or for anybody, and what was queued before. Nothing is changed here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, func, select, union_all

from backend.db import Transaction
from backend.indexes import word
from backend.terms import MessageStatus
from notifications.models import UNSENT, Message
from notifications.outbox import PRIORITIES, THE_PATIENTS_SIDE, Letter


class Planned(NamedTuple):
    """A message that waits, as far as planning compares it with what is wanted."""

    key: str
    template: str
    recipient: str
    send_at: datetime
    urgency: str
    patient_id: UUID
    caregiver_id: UUID | None
    staff_id: UUID | None
    site_id: UUID | None
    in_reply_to: UUID | None
    values: Mapping[str, str]
    agenda_key: str | None
    asks: str | None
    local_date: date | None
    local_time: time | None
    zone: str | None
    expires_at: datetime | None
    priority: int


_ROW = Message.__table__.c
_WHOSE = _ROW.patient_id.in_(bindparam("whose", expanding=True, type_=Uuid()))
# What a planned message says, for many patients at once: nobody changes these rows, so they are no objects.
_WAITING = (
    select(*(_ROW[name] for name in Planned._fields))
    .where(_WHOSE, _ROW.status.in_(UNSENT), _ROW.recipient.in_(THE_PATIENTS_SIDE))
    .order_by(_ROW.send_at, _ROW.id)
)
_STANDING = select(_ROW.patient_id, _ROW.key).where(
    _WHOSE, _ROW.key.in_(bindparam("keys", expanding=True)), _ROW.status != MessageStatus.CANCELLED
)

_AFTER = bindparam("after", type_=_ROW.next_try_at.type)


def _next_due(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The first of each urgency, as the index of what is due has them; of all together it would be looked for."""
    firsts = [
        select(func.min(_ROW.next_try_at).label("at")).where(
            _ROW.status == word(MessageStatus.QUEUED), _ROW.priority == priority, *conditions
        )
        for priority in PRIORITIES
    ]
    return select(func.min(union_all(*firsts).subquery("first").c.at))


_NEXT_DUE, _NEXT_DUE_AFTER = _next_due(), _next_due(_ROW.next_try_at > _AFTER)


def next_message_at(txn: Transaction, *, after: datetime | None = None) -> datetime | None:
    """When the first of all messages that wait is to be sent, or was; with ``after``, of those due later than that.

    None where none waits.
    """
    found: datetime | None = txn.connection.scalar(_NEXT_DUE if after is None else _NEXT_DUE_AFTER, {"after": after})
    return found


def unsent(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, dict[str, Planned]]:
    """By patient and key, what is planned for them and their caregivers and can still be recalled."""
    waiting: dict[UUID, dict[str, Planned]] = {patient_id: {} for patient_id in patient_ids}
    for one in map(Planned._make, txn.connection.execute(_WAITING, {"whose": list(patient_ids)})):
        waiting[one.patient_id][one.key] = one
    return waiting


def has_been_queued(txn: Transaction, letters: Sequence[Letter]) -> Collection[tuple[UUID | None, str]]:
    """Of these letters to patients, whose and of which key stands in a row already that was not recalled."""
    if not letters:
        return ()
    chosen = {"whose": list({letter.patient_id for letter in letters}), "keys": list({one.key for one in letters})}
    return {(row.patient_id, row.key) for row in txn.connection.execute(_STANDING, chosen)}

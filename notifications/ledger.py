"""The whole life of messages, for whoever asks why something came, or did not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from backend.db import Transaction
from notifications.models import Attempt, Message

# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


@dataclass(frozen=True)
class Page:
    """Some messages, and after which one the next begin; None at the end."""

    items: Sequence[Message]
    after: tuple[datetime, UUID] | None


def messages(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    patient_id: UUID | None = None,
    status: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """The messages that ``visible`` allows, the latest planned first, by keyset."""
    wanted = select(Message).where(visible)
    if patient_id:
        wanted = wanted.where(Message.patient_id == patient_id)
    if status:
        wanted = wanted.where(Message.status == status)
    if after:
        wanted = wanted.where(tuple_(Message.send_at, Message.id) < after)
    rows = txn.session.scalars(wanted.order_by(Message.send_at.desc(), Message.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, (shown[-1].send_at, shown[-1].id) if len(rows) > limit else None)


def attempts_at(txn: Transaction, message_ids: Collection[UUID]) -> Mapping[UUID, list[Attempt]]:
    """Every try at saying these messages, the first one first."""
    tries = select(Attempt).where(Attempt.message_id.in_(message_ids)).order_by(Attempt.message_id, Attempt.number)
    found: dict[UUID, list[Attempt]] = {}
    for attempt in txn.session.scalars(tries):
        found.setdefault(attempt.message_id, []).append(attempt)
    return found

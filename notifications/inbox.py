"""The inbox: texts that nothing could understand for certain, each until a person has dealt with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, select, tuple_, update

from backend import audit
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.sealing import seal
from notifications.models import InboundMessage

RESOLVED = "resolved"
# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


@dataclass(frozen=True)
class Page:
    """Some texts, and after which one the next begin; None at the end."""

    items: Sequence[InboundMessage]
    after: tuple[datetime, UUID] | None


def waiting(
    txn: Transaction, visible: ColumnElement[bool], *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> Page:
    """Texts that nobody has dealt with, the one that waited longest first, by keyset."""
    wanted = select(InboundMessage).where(InboundMessage.handled_at.is_(None), visible)
    if after:
        wanted = wanted.where(tuple_(InboundMessage.received_at, InboundMessage.id) > after)
    in_order = (InboundMessage.received_at, InboundMessage.id)
    rows = txn.session.scalars(wanted.order_by(*in_order).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, (shown[-1].received_at, shown[-1].id) if len(rows) > limit else None)


def resolve(txn: Transaction, received: InboundMessage, outcome: str, note: str | None = None) -> InboundMessage:
    """A person has dealt with a text. Raises ``NoLongerPossible`` when it was dealt with before."""
    claim = update(InboundMessage).where(InboundMessage.id == received.id, InboundMessage.handled_at.is_(None))
    closed = txn.session.execute(claim.values(handled_at=txn.now).execution_options(synchronize_session=False))
    assert isinstance(closed, CursorResult)
    if not closed.rowcount:
        raise NoLongerPossible("This text was dealt with before.")
    received.handled_at = txn.now
    received.handled_how = RESOLVED
    received.resolved_by = txn.actor.id
    received.outcome_sealed = seal(txn, received, "outcome_sealed", outcome)
    received.note_sealed = seal(txn, received, "note_sealed", note)
    audit.record(txn, "inbound_message.resolved", received)
    txn.session.flush()
    return received

"""The inbox: texts that nothing could understand for certain, each until a person has dealt with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, select, tuple_, update

from backend import audit
from backend.db import Transaction, compare_and_set
from backend.errors import NoLongerPossible
from backend.sealing import seal
from notifications.inbound import FAILED, REFUSED_REPORT, URGENT
from notifications.models import InboundMessage

RESOLVED = "resolved"
ON_TOP = (FAILED, URGENT, REFUSED_REPORT)
UNREAD_TOO_LONG = timedelta(minutes=2)
# What orders the list, and therefore what its cursors hold: since when texts that nothing has understood stand on
# top, as it was on the first page, and then the place of the last text.
KEY = (datetime, int, datetime, UUID)
Place = tuple[datetime, int, datetime, UUID]


@dataclass(frozen=True)
class Page:
    """Some texts, and after which one the next begin; None at the end."""

    items: Sequence[InboundMessage]
    after: Place | None


def waiting(txn: Transaction, visible: ColumnElement[bool], *, after: Place | None = None, limit: int = 50) -> Page:
    """Texts that nobody has dealt with, by keyset: what failed or may be urgent first, then the longest waiting."""
    top_until = after[0] if after else txn.now - UNREAD_TOO_LONG
    in_order = (_group(top_until), InboundMessage.received_at, InboundMessage.id)
    wanted = select(InboundMessage).where(InboundMessage.handled_at.is_(None), visible)
    if after:
        wanted = wanted.where(tuple_(*in_order) > after[1:])
    rows = txn.session.scalars(wanted.order_by(*in_order).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, _place_of(shown[-1], top_until) if len(rows) > limit else None)


def resolve(txn: Transaction, received: InboundMessage, outcome: str, note: str | None = None) -> InboundMessage:
    """A person has dealt with a text. Raises ``NoLongerPossible`` when it was dealt with before."""
    claim = update(InboundMessage).where(InboundMessage.id == received.id, InboundMessage.handled_at.is_(None))
    if not compare_and_set(txn, claim, handled_at=txn.now):
        raise NoLongerPossible("This text was dealt with before.")
    received.handled_at = txn.now
    received.handled_how = RESOLVED
    received.resolved_by = txn.actor.id
    received.outcome_sealed = seal(txn, received, "outcome_sealed", outcome)
    received.note_sealed = seal(txn, received, "note_sealed", note)
    audit.record(txn, "inbound_message.resolved", received)
    txn.session.flush()
    return received


def _group(top_until: datetime) -> ColumnElement[int]:
    not_understood = and_(InboundMessage.handled_how.is_(None), InboundMessage.received_at <= top_until)
    return case((or_(InboundMessage.handled_how.in_(ON_TOP), not_understood), 0), else_=1)


def _place_of(received: InboundMessage, top_until: datetime) -> Place:
    not_understood = received.handled_how is None and received.received_at <= top_until
    group = 0 if received.handled_how in ON_TOP or not_understood else 1
    return top_until, group, received.received_at, received.id

"""The inbox: texts that nothing could understand for certain, each until a person has dealt with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, select, tuple_, update

from backend import audit
from backend.conversation_terms import WhyHere
from backend.db import Transaction, compare_and_set
from backend.errors import NoLongerPossible
from backend.sealing import seal
from notifications.inbound import FAILED, REFUSED_REPORT, URGENT, give_to, take_from_its_owner
from notifications.models import InboundMessage

RESOLVED = "resolved"
ON_TOP = (
    FAILED,
    URGENT,
    REFUSED_REPORT,
    WhyHere.DANGER,
    WhyHere.DEATH,
    WhyHere.PERHAPS_DEATH,
    WhyHere.WROTE_WHILE_DEATH_REPORTED,
)
UNREAD_TOO_LONG = timedelta(minutes=2)
# What orders the list, and therefore what its cursors hold: since when texts that nothing has understood stand on
# top, as it was on the first page, and then the place of the last text.
KEY = (datetime, int, datetime, UUID)
Place = tuple[datetime, int, datetime, UUID]


ATTACHED, TAKEN_BACK = "inbound_message.attached", "inbound_message.taken_back"
NO_SITE = "of_no_site"
OF_ITS_OWNER = ("patient_id", "site_id", "key_owner_id", "text_sealed", "number_sealed", "handled_how")


@dataclass(frozen=True)
class Owner:
    """Whose text it is, as a person has found out, and at which site."""

    patient_id: UUID
    site_id: UUID


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


def resolve(
    txn: Transaction, received: InboundMessage, outcome: str, note: str | None = None, *, owner: Owner | None = None
) -> InboundMessage:
    """A person has dealt with a text, and with ``owner`` has found out whose it is.

    Raises ``NoLongerPossible`` when it was dealt with before, which says by whom and when, or when it has an owner.
    """
    claim = update(InboundMessage).where(InboundMessage.id == received.id, InboundMessage.handled_at.is_(None))
    if not compare_and_set(txn, claim, handled_at=txn.now):
        txn.session.refresh(received)
        at = received.handled_at.isoformat() if received.handled_at else None
        by = str(received.resolved_by) if received.resolved_by else None
        raise NoLongerPossible("This text was dealt with before.", by=by, at=at)
    # It may have been understood while we waited for it, and be somebody's now.
    txn.session.refresh(received, OF_ITS_OWNER)
    if owner is not None:
        # Before anything is sealed, which is done under the owner's key.
        _attach(txn, received, owner)
    received.handled_at = txn.now
    received.handled_how = RESOLVED
    received.resolved_by = txn.actor.id
    received.outcome_sealed = seal(txn, received, "outcome_sealed", outcome)
    received.note_sealed = seal(txn, received, "note_sealed", note)
    audit.record(txn, "inbound_message.resolved", received)
    txn.session.flush()
    return received


def reopen(txn: Transaction, received: InboundMessage, reason: str) -> InboundMessage:
    """Put back what a person has dealt with by mistake, and give it to nobody again if that person gave it away.

    Raises ``NoLongerPossible`` for a text that no person has dealt with.
    """
    claim = update(InboundMessage).where(InboundMessage.id == received.id, InboundMessage.handled_how == RESOLVED)
    if not compare_and_set(txn, claim, handled_at=None):
        raise NoLongerPossible("Nobody has dealt with this text, or it waits again already.")
    received.handled_at = received.resolved_by = received.outcome_sealed = received.note_sealed = None
    received.handled_how = WhyHere.REOPENED
    audit.record(txn, "inbound_message.reopened", received, words=reason)
    txn.session.flush()
    _take_back(txn, received)
    return received


def _attach(txn: Transaction, received: InboundMessage, owner: Owner) -> None:
    if received.patient_id is not None:
        raise NoLongerPossible("It is known already whose text this is.")
    was_of_no_site = received.site_id is None
    give_to(txn, received, owner.patient_id, site_id=owner.site_id)
    # Not recorded field by field: what stood there under another key would outlive the patient's own.
    txn.session.flush()
    audit.note(txn, ATTACHED, received, reason=NO_SITE if was_of_no_site else None)


def _take_back(txn: Transaction, received: InboundMessage) -> None:
    """If it was a person who said whose text it is, and nobody has said otherwise since."""
    said = (
        select(audit.AuditEvent.verb, audit.AuditEvent.reason)
        .where(
            audit.AuditEvent.patient_id == received.patient_id,
            audit.AuditEvent.record_type == InboundMessage.__tablename__,
            audit.AuditEvent.record_id == str(received.id),
            audit.AuditEvent.verb.in_((ATTACHED, TAKEN_BACK)),
        )
        .order_by(audit.AuditEvent.id.desc())
    )
    last = txn.session.execute(said.limit(1)).first() if received.patient_id else None
    if last is None or last.verb != ATTACHED:
        return
    audit.note(txn, TAKEN_BACK, received)
    take_from_its_owner(txn, received, keeps_site=last.reason != NO_SITE)
    txn.session.flush()


def _group(top_until: datetime) -> ColumnElement[int]:
    not_understood = and_(InboundMessage.handled_how.is_(None), InboundMessage.received_at <= top_until)
    return case((or_(InboundMessage.handled_how.in_(ON_TOP), not_understood), 0), else_=1)


def _place_of(received: InboundMessage, top_until: datetime) -> Place:
    not_understood = received.handled_how is None and received.received_at <= top_until
    group = 0 if received.handled_how in ON_TOP or not_understood else 1
    return top_until, group, received.received_at, received.id

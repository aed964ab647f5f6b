"""Reading candidate events: the queue, and what stands behind one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from backend.db import Transaction
from backend.terms import OPEN_CANDIDATE_STATUSES
from backend.triage.models import OPEN, CandidateDecision, CandidateEvent, CandidateFinding

# What orders the queue, and therefore what its cursors hold.
KEY = (str, datetime, UUID)


@dataclass(frozen=True)
class Page:
    """Some candidates, and after which one the next begin; None at the end."""

    items: Sequence[CandidateEvent]
    after: tuple[str, datetime, UUID] | None


def queue(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    status: str | None = None,
    tier: str | None = None,
    after: tuple[str, datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """The candidates that ``visible`` allows, by tier and then by time left; the open ones unless a status is named."""
    wanted = select(CandidateEvent).where(visible)
    if status is None or status in OPEN_CANDIDATE_STATUSES:
        # In the words of the partial index, or a database could not know that it serves.
        wanted = wanted.where(OPEN)
    if status:
        wanted = wanted.where(CandidateEvent.status == status)
    if tier:
        wanted = wanted.where(CandidateEvent.tier == tier)
    if after:
        wanted = wanted.where(tuple_(CandidateEvent.tier, CandidateEvent.due_at, CandidateEvent.id) > after)
    in_order = (CandidateEvent.tier, CandidateEvent.due_at, CandidateEvent.id)
    rows = txn.session.scalars(wanted.order_by(*in_order).limit(limit + 1)).all()
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, (last.tier, last.due_at, last.id) if last else None)


def findings_of(txn: Transaction, candidate: CandidateEvent) -> Sequence[CandidateFinding]:
    """What each report said about it, the first one first."""
    found = select(CandidateFinding).where(CandidateFinding.candidate_event_id == candidate.id)
    return txn.session.scalars(found.order_by(CandidateFinding.found_at, CandidateFinding.id)).all()


def decisions_of(txn: Transaction, candidate: CandidateEvent) -> Sequence[CandidateDecision]:
    """Every step people took about it, the first one first."""
    taken = select(CandidateDecision).where(CandidateDecision.candidate_event_id == candidate.id)
    return txn.session.scalars(taken.order_by(CandidateDecision.decided_at, CandidateDecision.id)).all()

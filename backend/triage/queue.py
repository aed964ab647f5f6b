"""Reading candidate events: the queue, and what stands behind one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, not_, select, tuple_

from backend.db import Transaction
from backend.terms import OPEN_CANDIDATE_STATUSES
from backend.triage.models import OPEN, CandidateDecision, CandidateEvent, CandidateFinding, snoozed_at

# What orders the queue, and therefore what its cursors hold.
KEY = (str, datetime, UUID)
Place = tuple[str, datetime, UUID]


class Claimed(StrEnum):
    """Whose candidate events are asked for."""

    ME = "me"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Wanted:
    """Which part of the queue; None leaves a question open.

    Without a ``status`` and without a word about ``snoozed`` it is what waits for somebody now: open, and not
    expected by anybody until a later day.
    """

    status: str | None = None
    tier: str | None = None
    patient: UUID | None = None
    claimed_by: str | None = None
    needs_review: bool | None = None
    escalated: bool | None = None
    snoozed: bool | None = None


@dataclass(frozen=True)
class Page:
    """Some candidates, and after which one the next begin; None at the end."""

    items: Sequence[CandidateEvent]
    after: Place | None


WAITING = Wanted()


def queue(
    txn: Transaction,
    visible: ColumnElement[bool],
    wanted: Wanted = WAITING,
    *,
    after: Place | None = None,
    limit: int = 50,
) -> Page:
    """The candidates that ``visible`` allows, by tier and then by time left.

    A cursor holds a place in that order and no row, so it stays good whatever becomes of the candidate it was made
    from. Each page shows rows as they are when it is read: a candidate that has meanwhile moved to a later place is
    met again there, as it is now; one that has moved to an earlier place stands on a page that was read before, and
    is found by beginning again, as a queue that is looked at afresh always is.
    """
    asked = select(CandidateEvent).where(visible, *_conditions(txn, wanted))
    rows = txn.session.scalars(_in_order(asked, wanted.tier, after).limit(limit + 1)).all()
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, (last.tier, last.due_at, last.id) if last else None)


def _conditions(txn: Transaction, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.status is None or wanted.status in OPEN_CANDIDATE_STATUSES:
        # In the words of the partial index, or a database could not know that it serves.
        yield and_(OPEN)
    if wanted.status is not None:
        yield CandidateEvent.status == wanted.status
    if wanted.patient is not None:
        yield CandidateEvent.patient_id == wanted.patient
    if wanted.claimed_by is not None:
        yield CandidateEvent.claimed_by == (txn.actor.id if wanted.claimed_by == Claimed.ME else None)
    if wanted.needs_review is not None:
        yield CandidateEvent.needs_review.is_(wanted.needs_review)
    if wanted.escalated is not None:
        yield CandidateEvent.escalated_to.is_not(None) if wanted.escalated else CandidateEvent.escalated_to.is_(None)
    yield from _snoozed(txn, wanted)


def _snoozed(txn: Transaction, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """Those that are snoozed are left out unless they, or a status, are asked for."""
    if wanted.snoozed is True:
        yield snoozed_at(txn.now)
    elif wanted.snoozed is False or wanted.status is None:
        yield not_(snoozed_at(txn.now))


def _in_order(asked: Select[CandidateEvent], tier: str | None, after: Place | None) -> Select[CandidateEvent]:
    """By tier, time left and id, from a place on. Within one tier only the rest, for an index to begin right there."""
    event = CandidateEvent
    if tier is None:
        from_there = tuple_(event.tier, event.due_at, event.id) > after if after else and_(True)
        return asked.where(from_there).order_by(event.tier, event.due_at, event.id)
    asked = asked.where(event.tier == tier).order_by(event.due_at, event.id)
    if after is None or after[0] < tier:
        return asked
    return asked.where(tuple_(event.due_at, event.id) > after[1:] if after[0] == tier else false())


def findings_of(txn: Transaction, candidate: CandidateEvent) -> Sequence[CandidateFinding]:
    """What each report said about it, the first one first."""
    found = select(CandidateFinding).where(CandidateFinding.candidate_event_id == candidate.id)
    return txn.session.scalars(found.order_by(CandidateFinding.found_at, CandidateFinding.id)).all()


def decisions_of(txn: Transaction, candidate: CandidateEvent) -> Sequence[CandidateDecision]:
    """Every step people took about it, the first one first."""
    taken = select(CandidateDecision).where(CandidateDecision.candidate_event_id == candidate.id)
    return txn.session.scalars(taken.order_by(CandidateDecision.decided_at, CandidateDecision.id)).all()

"""Reading adverse events: which there are, and what hangs on each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from backend.adverse_events.models import AdverseEvent, AdverseEventGrade
from backend.db import Transaction
from backend.event_terms import EventStatus

# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)
Place = tuple[datetime, UUID]


@dataclass(frozen=True)
class Wanted:
    """Which events; None leaves a question open. Without a ``status``, those that stand."""

    patient: UUID | None = None
    status: str | None = None
    serious: bool | None = None
    term: str | None = None


@dataclass(frozen=True)
class Page:
    """Some events, and after which one the next begin; None at the end."""

    items: Sequence[AdverseEvent]
    after: Place | None


def events(
    txn: Transaction, visible: ColumnElement[bool], wanted: Wanted, *, after: Place | None = None, limit: int = 50
) -> Page:
    """The events that ``visible`` allows, the latest recorded one first."""
    event = AdverseEvent
    asked = select(event).where(visible, *_conditions(wanted))
    if after is not None:
        asked = asked.where(tuple_(event.recorded_at, event.id) < after)
    rows = txn.session.scalars(asked.order_by(event.recorded_at.desc(), event.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(shown, (last.recorded_at, last.id) if last else None)


def status_of(event: AdverseEvent) -> EventStatus:
    """Draft until it is signed, and again when what was signed changes; voided when it was a mistake."""
    if event.voided_at is not None:
        return EventStatus.VOIDED
    return EventStatus.DRAFT if event.signature_id is None else EventStatus.SIGNED


def grades_by_event(txn: Transaction, events: Iterable[UUID]) -> Mapping[UUID, Sequence[AdverseEventGrade]]:
    """By the id of the event, every grade that was recorded, the first one first."""
    recorded = select(AdverseEventGrade).where(AdverseEventGrade.adverse_event_id.in_(list(events)))
    found: dict[UUID, list[AdverseEventGrade]] = {}
    for row in txn.session.scalars(recorded.order_by(AdverseEventGrade.number)):
        found.setdefault(row.adverse_event_id, []).append(row)
    return found


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    event = AdverseEvent
    yield event.voided_at.is_not(None) if wanted.status == EventStatus.VOIDED else event.voided_at.is_(None)
    if wanted.status == EventStatus.SIGNED:
        yield event.signature_id.is_not(None)
    if wanted.status == EventStatus.DRAFT:
        yield event.signature_id.is_(None)
    if wanted.patient is not None:
        yield event.patient_id == wanted.patient
    if wanted.serious is not None:
        # The clock of the serious ones: a column, where the criteria are a list.
        yield event.serious_known_at.is_not(None) if wanted.serious else event.serious_known_at.is_(None)
    if wanted.term is not None:
        yield event.term_code == wanted.term

"""Opening a task for a person once, and closing it with what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from backend import audit
from backend.db import Transaction, compare_and_set
from backend.errors import NoLongerPossible
from backend.sealing import seal
from backend.terms import Duty, WorkReason
from backend.worklist.models import WorkItem

# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


@dataclass(frozen=True)
class Handover:
    """Whose duty a task is, and whose it becomes when it is still open at an instant."""

    first: Duty | None = None
    at: datetime | None = None
    then: Duty | None = None


EVERYBODYS = Handover()


def open_item(
    txn: Transaction,
    *,
    reason: WorkReason,
    key: str,
    site_id: UUID,
    due_at: datetime,
    patient_id: UUID | None = None,
    agenda_key: str | None = None,
    handover: Handover = EVERYBODYS,
) -> WorkItem | None:
    """A new task; None when the patient (or the site) has or had one with this key, also when two open it at once.

    ``agenda_key`` names what a patient is to be telephoned about; without a ``handover`` it is everybody's task.
    """
    owner_id = patient_id or site_id
    if find_item(txn, owner_id, key):
        return None
    item = WorkItem(
        site_id=site_id,
        patient_id=patient_id,
        owner_id=owner_id,
        reason=reason,
        key=key,
        due_at=due_at,
        created_at=txn.now,
        agenda_key=agenda_key,
        for_role=handover.first,
        passes_on_at=handover.at,
        passes_on_to=handover.then,
    )
    return item if _is_first(txn, item) else None


def _is_first(txn: Transaction, item: WorkItem) -> bool:
    """Write it down, unless another has just done so."""
    try:
        with txn.session.begin_nested():
            audit.record(txn, "work_item.opened", item)
            txn.session.flush()
    except IntegrityError:
        if find_item(txn, item.owner_id, item.key):
            return False
        raise
    return True


def resolve(txn: Transaction, item: WorkItem, outcome: str, note: str | None = None) -> WorkItem:
    """Close a task with what came of it. Raises ``NoLongerPossible`` when somebody closed it before."""
    claim = update(WorkItem).where(WorkItem.id == item.id, WorkItem.resolved_at.is_(None))
    if not compare_and_set(txn, claim, resolved_at=txn.now):
        raise NoLongerPossible("This task was closed before.")
    item.resolved_at = txn.now
    item.resolved_by = txn.actor.id
    item.outcome_sealed = seal(txn, item, "outcome_sealed", outcome)
    item.note_sealed = seal(txn, item, "note_sealed", note)
    audit.record(txn, "work_item.resolved", item)
    txn.session.flush()
    return item


def to_pass_on(txn: Transaction) -> Sequence[UUID]:
    """Open tasks that have waited long enough for those whose duty they were."""
    waiting = select(WorkItem.id).where(WorkItem.resolved_at.is_(None), WorkItem.passes_on_at <= txn.now)
    return txn.session.scalars(waiting.order_by(WorkItem.id)).all()


def pass_on(txn: Transaction, item_id: UUID) -> bool:
    """Make a task the duty of whoever comes next, due as it was. False when another did so, or somebody closed it."""
    item = txn.session.get_one(WorkItem, item_id)
    claim = update(WorkItem).where(
        WorkItem.id == item_id, WorkItem.resolved_at.is_(None), WorkItem.passes_on_at <= txn.now
    )
    if not compare_and_set(txn, claim, passes_on_at=None):
        return False
    item.for_role, item.passes_on_at, item.passes_on_to = item.passes_on_to, None, None
    audit.record(txn, "work_item.passed_on", item)
    txn.session.flush()
    return True


def next_pass_on(txn: Transaction, after: datetime) -> datetime | None:
    """When the next open task changes hands, if nobody closes it."""
    waiting = select(func.min(WorkItem.passes_on_at)).where(
        WorkItem.resolved_at.is_(None), WorkItem.passes_on_at > after
    )
    return txn.session.scalar(waiting)


@dataclass(frozen=True)
class Page:
    """Some items in order, and where the next ones begin."""

    items: Sequence[WorkItem]
    after: tuple[datetime, UUID] | None


def list_open(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    reason: str | None = None,
    for_role: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """Open tasks that ``visible`` allows, the most pressing first, by keyset."""
    wanted = select(WorkItem).where(WorkItem.resolved_at.is_(None), visible)
    if reason:
        wanted = wanted.where(WorkItem.reason == reason)
    if for_role:
        wanted = wanted.where(WorkItem.for_role == for_role)
    if after:
        wanted = wanted.where(tuple_(WorkItem.due_at, WorkItem.id) > after)
    items = txn.session.scalars(wanted.order_by(WorkItem.due_at, WorkItem.id).limit(limit + 1)).all()
    shown = items[:limit]
    return Page(shown, (shown[-1].due_at, shown[-1].id) if len(items) > limit else None)


def find_item(txn: Transaction, owner_id: UUID, key: str) -> WorkItem | None:
    """The patient's or the site's task with this key, open or closed."""
    return txn.session.scalar(select(WorkItem).where(WorkItem.owner_id == owner_id, WorkItem.key == key))

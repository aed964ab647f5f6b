"""Opening a task for a person once, and closing it with what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Update, bindparam, func, select, tuple_, update

from backend import audit
from backend.db import Transaction, UTCDateTime, as_written, insert_once
from backend.errors import InvalidInput, NoLongerPossible
from backend.sealing import seal, unseal
from backend.terms import CallOutcome, Duty, WorkReason
from backend.worklist.models import WorkItem

_TABLE = WorkItem.__table__
assert isinstance(_TABLE, Table)
_COLUMNS, _ROW = tuple(_TABLE.columns.keys()), _TABLE.c
# Asked for many tasks, and so put together once.
_OF_KEY = select(WorkItem).where(WorkItem.owner_id == bindparam("owner_id"), WorkItem.key == bindparam("key"))
# How a task must still stand when it is changed.
_THE_TASK = update(_TABLE).where(_ROW.id == bindparam("item"))
_IF_OPEN = _THE_TASK.where(_ROW.resolved_at.is_(None))
_IF_CLOSED_BY_A_PERSON = _THE_TASK.where(_ROW.resolved_at.is_not(None), _ROW.resolved_by.is_not(None))
_IF_CLOSED_BY_ITSELF = _THE_TASK.where(_ROW.resolved_at.is_not(None), _ROW.resolved_by.is_(None))
_TO_PASS_ON = (
    select(_ROW.id)
    .where(_ROW.resolved_at.is_(None), _ROW.passes_on_at <= bindparam("now", type_=UTCDateTime()))
    # By their ids alone, SQLite would read every task there ever was.
    .order_by(_ROW.passes_on_at, _ROW.id)
)
# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)
# Which tasks a list holds.
STATUSES = OPEN, RESOLVED, ALL = ("open", "resolved", "all")


@dataclass(frozen=True)
class Handover:
    """Whose duty a task is, and whose it becomes when it is still open at an instant."""

    first: Duty | None = None
    at: datetime | None = None
    then: Duty | None = None


EVERYBODYS = Handover()

# Tasks to telephone somebody. While nobody was reached they stay, whatever else is written down.
CALLS = frozenset(
    {
        WorkReason.CALL_ABOUT_MOVED_DATE,
        WorkReason.CALL_REQUESTED,
        WorkReason.CONFIRM_THE_PHONE,
        WorkReason.PATIENT_SILENT,
        WorkReason.SURVIVAL_CHECK_UNANSWERED,
        WorkReason.SURVEY_UNCLEAR,
    }
)
REACHED_NOBODY = frozenset({CallOutcome.NO_ANSWER, CallOutcome.LEFT_MESSAGE, CallOutcome.WRONG_NUMBER})
# A patient who comes on the wrong day, or not at all, was not told: nothing less than having spoken closes these.
CLOSED_BY_SPEAKING = frozenset({WorkReason.CALL_ABOUT_MOVED_DATE})
# Saying that it was done is not having done it: these close with the act they ask for, and stand or fall with it.
CLOSED_BY_THE_ACT = {
    WorkReason.CONFIRM_THE_PHONE: "Say how the number was confirmed, or correct it; that closes this task.",
    WorkReason.SAFETY_REPORT_DUE: "Record the safety report; that closes this task.",
    WorkReason.REPORT_CORRECTED: "Accept or decline the correction; that closes this task.",
}


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
    item = WorkItem(
        site_id=site_id,
        patient_id=patient_id,
        owner_id=patient_id or site_id,
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
    """Write it down, unless it is there already, or another is just writing it: then wait for that one."""
    # Whoever it is about may be new in this very act.
    txn.session.flush()
    values = {name: getattr(item, name) for name in _COLUMNS}
    if not txn.connection.execute(insert_once(txn, WorkItem), values).rowcount:
        return False
    audit.record_new(txn, "work_item.opened", item)
    as_written(txn, item)
    return True


def settle(txn: Transaction, item: WorkItem, outcome: str, note: str | None = None) -> WorkItem:
    """What a person says came of a task: it closes, but for a call that reached nobody, which stays with a trace.

    Raises ``InvalidInput`` for any but the words of ``CallOutcome`` where only having spoken closes a task, and
    ``NoLongerPossible`` when it was closed before, and where only the act that it asks for does.
    """
    if item.reason in CALLS and outcome in REACHED_NOBODY:
        return _keep_trying(txn, item, outcome, note)
    if (how := CLOSED_BY_THE_ACT.get(WorkReason(item.reason))) is not None:
        raise NoLongerPossible(how)
    if item.reason in CLOSED_BY_SPEAKING and outcome != CallOutcome.SPOKE_TO_PATIENT:
        words = ", ".join(sorted(REACHED_NOBODY))
        complaint = f"Must be {CallOutcome.SPOKE_TO_PATIENT}, which closes this task, or one of {words}."
        raise InvalidInput(fields={"outcome": [complaint]})
    return resolve(txn, item, outcome, note)


def resolve(txn: Transaction, item: WorkItem, outcome: str, note: str | None = None) -> WorkItem:
    """Close a task with what came of it. Raises ``NoLongerPossible`` when somebody closed it before."""
    by = {"resolved_at": txn.now, "resolved_by": txn.actor.id}
    if not _change(txn, item, "resolved", _IF_OPEN, **by, **_sealed(txn, item, outcome, note)):
        raise _was_closed(txn, item)
    return item


def reopen(txn: Transaction, item: WorkItem, reason: str) -> WorkItem:
    """Put back on the list what a person closed by mistake, due as it was; ``reason`` is theirs, kept as its note.

    Raises ``NoLongerPossible`` for an open task, and for one that no person closed: what it asked for had gone.
    """
    if item.reason in CLOSED_BY_THE_ACT:
        raise NoLongerPossible("What this task asked for is done, or is not asked for any more.")
    as_before = {"resolved_at": None, "resolved_by": None}
    if not _change(txn, item, "reopened", _IF_CLOSED_BY_A_PERSON, **as_before, **_sealed(txn, item, None, reason)):
        txn.session.refresh(item)
        is_open = item.resolved_at is None
        raise NoLongerPossible("This task is open." if is_open else "No person closed this task; its cause has gone.")
    return item


def closed_by_itself(item: WorkItem) -> bool:
    """Whether what a task asked for had gone, and no person closed it."""
    return item.resolved_at is not None and item.resolved_by is None


def open_again(txn: Transaction, item: WorkItem) -> bool:
    """Put back on the list, due as it was, what closed by itself and is called for again: after a pause, for one.

    False for an open task and for one that a person closed.
    """
    nothing_said = _sealed(txn, item, None, None)
    return _change(txn, item, "reopened", _IF_CLOSED_BY_ITSELF, resolved_at=None, **nothing_said)


def last_try(txn: Transaction, item: WorkItem) -> str | None:
    """What came of the latest call about an open task that reached nobody; None: nobody has tried."""
    return unseal(txn, item, "outcome_sealed") if item.resolved_at is None else None


def _keep_trying(txn: Transaction, item: WorkItem, outcome: str, note: str | None) -> WorkItem:
    if not _change(txn, item, "tried", _IF_OPEN, **_sealed(txn, item, outcome, note)):
        raise _was_closed(txn, item)
    return item


def _change(txn: Transaction, item: WorkItem, verb: str, if_it_stands_so: Update, **values: Any) -> bool:
    """Whether it stood so, and was changed: of two at once the second waits, and is told no."""
    # What the act has changed before must stand for whoever looks after this.
    txn.session.flush()
    if not txn.connection.execute(if_it_stands_so, {"item": item.id, **values}).rowcount:
        return False
    audit.record_written(txn, f"work_item.{verb}", item, values)
    return True


def _sealed(txn: Transaction, item: WorkItem, outcome: str | None, note: str | None) -> dict[str, str | None]:
    """What came of it and what somebody wrote about it, as they may be stored."""
    return {
        "outcome_sealed": seal(txn, item, "outcome_sealed", outcome),
        "note_sealed": seal(txn, item, "note_sealed", note),
    }


def _was_closed(txn: Transaction, item: WorkItem) -> NoLongerPossible:
    """Says when, and by whom: the id of a member of staff, or None where what it was about had gone by itself."""
    txn.session.refresh(item)
    at = item.resolved_at.isoformat() if item.resolved_at else None
    by = str(item.resolved_by) if item.resolved_by else None
    return NoLongerPossible("This task was closed before.", by=by, at=at)


def to_pass_on(txn: Transaction) -> Sequence[UUID]:
    """Open tasks that have waited long enough for those whose duty they were."""
    return txn.connection.scalars(_TO_PASS_ON, {"now": txn.now}).all()


def pass_on(txn: Transaction, item_id: UUID) -> bool:
    """Make a task the duty of whoever comes next, due as it was. False when another did so, or somebody closed it."""
    item = txn.session.get_one(WorkItem, item_id)
    passed_on = {"for_role": item.passes_on_to, "passes_on_at": None, "passes_on_to": None}
    return _change(txn, item, "passed_on", _IF_OPEN.where(_ROW.passes_on_at <= txn.now), **passed_on)


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


def list_items(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    status: str = OPEN,
    reason: str | None = None,
    for_role: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """Tasks that ``visible`` allows, the most pressing first, by keyset: open ones, resolved ones, or all."""
    wanted = select(WorkItem).where(visible)
    if status != ALL:
        is_open = WorkItem.resolved_at.is_(None)
        wanted = wanted.where(is_open if status == OPEN else ~is_open)
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
    return txn.session.scalar(_OF_KEY, {"owner_id": owner_id, "key": key})

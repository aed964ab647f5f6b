"""What the sites do with their lists, during working hours: tasks, candidates, reports of death."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, or_, select

from backend import audit
from backend.agenda.silence import CALLER
from backend.among import among
from backend.db import Transaction, UTCDateTime, system
from backend.errors import FollowupError
from backend.event_terms import Dismissal
from backend.indexes import word
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation.stage import Stage
from backend.simulation.tasks import TASKS, Task, let_go
from backend.terms import CandidateStatus, Role
from backend.triage.closing import dismiss
from backend.triage.decisions import acknowledge
from backend.triage.models import OPEN, CandidateEvent
from backend.worklist.items import pass_on, to_pass_on
from backend.worklist.models import WorkItem

COLLEAGUE = system("simulated staff")
# A physician goes through what was taken note of once a week.
JUDGED_AFTER = timedelta(days=7)


# Asked at every look, of which most find nothing to do; so put together once.
_ROW, _EVENT = WorkItem.__table__.c, CandidateEvent.__table__.c
_LISTED: Select[Any] = (
    select(_ROW.id, _ROW.owner_id, _ROW.reason, _ROW.agenda_key, _ROW.due_at)
    .where(_ROW.resolved_at.is_(None), _ROW.due_at <= bindparam("now", type_=UTCDateTime()))
    .order_by(_ROW.due_at, _ROW.key)
)
_TASKS = (
    select(WorkItem, Patient)
    .join(Patient, Patient.id == WorkItem.owner_id)
    .where(among(WorkItem.id, "ids"))
    .order_by(WorkItem.due_at, WorkItem.key)
)
_TO_JUDGE = select(_EVENT.id).where(
    OPEN,
    or_(
        _EVENT.status == word(CandidateStatus.PROPOSED),
        _EVENT.acknowledged_at <= bindparam("known_since", type_=UTCDateTime()),
    ),
)
_CANDIDATES = (
    select(CandidateEvent)
    .where(among(CandidateEvent.id, "ids"))
    .order_by(CandidateEvent.opened_at, CandidateEvent.subject)
)


class Desk:
    """The lists of all sites. Remembers of an open task only when it is to be looked at again."""

    def __init__(self, stage: Stage) -> None:
        """Nothing was looked at yet."""
        self._stage = stage
        self._again_at: dict[UUID, datetime] = {}

    def work(self, done: Counter[str]) -> bool:
        """One look at everything that is due, counted in ``done``; whether there was anything to do."""
        with self._stage.db.transaction(COLLEAGUE) as txn, audit.together(txn):
            late = to_pass_on(txn)
            for task_id in late:
                done["calls_passed_on"] += pass_on(txn.acting_as(CALLER), task_id)
            return any((late, self._do_tasks(txn, done), self._take_note(txn, done)))

    def _do_tasks(self, txn: Transaction, done: Counter[str]) -> bool:
        listed = txn.connection.execute(_LISTED, {"now": txn.now}).all()
        self._again_at = {one.id: self._again_at[one.id] for one in listed if one.id in self._again_at}
        in_hand = {one.id: dice for one in listed if (dice := self._taken_up(txn, one)) is not None}
        # All of them before the first is done, so that each sees what that does to the others.
        tasks = txn.session.execute(_TASKS, {"ids": in_hand}).all() if in_hand else ()
        for task, patient in tasks:
            person = self._stage.by_id[patient.id]
            self._do(Task(self._stage, txn, task, person, patient, in_hand[task.id]), done)
        return bool(tasks)

    def _taken_up(self, txn: Transaction, task: Row[Any]) -> Random | None:
        """The chances of this look at a task; None where nobody gets round to it, or it is too early to try again."""
        person = self._stage.by_id.get(task.owner_id)
        if person is None or self._again_at.get(task.id, txn.now) > txn.now:
            return None
        dice = self._stage.dice(
            person.fate.number, task.reason, task.agenda_key, task.due_at.date(), txn.now.isoformat()
        )
        return dice if dice.random() < of.DOES_A_TASK else None

    def _do(self, task: Task, done: Counter[str]) -> None:
        row, do = task.row, TASKS.get(task.row.reason, let_go)
        try:
            with audit.attempt(task.txn):
                said = do(task)
                task.txn.session.flush()
        except FollowupError as refused:
            done[f"refused: {row.reason} ({refused.code})"] += 1
            said = timedelta(days=1)
        if said is not None:
            self._again_at[row.id] = task.txn.now + said
        if row.agenda_key is not None and row.resolved_at is not None:
            task.person.open_calls = max(0, task.person.open_calls - 1)

    def _take_note(self, txn: Transaction, done: Counter[str]) -> bool:
        """The coordinator takes note of what was proposed; a physician judges what has been known for a week."""
        ids = txn.connection.scalars(_TO_JUDGE, {"known_since": txn.now - JUDGED_AFTER}).all()
        rows = txn.session.scalars(_CANDIDATES, {"ids": ids}).all() if ids else ()
        for row in rows:
            person = self._stage.by_id.get(row.patient_id)
            if person is None:
                continue
            if row.status == CandidateStatus.PROPOSED:
                acknowledge(txn.acting_as(self._stage.coordinator(person)), row)
                done["candidates noted"] += 1
            elif row.acknowledged_at is not None and row.acknowledged_at + JUDGED_AFTER <= txn.now:
                actor = self._stage.at(person, Role.INVESTIGATOR)
                dismiss(
                    txn.acting_as(actor), row, Dismissal.OTHER, "The course of the disease.", may_dismiss_urgent=True
                )
                done["candidates judged"] += 1
        return bool(rows)

"""What the sites do with their lists, during working hours: tasks, candidates, reports of death."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from backend.db import Transaction, system
from backend.errors import FollowupError
from backend.event_terms import Dismissal
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation.stage import Person, Stage
from backend.simulation.tasks import TASKS, Task, let_go
from backend.terms import CandidateStatus, Role
from backend.triage.closing import dismiss
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent
from backend.worklist.models import WorkItem

COLLEAGUE = system("simulated staff")
# A physician goes through what was taken note of once a week.
JUDGED_AFTER = timedelta(days=7)


class Desk:
    """The lists of all sites. Remembers of an open task only when it is to be looked at again."""

    def __init__(self, stage: Stage) -> None:
        """Nothing was looked at yet."""
        self._stage = stage
        self._again_at: dict[UUID, datetime] = {}

    def work(self) -> Counter[str]:
        """One look at everything that is due; says what was done."""
        done: Counter[str] = Counter()
        with self._stage.db.transaction(COLLEAGUE) as txn:
            self._do_tasks(txn, done)
            self._take_note(txn, done)
        return done

    def _do_tasks(self, txn: Transaction, done: Counter[str]) -> None:
        due = select(WorkItem).where(WorkItem.resolved_at.is_(None), WorkItem.due_at <= txn.now)
        tasks = txn.session.scalars(due.order_by(WorkItem.due_at, WorkItem.key)).all()
        self._again_at = {one.id: self._again_at[one.id] for one in tasks if one.id in self._again_at}
        for task in tasks:
            person = self._stage.by_id.get(task.owner_id)
            if person is not None and self._again_at.get(task.id, txn.now) <= txn.now:
                self._do(txn, task, person, done)

    def _do(self, txn: Transaction, task: WorkItem, person: Person, done: Counter[str]) -> None:
        dice = self._stage.dice(
            person.fate.number, task.reason, task.agenda_key, task.due_at.date(), txn.now.isoformat()
        )
        if dice.random() >= of.DOES_A_TASK:
            return
        do = TASKS.get(task.reason, let_go)
        try:
            with txn.session.begin_nested():
                patient = txn.session.get_one(Patient, person.id)
                said = do(Task(self._stage, txn, task, person, patient, dice))
                txn.session.flush()
        except FollowupError as refused:
            done[f"refused: {task.reason} ({refused.code})"] += 1
            said = timedelta(days=1)
        if said is not None:
            self._again_at[task.id] = txn.now + said
        if task.agenda_key is not None and task.resolved_at is not None:
            person.open_calls = max(0, person.open_calls - 1)

    def _take_note(self, txn: Transaction, done: Counter[str]) -> None:
        """The coordinator takes note of what was proposed; a physician judges what has been known for a week."""
        waiting = (CandidateStatus.PROPOSED, CandidateStatus.ACKNOWLEDGED, CandidateStatus.NEEDS_INFO)
        rows = select(CandidateEvent).where(CandidateEvent.status.in_(waiting))
        for row in txn.session.scalars(rows.order_by(CandidateEvent.opened_at, CandidateEvent.subject)).all():
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

"""The task that asks a physician to judge something serious is done once its candidate is judged."""

from backend.db import Transaction
from backend.triage.models import CandidateEvent
from backend.worklist.items import find_item, resolve


def close_task_of(txn: Transaction, candidate: CandidateEvent) -> None:
    """Close the task that bears the candidate's subject as its key, if there is one; what it came to is the outcome."""
    if candidate.suspected_serious is None:
        return
    task = find_item(txn, candidate.patient_id, candidate.subject)
    if task is not None and task.resolved_at is None:
        resolve(txn, task, candidate.status)

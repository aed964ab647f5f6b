"""Commands about patients that no role may give over the network: forgetting one."""

import click
from sqlalchemy import select

from backend.cli.operator import OPERATOR, fit_database
from backend.db import Transaction
from backend.errors import NotFound, StillNeeded
from backend.patients.forgetting import forget
from backend.patients.models import Patient
from backend.sealing import sweep
from backend.terms import ForgettingReason
from backend.triage.models import CandidateEvent
from backend.triage.queue import queue
from backend.worklist.items import list_items
from backend.worklist.models import WorkItem


@click.group()
def patients() -> None:
    """What is done about a patient at the server itself."""


@patients.command("forget")
@click.argument("subject_number")
@click.option("--because", required=True, type=click.Choice([reason.value for reason in ForgettingReason]))
@click.option("--yes", is_flag=True, help="Do not ask for the subject number a second time.")
def forget_patient(subject_number: str, because: str, yes: bool) -> None:
    """Shred the key of SUBJECT_NUMBER (01-0007): names, numbers and free text can never be read again.

    Answers, grades, dates and the audit trail stay. Only for a patient who has died or withdrawn from the study, and
    about whom nothing waits for a person. Backups made before still open: forget again after restoring one
    (followup keys list --forgotten shows who).
    """
    with fit_database() as db:
        if not yes and click.prompt("This cannot be undone. Type the subject number again") != subject_number:
            raise click.ClickException("The numbers differ; nothing was done.")
        with db.transaction(OPERATOR) as txn:
            patient = txn.session.scalar(select(Patient).where(Patient.subject_number == subject_number))
            if patient is None:
                raise NotFound(f"There is no patient {subject_number}.")
            _refuse_what_waits(txn, patient)
            erased = forget(txn, patient, ForgettingReason(because))
        sweep(db)
    click.echo(f"{subject_number} is forgotten: {erased.texts} texts emptied, {erased.recalled} messages recalled")


def _refuse_what_waits(txn: Transaction, patient: Patient) -> None:
    """Who closes a task or decides about a symptom writes words, which could no longer be kept."""
    if list_items(txn, WorkItem.patient_id == patient.id, limit=1).items:
        raise StillNeeded("A task about this patient waits for a person; close it first.")
    if queue(txn, CandidateEvent.patient_id == patient.id, limit=1).items:
        raise StillNeeded("A candidate event of this patient waits for a decision.")

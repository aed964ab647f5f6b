"""What must be zero at the end of a trial, counted by a way of its own through the tables, which is not ``fsck``'s."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from backend.agenda.history import agenda_of
from backend.conversations.loops import ALWAYS_SAID
from backend.db import Transaction
from backend.patients.acts import Withdrawal
from backend.patients.models import ContactHold, Patient
from backend.survival.models import DeathReport
from backend.terms import (
    NO_LONGER_FOLLOWED,
    AgendaKind,
    AgendaState,
    DeathReportStatus,
    Recipient,
    WithdrawalScope,
    WorkReason,
)
from backend.worklist.models import WorkItem
from notifications.models import Attempt, Message

# What was being handed over when the forbidding act was committed was in flight.
IN_FLIGHT = timedelta(minutes=1)
WAITS = frozenset({AgendaState.OPEN, AgendaState.OVERDUE})


def sent_after_death(txn: Transaction) -> int:
    """Attempts to the patient's side begun after a report of their death, which was not denied, had been kept."""
    rows = (
        select(Attempt.started_at, DeathReport.reported_at)
        .join(Message, Message.id == Attempt.message_id)
        .join(DeathReport, DeathReport.patient_id == Message.patient_id)
        .where(DeathReport.status != DeathReportStatus.DENIED, Attempt.started_at > DeathReport.reported_at)
        .where(Message.recipient != Recipient.STAFF, Message.template.not_in(ALWAYS_SAID))
    )
    return sum(started > told + IN_FLIGHT for started, told in txn.session.execute(rows))


def sent_after_withdrawal(txn: Transaction) -> int:
    """Attempts to the patient's side begun after a withdrawal from the study had been recorded."""
    rows = (
        select(Attempt.started_at, Withdrawal.recorded_at)
        .join(Message, Message.id == Attempt.message_id)
        .join(Withdrawal, Withdrawal.patient_id == Message.patient_id)
        .where(Withdrawal.scope == WithdrawalScope.STUDY, Attempt.started_at > Withdrawal.recorded_at)
        .where(Message.recipient != Recipient.STAFF, Message.template.not_in(ALWAYS_SAID))
    )
    return sum(started > left + IN_FLIGHT for started, left in txn.session.execute(rows))


def unanswered_checks(txn: Transaction, ends_at: datetime) -> list[str]:
    """Survival checks of those still followed that nobody has answered by the day on which a person is to be asked,
    and about which nobody was: as ``subject number key``."""
    asked = {
        (owner, key)
        for owner, key in txn.session.execute(
            select(WorkItem.owner_id, WorkItem.agenda_key).where(
                WorkItem.reason == WorkReason.SURVIVAL_CHECK_UNANSWERED, WorkItem.agenda_key.is_not(None)
            )
        )
    }
    followed = select(Patient).where(Patient.status.not_in(NO_LONGER_FOLLOWED)).order_by(Patient.subject_number)
    held = set(txn.session.scalars(select(ContactHold.patient_id).where(ContactHold.lifted_at.is_(None))))
    missing: list[str] = []
    for patient in txn.session.scalars(followed.execution_options(yield_per=100)):
        if patient.id not in held:
            keys = _overdue_checks(txn, patient, ends_at)
            missing += [f"{patient.subject_number} {key}" for key in keys if (patient.id, key) not in asked]
    return missing


def _overdue_checks(txn: Transaction, patient: Patient, ends_at: datetime) -> Iterator[str]:
    """Open checks whose day of the call list was before yesterday."""
    for item in agenda_of(txn, patient):
        if item.kind is not AgendaKind.SURVIVAL_CHECK or item.state not in WAITS:
            continue
        if any(item.due_on + timedelta(days=call.day + 1) < ends_at.date() for call in item.row.calls):
            yield item.key

"""What must be true of a restored database before anybody starts on it.

It has forgotten everything since the backup: a STOP, a death, a lost phone, the messages that were sent. So what
may have been said is not said again, nobody is written to until the sites have had time to enter again what they
know, the staff sign in anew, and every patient whose phone may have been signed out by it is a task.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from backend import audit, clock
from backend.agenda.planning import everyone, replan
from backend.audit_checkpoints import PUT_BACK
from backend.backups.trace import leave_trace
from backend.db import Transaction
from backend.demo_clock import ONLY_ROW, DemoClock
from backend.patients import contact
from backend.patients.models import ActivationCode, Device, Patient
from backend.staff.models import Site, StaffSession
from backend.terms import WorkReason
from backend.worklist.items import open_item
from notifications.after_restore import RESTORED, doubt_what_was_being_said, hold_back_the_due


@dataclass(frozen=True)
class Aftermath:
    """How many messages are in doubt and held back, and how many patients are not written to for a while."""

    in_doubt: int
    held_back: int
    patients_resting: int


def make_safe(txn: Transaction, *, made_at: datetime, rest: timedelta) -> Aftermath:
    """Everything at once, in the transaction of the restore. ``rest`` of zero is for a move in which nothing was lost.

    Messages that were due between the backup and now are suppressed and become a task a patient; what was on its
    way is in doubt, and the provider will be asked. A phone that took new tokens since the backup holds some that
    nobody here knows, and nobody here can tell which phone did: each of their patients is asked, in the same task.
    """
    txn = _in_the_demos_time(txn)
    in_doubt = doubt_what_was_being_said(txn)
    patients = [txn.session.get_one(Patient, patient_id) for patient_id in everyone(txn)]
    for patient in patients:
        # What the server that is gone had planned since the backup was due as well.
        replan(txn, patient)
    held_back = hold_back_the_due(txn, txn.now)
    to_ask = {message.patient_id for message in held_back if message.patient_id}
    _ask_about(txn, to_ask | (_with_a_phone(txn, made_at) if rest else set()), made_at)
    if rest:
        for patient in patients:
            contact.hold(txn, patient, RESTORED, until=txn.now + rest)
    _ask_each_site(txn, made_at)
    _sign_everybody_out(txn)
    leave_trace(txn, PUT_BACK, f"backup of {made_at.isoformat()}")
    txn.session.flush()
    return Aftermath(in_doubt, len(held_back), len(patients) if rest else 0)


def _in_the_demos_time(txn: Transaction) -> Transaction:
    demo = txn.session.get(DemoClock, ONLY_ROW)
    if demo is None:
        return txn
    clock.set_ahead(timedelta(seconds=demo.ahead_seconds))
    return replace(txn, now=clock.now())


def _with_a_phone(txn: Transaction, made_at: datetime) -> set[UUID]:
    """Whose phone was signed in when the backup was made, or may have been since, with a code that was waiting then."""
    signed_in = select(Device.patient_id).where(Device.signed_out_at.is_(None))
    waiting = select(ActivationCode.patient_id).where(
        ActivationCode.used_at.is_(None), ActivationCode.voided_at.is_(None), ActivationCode.expires_at > made_at
    )
    return {*txn.session.scalars(signed_in), *txn.session.scalars(waiting)} & set(everyone(txn))


def _ask_about(txn: Transaction, patient_ids: set[UUID], made_at: datetime) -> None:
    """Was this patient told, and does the phone still work? Only a person can find out."""
    for patient_id in sorted(patient_ids):
        patient = txn.session.get_one(Patient, patient_id)
        open_item(
            txn,
            reason=WorkReason.RESTORED_FROM_BACKUP,
            key=f"restored:{made_at.isoformat()}",
            site_id=patient.site_id,
            patient_id=patient.id,
            due_at=txn.now,
        )


def _ask_each_site(txn: Transaction, made_at: datetime) -> None:
    """What was entered since the backup is to be entered again: deaths, withdrawals and STOPs before anything else."""
    for site in txn.session.scalars(select(Site).order_by(Site.code)).all():
        open_item(
            txn,
            reason=WorkReason.RESTORED_FROM_BACKUP,
            key=f"restored:{made_at.isoformat()}",
            site_id=site.id,
            due_at=txn.now,
        )


def _sign_everybody_out(txn: Transaction) -> None:
    """Sessions ended since would live again, and codes that were used would work a second time."""
    at = clock.wall()
    running = select(StaffSession).where(StaffSession.revoked_at.is_(None), StaffSession.ends_at > at)
    for session in txn.session.scalars(running.order_by(StaffSession.started_at, StaffSession.id)).all():
        session.revoked_at = at
        audit.record(txn, "staff_session.revoked", session, reason=RESTORED)
    unused = select(ActivationCode).where(ActivationCode.used_at.is_(None), ActivationCode.voided_at.is_(None))
    for code in txn.session.scalars(unused.order_by(ActivationCode.issued_at, ActivationCode.id)).all():
        code.voided_at = at
        audit.record(txn, "activation_code.voided", code, reason=RESTORED)

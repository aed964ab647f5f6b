"""An approved death that was a mistake: a signed reversal takes it back, and the plan is as it was before.

It is the one way back from a recorded death. A report that waits is denied instead; one that was denied never held.
"""

from backend import audit
from backend.adverse_events.deaths import unsuspect_death
from backend.agenda.reversals import KINDS, Kind, Kinds
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.patients import contact, life
from backend.patients.models import Patient
from backend.survival.calls import call_again
from backend.survival.deaths import (
    HELD_BECAUSE_DIED,
    HELD_BECAUSE_REPORTED,
    MISTAKEN,
    PENDING,
    date_death,
    date_of,
    reports_of,
)
from backend.survival.models import DeathReport
from backend.terms import DeathReportStatus


def refuse_what_is_no_death(txn: Transaction, patient: Patient, report: DeathReport) -> None:
    """Only an approved report put a death on the record."""
    if report.status == PENDING:
        raise NoLongerPossible("This report still waits. Deny it, if it is mistaken.")
    if report.status != DeathReportStatus.APPROVED:
        raise NoLongerPossible("This report was denied; no death is on the record because of it.")


def take_back(txn: Transaction, patient: Patient, report: DeathReport) -> None:
    """The patient lives, unless another approved report stands: then it alone says when they died.

    The signature is a person's act, so contact resumes with it, but for a report that still waits.
    """
    report.status = DeathReportStatus.REVERSED
    audit.record(txn, "death.reversed", report)
    txn.session.flush()
    others = [one for one in reports_of(txn, patient) if one.status not in MISTAKEN]
    approved = [one for one in others if one.status == DeathReportStatus.APPROVED]
    if approved:
        date_death(txn, patient, date_of(approved))
        return
    life.take_back_death(txn, patient)
    ended = {HELD_BECAUSE_DIED} if others else {HELD_BECAUSE_DIED, HELD_BECAUSE_REPORTED}
    for held in contact.holds(txn, patient):
        if held.reason in ended:
            contact.lift(txn, held)
    if not others:
        unsuspect_death(txn, patient)
        call_again(txn, patient)


# Every kind of entry that a signed reversal can take back.
EVERY_KIND: Kinds = {**KINDS, DeathReport: Kind(take_back, refuse_what_is_no_death)}

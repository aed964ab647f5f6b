"""Whose words a request carries, which is not always who sends it: the audit trail names the originator."""

from dataclasses import replace

from backend.db import Transaction
from backend.terms import Originator, Respondent


def as_said_by(txn: Transaction, respondent: str) -> Transaction:
    """The same transaction; what a caregiver says on the patient's phone is a proxy's word."""
    if respondent != Respondent.CAREGIVER:
        return txn
    return txn.acting_as(replace(txn.actor, originator=Originator.PROXY))


def on_behalf(txn: Transaction) -> Transaction:
    """The same transaction; a member of staff enters what a patient or a relative said."""
    return txn.acting_as(replace(txn.actor, originator=Originator.SITE_ON_BEHALF))

"""Taking turns: acts about one patient never pass each other, and each sees what the last one did."""

from sqlalchemy import bindparam, select

from backend.db import Transaction, database_of, one_at_a_time_for
from backend.patients.models import Patient

_ROW = Patient.__table__.c
_VERSION = select(_ROW.version).where(_ROW.id == bindparam("id"))


def take_turn(txn: Transaction, patient: Patient) -> None:
    """Wait for whoever acts about this patient, then read the patient anew: what was loaded before may be old.

    Come here before changing anything: reading anew would drop what is not written yet.
    """
    assert not txn.session.is_modified(patient), "Take the turn before changing the patient."
    one_at_a_time_for(txn, patient.id)
    if not database_of(txn).is_sqlite:
        # There, whoever writes has been alone since the transaction began, and nothing read in it is old.
        _read_anew(txn, patient)


def _read_anew(txn: Transaction, patient: Patient) -> None:
    """Every change counts the version up, so a patient of the same version is the same still."""
    version = txn.connection.scalar(_VERSION, {"id": patient.id})
    if version != patient.version:
        txn.session.refresh(patient)

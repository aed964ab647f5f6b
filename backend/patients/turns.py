"""Taking turns: acts about one patient never pass each other, and each sees what the last one did."""

from backend.db import Transaction, database_of, one_at_a_time_for
from backend.patients.models import Patient


def take_turn(txn: Transaction, patient: Patient) -> None:
    """Wait for whoever acts about this patient, then read the patient anew: what was loaded before may be old.

    Come here before changing anything: reading anew would drop what is not written yet.
    """
    assert not txn.session.is_modified(patient), "Take the turn before changing the patient."
    one_at_a_time_for(txn, patient.id)
    if not database_of(txn).is_sqlite:
        # There, whoever writes has been alone since the transaction began, and nothing read in it is old.
        txn.session.refresh(patient)

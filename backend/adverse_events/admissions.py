"""An unplanned stay in hospital is serious until a physician has judged it: it opens a candidate of its own."""

from uuid import UUID

from backend.adverse_events.suspected import are_sought, suspect, withdraw
from backend.agenda import stays
from backend.agenda.stays import Admission, StayChange
from backend.db import Transaction
from backend.event_terms import Seriousness
from backend.patients.acts import Hospitalisation, Reversal
from backend.patients.models import Patient

REVERSED = "reversed"


def admit(txn: Transaction, patient: Patient, said: Admission) -> StayChange:
    """Record a stay, as ``stays.admit`` does; an unplanned one up to month 24 is before the physicians at once."""
    change = stays.admit(txn, patient, said)
    if not said.planned and are_sought(txn, patient, said.admitted_on):
        suspect(txn, patient, Seriousness.HOSPITALISATION, subject=_subject_of(change.stay.id), on=said.admitted_on)
    return change


def after_reversal(txn: Transaction, patient: Patient, reversal: Reversal) -> None:
    """If a stay is what never was, nobody need judge it. Call it once a reversal is signed."""
    if reversal.of_type == Hospitalisation.__tablename__:
        withdraw(txn, patient, _subject_of(reversal.of_id), REVERSED)


def _subject_of(stay_id: UUID) -> str:
    """As the key of the stay's task (``agenda.stays``): deciding the candidate closes the task of the same name."""
    return f"hospitalisation:{stay_id}"

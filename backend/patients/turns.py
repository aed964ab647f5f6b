"""Taking turns: acts about one patient never pass each other, and each sees what the last one did."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, select

from backend.among import among
from backend.db import Transaction
from backend.patients.models import Patient

_ROW = Patient.__table__.c
# Nobody else changes the row meanwhile; rows that refer to it may still be written. In one statement with what it
# has become: every change counts its version up.
_TURN = select(_ROW.version).where(_ROW.id == bindparam("id")).with_for_update(key_share=True)
# Asked before every message, and so put together once.
_TURNS = select(_ROW.id).where(among(_ROW.id, "ids")).order_by(_ROW.id).with_for_update(key_share=True)
_FREE_TURNS = _TURNS.with_for_update(key_share=True, skip_locked=True)
_THESE = select(Patient).where(among(Patient.id, "ids")).order_by(Patient.id).execution_options(populate_existing=True)


def take_turn(txn: Transaction, patient: Patient) -> None:
    """Wait for whoever acts about this patient, then read the patient anew: what was loaded before may be old.

    Come here before changing anything: reading anew would drop what is not written yet.
    """
    assert not txn.session.is_modified(patient), "Take the turn before changing the patient."
    version = one_at_a_time_for(txn, patient.id)
    if version not in (None, patient.version):
        txn.session.refresh(patient)


def one_at_a_time_for(txn: Transaction, patient_id: UUID) -> int | None:
    """Acts about one patient take turns: a report, an answer, a decision and a changed date never pass each other.

    Gives the patient's version, by which whoever read the patient before sees whether that still holds. On SQLite
    whoever writes has been alone since the transaction began, nothing read in it is old, and the answer is None.
    """
    # On SQLite it is having begun that keeps the others waiting.
    connection = txn.connection
    if txn.database.is_sqlite:
        return None
    version: int | None = connection.scalar(_TURN, {"id": patient_id})
    return version


def take_turns(txn: Transaction, patient_ids: Collection[UUID]) -> Collection[UUID]:
    """The turns of several patients, until this transaction has ended; gives those whose turns these are.

    For what rests on how they stand, such as that a message may be begun: a death, a withdrawal or a hold is committed
    before that is decided, or after it was begun. One alone is waited for; of several, those about whom somebody acts
    just then are left out, so that nobody waits for one of them because of another.

    Read how they stand with another statement: what this one had to wait for it would not see. On SQLite nobody else
    has written since this transaction began, and nothing need be asked.
    """
    if txn.database.is_sqlite:
        return patient_ids
    turns = _TURNS if len(patient_ids) <= 1 else _FREE_TURNS
    return txn.connection.scalars(turns, {"ids": patient_ids}).all()


def hold_still(txn: Transaction, patient_ids: Collection[UUID]) -> Sequence[Patient]:
    """The same, and the patients as they then are. Hold what it returns: the session forgets what nobody holds."""
    return txn.session.scalars(_THESE, {"ids": take_turns(txn, patient_ids)}).all()

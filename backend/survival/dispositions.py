"""Lost to follow-up: an investigator's finding, by its definition only, undone by any later evidence or by an act.

It says how participation stands and nothing about survival. It stops nothing: the ladder goes on at each check,
because whoever is lost may be found.
"""

from collections.abc import Sequence

from sqlalchemy import select

from backend import audit
from backend.contact_terms import Disposition
from backend.db import Transaction
from backend.errors import AlreadyExists, NoLongerPossible, NotLostToFollowUp
from backend.patients import life
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.survival.attempts import as_tries, attempts_of
from backend.survival.ladder import missing_to_be_lost, rounds_of
from backend.survival.models import LostToFollowUp
from backend.terms import PatientStatus


def declare_lost(txn: Transaction, patient: Patient, reason: str) -> LostToFollowUp:
    """Find the patient lost to follow-up. Raises ``NotLostToFollowUp`` with whatever the definition still asks for,
    ``NoLongerPossible`` after a death or a withdrawal from the study, ``AlreadyExists`` for one who is lost already.
    """
    take_turn(txn, patient)
    if patient.status in (PatientStatus.DIED, PatientStatus.WITHDRAWN):
        raise NoLongerPossible("Who has died or left the study is not lost to follow-up.")
    if standing(txn, patient) is not None:
        raise AlreadyExists("The patient is lost to follow-up already.")
    known_alive = life.last_known_alive(txn, patient) or patient.randomised_on
    tries = as_tries(txn, patient, attempts_of(txn, [patient.id])[patient.id])
    missing = missing_to_be_lost(tries, known_alive)
    if missing:
        step = rounds_of(one for one in tries if one.on > known_alive)[-1].step
        raise NotLostToFollowUp(
            " ".join(missing), missing=list(missing), next_step=step, last_known_alive=known_alive.isoformat()
        )
    row = LostToFollowUp(
        patient_id=patient.id,
        site_id=patient.site_id,
        last_known_alive=known_alive,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    row.reason_sealed = seal(txn, row, "reason_sealed", reason)
    audit.record(txn, "disposition.recorded", row)
    txn.session.flush()
    return row


def end(txn: Transaction, patient: Patient, reason: str) -> LostToFollowUp:
    """A person takes the finding back. Raises ``NoLongerPossible`` for somebody who is not lost."""
    take_turn(txn, patient)
    row = standing(txn, patient)
    if row is None:
        raise NoLongerPossible("The patient is not lost to follow-up.")
    row.ended_at, row.ended_by = txn.now, txn.actor.id
    row.ended_because_sealed = seal(txn, row, "ended_because_sealed", reason)
    audit.record(txn, "disposition.ended", row)
    txn.session.flush()
    return row


def findings_of(txn: Transaction, patient: Patient) -> Sequence[LostToFollowUp]:
    """Every time the patient was found to be lost, the latest first."""
    known = select(LostToFollowUp).where(LostToFollowUp.patient_id == patient.id)
    return txn.session.scalars(known.order_by(LostToFollowUp.recorded_at.desc(), LostToFollowUp.id)).all()


def standing(txn: Transaction, patient: Patient) -> LostToFollowUp | None:
    """The finding that stands: not taken back, and nothing later is known than when it was made, by any way."""
    open_now = [row for row in findings_of(txn, patient) if row.ended_at is None]
    if not open_now or life.is_dead(patient):
        return None
    known_alive = life.last_known_alive(txn, patient)
    return next((row for row in open_now if known_alive is None or known_alive <= row.last_known_alive), None)


def disposition_of(txn: Transaction, patient: Patient) -> Disposition | None:
    """How the patient's participation stands; None: as everybody's. Never a word about survival."""
    if patient.withdrawn_from_study_on is not None:
        return Disposition.WITHDRAWN
    return Disposition.LOST_TO_FOLLOW_UP if standing(txn, patient) else None

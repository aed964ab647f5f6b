"""Confirming that a patient is alive: one act for the app, a text, a caregiver and the site."""

from datetime import date

from backend import audit, clock
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.patients import life
from backend.patients.models import EvidenceOfLife, Patient
from backend.terms import EvidenceSource, WorkReason
from backend.worklist.items import open_item


def confirm_alive(
    txn: Transaction,
    patient: Patient,
    *,
    as_of: date,
    source: EvidenceSource,
    reference: str = "",
    note: str | None = None,
) -> EvidenceOfLife:
    """Add evidence that the patient was alive on ``as_of``; every check opened by then closes by itself.

    The patient's own word and a call count for the day itself, a proxy's for the date the proxy names.
    Raises ``InvalidInput`` for a date ahead or before randomisation, and ``NoLongerPossible`` after a death.
    """
    if life.is_dead(patient):
        raise NoLongerPossible("A death is on the record; only a signed reversal can undo it.")
    _check_day(txn, patient, as_of)
    return life.add_evidence(txn, patient, as_of=as_of, source=source, reference=reference, note=note)


def note_unknown(txn: Transaction, patient: Patient, *, as_of: date, source: EvidenceSource) -> None:
    """Nobody could say. That is no evidence of anything: it leaves a trace and, once a day, a task to find out."""
    if life.is_dead(patient):
        raise NoLongerPossible("A death is on the record; only a signed reversal can undo it.")
    _check_day(txn, patient, as_of)
    audit.note(txn, "survival.unknown", patient, reason=f"{source} as of {as_of.isoformat()}")
    open_item(
        txn,
        reason=WorkReason.SURVIVAL_CHECK_UNANSWERED,
        key=f"survival-unknown@{as_of.isoformat()}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def _check_day(txn: Transaction, patient: Patient, as_of: date) -> None:
    today = clock.local_day(txn.now, patient.time_zone)
    if as_of > today:
        raise InvalidInput(fields={"as_of": ["Nobody can be known to be alive on a day that has not come."]})
    if as_of < patient.consented_on:
        raise InvalidInput(fields={"as_of": [f"Before consent on {patient.consented_on.isoformat()}."]})

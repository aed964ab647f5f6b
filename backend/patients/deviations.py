"""Departures from the protocol: kept with the patient, listed for the Study page and the exports."""

from datetime import date

from backend import audit
from backend.db import Transaction
from backend.patients.models import Deviation, Patient
from backend.sealing import seal


def record(
    txn: Transaction,
    patient: Patient,
    kind: str,
    *,
    on: date,
    subject: str,
    important: bool = False,
    reason: str | None = None,
) -> Deviation:
    """Keep that the protocol was not followed, about what (``cycle-1.day-2``, ``eligibility.alt_u_l``) and why."""
    deviation = Deviation(
        patient_id=patient.id,
        site_id=patient.site_id,
        kind=kind,
        important=important,
        occurred_on=on,
        subject=subject,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    deviation.reason_sealed = seal(txn, deviation, "reason_sealed", reason)
    audit.record(txn, "deviation.recorded", deviation)
    return deviation

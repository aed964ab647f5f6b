"""What imaging showed of the tumour: entered by the site, one a day and criteria, undone by a signed reversal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from backend import audit
from backend.db import Transaction
from backend.errors import AlreadyExists
from backend.event_terms import ResponseCriteria, TumourResponse
from backend.patients import life
from backend.patients.acts import TumourAssessment
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.terms import EvidenceSource


@dataclass(frozen=True)
class Seen:
    """What a person read off the images, and on which day they were made."""

    assessed_on: date
    response: TumourResponse
    criteria: ResponseCriteria = ResponseCriteria.RECIST


def record(txn: Transaction, patient: Patient, seen: Seen) -> TumourAssessment:
    """Keep it; whoever was imaged was alive on that day.

    Raises ``InvalidInput`` for days before consent, after death or withdrawal, or ahead, and ``AlreadyExists`` when
    that day was assessed by these criteria before.
    """
    take_turn(txn, patient)
    life.check_day_past(txn, patient, seen.assessed_on, field="assessed_on")
    life.check_before_withdrawal(patient, seen.assessed_on, field="assessed_on")
    for other in assessments_of(txn, patient):
        same = (other.assessed_on, other.criteria) == (seen.assessed_on, seen.criteria)
        if same and other.reversed_at is None:
            raise AlreadyExists("This day was assessed by these criteria before.", response=other.response)
    made = TumourAssessment(
        patient_id=patient.id,
        site_id=patient.site_id,
        assessed_on=seen.assessed_on,
        response=seen.response,
        criteria=seen.criteria,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    audit.record(txn, "tumour_assessment.recorded", made)
    reference = reference_of(made)
    life.add_evidence(txn, patient, as_of=seen.assessed_on, source=EvidenceSource.VISIT, reference=reference)
    txn.session.flush()
    return made


def assessments_of(txn: Transaction, patient: Patient) -> Sequence[TumourAssessment]:
    """Every assessment, the earliest first, those entered by mistake included."""
    known = select(TumourAssessment).where(TumourAssessment.patient_id == patient.id)
    in_order = (TumourAssessment.assessed_on, TumourAssessment.recorded_at, TumourAssessment.id)
    return txn.session.scalars(known.order_by(*in_order)).all()


def reference_of(assessment: TumourAssessment) -> str:
    """What the evidence of life that it left is called."""
    return f"tumour-assessment:{assessment.id}"

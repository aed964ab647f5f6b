"""What people decide about a candidate event. Every step is kept: who, when, from where to where."""

from backend import audit
from backend.db import Transaction, one_at_a_time_for
from backend.errors import NoLongerPossible
from backend.terms import CandidateStatus
from backend.triage.models import CandidateDecision, CandidateEvent


def acknowledge(txn: Transaction, candidate: CandidateEvent) -> CandidateEvent:
    """A person has taken note: the clock of its tier stops, and later reports of the same kind join in silence."""
    # A report that joins and a second person who takes note both wait here, and then see what the first has done.
    one_at_a_time_for(txn, candidate.patient_id)
    txn.session.refresh(candidate)
    if candidate.status != CandidateStatus.PROPOSED:
        raise NoLongerPossible(f"This candidate event is {candidate.status}.")
    candidate.status = CandidateStatus.ACKNOWLEDGED
    candidate.acknowledged_at = txn.now
    candidate.acknowledged_by = txn.actor.id
    audit.record(txn, "candidate_event.acknowledged", candidate)
    txn.session.flush()
    txn.session.add(
        CandidateDecision(
            candidate_event_id=candidate.id,
            patient_id=candidate.patient_id,
            site_id=candidate.site_id,
            kind="acknowledged",
            from_status=CandidateStatus.PROPOSED,
            to_status=CandidateStatus.ACKNOWLEDGED,
            decided_by=txn.actor.id,
            decided_at=txn.now,
        )
    )
    return candidate

"""What people decide about a candidate event. Every step is kept: who, when, from where to where, and why."""

from backend import audit
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.patients.turns import one_at_a_time_for
from backend.sealing import seal
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus
from backend.triage.models import CandidateDecision, CandidateEvent
from backend.triage.paging import settle_page_of


def acknowledge(txn: Transaction, candidate: CandidateEvent) -> CandidateEvent:
    """A person has taken note: the clock of its tier stops, and later reports of the same kind join in silence."""
    read_in_turn(txn, candidate)
    if candidate.status != CandidateStatus.PROPOSED:
        raise NoLongerPossible(f"This candidate event is {candidate.status}.")
    take_note(txn, candidate)
    audit.record(txn, "candidate_event.acknowledged", candidate)
    keep_step(txn, candidate, "acknowledged", CandidateStatus.PROPOSED)
    return candidate


def read_in_turn(txn: Transaction, candidate: CandidateEvent) -> None:
    """Wait for whoever acts about this patient, then read the candidate anew: what was loaded before may be old.

    A report that joins and a second person who decides both wait here, and then see what the first has done.
    """
    one_at_a_time_for(txn, candidate.patient_id)
    txn.session.refresh(candidate)


def refuse_closed(candidate: CandidateEvent) -> None:
    """Raises ``NoLongerPossible`` once a person has confirmed, merged or dismissed it."""
    if candidate.status not in OPEN_CANDIDATE_STATUSES:
        raise NoLongerPossible(f"This candidate event is {candidate.status}.")


def take_note(txn: Transaction, candidate: CandidateEvent) -> None:
    """Whoever acts has seen it now."""
    candidate.status = CandidateStatus.ACKNOWLEDGED
    candidate.acknowledged_at = txn.now
    candidate.acknowledged_by = txn.actor.id


def keep_step(
    txn: Transaction, candidate: CandidateEvent, kind: str, from_status: str, *, reason: str | None = None
) -> CandidateDecision:
    """Keep a step a person took; call it after the candidate has changed. ``reason`` is in the person's own words."""
    txn.session.flush()
    step = CandidateDecision(
        candidate_event_id=candidate.id,
        patient_id=candidate.patient_id,
        site_id=candidate.site_id,
        kind=kind,
        from_status=from_status,
        to_status=candidate.status,
        decided_by=txn.actor.id,
        decided_at=txn.now,
    )
    step.reason_sealed = seal(txn, step, "reason_sealed", reason)
    txn.session.add(step)
    settle_page_of(txn, candidate)
    return step

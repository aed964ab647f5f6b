"""Who has taken a candidate event on. One person has it; everybody else sees who."""

from backend import audit
from backend.db import Transaction
from backend.errors import ClaimedByAnother, NoLongerPossible, NotPermitted
from backend.triage.decisions import keep_step, read_in_turn, refuse_closed
from backend.triage.models import CandidateEvent


def claim(txn: Transaction, candidate: CandidateEvent) -> bool:
    """Take it on. Of two who try at once one gets it; False when it was one's own already.

    Raises ``ClaimedByAnother`` when somebody has it, ``NoLongerPossible`` when it is closed.
    """
    read_in_turn(txn, candidate)
    refuse_closed(txn, candidate)
    if candidate.claimed_by == txn.actor.id:
        return False
    if candidate.claimed_by is not None:
        since = candidate.claimed_at.isoformat() if candidate.claimed_at else None
        raise ClaimedByAnother(by=str(candidate.claimed_by), at=since)
    candidate.claimed_by = txn.actor.id
    candidate.claimed_at = txn.now
    audit.record(txn, "candidate_event.claimed", candidate)
    keep_step(txn, candidate, "claimed", candidate.status)
    return True


def release(txn: Transaction, candidate: CandidateEvent, *, may_release_others: bool) -> None:
    """Let go of it; an investigator may take it out of another's hands, who may be ill or gone.

    Raises ``NoLongerPossible`` when nobody has it, ``NotPermitted`` when it is not one's own to let go of.
    """
    read_in_turn(txn, candidate)
    if candidate.claimed_by is None:
        raise NoLongerPossible("Nobody has claimed this candidate event.")
    if candidate.claimed_by != txn.actor.id and not may_release_others:
        raise NotPermitted()
    candidate.claimed_by = None
    candidate.claimed_at = None
    audit.record(txn, "candidate_event.released", candidate)
    keep_step(txn, candidate, "released", candidate.status)

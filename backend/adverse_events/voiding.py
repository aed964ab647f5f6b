"""An adverse event that was recorded by mistake: it stays on record with the reason, and counts no more."""

from sqlalchemy import select

from backend import audit
from backend.adverse_events import safety
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.recording import read_in_turn
from backend.adverse_events.signatures import void_signature, was_ever_signed
from backend.db import Transaction
from backend.errors import NotPermitted
from backend.sealing import seal
from backend.triage import closing
from backend.triage.decisions import read_in_turn as read_candidate_in_turn
from backend.triage.models import CandidateEvent

VOIDED = "voided"


def event_of(txn: Transaction, candidate: CandidateEvent) -> AdverseEvent | None:
    """The event that a candidate was confirmed as; None while there is none that stands."""
    standing = select(AdverseEvent).where(
        AdverseEvent.candidate_event_id == candidate.id, AdverseEvent.voided_at.is_(None)
    )
    return txn.session.scalars(standing).one_or_none()


def void_event(txn: Transaction, event: AdverseEvent, reason: str, *, may_void_signed: bool) -> AdverseEvent:
    """It was a mistake. ``reason`` is in the person's own words; ``may_void_signed`` says whether they are a physician.

    Raises ``NoLongerPossible`` when it was voided before, and ``NotPermitted`` when a physician has ever signed it and
    this is none. The candidate it came from goes back into the queue, to be judged anew: no report is lost by it.
    """
    _void(txn, event, reason, may_void_signed=may_void_signed)
    if event.candidate_event_id is not None:
        closing.reopen(txn, txn.session.get_one(CandidateEvent, event.candidate_event_id), reason)
    return event


def reopen(txn: Transaction, candidate: CandidateEvent, reason: str, *, may_void_signed: bool) -> None:
    """Back into the queue, whatever closed it. An event it was confirmed as is voided with the same reason.

    Raises what ``void_event`` and ``closing.reopen`` raise.
    """
    read_candidate_in_turn(txn, candidate)
    event = event_of(txn, candidate)
    if event is not None:
        _void(txn, event, reason, may_void_signed=may_void_signed)
    closing.reopen(txn, candidate, reason)


def _void(txn: Transaction, event: AdverseEvent, reason: str, *, may_void_signed: bool) -> None:
    read_in_turn(txn, event)
    if not may_void_signed and was_ever_signed(txn, event):
        raise NotPermitted("An investigator has signed this adverse event; only one may void it.")
    void_signature(txn, event, [VOIDED])
    event.voided_at, event.voided_by = txn.now, txn.actor.id
    event.voided_because_sealed = seal(txn, event, "voided_because_sealed", reason)
    event.version += 1
    audit.record(txn, "adverse_event.voided", event, words=reason)
    txn.session.flush()
    safety.follow_clock(txn, event)

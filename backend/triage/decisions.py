"""What people decide about a candidate event. Every step is kept: who, as what, when, from where to where, and why."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.db import Transaction, insert_now
from backend.errors import NoLongerPossible
from backend.patients.turns import one_at_a_time_for
from backend.sealing import seal
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Originator
from backend.triage.models import CandidateDecision, CandidateEvent
from backend.triage.paging import settle_page_of
from backend.triage.serious import close_task_of

OF_THE_SITE = frozenset({Originator.SITE, Originator.SITE_ON_BEHALF})


@dataclass(frozen=True)
class Why:
    """Why a step was taken: in one of our words, in the person's own, and into which candidate one was merged."""

    code: str | None = None
    words: str | None = None
    into: UUID | None = None


NO_REASON = Why()


def acknowledge(txn: Transaction, candidate: CandidateEvent) -> CandidateEvent:
    """A person has taken note: the clock of its tier stops, and later reports of the same kind join in silence."""
    read_in_turn(txn, candidate)
    if candidate.status != CandidateStatus.PROPOSED:
        raise no_longer(txn, candidate)
    with audit.together(txn):
        audit.record_update(txn, "candidate_event.acknowledged", candidate, **_note_taken(txn))
        keep_step(txn, candidate, "acknowledged", CandidateStatus.PROPOSED)
    return candidate


def close(
    txn: Transaction,
    candidate: CandidateEvent,
    status: CandidateStatus,
    kind: str,
    *,
    reason: str | None = None,
    code: str | None = None,
    into: UUID | None = None,
) -> CandidateDecision:
    """Judge it: confirmed, merged or dismissed. Nobody has it any more, and what was expected of it is over.

    Call it once the candidate has been read in turn. ``kind`` names the step, ``reason`` is in the person's own words,
    ``code`` one of ours, ``into`` the candidate it was merged into. Of two people at once the second hears who was
    first: raises ``NoLongerPossible``.
    """
    refuse_closed(txn, candidate)
    before = candidate.status
    if candidate.acknowledged_at is None:
        take_note(txn, candidate)
    candidate.status = status
    candidate.merged_into = into
    candidate.claimed_by = candidate.claimed_at = None
    candidate.snoozed_until = candidate.snoozed_level = None
    with audit.together(txn):
        audit.record(txn, f"candidate_event.{kind}", candidate, reason=code, words=reason)
        step = keep_step(txn, candidate, kind, before, why=Why(code, reason, into))
        close_task_of(txn, candidate)
    return step


def read_in_turn(txn: Transaction, candidate: CandidateEvent) -> None:
    """Wait for whoever acts about this patient, then read the candidate anew: what was loaded before may be old.

    A report that joins and a second person who decides both wait here, and then see what the first has done.
    """
    if one_at_a_time_for(txn, candidate.patient_id) is not None:
        txn.session.refresh(candidate)


def refuse_closed(txn: Transaction, candidate: CandidateEvent) -> None:
    """Raises ``NoLongerPossible`` once a person has confirmed, merged or dismissed it."""
    if candidate.status not in OPEN_CANDIDATE_STATUSES:
        raise no_longer(txn, candidate)


def no_longer(txn: Transaction, candidate: CandidateEvent) -> NoLongerPossible:
    """The refusal of who comes too late: how it stands, and who brought it there, in which role, and when."""
    said, last = f"This candidate event is {candidate.status}.", last_step_to(txn, candidate)
    if last is None:
        return NoLongerPossible(said, standing=candidate.status)
    return NoLongerPossible(
        said,
        standing=candidate.status,
        kind=last.kind,
        by=str(last.decided_by) if last.decided_by else None,
        role=last.decided_as,
        at=last.decided_at.isoformat(),
    )


def last_step_to(txn: Transaction, candidate: CandidateEvent) -> CandidateDecision | None:
    """The step by which a candidate came to stand as it does; None where a report or the beginning brought it there."""
    brought = select(CandidateDecision).where(
        CandidateDecision.candidate_event_id == candidate.id,
        CandidateDecision.to_status == candidate.status,
        CandidateDecision.from_status != candidate.status,
    )
    latest = brought.order_by(CandidateDecision.decided_at.desc(), CandidateDecision.id.desc())
    return txn.session.scalars(latest.limit(1)).one_or_none()


def take_note(txn: Transaction, candidate: CandidateEvent) -> None:
    """Whoever acts has seen it now."""
    for name, value in _note_taken(txn).items():
        setattr(candidate, name, value)


def _note_taken(txn: Transaction) -> dict[str, Any]:
    by = {"acknowledged_at": txn.now, "acknowledged_by": txn.actor.id}
    return {"status": CandidateStatus.ACKNOWLEDGED, **by}


def keep_step(
    txn: Transaction,
    candidate: CandidateEvent,
    kind: str,
    from_status: str,
    *,
    reason: str | None = None,
    why: Why = NO_REASON,
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
        decided_as=txn.actor.role_at(candidate.site_id),
        reason_code=why.code,
        merged_into=why.into,
    )
    step.reason_sealed = seal(txn, step, "reason_sealed", reason or why.words)
    insert_now(txn, step)
    know(txn, candidate)
    settle_page_of(txn, candidate)
    return step


def know(txn: Transaction, candidate: CandidateEvent) -> None:
    """``set_known``, written down by itself: for an act that has been recorded already."""
    if _becomes_known(txn, candidate):
        audit.record_update(txn, "candidate_event.known", candidate, first_known_at=txn.now)


def set_known(txn: Transaction, candidate: CandidateEvent) -> None:
    """From now on the site knows of it, whoever of the site is first to open it, to record it or to act on it.

    It is never moved later. What the patient and the sponsor's people say or see makes nothing known to the site.
    """
    if _becomes_known(txn, candidate):
        candidate.first_known_at = txn.now


def _becomes_known(txn: Transaction, candidate: CandidateEvent) -> bool:
    return candidate.first_known_at is None and txn.actor.originator in OF_THE_SITE


def note_opened(txn: Transaction, candidate_id: UUID) -> None:
    """Somebody who cares for the patient has opened it: written once the reading itself has ended."""
    candidate = txn.session.get_one(CandidateEvent, candidate_id)
    read_in_turn(txn, candidate)
    know(txn, candidate)

"""What ends a candidate event without an adverse event, and what opens it again: dismissed, merged, reopened.

Confirming stands above, with the event it makes; it closes through ``decisions.close`` like these.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.db import Transaction
from backend.errors import InvalidInput, NotPermitted
from backend.event_terms import Dismissal
from backend.patients.models import Patient
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Tier
from backend.triage.candidates import due_anew
from backend.triage.decisions import Why, close, keep_step, no_longer, read_in_turn, refuse_closed, take_note
from backend.triage.episodes import Level, highest
from backend.triage.models import CandidateEvent

DISMISSED, MERGED, TOOK_IN, REOPENED = "dismissed", "merged", "took_in", "reopened"


def dismiss(
    txn: Transaction, candidate: CandidateEvent, reason: Dismissal, note: str | None, *, may_dismiss_urgent: bool
) -> None:
    """It is no adverse event, and this is why. What was ever an emergency or urgent is a physician's to dismiss.

    Raises ``NoLongerPossible`` when somebody closed it before, ``NotPermitted`` when it was ever above T3 and
    ``may_dismiss_urgent`` is False, ``InvalidInput`` when the reason is ``other`` and the note does not say which.
    """
    read_in_turn(txn, candidate)
    refuse_closed(txn, candidate)
    if worst_tier(candidate).is_more_urgent_than(Tier.T3) and not may_dismiss_urgent:
        raise NotPermitted("An emergency or an urgent candidate event is dismissed by an investigator.")
    if reason is Dismissal.OTHER and not (note or "").strip():
        raise InvalidInput(fields={"note": ['Say why: the reason is "other".']})
    close(txn, candidate, CandidateStatus.DISMISSED, DISMISSED, reason=note, code=reason)


def merge(txn: Transaction, candidate: CandidateEvent, into: UUID, *, note: str | None = None) -> CandidateEvent:
    """The same event under another name: ``into`` stands for both from now on. Gives that one.

    Later reports of the merged term are judged by its own level as before: in silence while nothing is worse, as a
    candidate of its own when there is news. Of the same term the reports go where the candidate went. Raises
    ``InvalidInput`` for a target that is not this patient's or is the candidate itself, ``NoLongerPossible`` when
    either has been closed before.
    """
    read_in_turn(txn, candidate)
    target = _target(txn, candidate, into)
    refuse_closed(txn, candidate)
    refuse_closed(txn, target)
    hands_over = candidate.is_running and candidate.subject == target.subject
    if hands_over:
        candidate.is_running = False
    close(txn, candidate, CandidateStatus.MERGED, MERGED, reason=note, into=target.id)
    _take_in(txn, target, candidate, is_running=target.is_running or hands_over)
    return target


def reopen(txn: Transaction, candidate: CandidateEvent, reason: str) -> None:
    """Back into the queue, with the clock of its tier begun anew; an emergency is called out again by the next tick.

    What later reports join is not touched: a candidate that was succeeded by another stays so, and what a merged one
    gave its target stays there. Whoever reopens a confirmed one has voided its event. Raises ``NoLongerPossible``
    when it is open.
    """
    read_in_turn(txn, candidate)
    if candidate.status in OPEN_CANDIDATE_STATUSES:
        raise no_longer(txn, candidate)
    before, was_merged_into = candidate.status, candidate.merged_into
    candidate.status = CandidateStatus.PROPOSED
    candidate.merged_into = None
    candidate.acknowledged_at = candidate.acknowledged_by = None
    candidate.escalated_to = None
    candidate.due_at = due_anew(txn, txn.session.get_one(Patient, candidate.patient_id), Tier(candidate.tier))
    audit.record(txn, "candidate_event.reopened", candidate, words=reason)
    keep_step(txn, candidate, REOPENED, before, why=Why(words=reason, into=was_merged_into))


def worst_tier(candidate: CandidateEvent) -> Tier:
    """The most urgent tier it ever had, which a later and milder report does not take back."""
    return _more_urgent(candidate.tier, candidate.worst.get("tier"))


def merged_into(txn: Transaction, candidate: CandidateEvent) -> list[UUID]:
    """Those that stand under this one, the first reported one first."""
    rows = select(CandidateEvent.id).where(CandidateEvent.merged_into == candidate.id)
    return list(txn.session.scalars(rows.order_by(CandidateEvent.opened_at, CandidateEvent.id)))


def _target(txn: Transaction, candidate: CandidateEvent, into: UUID) -> CandidateEvent:
    if into == candidate.id:
        raise InvalidInput(fields={"into": ["A candidate event is not merged into itself."]})
    target = txn.session.get(CandidateEvent, into, populate_existing=True)
    if target is None or target.patient_id != candidate.patient_id:
        # Another patient's and an unknown one are the same complaint.
        raise InvalidInput(fields={"into": ["This patient has no such candidate event."]})
    return target


def _take_in(txn: Transaction, target: CandidateEvent, merged: CandidateEvent, *, is_running: bool) -> None:
    """Who says that two are one has looked at both. The target is as urgent as the more urgent of them ever was."""
    before = target.status
    if before == CandidateStatus.PROPOSED:
        take_note(txn, target)
    _take_urgency(target, merged)
    _take_time(target, merged)
    if target.subject == merged.subject:
        _take_level(target, merged)
    target.is_running = is_running
    target.needs_review = target.needs_review or merged.needs_review
    target.suspected_serious = target.suspected_serious or merged.suspected_serious
    if txn.session.is_modified(target):
        audit.record(txn, "candidate_event.took_in", target)
    else:
        audit.note(txn, "candidate_event.took_in", target)
    keep_step(txn, target, TOOK_IN, before)


def _take_urgency(target: CandidateEvent, merged: CandidateEvent) -> None:
    if Tier(merged.tier).is_more_urgent_than(Tier(target.tier)):
        target.tier = merged.tier
        target.rule_id, target.rule_version = merged.rule_id, merged.rule_version
        # It was expected at less than this.
        target.snoozed_until = target.snoozed_level = None
    target.worst = {**target.worst, "tier": _more_urgent(worst_tier(target), worst_tier(merged))}


def _take_time(target: CandidateEvent, merged: CandidateEvent) -> None:
    target.onset_on = min(target.onset_on, merged.onset_on)
    target.opened_at = min(target.opened_at, merged.opened_at)
    target.last_reported_at = max(target.last_reported_at, merged.last_reported_at)
    target.due_at = min(target.due_at, merged.due_at)
    # Whoever knew of either knew of the event. Merged by a person, both are known.
    known = [one.first_known_at for one in (target, merged) if one.first_known_at is not None]
    target.first_known_at = min(known, default=None)


def _take_level(target: CandidateEvent, merged: CandidateEvent) -> None:
    """Only of one and the same term can levels be compared. Raw values stay the target's own, so that what is worse
    than they were is still heard."""
    ours, theirs = Level.of_stored(target.worst), Level.of_stored(merged.worst)
    composite, grade = highest(ours.composite, theirs.composite), highest(ours.grade, theirs.grade)
    target.worst = Level(ours.tier, composite, grade, {**theirs.readings, **ours.readings}).stored()
    target.provisional_grade = grade
    target.items = sorted({*target.items, *merged.items})
    if merged.last_reported_at >= target.last_reported_at:
        target.latest, target.trend, target.zero_since = merged.latest, merged.trend, merged.zero_since


def _more_urgent(*tiers: Any) -> Tier:
    return min((Tier(tier) for tier in tiers if tier is not None), key=lambda tier: tier.rank)

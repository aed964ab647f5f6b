"""Expected at this level until: what is known leaves the queue for a while, and is back by itself or when worse."""

from datetime import date, time, timedelta

from backend import audit, clock
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.staff.models import Site
from backend.terms import CandidateStatus, Tier
from backend.triage.decisions import keep_step, read_in_turn, refuse_closed, take_note
from backend.triage.episodes import Level, expected_level
from backend.triage.models import CandidateEvent, is_snoozed

LONGEST = timedelta(days=90)


def snooze(txn: Transaction, candidate: CandidateEvent, until: date, reason: str | None = None) -> None:
    """Expect it at the level it has now, until the day ``until`` begins at the site; a second one replaces the first.

    Whoever expects something has seen it, so a proposed one is acknowledged by it. Raises ``InvalidInput`` for a
    day that is not ahead or is more than 90 days ahead, ``NoLongerPossible`` for an emergency or a closed one.
    """
    read_in_turn(txn, candidate)
    refuse_closed(txn, candidate)
    if candidate.tier == Tier.T1:
        raise NoLongerPossible("An emergency cannot be put off.")
    zone = txn.session.get_one(Site, candidate.site_id).time_zone
    _check(until, clock.local_day(txn.now, zone))
    before = candidate.status
    if before == CandidateStatus.PROPOSED:
        take_note(txn, candidate)
    candidate.snoozed_until = clock.at_local(until, time(0), zone)
    level = expected_level(Tier(candidate.tier), Level.of_stored(candidate.worst), Level.of_stored(candidate.latest))
    candidate.snoozed_level = level.stored()
    if txn.session.is_modified(candidate):
        audit.record(txn, "candidate_event.snoozed", candidate)
    else:
        audit.note(txn, "candidate_event.snoozed", candidate)
    keep_step(txn, candidate, "snoozed", before, reason=reason)


def end_snooze(txn: Transaction, candidate: CandidateEvent) -> None:
    """Have it back in the queue now. Raises ``NoLongerPossible`` when no snooze is in force."""
    read_in_turn(txn, candidate)
    if not is_snoozed(candidate.snoozed_until, txn.now):
        raise NoLongerPossible("This candidate event is not snoozed.")
    candidate.snoozed_until = None
    candidate.snoozed_level = None
    audit.record(txn, "candidate_event.snooze_ended", candidate)
    keep_step(txn, candidate, "snooze_ended", candidate.status)


def _check(until: date, today: date) -> None:
    if until <= today:
        raise InvalidInput(fields={"until": ["Must be a day to come."]})
    if until - today > LONGEST:
        raise InvalidInput(fields={"until": [f"Must be at most {LONGEST.days} days ahead."]})

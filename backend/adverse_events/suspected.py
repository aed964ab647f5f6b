"""Candidates that no report raised: what happened is serious by itself, and a physician must judge it at once.

They stand in the queue like any other, under the same hours: due at once, and the same day's, so that nobody is woken.
No patient is ever written to because of them.
"""

from datetime import date

from sqlalchemy import select

from backend import audit
from backend.agenda.days import plus_months
from backend.db import Transaction, system
from backend.event_terms import Seriousness
from backend.patients.models import Patient
from backend.protocol.definition import Protocol
from backend.protocol.load import protocol_of
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Tier, Trend
from backend.triage.decisions import Why, keep_step, know
from backend.triage.episodes import Level
from backend.triage.models import CandidateEvent

SUSPECTING = system("suspected serious event")
RULE_VERSION = 1
# The obligation to which adverse events belong.
OUTCOME = "outcome"
WITHDRAWN = "withdrawn"


def outcome_ends_on(protocol: Protocol, randomised_on: date) -> date:
    """The last day on which events are sought by themselves; later ones are entered by a person. Pure."""
    obligation = protocol.obligations.get(OUTCOME)
    months = obligation.until_month if obligation else protocol.last_planned_month
    return plus_months(randomised_on, months)


def are_sought(txn: Transaction, patient: Patient, on: date) -> bool:
    """Whether events of that day are sought: up to month 24."""
    return on <= outcome_ends_on(protocol_of(txn, patient.protocol_version_id), patient.randomised_on)


def suspect(
    txn: Transaction, patient: Patient, because: Seriousness, *, subject: str, on: date
) -> CandidateEvent | None:
    """Open a candidate for something serious of the day ``on``; None while ``subject`` has one already."""
    if running(txn, patient, subject) is not None:
        return None
    candidate = _candidate(txn, patient, because, subject, on)
    # Opened by what somebody did, and not by anybody's decision.
    audit.record(txn.acting_as(SUSPECTING), "candidate_event.opened", candidate)
    txn.session.flush()
    # Whoever of the staff enters it knows of it now, and with that its clock runs.
    know(txn, candidate)
    return candidate


def withdraw(txn: Transaction, patient: Patient, subject: str, reason: str) -> CandidateEvent | None:
    """What it rested on never was. Nobody need judge it; what a person has decided before stays theirs to change.

    ``reason`` is a word of ours. None where there is no such candidate.
    """
    candidate = running(txn, patient, subject)
    if candidate is None:
        return None
    candidate.is_running = False
    was = candidate.status
    if was in OPEN_CANDIDATE_STATUSES:
        candidate.status = CandidateStatus.DISMISSED
        candidate.claimed_by = candidate.claimed_at = None
        candidate.snoozed_until = candidate.snoozed_level = None
    by_itself = txn.acting_as(SUSPECTING)
    audit.record(by_itself, "candidate_event.withdrawn", candidate, reason=reason)
    keep_step(by_itself, candidate, WITHDRAWN, was, why=Why(code=reason))
    txn.session.flush()
    return candidate


def running(txn: Transaction, patient: Patient, subject: str) -> CandidateEvent | None:
    """The candidate of this subject, as long as what it rests on stands."""
    rows = select(CandidateEvent).where(
        CandidateEvent.patient_id == patient.id, CandidateEvent.subject == subject, CandidateEvent.is_running
    )
    return txn.session.scalars(rows).one_or_none()


def _candidate(txn: Transaction, patient: Patient, because: Seriousness, subject: str, on: date) -> CandidateEvent:
    level = Level(Tier.T2).stored()
    return CandidateEvent(
        patient_id=patient.id,
        site_id=patient.site_id,
        subject=subject,
        term_code=None,
        tier=Tier.T2,
        status=CandidateStatus.PROPOSED,
        rule_id=because,
        rule_version=RULE_VERSION,
        onset_on=on,
        opened_at=txn.now,
        last_reported_at=txn.now,
        due_at=txn.now,
        worst=level,
        latest=level,
        items=[],
        trend=Trend.NEW,
        provisional_grade=None,
        needs_review=False,
        before_treatment=False,
        report_count=0,
        is_running=True,
        suspected_serious=because,
    )

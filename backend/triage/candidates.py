"""From findings to candidate events: episodes opened, joined, returned to the queue or ended.

The deciding is pure and stands in ``episodes``; here it is applied to rows, one finding and one episode at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit, clock
from backend.db import Transaction
from backend.patients.models import Patient
from backend.protocol.load import protocol_of
from backend.staff.models import Site
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Tier, Trend
from backend.triage.assess import Asked
from backend.triage.episodes import (
    Episode,
    Joins,
    JoinsSilently,
    Level,
    Opens,
    Outcome,
    PagesAgain,
    ReturnsToQueue,
    Said,
    decide,
    decide_unalarmed,
    has_ended,
    rests_on_a_symptom,
)
from backend.triage.models import CandidateEvent, CandidateFinding
from backend.triage.paging import open_page
from backend.triage.rules import Finding, RuleSet
from backend.triage.working_days import WorkingHours, due_at

DANGER_WORDS_RULE = "T1.danger-words"

_rule_sets: dict[UUID, RuleSet] = {}


@dataclass(frozen=True)
class Source:
    """Who said something, in a report or a text, and the patient's day it speaks of."""

    patient: Patient
    said_on: date
    report_id: UUID | None = None
    inbound_message_id: UUID | None = None

    def subject_of(self, finding: Finding) -> str:
        """What later reports join on: the term, or for a finding about no term this one report alone."""
        return finding.term_code or f"{finding.subject}:{self.report_id or self.inbound_message_id}"


def rules_for(txn: Transaction, patient: Patient) -> RuleSet:
    """The triage rules of the protocol version the patient is followed under."""
    version_id = patient.protocol_version_id
    if version_id not in _rule_sets:
        protocol = protocol_of(txn, version_id)
        _rule_sets[version_id] = RuleSet.from_content(protocol.triage, protocol.words.danger)
    return _rule_sets[version_id]


def open_candidates(
    txn: Transaction, source: Source, found: Sequence[Finding], asked: Mapping[str, Asked]
) -> list[CandidateEvent]:
    """Open or join one episode for each finding, and let silent answers end or continue the others."""
    running = _running(txn, source.patient)
    taken = [_take_finding(txn, source, finding, running.get(source.subject_of(finding))) for finding in found]
    fired = {finding.subject for finding in found}
    # In one order always, so that the trail of the same report reads the same.
    silent = sorted(asked.keys() & running.keys() - fired)
    for code in silent:
        _take_silence(txn, source, running[code], asked[code])
    if taken or silent:
        txn.session.flush()
    # Whatever the report holds, it pages once: these are what the page is about.
    paging = [row for row, outcome in taken if _pages(outcome)]
    clocks, text_id = rules_for(txn, source.patient).clocks, source.inbound_message_id
    open_page(txn, source.patient, paging, clocks, report_id=source.report_id, inbound_message_id=text_id)
    return [row for row, _ in taken]


def open_for_text(txn: Transaction, patient: Patient, inbound_message_id: UUID) -> CandidateEvent:
    """Danger words in a text message: an emergency of its own, which a person reads at once."""
    rule = next(rule for rule in rules_for(txn, patient).rules if rule.id == DANGER_WORDS_RULE)
    finding = Finding(
        subject="words",
        term_code=None,
        tier=rule.tier,
        rule_id=rule.id,
        rule_version=rule.version,
        advice_code=rule.advice,
        composite=None,
        grade=None,
        needs_review=False,
        before_treatment=False,
        items=("text:0",),
        rules=(rule.id,),
    )
    today = clock.local_day(txn.now, patient.time_zone)
    source = Source(patient, said_on=today, inbound_message_id=inbound_message_id)
    return open_candidates(txn, source, [finding], {})[0]


def _running(txn: Transaction, patient: Patient) -> dict[str, CandidateEvent]:
    rows = select(CandidateEvent).where(CandidateEvent.patient_id == patient.id, CandidateEvent.is_running)
    return {row.subject: row for row in txn.session.scalars(rows)}


def _pages(outcome: Outcome) -> bool:
    return isinstance(outcome, PagesAgain) or (isinstance(outcome, Opens) and outcome.pages)


def _take_finding(
    txn: Transaction, source: Source, finding: Finding, running: CandidateEvent | None
) -> tuple[CandidateEvent, Outcome]:
    said = Said(
        Level(finding.tier, finding.composite, finding.grade),
        frozenset(finding.items),
        received_at=txn.now,
        fresh_due_at=_due_at(txn, source.patient, finding.tier),
    )
    episode = None if running is None else _episode(running, txn.now)
    outcome = decide(episode, said, rules_for(txn, source.patient).clocks)
    if isinstance(outcome, Opens):
        if running is not None:
            _stop_running(txn, running)
        row = _open(source, finding, txn.now, outcome)
        audit.record(txn, "candidate_event.opened", row)
    else:
        assert running is not None, "There is nothing to join."
        row = running
        _join_finding(row, finding, outcome, txn.now)
        audit.record(txn, "candidate_event.joined", row)
    _keep_finding(txn, source, row, finding)
    return row, outcome


def _take_silence(txn: Transaction, source: Source, row: CandidateEvent, asked: Asked) -> None:
    """A report asked about the term and no rule fired: it joins silently, and twice at 0 ends the episode."""
    fresh_due_at = _due_at(txn, source.patient, Tier(row.tier))
    said = Said(Level(None, asked.composite, asked.grade), frozenset(), txn.now, fresh_due_at)
    _join(row, said.level, decide_unalarmed(_episode(row, txn.now), said), txn.now)
    if asked.at_zero:
        clocks, by_symptom = rules_for(txn, source.patient).clocks, rests_on_a_symptom(row.items)
        row.is_running = not has_ended(row.zero_since, source.said_on, clocks, by_symptom=by_symptom)
        row.zero_since = row.zero_since or source.said_on
    else:
        row.zero_since = None
    audit.record(txn, "candidate_event.joined", row)
    _keep_finding(txn, source, row, None)


def _stop_running(txn: Transaction, closed: CandidateEvent) -> None:
    """What a person has closed stays as it is; the new candidate is what later reports join."""
    closed.is_running = False
    audit.record(txn, "candidate_event.succeeded", closed)
    # Written before the new one is: only one episode of a term may run.
    txn.session.flush()


def _open(source: Source, finding: Finding, now: datetime, outcome: Opens) -> CandidateEvent:
    level = Level(finding.tier, finding.composite, finding.grade)
    return CandidateEvent(
        patient_id=source.patient.id,
        site_id=source.patient.site_id,
        subject=source.subject_of(finding),
        term_code=finding.term_code,
        tier=outcome.tier,
        status=CandidateStatus.PROPOSED,
        rule_id=finding.rule_id,
        rule_version=finding.rule_version,
        onset_on=source.said_on,
        opened_at=now,
        last_reported_at=now,
        due_at=outcome.due_at,
        worst=_as_json(level),
        latest=_as_json(level),
        items=list(finding.items),
        trend=Trend.NEW,
        provisional_grade=finding.grade,
        needs_review=finding.needs_review,
        before_treatment=finding.before_treatment,
        report_count=1,
        is_running=True,
    )


def _join_finding(row: CandidateEvent, finding: Finding, outcome: Joins, now: datetime) -> None:
    _join(row, Level(finding.tier, finding.composite, finding.grade), outcome, now)
    row.items = sorted({*row.items, *finding.items})
    row.zero_since = None
    row.rule_id, row.rule_version = _leading_rule(row, finding, outcome)
    row.needs_review = row.needs_review or finding.needs_review


def _join(row: CandidateEvent, level: Level, outcome: Joins, now: datetime) -> None:
    """A later report of the same term: last reported, worst, trend, and for some a new place in the queue."""
    row.last_reported_at = now
    row.report_count += 1
    row.worst, row.latest = _as_json(outcome.worst), _as_json(level)
    row.trend = outcome.trend
    row.provisional_grade = outcome.worst.grade
    match outcome:
        case ReturnsToQueue(tier, due):
            _return_to_queue(row, tier, due)
        case PagesAgain(due):
            _return_to_queue(row, Tier.T1, due)
        case JoinsSilently():
            pass


def _return_to_queue(row: CandidateEvent, tier: Tier, due: datetime) -> None:
    """A person must look again, and whoever took note or expected it did so of something less."""
    assert row.status in OPEN_CANDIDATE_STATUSES, "What a person has closed is not opened by a report."
    if row.acknowledged_at is not None or due != row.due_at:
        # The clock starts anew, and with it who hears of it when nobody looks in time.
        row.escalated_to = None
    row.tier = tier
    row.due_at = due
    row.status = CandidateStatus.PROPOSED
    row.acknowledged_at = None
    row.acknowledged_by = None
    row.snoozed_until = None
    row.snoozed_level = None


def _leading_rule(row: CandidateEvent, finding: Finding, outcome: Joins) -> tuple[str, int]:
    """The rule shown in the queue is the one that put the candidate where it is."""
    if isinstance(outcome, JoinsSilently):
        return row.rule_id, row.rule_version
    return finding.rule_id, finding.rule_version


def _keep_finding(txn: Transaction, source: Source, row: CandidateEvent, finding: Finding | None) -> None:
    txn.session.flush()
    txn.session.add(
        CandidateFinding(
            candidate_event_id=row.id,
            patient_id=row.patient_id,
            site_id=row.site_id,
            report_id=source.report_id,
            inbound_message_id=source.inbound_message_id,
            tier=row.latest["tier"],
            rule_id=finding.rule_id if finding else None,
            rule_version=finding.rule_version if finding else None,
            composite=row.latest["composite"],
            grade=row.latest["grade"],
            items=list(finding.items) if finding else [],
            trend=row.trend,
            found_at=txn.now,
        )
    )


def _episode(row: CandidateEvent, now: datetime) -> Episode:
    is_snoozed = row.snoozed_until is not None and now < row.snoozed_until
    return Episode(
        tier=Tier(row.tier),
        worst=_level(row.worst),
        latest=_level(row.latest),
        due_at=row.due_at,
        acknowledged_at=row.acknowledged_at,
        items=frozenset(row.items),
        is_open=row.status in OPEN_CANDIDATE_STATUSES,
        expected=_level(row.snoozed_level) if is_snoozed and row.snoozed_level else None,
    )


def _as_json(level: Level) -> dict[str, Any]:
    return {"tier": level.tier, "composite": level.composite, "grade": level.grade}


def _level(stored: Mapping[str, Any]) -> Level:
    return Level(Tier(stored["tier"]) if stored["tier"] else None, stored["composite"], stored["grade"])


def _due_at(txn: Transaction, patient: Patient, tier: Tier) -> datetime:
    site = txn.session.get_one(Site, patient.site_id)
    hours = WorkingHours.from_content(site.working_hours)
    return due_at(tier, txn.now, site.time_zone, hours, clocks=rules_for(txn, patient).clocks)

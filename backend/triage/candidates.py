"""From findings to candidate events: episodes opened, joined, returned to the queue or ended.

The deciding is pure and stands in ``episodes``; here it is applied to rows, one finding and one episode at a time.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select

from backend import audit, clock
from backend.db import Transaction, is_unavailable
from backend.patients.models import Patient
from backend.protocol.load import protocol_of
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Respondent, Tier, Trend
from backend.triage.assess import Asked
from backend.triage.clocks import Clocks
from backend.triage.decisions import set_known
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
from backend.triage.models import CandidateEvent, CandidateFinding, is_snoozed
from backend.triage.paging import open_page
from backend.triage.rules import Finding, RuleSet, danger_words_finding
from backend.triage.site_hours import hours_of
from backend.triage.working_days import due_at

# Asked by every report, and so put together once.
_RUNNING = select(CandidateEvent).where(CandidateEvent.patient_id == bindparam("patient_id"), CandidateEvent.is_running)
_HEARD = insert(CandidateFinding)
_rule_sets: dict[UUID, RuleSet] = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Who said something, in a report or a text, and the patient's day it speaks of.

    A caregiver's words raise alarms like the patient's own, and never show that the patient feels better.
    """

    patient: Patient
    said_on: date
    report_id: UUID | None = None
    inbound_message_id: UUID | None = None
    correction_id: UUID | None = None
    respondent: str = Respondent.PATIENT

    @property
    def is_caregiver(self) -> bool:
        """Whether these are a caregiver's words."""
        return self.respondent == Respondent.CAREGIVER

    def subject_of(self, finding: Finding) -> str:
        """What later reports join on: the term, or for a finding about no term this one report alone."""
        return (
            finding.term_code or f"{finding.subject}:{self.report_id or self.inbound_message_id or self.correction_id}"
        )


def rules_for(txn: Transaction, patient: Patient) -> RuleSet:
    """The triage rules of the protocol version the patient is followed under."""
    return rules_under(txn, patient.protocol_version_id)


def rules_under(txn: Transaction, version_id: UUID) -> RuleSet:
    """The triage rules of a version of the protocol."""
    if version_id not in _rule_sets:
        protocol = protocol_of(txn, version_id)
        _rule_sets[version_id] = RuleSet.from_content(protocol.triage, protocol.words.danger)
    return _rule_sets[version_id]


def open_candidates(
    txn: Transaction, source: Source, found: Sequence[Finding], asked: Mapping[str, Asked]
) -> list[CandidateEvent]:
    """Open or join one episode for each finding, and let silent answers end or continue the others."""
    running = _running(txn, source.patient)
    # In one order always, so that the trail of the same report reads the same.
    silent = sorted(asked.keys() & running.keys() - {finding.subject for finding in found})
    tiers = {*(finding.tier for finding in found), *(Tier(running[code].tier) for code in silent)}
    due = {tier: due_anew(txn, source.patient, tier) for tier in tiers}
    taken = [
        _take_finding(txn, source, finding, running.get(source.subject_of(finding)), due[finding.tier])
        for finding in found
    ]
    heard = [_heard(txn, source, row, _level(one), one) for (row, _), one in zip(taken, found, strict=True)]
    heard += [_take_silence(txn, source, running[code], asked[code], due) for code in silent]
    if heard:
        # The candidates first: what was heard of them refers to them.
        txn.session.flush()
        txn.connection.execute(_HEARD, heard)
    paging = [row for row, outcome in taken if _pages(outcome)]
    if paging:
        _page(txn, source, paging)
    return [row for row, _ in taken]


def _page(txn: Transaction, source: Source, paging: Sequence[CandidateEvent]) -> None:
    """Call somebody, once, whatever the report holds: these are what the page is about.

    What was said is kept whatever becomes of the call: the next tick finds an emergency without a page.
    """
    clocks, text_id = rules_for(txn, source.patient).clocks, source.inbound_message_id
    try:
        with audit.attempt(txn):
            open_page(txn, source.patient, paging, clocks, report_id=source.report_id, inbound_message_id=text_id)
    except Exception as failure:
        if is_unavailable(failure):
            raise
        log.exception("an emergency could not be paged", extra={"patient_id": str(source.patient.id)})


def open_for_text(txn: Transaction, patient: Patient, inbound_message_id: UUID) -> CandidateEvent:
    """Danger words in a text message: an emergency of its own, which a person reads at once."""
    finding = danger_words_finding(rules_for(txn, patient))
    today = clock.local_day(txn.now, patient.time_zone)
    source = Source(patient, said_on=today, inbound_message_id=inbound_message_id)
    return open_candidates(txn, source, [finding], {})[0]


def _running(txn: Transaction, patient: Patient) -> dict[str, CandidateEvent]:
    return {row.subject: row for row in txn.session.scalars(_RUNNING, {"patient_id": patient.id})}


def _pages(outcome: Outcome) -> bool:
    return isinstance(outcome, PagesAgain) or (isinstance(outcome, Opens) and outcome.pages)


def _take_finding(
    txn: Transaction, source: Source, finding: Finding, running: CandidateEvent | None, fresh_due_at: datetime
) -> tuple[CandidateEvent, Outcome]:
    said = Said(_level(finding), frozenset(finding.items), received_at=txn.now, fresh_due_at=fresh_due_at)
    episode = None if running is None else _episode(running, txn.now)
    outcome = decide(episode, said, rules_for(txn, source.patient).clocks)
    if isinstance(outcome, Opens):
        if running is not None:
            _stop_running(txn, running)
        row = _open(source, finding, txn.now, outcome)
        set_known(txn, row)
        audit.record_insert(txn, "candidate_event.opened", row)
    else:
        assert running is not None, "There is nothing to join."
        row = running
        _join_finding(row, finding, outcome, txn.now)
        set_known(txn, row)
        audit.record(txn, "candidate_event.joined", row)
    return row, outcome


def _take_silence(
    txn: Transaction, source: Source, row: CandidateEvent, asked: Asked, due: Mapping[Tier, datetime]
) -> Mapping[str, Any]:
    """A report asked about the term and no rule fired: it joins silently, and twice at 0 ends the episode.

    Only the patient can say that it is better or over: a caregiver's silence is kept and moves neither.
    """
    level = Level(None, asked.composite, asked.grade, asked.readings)
    said = Said(level, frozenset(), txn.now, due[Tier(row.tier)])
    outcome = decide_unalarmed(_episode(row, txn.now), said)
    _join(row, outcome, txn.now)
    if not source.is_caregiver:
        row.latest, row.trend = said.level.stored(), outcome.trend
        _count_zeros(row, source.said_on, asked, rules_for(txn, source.patient).clocks)
    audit.record(txn, "candidate_event.joined", row)
    return _heard(txn, source, row, level, None)


def _count_zeros(row: CandidateEvent, said_on: date, asked: Asked, clocks: Clocks) -> None:
    if not asked.at_zero:
        row.zero_since = None
        return
    row.is_running = not has_ended(row.zero_since, said_on, clocks, by_symptom=rests_on_a_symptom(row.items))
    row.zero_since = row.zero_since or said_on


def _stop_running(txn: Transaction, closed: CandidateEvent) -> None:
    """What a person has closed stays as it is; the new candidate is what later reports join."""
    closed.is_running = False
    audit.record(txn, "candidate_event.succeeded", closed)
    # Written before the new one is: only one episode of a term may run.
    txn.session.flush()


def _open(source: Source, finding: Finding, now: datetime, outcome: Opens) -> CandidateEvent:
    level = _level(finding)
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
        worst=level.stored(),
        latest=level.stored(),
        items=list(finding.items),
        trend=Trend.NEW,
        provisional_grade=finding.grade,
        needs_review=finding.needs_review,
        before_treatment=finding.before_treatment,
        report_count=1,
        is_running=True,
    )


def _join_finding(row: CandidateEvent, finding: Finding, outcome: Joins, now: datetime) -> None:
    _join(row, outcome, now)
    row.latest, row.trend = _level(finding).stored(), outcome.trend
    row.items = sorted({*row.items, *finding.items})
    row.zero_since = None
    row.rule_id, row.rule_version = _leading_rule(row, finding, outcome)
    row.needs_review = row.needs_review or finding.needs_review


def _join(row: CandidateEvent, outcome: Joins, now: datetime) -> None:
    """A later report of the same term: last reported, worst, and for some a new place in the queue."""
    row.last_reported_at = now
    row.report_count += 1
    row.worst = outcome.worst.stored()
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
    if row.acknowledged_at is not None or due != row.due_at or tier.is_more_urgent_than(Tier(row.tier)):
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


def _heard(
    txn: Transaction, source: Source, row: CandidateEvent, level: Level, finding: Finding | None
) -> Mapping[str, Any]:
    """What this report or text said of the candidate; without a finding, that it was silent."""
    return {
        "id": uuid4(),
        "candidate_event_id": row.id,
        "patient_id": row.patient_id,
        "site_id": row.site_id,
        "report_id": source.report_id,
        "inbound_message_id": source.inbound_message_id,
        "correction_id": source.correction_id,
        "tier": level.tier,
        "rule_id": finding.rule_id if finding else None,
        "rule_version": finding.rule_version if finding else None,
        "composite": level.composite,
        "grade": level.grade,
        "items": list(finding.items) if finding else [],
        "trend": row.trend,
        "found_at": txn.now,
    }


def _level(finding: Finding) -> Level:
    return Level(finding.tier, finding.composite, finding.grade, finding.readings)


def _episode(row: CandidateEvent, now: datetime) -> Episode:
    expected = row.snoozed_level if is_snoozed(row.snoozed_until, now) else None
    return Episode(
        tier=Tier(row.tier),
        worst=Level.of_stored(row.worst),
        latest=Level.of_stored(row.latest),
        due_at=row.due_at,
        acknowledged_at=row.acknowledged_at,
        items=frozenset(row.items),
        is_open=row.status in OPEN_CANDIDATE_STATUSES,
        expected=Level.of_stored(expected) if expected else None,
    )


def due_anew(txn: Transaction, patient: Patient, tier: Tier) -> datetime:
    """When somebody must have taken note of what is of this tier, counted from now."""
    site = hours_of(txn, patient.site_id)
    return due_at(tier, txn.now, site.time_zone, site.hours, clocks=rules_for(txn, patient).clocks)

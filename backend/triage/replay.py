"""One patient's queue lived through again in memory, by whatever rules: the same deciding, and no rows. Pure.

An alert is what asks a person to look: a candidate that opens, returns to the queue or pages again. A report that
joins in silence is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus, Tier
from backend.triage.assess import Asked, Assessment
from backend.triage.candidates import Source
from backend.triage.clocks import Clocks
from backend.triage.episodes import (
    Episode,
    Joins,
    JoinsSilently,
    Level,
    Opens,
    PagesAgain,
    ReturnsToQueue,
    Said,
    decide,
    decide_unalarmed,
    expected_level,
    has_ended,
    rests_on_a_symptom,
)
from backend.triage.models import is_snoozed
from backend.triage.rules import Finding
from backend.triage.working_days import WorkingHours, due_at


@dataclass(frozen=True)
class Alert:
    """A person is asked to look at what a report says about one subject, at this tier and by this rule."""

    subject: str
    term_code: str | None
    tier: Tier
    rule_id: str


@dataclass(frozen=True)
class PersonsStep:
    """What a person did about the candidate of a subject. ``snoozed_until`` belongs to a snooze."""

    subject: str
    at: datetime
    kind: str
    from_status: str
    to_status: str
    snoozed_until: datetime | None = None


@dataclass
class _Running:
    episode: Episode
    zero_since: date | None = None
    snoozed_until: datetime | None = None


class ReplayedQueue:
    """What would stand in the queue about one patient, report by report and step by step, in the order of time."""

    def __init__(self, clocks: Clocks, site_zone: str, hours: WorkingHours) -> None:
        """Begin with nothing; the clocks belong to the rules the reports are assessed by."""
        self._clocks = clocks
        self._site_zone = site_zone
        self._hours = hours
        self._running: dict[str, _Running] = {}

    def hear(self, source: Source, assessed: Assessment, received_at: datetime) -> list[Alert]:
        """Take in an assessed report, as ``candidates.open_candidates`` does, and say whom it alerts."""
        before = set(self._running)
        alerts = list(self._take_findings(source, assessed, received_at))
        fired = {finding.subject for finding in assessed.findings}
        for subject in assessed.asked.keys() & before - fired:
            self._take_silence(subject, source, assessed.asked[subject], received_at)
        return alerts

    def take_step(self, step: PersonsStep) -> None:
        """What a person did about a candidate they had before them; where these rules made none, nothing."""
        running = self._running.get(step.subject)
        if running is None:
            return
        if step.kind == "snoozed":
            known = running.episode
            running.episode = replace(known, expected=expected_level(known.tier, known.worst, known.latest))
            running.snoozed_until = step.snoozed_until
        elif step.kind == "snooze_ended":
            running.episode = replace(running.episode, expected=None)
        if step.from_status != step.to_status:
            running.episode = _stepped(running.episode, step)

    def _take_findings(self, source: Source, assessed: Assessment, received_at: datetime) -> Iterator[Alert]:
        for finding in assessed.findings:
            subject = source.subject_of(finding)
            if self._take_finding(subject, finding, received_at):
                yield Alert(subject, finding.term_code, finding.tier, finding.rule_id)

    def _take_finding(self, subject: str, finding: Finding, received_at: datetime) -> bool:
        said = self._said(finding.tier, finding, frozenset(finding.items), received_at)
        running = self._awake(subject, received_at)
        outcome = decide(running.episode if running else None, said, self._clocks)
        if isinstance(outcome, Opens):
            level = said.level
            opened = Episode(outcome.tier, level, level, outcome.due_at, items=said.items)
            self._running[subject] = _Running(opened)
            return True
        assert running is not None, "There is nothing to join."
        running.episode = _joined(running.episode, said, outcome)
        running.zero_since = None
        return not isinstance(outcome, JoinsSilently)

    def _take_silence(self, subject: str, source: Source, asked: Asked, received_at: datetime) -> None:
        running = self._awake(subject, received_at)
        assert running is not None, "Only what runs can be silent."
        said = self._said(None, asked, frozenset(), received_at)
        latest = running.episode.latest
        running.episode = _joined(running.episode, said, decide_unalarmed(running.episode, said))
        if source.is_caregiver:
            # Kept, and no word on whether the patient feels better.
            running.episode = replace(running.episode, latest=latest)
            return
        if not asked.at_zero:
            running.zero_since = None
            return
        by_symptom = rests_on_a_symptom(running.episode.items)
        if has_ended(running.zero_since, source.said_on, self._clocks, by_symptom=by_symptom):
            del self._running[subject]
        running.zero_since = running.zero_since or source.said_on

    def _said(self, tier: Tier | None, graded: Finding | Asked, items: frozenset[str], received_at: datetime) -> Said:
        due = due_at(tier or Tier.T3, received_at, self._site_zone, self._hours, clocks=self._clocks)
        return Said(Level(tier, graded.composite, graded.grade, graded.readings), items, received_at, due)

    def _awake(self, subject: str, now: datetime) -> _Running | None:
        """The running episode of a subject, its snooze over if its time is."""
        running = self._running.get(subject)
        if running and not is_snoozed(running.snoozed_until, now):
            running.episode = replace(running.episode, expected=None)
        return running


def _joined(episode: Episode, said: Said, outcome: Joins) -> Episode:
    joined = replace(episode, worst=outcome.worst, latest=said.level, items=episode.items | said.items)
    match outcome:
        case ReturnsToQueue(tier, due):
            return replace(joined, tier=tier, due_at=due, acknowledged_at=None, expected=None)
        case PagesAgain(due):
            return replace(joined, tier=Tier.T1, due_at=due, acknowledged_at=None, expected=None)
        case JoinsSilently():
            return joined


def _stepped(episode: Episode, step: PersonsStep) -> Episode:
    """As the candidate stands after a step that changed its state: taken note of, closed, or open again."""
    noted_at = None if step.to_status == CandidateStatus.PROPOSED else episode.acknowledged_at or step.at
    return replace(episode, acknowledged_at=noted_at, is_open=step.to_status in OPEN_CANDIDATE_STATUSES)

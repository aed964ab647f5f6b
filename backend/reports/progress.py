"""What became of a report, as its patient may know it: received, seen, decided. Pure but for the reading of rows.

A person has seen a report when somebody took a step about anything it raised, after it came; it is decided when
everything it raised has been. In between a patient may read that we have asked something, or that what they told is
known and watched. What was decided is told in the protocol's own words for it, and never the person's who decided:
that is for a person to tell.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.protocol.load import protocol_of
from backend.terms import OPEN_CANDIDATE_STATUSES, CandidateStatus
from backend.triage.models import CandidateDecision, CandidateEvent, CandidateFinding, is_snoozed


class State(StrEnum):
    """How far a report has come."""

    RECEIVED = "received"
    SEEN = "seen"
    DECIDED = "decided"


NOTHING_TO_DO = "nothing_to_do"
ASKED = "asked"
WATCHED = "watched"
# Where the protocol has words for what was decided about everything a report raised.
DECIDED_AS = {CandidateStatus.CONFIRMED: "decided_confirmed", CandidateStatus.DISMISSED: "decided_dismissed"}


@dataclass(frozen=True)
class Judged:
    """One thing a report raised: whether it is still open, and the steps people took about it.

    What was merged stands as what it was merged into. ``is_watched``: a person expects it as it is for a while, and
    looks again when it gets worse or the time is over.
    """

    status: CandidateStatus
    stepped_at: tuple[datetime, ...]
    is_watched: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided about it yet."""
        return self.status in OPEN_CANDIDATE_STATUSES


@dataclass(frozen=True)
class Progress:
    """How far a report has come, and in which words the protocol says so."""

    state: State
    words: str
    received_at: datetime
    seen_at: datetime | None = None
    decided_at: datetime | None = None


def progress(received_at: datetime, raised: Sequence[Judged]) -> Progress:
    """Steps that were taken before the report came were about an earlier one and do not count."""
    if not raised:
        return Progress(State.RECEIVED, NOTHING_TO_DO, received_at)
    since = [[at for at in one.stepped_at if at >= received_at] for one in raised]
    steps = [at for each in since for at in each]
    if not steps:
        return Progress(State.RECEIVED, State.RECEIVED, received_at)
    if any(one.is_open for one in raised) or not all(since):
        return Progress(State.SEEN, _while_open(raised), received_at, min(steps))
    return Progress(State.DECIDED, _when_decided(raised), received_at, min(steps), max(steps))


def _while_open(raised: Sequence[Judged]) -> str:
    """What a patient can do something about comes first."""
    if any(one.status is CandidateStatus.NEEDS_INFO for one in raised):
        return ASKED
    open_ones = [one for one in raised if one.is_open]
    return WATCHED if open_ones and all(one.is_watched for one in open_ones) else State.SEEN


def _when_decided(raised: Sequence[Judged]) -> str:
    """One that was recorded is said, whatever else was found to be nothing."""
    decided = {one.status for one in raised}
    if CandidateStatus.CONFIRMED in decided:
        return DECIDED_AS[CandidateStatus.CONFIRMED]
    return DECIDED_AS[CandidateStatus.DISMISSED] if decided == {CandidateStatus.DISMISSED} else State.DECIDED


def progress_of(txn: Transaction, reports: Sequence[SymptomReport]) -> Mapping[UUID, Progress]:
    """By report id, for reports of one patient."""
    raised = _raised(txn, reports)
    return {report.id: progress(report.received_at, raised.get(report.id, ())) for report in reports}


def in_words(txn: Transaction, patient: Patient, how_far: Progress, language: str) -> str:
    """What the patient reads of it."""
    texts = protocol_of(txn, patient.protocol_version_id).triage["progress"]
    # A protocol version of before may have fewer words.
    said: str = texts.get(how_far.words, texts[how_far.state])[language]
    return said


def _raised(txn: Transaction, reports: Sequence[SymptomReport]) -> Mapping[UUID, list[Judged]]:
    """What each report raised. One that joined an episode without a rule having fired raised nothing."""
    # What a correction raised became of the report that it corrects.
    of_report = func.coalesce(CandidateFinding.report_id, ReportCorrection.report_id)
    rows = txn.session.execute(
        select(of_report, CandidateEvent)
        .join(CandidateEvent, CandidateEvent.id == CandidateFinding.candidate_event_id)
        .outerjoin(ReportCorrection, ReportCorrection.id == CandidateFinding.correction_id)
        .where(
            CandidateFinding.patient_id.in_({report.patient_id for report in reports}),
            of_report.in_({report.id for report in reports}),
            CandidateFinding.tier.is_not(None),
        )
        .order_by(of_report, CandidateEvent.id)
    ).all()
    lines = {candidate.id: _line(txn, candidate) for _, candidate in rows}
    steps = _steps(txn, {one.id for line in lines.values() for one in line})
    raised: dict[UUID, list[Judged]] = {}
    for report_id, candidate in rows:
        raised.setdefault(report_id, []).append(_judged(txn, lines[candidate.id], steps))
    return raised


def _line(txn: Transaction, candidate: CandidateEvent) -> list[CandidateEvent]:
    """The candidate, what it was merged into, and so on to the one that stands for all of them."""
    line = [candidate]
    while line[-1].merged_into is not None:
        line.append(txn.session.get_one(CandidateEvent, line[-1].merged_into))
    return line


def _judged(txn: Transaction, line: Sequence[CandidateEvent], steps: Mapping[UUID, list[datetime]]) -> Judged:
    last = line[-1]
    taken = sorted(at for one in line for at in steps.get(one.id, ()))
    return Judged(CandidateStatus(last.status), tuple(taken), is_snoozed(last.snoozed_until, txn.now))


def _steps(txn: Transaction, candidate_ids: Collection[UUID]) -> Mapping[UUID, list[datetime]]:
    """Steps of people of the study. What nobody of them took, an answer of the patient's, shows nobody's eyes."""
    decided = select(CandidateDecision.candidate_event_id, CandidateDecision.decided_at).where(
        CandidateDecision.candidate_event_id.in_(candidate_ids), CandidateDecision.decided_by.is_not(None)
    )
    steps: dict[UUID, list[datetime]] = {}
    for candidate_id, at in txn.session.execute(decided.order_by(CandidateDecision.decided_at, CandidateDecision.id)):
        steps.setdefault(candidate_id, []).append(at)
    return steps

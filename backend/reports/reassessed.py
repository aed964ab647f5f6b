"""What the rules make of a corrected report, beside what the report has put before people so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backend.agenda.history import course_of
from backend.db import Transaction
from backend.instruments.definition import instrument
from backend.patients.models import Patient
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.reports.history import Moments, Reach, circumstances_of
from backend.reports.listing import own_words
from backend.reports.submit import FROM_A_PHONE
from backend.reports.versions import corrections_of
from backend.terms import ReportMode, Tier
from backend.triage.assess import Assessment, assess
from backend.triage.candidates import rules_under
from backend.triage.grading import is_high_fever
from backend.triage.models import CandidateEvent, CandidateFinding
from backend.triage.rules import Finding
from backend.triage.told import Told

# A wish to be called belongs to the hour in which it was said; a correction neither repeats it nor takes it back.
WANTS_CALL = "wants_call"
TEXT = "text"


@dataclass(frozen=True)
class Signal:
    """What a version says about one subject: a term, or what has none."""

    subject: str
    term_code: str | None
    tier: Tier
    composite: int | None
    grade: int | None
    items: frozenset[str]

    @classmethod
    def of_stored(cls, stored: Mapping[str, Any]) -> "Signal":
        """As ``stored`` put it into a row."""
        return cls(**{**stored, "tier": Tier(stored["tier"]), "items": frozenset(stored["items"])})

    def stored(self) -> dict[str, Any]:
        """As a row holds it."""
        return {**vars(self), "tier": str(self.tier), "items": sorted(self.items)}


def found_in(txn: Transaction, patient: Patient, report: SymptomReport, version: ReportCorrection) -> Assessment:
    """What the rules make of a version, as of the moment of the report, by what else is known now."""
    rules = rules_under(txn, report.protocol_version_id)
    values = {item: value for item, value in version.answers.items() if isinstance(value, int)}
    reach = Reach(values.keys(), rules.days_back, report.respondent, is_high_fever(version.measurements))
    course, moments = course_of(txn, patient), _moments(report)
    circumstances = circumstances_of(txn, patient, course, report.instrument, moments, reach, apart_from=report.id)
    written = own_words(txn, version)
    told = Told(
        instrument=instrument(txn, report.instrument, report.instrument_version),
        values=values,
        measurements=version.measurements,
        texts=tuple(other["text"] for other in written),
        other_severities=tuple(other.get("severity") for other in written),
        wants_call=False,
    )
    return assess(rules, told, circumstances)


def raised_by(txn: Transaction, report: SymptomReport, *, of_original_only: bool = False) -> list[Signal]:
    """Everything that the report and its corrections have put before somebody so far."""
    ids = [] if of_original_only else [one.id for one in corrections_of(txn, report)]
    rows = (
        select(CandidateFinding, CandidateEvent.subject, CandidateEvent.term_code)
        .join(CandidateEvent, CandidateEvent.id == CandidateFinding.candidate_event_id)
        .where(
            CandidateFinding.patient_id == report.patient_id,
            CandidateFinding.tier.is_not(None),
            (CandidateFinding.report_id == report.id) | CandidateFinding.correction_id.in_(ids),
        )
        .order_by(CandidateFinding.tier, CandidateFinding.id)
    )
    return [
        # What has no term is one report's alone, and its subject names that.
        Signal(subject.partition(":")[0], term, Tier(one.tier or ""), one.composite, one.grade, frozenset(one.items))
        for one, subject, term in txn.session.execute(rows)
    ]


def signal_of(found: Finding) -> Signal:
    """A finding, without what only triage needs of it."""
    tier, items = found.tier, frozenset(found.items)
    return Signal(found.subject, found.term_code, tier, found.composite, found.grade, items)


def is_more(found: Signal, raised: Iterable[Signal]) -> bool:
    """Whether nobody has this before them yet: a new subject, a more urgent tier, a higher grade, another sign."""
    return not any(
        one.subject == found.subject
        and not found.tier.is_more_urgent_than(one.tier)
        and (found.composite or 0) <= (one.composite or 0)
        and (found.grade or 0) <= (one.grade or 0)
        and one.items >= found.items
        for one in raised
    )


def is_less(raised: Signal, found: Sequence[Signal]) -> bool:
    """Whether what somebody has before them does not follow from these findings, or not as urgently."""
    if WANTS_CALL in raised.items:
        return False
    return not any(one.subject == raised.subject and not raised.tier.is_more_urgent_than(one.tier) for one in found)


def rests_on(found: Finding) -> set[str]:
    """The items and measurements behind a finding; ``text`` for words."""
    return {item.partition(":")[0] for item in found.items}


def changed_in(txn: Transaction, now: ReportCorrection, before: SymptomReport | ReportCorrection) -> set[str]:
    """The items and measurements that are said otherwise now, and ``text`` when the words are."""
    after, was = {**now.answers, **now.measurements}, {**before.answers, **before.measurements}
    changed = {name for name in after.keys() | was.keys() if after.get(name) != was.get(name)}
    return changed | ({TEXT} if own_words(txn, now) != own_words(txn, before) else set())


def _moments(report: SymptomReport) -> Moments:
    """As when it was submitted: a phone's own clock is not trusted alone."""
    happened_at = moment_of(report.completed_at, report.received_at)
    is_from_a_phone = ReportMode(report.mode) in FROM_A_PHONE
    return Moments(happened_at, (happened_at, report.received_at) if is_from_a_phone else (happened_at,))

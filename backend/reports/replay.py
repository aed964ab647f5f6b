"""Other rules held against the reports that are stored: what the queue would have been. Reads, and writes nothing.

Both sets of rules, those each patient is followed under and those tried out, go through the same pure code and the
same joining of episodes, over the same reports in the order they were received and with what people did in between.
What a person did about a candidate that the other rules would not have made has no effect there, and what they would
have made in its stead nobody has taken note of. Infusions and other circumstances are as they are known today.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from backend import clock
from backend.audit import AuditEvent
from backend.db import Actor, Database, Transaction
from backend.instruments.definition import Instrument, instrument
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.protocol.load import protocol_of
from backend.reports.history import (
    BASELINE,
    LOOK_BACK,
    Moments,
    circumstances_among,
    days_since,
    has_baseline,
    infused_on,
    latest_first_of,
)
from backend.reports.listing import own_words
from backend.reports.submit import FROM_A_PHONE
from backend.staff.models import Site
from backend.terms import Tier
from backend.triage.assess import assess
from backend.triage.candidates import Source, rules_for, rules_under
from backend.triage.models import CandidateDecision, CandidateEvent, CandidateFinding
from backend.triage.replay import Alert, PersonsStep, ReplayedQueue
from backend.triage.rules import Circumstances, RuleSet, Told
from backend.triage.working_days import WorkingHours

SNOOZED = "candidate_event.snoozed"


@dataclass(frozen=True)
class Days:
    """Reports received on these days, by the patient's calendar; None on a side leaves it open. Both are included."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the day is among them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Difference:
    """One report about one subject that would have been heard otherwise. ``before`` None: new; ``after`` None: missed.

    Beside each tier stands the rule that leads. ``candidate_event_id`` is what the report opened or joined when it
    came, None when nothing.
    """

    subject_number: str
    report_id: UUID
    candidate_event_id: UUID | None
    received_at: datetime
    term_code: str | None
    before: Tier | None
    rule_before: str | None
    after: Tier | None
    rule_after: str | None


@dataclass
class Comparison:
    """How the queue would have differed. ``heard_otherwise`` counts reports whose own rules, asked today, give another
    tier than is stored: what is known about the patient has changed since, or the program has.
    """

    patients: int = 0
    reports: int = 0
    heard_otherwise: int = 0
    before: Counter[Tier] = field(default_factory=Counter)
    after: Counter[Tier] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def missed(self) -> list[Difference]:
        """Alerts that there would not have been."""
        return [one for one in self.differences if one.after is None]

    @property
    def new(self) -> list[Difference]:
        """Alerts that there would have been as well."""
        return [one for one in self.differences if one.before is None]

    @property
    def moved(self) -> list[Difference]:
        """Alerts at another tier."""
        return [one for one in self.differences if one.before and one.after]


def compare_rules(
    db: Database,
    actor: Actor,
    triage: Mapping[str, Any],
    *,
    days: Days = Days(),
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Comparison:
    """Hold the rules of a triage file against every stored report, a patient at a time.

    ``triage`` is the file's checked content; the danger words stay those of each patient's protocol.
    """
    compared, shelf = Comparison(), _Shelf(triage)
    with db.reading(actor) as txn:
        reported = select(SymptomReport.patient_id).distinct()
        ids = txn.session.scalars(select(Patient.id).where(Patient.id.in_(reported)).order_by(Patient.subject_number))
        waiting = list(ids)
    for done, patient_id in enumerate(waiting):
        progress(done, len(waiting))
        with db.reading(actor) as txn:
            _OnePatient(txn, txn.session.get_one(Patient, patient_id), shelf).compare(compared, days)
    progress(len(waiting), len(waiting))
    return compared


class _Shelf:
    """What is needed for every patient and read once."""

    def __init__(self, triage: Mapping[str, Any]) -> None:
        self._triage = triage
        self._rules: dict[UUID, RuleSet] = {}
        self._instruments: dict[tuple[str, int], Instrument] = {}

    def tried_out(self, txn: Transaction, version_id: UUID) -> RuleSet:
        if version_id not in self._rules:
            words = protocol_of(txn, version_id).words.danger
            self._rules[version_id] = RuleSet.from_content(self._triage, words)
        return self._rules[version_id]

    def instrument(self, txn: Transaction, report: SymptomReport) -> Instrument:
        asked = (report.instrument, report.instrument_version)
        if asked not in self._instruments:
            self._instruments[asked] = instrument(txn, *asked)
        return self._instruments[asked]


class _OnePatient:
    """One patient's reports and what people did, held against both sets of rules."""

    def __init__(self, txn: Transaction, patient: Patient, shelf: _Shelf) -> None:
        site = txn.session.get_one(Site, patient.site_id)
        hours = WorkingHours.from_content(site.working_hours)
        self._txn, self._patient, self._shelf, self._zone = txn, patient, shelf, site.time_zone
        self._infused_on = infused_on(txn, patient)
        self._sides = [
            (rules, ReplayedQueue(rules.clocks, site.time_zone, hours))
            for rules in (rules_for(txn, patient), shelf.tried_out(txn, patient.protocol_version_id))
        ]

    def compare(self, compared: Comparison, days: Days) -> None:
        """Add what this patient's reports would have been heard as."""
        candidates = _candidates_by_report(self._txn, self._patient)
        reports_before = compared.reports
        received: list[SymptomReport] = []
        for happened in _in_order_of_time(self._txn, self._patient):
            if isinstance(happened, PersonsStep):
                for _, queue in self._sides:
                    queue.take_step(happened)
                continue
            before, after, tier = self._hear(happened, received)
            received.append(happened)
            if days.holds(clock.local_day(happened.received_at, self._patient.time_zone)):
                compared.reports += 1
                compared.heard_otherwise += tier != happened.tier
                compared.before.update(alert.tier for alert in before.values())
                compared.after.update(alert.tier for alert in after.values())
                compared.differences += self._differences(happened, before, after, candidates)
        compared.patients += compared.reports > reports_before

    def _hear(
        self, report: SymptomReport, received: list[SymptomReport]
    ) -> tuple[dict[str, Alert], dict[str, Alert], Tier | None]:
        """Whom the report alerts by either set of rules, by subject; and its tier by those it came under."""
        happened_at = moment_of(report.completed_at, report.received_at)
        said_on = clock.local_day(happened_at, self._patient.time_zone)
        source = Source(self._patient, said_on, report_id=report.id, respondent=report.respondent)
        told, known = self._told(report), self._circumstances(report, happened_at, received)
        # By the version the patient was under then, which may have been another one.
        under = report.protocol_version_id
        judged_by = (rules_under(self._txn, under), self._shelf.tried_out(self._txn, under))
        assessed = [assess(rules, told, known) for rules in judged_by]
        heard = [
            {alert.subject: alert for alert in queue.hear(source, said, report.received_at)}
            for (_, queue), said in zip(self._sides, assessed, strict=True)
        ]
        first = assessed[0].findings
        return heard[0], heard[1], first[0].tier if first else None

    def _told(self, report: SymptomReport) -> Told:
        others = own_words(self._txn, report)
        return Told(
            instrument=self._shelf.instrument(self._txn, report),
            values=report.values(),
            measurements=report.measurements,
            texts=tuple(other["text"] for other in others),
            other_severities=tuple(other.get("severity") for other in others),
            wants_call=report.wants_call,
        )

    def _circumstances(
        self, report: SymptomReport, happened_at: datetime, received: list[SymptomReport]
    ) -> Circumstances:
        """What was known when the report came, from the reports received before it."""
        is_from_a_phone = report.mode in FROM_A_PHONE
        moments = Moments(happened_at, (happened_at, report.received_at) if is_from_a_phone else (happened_at,))
        others = latest_first_of(reversed(received[-LOOK_BACK:]))
        if not has_baseline(others, moments):
            older = [one for one in received if one.instrument == BASELINE and one.completed_at <= happened_at]
            others += sorted(older, key=lambda one: one.completed_at)[-1:]
        since = days_since(self._infused_on, moments, self._zone)
        zone = self._patient.time_zone
        said_by = report.respondent
        return circumstances_among(
            others, report.instrument, moments, zone=zone, days_since_infusion=since, respondent=said_by
        )

    def _differences(
        self,
        report: SymptomReport,
        before: Mapping[str, Alert],
        after: Mapping[str, Alert],
        candidates: Mapping[tuple[UUID, str], UUID],
    ) -> Iterator[Difference]:
        for subject in dict.fromkeys((*before, *after)):
            was, is_now = before.get(subject), after.get(subject)
            alert = is_now or was
            if alert is None or (was and is_now and was.tier == is_now.tier):
                continue
            yield Difference(
                subject_number=self._patient.subject_number,
                report_id=report.id,
                candidate_event_id=candidates.get((report.id, subject)),
                received_at=report.received_at,
                term_code=alert.term_code,
                before=was.tier if was else None,
                rule_before=was.rule_id if was else None,
                after=is_now.tier if is_now else None,
                rule_after=is_now.rule_id if is_now else None,
            )


def _in_order_of_time(txn: Transaction, patient: Patient) -> Iterator[SymptomReport | PersonsStep]:
    """Reports as they were received and steps as they were taken; of one moment, the report comes first."""
    rows = select(SymptomReport).where(SymptomReport.patient_id == patient.id)
    reports = txn.session.scalars(rows.order_by(SymptomReport.received_at, SymptomReport.id.desc()))
    happened: list[tuple[datetime, int, SymptomReport | PersonsStep]] = []
    happened += ((report.received_at, 0, report) for report in reports)
    happened += ((step.at, 1, step) for step in _steps(txn, patient))
    return (one for _, _, one in sorted(happened, key=lambda dated: dated[:2]))


def _steps(txn: Transaction, patient: Patient) -> Iterator[PersonsStep]:
    """Steps about the episode that ran. What was done about one that another had followed changed nothing of it."""
    later = aliased(CandidateEvent)
    was_followed = exists().where(
        later.patient_id == CandidateEvent.patient_id,
        later.subject == CandidateEvent.subject,
        later.opened_at > CandidateEvent.opened_at,
        later.opened_at <= CandidateDecision.decided_at,
    )
    joined = CandidateEvent.id == CandidateDecision.candidate_event_id
    rows = select(CandidateDecision, CandidateEvent.subject).join(CandidateEvent, joined).where(~was_followed)
    of_patient = rows.where(CandidateDecision.patient_id == patient.id).order_by(CandidateDecision.decided_at)
    snoozed_until = _snoozes(txn, patient)
    for step, subject in txn.session.execute(of_patient).all():
        until = snoozed_until.get((str(step.candidate_event_id), step.decided_at))
        yield PersonsStep(subject, step.decided_at, step.kind, step.from_status, step.to_status, until)


def _snoozes(txn: Transaction, patient: Patient) -> dict[tuple[str, datetime], datetime]:
    """Until when each snooze was to last: a candidate forgets it when it returns, the trail does not."""
    noted = select(AuditEvent.record_id, AuditEvent.at, AuditEvent.new).where(
        AuditEvent.patient_id == patient.id, AuditEvent.verb == SNOOZED, AuditEvent.field == "snoozed_until"
    )
    return {(row.record_id, row.at): datetime.fromisoformat(row.new) for row in txn.session.execute(noted) if row.new}


def _candidates_by_report(txn: Transaction, patient: Patient) -> dict[tuple[UUID, str], UUID]:
    rows = select(CandidateFinding.report_id, CandidateEvent.subject, CandidateEvent.id).join(
        CandidateEvent, CandidateEvent.id == CandidateFinding.candidate_event_id
    )
    found = txn.session.execute(rows.where(CandidateFinding.patient_id == patient.id))
    return {(row.report_id, row.subject): row.id for row in found if row.report_id is not None}

"""Submitting a report: kept once, scored, heard by the right person, answered with what to do now.

One narrow function behind every way a report can come: the app, a form, a text survey, a coordinator's phone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

import notifications
from backend import audit, clock
from backend.agenda.course import Course
from backend.agenda.history import course_to_judge
from backend.db import Transaction, canonical_json, insert_now
from backend.errors import InvalidInput, ReportIdTaken
from backend.instruments.answers import Checked, check_answers
from backend.instruments.definition import Instrument, find_instrument, is_superseded
from backend.patients import life
from backend.patients.caregivers import caregivers_of
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.patients.turns import take_turn
from backend.patients.versions import version_at
from backend.reports.history import BASELINE, Moments, Reach, circumstances_of, receives_cells
from backend.reports.placement import Label, Place, course_to_place, place_report
from backend.reports.promised_calls import promise_a_call
from backend.sealing import keyring_of, seal
from backend.terms import EvidenceSource, ItemState, ReportMode, Respondent, Standing, Tier, WorkReason
from backend.triage.advice import advice
from backend.triage.assess import Assessment, assess, findings_of, tiers_of
from backend.triage.candidates import Source, open_candidates, rules_under
from backend.triage.grading import is_high_fever
from backend.triage.models import CandidateFinding
from backend.triage.rules import Circumstances, Finding, RuleSet
from backend.triage.site_hours import hours_of
from backend.triage.told import Told
from backend.triage.working_days import can_call_today
from backend.worklist.items import open_item

TRUSTED_SKEW = timedelta(minutes=5)
# An unscheduled report for these reasons is ordinary and needs nobody's eyes beyond triage.
ORDINARY = frozenset({"none_open", "already_completed"})
FROM_A_PHONE = frozenset({ReportMode.APP, ReportMode.WEB_FORM, ReportMode.SMS})
SAID_SINCE = ("provenance", "caveats", "raised_before")
# Where a report has no other tier, nobody need be called before it is complete.
NOT_URGENT = frozenset({None, Tier.T3})
EVIDENCE_BY_MODE = {ReportMode.PHONE: EvidenceSource.PHONE, ReportMode.IN_PERSON: EvidenceSource.VISIT}


_REPORT = SymptomReport.__table__.c
_KNOWN = select(_REPORT.id).where(_REPORT.patient_id == bindparam("patient_id"), _REPORT.id == bindparam("id"))


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A report as it was sent, its shape checked and nothing else."""

    id: UUID
    instrument: str
    instrument_version: int
    language: str
    respondent: str
    mode: str
    started_at: datetime
    completed_at: datetime
    agenda_key: str | None = None
    answers: Sequence[Mapping[str, Any]] = ()
    measurements: Mapping[str, Any] = field(default_factory=dict)
    other_symptoms: Sequence[Mapping[str, Any]] = ()
    wants_call: bool = False
    on_behalf_reason: str | None = None
    # Item → by what way and when its answer came, where they came one by one. Then what is not among the answers was
    # not asked, and is not counted as left out.
    provenance: Mapping[str, Mapping[str, str]] | None = None
    # Words of ``Caveat``.
    caveats: Sequence[str] | None = None
    # What one of its answers had called for before it was filed; no rule finds that again.
    raised_before: Tier | None = None


@dataclass(frozen=True)
class Submitted:
    """The stored report, the candidates it touched, and whether this call stored it."""

    report: SymptomReport
    candidate_event_ids: tuple[UUID, ...]
    is_new: bool


def submit_report(txn: Transaction, patient: Patient, sent: Submission) -> Submitted:
    """Keep the report and open whatever it calls for; the same report again gives the stored answer.

    Raises ``ReportIdTaken`` when the id holds other answers, ``InvalidInput`` when answers are impossible.
    The id is looked up first, so a retry is answered even after its instrument or its window has gone.
    """
    take_turn(txn, patient)
    fingerprint = keyring_of(txn).fingerprint("report", _canonical(sent))
    if txn.connection.scalar(_KNOWN, {"patient_id": patient.id, "id": sent.id}) is not None:
        return _again(txn, txn.session.get_one(SymptomReport, (patient.id, sent.id)), fingerprint)
    instrument = _instrument(txn, sent)
    checked = check_answers(instrument, sent.answers, sent.measurements)
    happened_at = min(sent.completed_at, txn.now)
    is_old = is_superseded(txn, instrument.name, instrument.version, happened_at)
    label = Label(instrument.name, sent.agenda_key, is_old)
    course = course_to_place(txn, patient, label)
    place = place_report(txn, patient, course, label, completed_at=happened_at)
    told, rules = _told(sent, instrument, checked), rules_under(txn, _version(txn, patient, sent))
    assessed = assess(rules, told, _circumstances(txn, patient, course, sent, told, rules))
    with audit.together(txn):
        report = _keep(txn, patient, sent, checked, place, assessed, fingerprint)
        said_on = clock.local_day(happened_at, patient.time_zone)
        source = Source(patient, said_on, report_id=report.id, respondent=sent.respondent)
        candidates = open_candidates(txn, source, assessed.findings, assessed.asked)
        _tell_the_agenda(txn, patient, report)
        _note_life(txn, patient, report, happened_at)
        promise_a_call(txn, patient, report)
        txn.session.flush()
    return Submitted(report, tuple(candidate.id for candidate in candidates), is_new=True)


def judge(txn: Transaction, patient: Patient, sent: Submission) -> Tier | None:
    """How urgent this report would be if it were submitted now; None where it raises nothing. Nothing is kept.

    What raises nothing or T3, depending on what was said before, counts as T3: neither makes anybody hurry before it is
    submitted. Raises ``InvalidInput`` as ``submit_report`` does.
    """
    instrument = _instrument(txn, sent)
    told = _told(sent, instrument, check_answers(instrument, sent.answers, sent.measurements))
    rules = rules_under(txn, _version(txn, patient, sent))
    possible = tiers_of(rules, told, is_baseline=instrument.name == BASELINE)
    if len(possible) == 1 or possible <= NOT_URGENT:
        # Nothing that was said before changes it: of most answers, that they raise nothing.
        return most_urgent(possible)
    # It is not placed, and of the course the rules ask for infusions alone.
    course = course_to_judge(txn, patient, sent.agenda_key) if receives_cells(txn, patient) else None
    return tier_of(findings_of(rules, told, _circumstances(txn, patient, course, sent, told, rules)))


def _circumstances(
    txn: Transaction, patient: Patient, course: Course | None, sent: Submission, told: Told, rules: RuleSet
) -> Circumstances:
    reach = Reach(told.values.keys(), rules.days_back, sent.respondent, is_high_fever(told.measurements))
    moments = _moments(txn, sent, min(sent.completed_at, txn.now))
    return circumstances_of(txn, patient, course, told.instrument.name, moments, reach)


def _version(txn: Transaction, patient: Patient, sent: Submission) -> UUID:
    """A report is judged by the version the patient was under when it was completed, also if it comes after a move."""
    return version_at(txn, patient, min(sent.completed_at, txn.now))


def _moments(txn: Transaction, sent: Submission, happened_at: datetime) -> Moments:
    """A phone's own clock is not trusted alone; what staff enter is dated by a person."""
    is_from_a_phone = sent.mode in FROM_A_PHONE
    return Moments(happened_at, (happened_at, txn.now) if is_from_a_phone else (happened_at,))


def _canonical(sent: Submission) -> str:
    """The one text of a validated body: the same instants and numbers, however they were written."""
    body = dict(vars(sent))
    body["id"] = str(sent.id)
    body["started_at"], body["completed_at"] = sent.started_at.timestamp(), sent.completed_at.timestamp()
    # 38 and 38.0 are one temperature; what is no number at all is refused later, with its name.
    body["measurements"] = {
        name: float(value) if type(value) is int else value for name, value in sent.measurements.items()
    }
    for newer in SAID_SINCE:
        if body[newer] is None:
            # A report from before there was this, sent again, is the same report.
            del body[newer]
    return canonical_json(body)


def _again(txn: Transaction, stored: SymptomReport, fingerprint: str) -> Submitted:
    if stored.body_fingerprint != fingerprint:
        raise ReportIdTaken()
    touched = select(CandidateFinding.candidate_event_id).where(
        CandidateFinding.patient_id == stored.patient_id,
        CandidateFinding.report_id == stored.id,
        CandidateFinding.tier.is_not(None),
    )
    ordered = touched.order_by(CandidateFinding.tier, CandidateFinding.candidate_event_id)
    return Submitted(stored, tuple(txn.session.scalars(ordered)), is_new=False)


def _instrument(txn: Transaction, sent: Submission) -> Instrument:
    found = find_instrument(txn, sent.instrument, sent.instrument_version)
    if found is not None:
        return found
    known = find_instrument(txn, sent.instrument)
    where = "instrument" if known is None else "instrument_version"
    complaint = "There is no such instrument." if known is None else f"The newest version is {known.version}."
    raise InvalidInput(fields={where: [complaint]})


def _told(sent: Submission, instrument: Instrument, checked: Checked) -> Told:
    return Told(
        instrument=instrument,
        values=checked.values,
        measurements=checked.measurements,
        texts=tuple(other["text"] for other in sent.other_symptoms),
        other_severities=tuple(other.get("severity") for other in sent.other_symptoms),
        wants_call=sent.wants_call,
    )


def _keep(
    txn: Transaction,
    patient: Patient,
    sent: Submission,
    checked: Checked,
    place: Place,
    assessed: Assessment,
    fingerprint: str,
) -> SymptomReport:
    report = _as_sent(txn, patient, sent)
    report.agenda_key, report.standing, report.unscheduled_because = place.key, place.standing, place.because
    report.answers = {**checked.values, **_states(sent, checked)}
    report.composites = dict(assessed.composites)
    report.measurements = dict(checked.measurements)
    report.tier = most_urgent((tier_of(assessed.findings), sent.raised_before))
    report.advice = advice_on(txn, report, assessed.findings)
    report.body_fingerprint = fingerprint
    insert_now(txn, report)
    # The report is its own record and never changes; one entry says that it came.
    audit.note(txn, "report.submitted", report)
    return report


def _states(sent: Submission, checked: Checked) -> Mapping[str, ItemState]:
    """What came answer by answer and ended early was not asked the rest: nobody has left it out."""
    if sent.provenance is None:
        return checked.states
    asked = {answer["item"] for answer in sent.answers}
    return {
        code: ItemState.NOT_REACHED if state is ItemState.SKIPPED and code not in asked else state
        for code, state in checked.states.items()
    }


def _as_sent(txn: Transaction, patient: Patient, sent: Submission) -> SymptomReport:
    """What the sender said of the report, and what we know without looking into it."""
    offset = sent.completed_at.utcoffset() or timedelta(0)
    report = SymptomReport(
        patient_id=patient.id,
        id=sent.id,
        site_id=patient.site_id,
        protocol_version_id=_version(txn, patient, sent),
        instrument=sent.instrument,
        instrument_version=sent.instrument_version,
        language=sent.language,
        respondent=sent.respondent,
        mode=sent.mode,
        started_at=sent.started_at,
        completed_at=sent.completed_at,
        completed_offset=int(offset.total_seconds() // 60),
        received_at=txn.now,
        clock_is_off=sent.completed_at > txn.now + TRUSTED_SKEW or sent.started_at > sent.completed_at,
        wants_call=sent.wants_call,
        recorded_by=txn.actor.id,
        provenance=None if sent.provenance is None else {item: dict(came) for item, came in sent.provenance.items()},
        caveats=None if sent.caveats is None else list(sent.caveats),
    )
    others = canonical_json([dict(other) for other in sent.other_symptoms]) if sent.other_symptoms else None
    report.other_symptoms_sealed = seal(txn, report, "other_symptoms_sealed", others)
    report.on_behalf_reason_sealed = seal(txn, report, "on_behalf_reason_sealed", sent.on_behalf_reason)
    return report


def advice_on(txn: Transaction, report: SymptomReport, found: Sequence[Finding]) -> list[dict[str, str]]:
    """What to do now and whom to call, in the language of the report."""
    if not found:
        return []
    site = hours_of(txn, report.site_id)
    rules = rules_under(txn, report.protocol_version_id)
    return advice(
        rules,
        found,
        language=report.language,
        phone=site.emergency_phone,
        can_call_today=can_call_today(txn.now, site.time_zone, site.hours, clocks=rules.clocks),
    )


def tier_of(found: Sequence[Finding]) -> Tier | None:
    """The most urgent tier of what was found; None where nothing was."""
    return most_urgent(finding.tier for finding in found)


def most_urgent(tiers: Iterable[Tier | None]) -> Tier | None:
    """The most urgent of these; None where there is none."""
    return min((tier for tier in tiers if tier), key=lambda tier: tier.rank, default=None)


def _tell_the_agenda(txn: Transaction, patient: Patient, report: SymptomReport) -> None:
    """What was answered is not asked for again, and what fits nowhere is shown to a person."""
    if report.agenda_key is not None:
        notifications.cancel(txn, patient.id, key_prefix=f"{report.agenda_key}@", reason="answered")
    if report.standing == Standing.UNSCHEDULED and report.unscheduled_because not in ORDINARY:
        open_item(
            txn,
            reason=WorkReason.UNSCHEDULED_REPORT,
            key=f"unscheduled:{report.id}",
            site_id=patient.site_id,
            patient_id=patient.id,
            due_at=txn.now,
        )


def _note_life(txn: Transaction, patient: Patient, report: SymptomReport, happened_at: datetime) -> None:
    """A report shows that somebody was alive to be asked about; after a recorded death it is for a person to judge.

    What a relative sends says so only where the patient lets them; the report itself stands.
    """
    is_by_proxy = report.respondent == Respondent.CAREGIVER
    if life.is_dead(patient):
        return
    if is_by_proxy and not _may_a_relative_say_so(txn, patient):
        return
    source = EVIDENCE_BY_MODE.get(ReportMode(report.mode), EvidenceSource.PATIENT)
    if is_by_proxy:
        source = EvidenceSource.CAREGIVER
    as_of = clock.local_day(happened_at, patient.time_zone)
    life.add_evidence(txn, patient, as_of=as_of, source=source, reference=f"report:{report.id}")


def _may_a_relative_say_so(txn: Transaction, patient: Patient) -> bool:
    """Whoever wrote from a telephone of their own; on the patient's own, or at the site, anybody named who may."""
    named = caregivers_of(txn, patient)
    writer = [one for one in named if one.id == txn.actor.id]
    return any(one.may_confirm_survival for one in writer or named)

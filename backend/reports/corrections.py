"""Correcting a submitted report: a new version beside the original, which an investigator accepts or declines.

The original stays as it was sent. Until somebody decides, nothing reads the correction but people; an emergency in it
is heard at once all the same, whatever becomes of the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit, clock
from backend.db import Transaction, canonical_json
from backend.errors import InvalidInput, NoLongerPossible, ReportIdTaken
from backend.instruments.answers import Checked, check_answers
from backend.instruments.definition import instrument
from backend.patients.models import Patient
from backend.patients.report_correction import CorrectionDecision, ReportCorrection
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.patients.turns import take_turn
from backend.reports.listing import own_words
from backend.reports.reassessed import changed_in, found_in, is_more, raised_by, rests_on, signal_of
from backend.reports.submit import advice_on, tier_of
from backend.reports.versions import ACCEPTED, DECLINED, SUPERSEDED, corrections_of, decisions_about
from backend.sealing import keyring_of, seal
from backend.terms import Duty, Tier, WorkReason
from backend.triage.candidates import Source, due_anew, open_candidates
from backend.triage.rules import Finding
from backend.worklist.items import Handover, find_item, open_item, resolve


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A correction as it was sent: the whole of the answers, and the version they are to stand for."""

    id: UUID
    of_version: int
    instrument_version: int
    respondent: str
    mode: str
    reason: str
    answers: Sequence[Mapping[str, Any]] = ()
    measurements: Mapping[str, Any] = field(default_factory=dict)
    other_symptoms: Sequence[Mapping[str, Any]] = ()
    on_behalf_reason: str | None = None


def correct_report(
    txn: Transaction, patient: Patient, report: SymptomReport, sent: Corrected
) -> tuple[ReportCorrection, bool]:
    """Keep a correction and ask an investigator; the same one again gives the stored one, and False.

    Raises ``ReportIdTaken`` when its id holds something else, ``NoLongerPossible`` when the report has been corrected
    since the version it was made from, ``InvalidInput`` when it is impossible, empty, or says nothing new.
    """
    take_turn(txn, patient)
    fingerprint = keyring_of(txn).fingerprint("correction", canonical_json({"report": str(report.id)} | _body(sent)))
    stored = txn.session.scalar(
        select(ReportCorrection).where(ReportCorrection.patient_id == patient.id, ReportCorrection.sent_id == sent.id)
    )
    if stored is not None:
        if stored.body_fingerprint != fingerprint:
            raise ReportIdTaken()
        return stored, False
    earlier = corrections_of(txn, report)
    latest = earlier[-1] if earlier else report
    _refuse_what_does_not_fit(report, sent, earlier)
    checked = check_answers(
        instrument(txn, report.instrument, report.instrument_version), sent.answers, sent.measurements
    )
    _refuse_what_says_nothing(txn, latest, sent, checked)
    correction = _keep(txn, report, sent, checked, fingerprint)
    _hear_emergencies(txn, patient, report, correction, latest)
    _ask_an_investigator(txn, patient, earlier, correction)
    return correction, True


def decide(txn: Transaction, correction: ReportCorrection, *, accept: bool, reason: str) -> CorrectionDecision:
    """Whether the correction is the version that counts. What newly qualifies in an accepted one is raised at once.

    Raises ``NoLongerPossible`` when somebody decided before, or when the report has been corrected again since.
    """
    patient = txn.session.get_one(Patient, correction.patient_id)
    take_turn(txn, patient)
    report = txn.session.get_one(SymptomReport, (patient.id, correction.report_id))
    _refuse_what_is_settled(txn, report, correction)
    decision = CorrectionDecision(
        patient_id=patient.id,
        site_id=correction.site_id,
        correction_id=correction.id,
        accepted=accept,
        decided_by=txn.actor.id,
        decided_as=txn.actor.role_at(correction.site_id),
        decided_at=txn.now,
    )
    decision.reason_sealed = seal(txn, decision, "reason_sealed", reason)
    audit.record(txn, "report_correction.accepted" if accept else "report_correction.declined", decision, words=reason)
    txn.session.flush()
    _close_task(txn, correction, ACCEPTED if accept else DECLINED)
    if accept:
        raised = raised_by(txn, report)
        news = [one for one in found_in(txn, patient, report, correction).findings if is_more(signal_of(one), raised)]
        _raise(txn, patient, report, correction, news)
    return decision


def _hear_emergencies(
    txn: Transaction,
    patient: Patient,
    report: SymptomReport,
    correction: ReportCorrection,
    before: SymptomReport | ReportCorrection,
) -> None:
    """An emergency waits for nobody's decision, unless the version before had said all of it already."""
    raised, changed = raised_by(txn, report), changed_in(txn, correction, before)
    urgent = [one for one in found_in(txn, patient, report, correction).findings if one.tier is Tier.T1]
    news = [one for one in urgent if is_more(signal_of(one), raised) or changed & rests_on(one)]
    _raise(txn, patient, report, correction, news)


def _raise(
    txn: Transaction, patient: Patient, report: SymptomReport, correction: ReportCorrection, news: Sequence[Finding]
) -> None:
    said_on = clock.local_day(moment_of(report.completed_at, report.received_at), patient.time_zone)
    source = Source(patient, said_on, correction_id=correction.id, respondent=report.respondent)
    # What it is silent about ends no episode: it speaks of a day that is over.
    open_candidates(txn, source, news, {})
    txn.session.flush()


# --- keeping it -----------------------------------------------------------------------------------------------


def _body(sent: Corrected) -> dict[str, Any]:
    """The one value of a body, however its numbers were written."""
    measured = {name: float(value) if type(value) is int else value for name, value in sent.measurements.items()}
    return vars(sent) | {"id": str(sent.id), "measurements": measured}


def _refuse_what_does_not_fit(report: SymptomReport, sent: Corrected, earlier: Sequence[ReportCorrection]) -> None:
    wrong: dict[str, list[str]] = {}
    if sent.instrument_version != report.instrument_version:
        wrong["instrument_version"] = [f"The report was answered in version {report.instrument_version}."]
    if sent.respondent != report.respondent:
        wrong["respondent"] = [f"These are the answers of the {report.respondent}, who alone can correct them."]
    if wrong:
        raise InvalidInput(fields=wrong)
    newest = earlier[-1].version if earlier else 1
    if sent.of_version > newest:
        raise InvalidInput(fields={"of_version": [f"The newest version is {newest}."]})
    if sent.of_version < newest:
        raise _corrected_since(earlier[-1])


def _refuse_what_says_nothing(
    txn: Transaction, latest: SymptomReport | ReportCorrection, sent: Corrected, checked: Checked
) -> None:
    if not (checked.values or checked.measurements or sent.other_symptoms):
        raise InvalidInput(fields={"answers": ["A correction says what is true instead."]})
    others = [_said(other) for other in sent.other_symptoms]
    is_same = (
        {**checked.values, **checked.states} == latest.answers
        and dict(checked.measurements) == latest.measurements
        and others == [_said(other) for other in own_words(txn, latest)]
    )
    if is_same:
        raise InvalidInput(fields={"answers": ["Nothing is different from what is there."]})


def _said(other: Mapping[str, Any]) -> tuple[Any, Any]:
    return other["text"], other.get("severity")


def _keep(
    txn: Transaction, report: SymptomReport, sent: Corrected, checked: Checked, fingerprint: str
) -> ReportCorrection:
    row = ReportCorrection(
        patient_id=report.patient_id,
        site_id=report.site_id,
        report_id=report.id,
        version=sent.of_version + 1,
        sent_id=sent.id,
        body_fingerprint=fingerprint,
        originator=txn.actor.originator,
        mode=sent.mode,
        recorded_by=txn.actor.id,
        received_at=txn.now,
        answers={**checked.values, **checked.states},
        measurements=dict(checked.measurements),
    )
    others = canonical_json([dict(other) for other in sent.other_symptoms]) if sent.other_symptoms else None
    row.other_symptoms_sealed = seal(txn, row, "other_symptoms_sealed", others)
    row.reason_sealed = seal(txn, row, "reason_sealed", sent.reason)
    row.on_behalf_reason_sealed = seal(txn, row, "on_behalf_reason_sealed", sent.on_behalf_reason)
    found = found_in(txn, txn.session.get_one(Patient, report.patient_id), report, row)
    row.composites, row.tier = dict(found.composites), tier_of(found.findings)
    row.advice = advice_on(txn, report, found.findings)
    row.findings = [signal_of(one).stored() for one in found.findings]
    txn.session.add(row)
    txn.session.flush()
    # Like a report it is its own record and never changes; one entry says that it came.
    audit.note(txn, "report.corrected", row)
    return row


def _ask_an_investigator(
    txn: Transaction, patient: Patient, earlier: Sequence[ReportCorrection], correction: ReportCorrection
) -> None:
    for one in earlier:
        _close_task(txn, one, SUPERSEDED)
    open_item(
        txn,
        reason=WorkReason.REPORT_CORRECTED,
        key=_task(correction),
        site_id=correction.site_id,
        patient_id=patient.id,
        due_at=due_anew(txn, patient, Tier.T3),
        handover=Handover(Duty.INVESTIGATOR),
    )


def _close_task(txn: Transaction, correction: ReportCorrection, outcome: str) -> None:
    task = find_item(txn, correction.patient_id, _task(correction))
    if task is not None and task.resolved_at is None:
        resolve(txn, task, outcome)


def _task(correction: ReportCorrection) -> str:
    return f"report-correction:{correction.id}"


def _refuse_what_is_settled(txn: Transaction, report: SymptomReport, correction: ReportCorrection) -> None:
    versions = corrections_of(txn, report)
    decided = decisions_about(txn, versions).get(correction.id)
    if decided is not None:
        raise NoLongerPossible(
            f"This correction was {ACCEPTED if decided.accepted else DECLINED}.",
            by=str(decided.decided_by),
            role=decided.decided_as,
            at=decided.decided_at.isoformat(),
        )
    if versions[-1].version != correction.version:
        raise _corrected_since(versions[-1])


def _corrected_since(last: ReportCorrection) -> NoLongerPossible:
    """Who comes too late hears which version is the newest, whose it is, and when it came."""
    return NoLongerPossible(
        f"This report has been corrected since: its newest version is {last.version}.",
        version=last.version,
        at=last.received_at.isoformat(),
        by=last.originator,
    )

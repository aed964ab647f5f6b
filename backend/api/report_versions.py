"""How the versions of a report are shown: the original and its corrections, beside one another."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import g

from backend.patients.models import Patient
from backend.patients.report_correction import CorrectionDecision, ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.reports.listing import own_words
from backend.reports.reassessed import Signal, is_less, is_more, raised_by
from backend.reports.versions import ORIGINAL, content_of, corrections_of, decisions_about, state_of, words_of_state
from backend.sealing import unseal
from backend.terms import Originator, ReportMode, Respondent

BY_STAFF = frozenset({ReportMode.PHONE, ReportMode.IN_PERSON, ReportMode.PAPER})


def versions_of(
    patient: Patient, report: SymptomReport, language: str, *, for_staff: bool, may_read_words: bool
) -> list[dict[str, Any]]:
    """The original first. Why something was decided, and what the rules make of it, is for staff."""
    corrections = corrections_of(g.txn, report)
    decided = decisions_about(g.txn, corrections) if corrections else {}
    counting = max((one.version for one in corrections if _is_accepted(one, decided)), default=1)
    shown = [_original(report)] + [_correction(patient, one, corrections, decided, language) for one in corrections]
    rows: list[SymptomReport | ReportCorrection] = [report, *corrections]
    for row, one in zip(rows, shown, strict=True):
        one |= content_of(row) | {"counts": one["version"] == counting, "tier": row.tier}
        if may_read_words:
            one["other_symptoms"] = own_words(g.txn, row)
    if for_staff:
        _compare(report, corrections, shown)
    if may_read_words:
        _give_reasons(corrections, decided, shown[1:], for_staff=for_staff)
    return shown


def _is_accepted(one: ReportCorrection, decided: Mapping[UUID, CorrectionDecision]) -> bool:
    return one.id in decided and decided[one.id].accepted


def _original(report: SymptomReport) -> dict[str, Any]:
    said_by = Originator.PROXY if report.respondent == Respondent.CAREGIVER else Originator.PATIENT
    return {
        "version": 1,
        "correction": None,
        "state": ORIGINAL,
        "text": None,
        "received_at": report.received_at,
        "originator": Originator.SITE_ON_BEHALF if report.mode in BY_STAFF else said_by,
        "decided_at": None,
    }


def _correction(
    patient: Patient,
    one: ReportCorrection,
    corrections: Sequence[ReportCorrection],
    decided: Mapping[UUID, CorrectionDecision],
    language: str,
) -> dict[str, Any]:
    decision = decided.get(one.id)
    state = state_of(one, corrections[-1].version, decision)
    return {
        "version": one.version,
        "correction": one.id,
        "state": state,
        "text": words_of_state(g.txn, patient, state, language),
        "received_at": one.received_at,
        "originator": one.originator,
        "decided_at": decision.decided_at if decision else None,
    }


def _compare(report: SymptomReport, corrections: Sequence[ReportCorrection], shown: list[dict[str, Any]]) -> None:
    """What each version raises by itself, what of that nobody has before them, and what they have and it does not."""
    raised = raised_by(g.txn, report)
    by_original = raised_by(g.txn, report, of_original_only=True)
    found = [by_original, *([Signal.of_stored(signal) for signal in one.findings] for one in corrections)]
    for one, signals in zip(shown, found, strict=True):
        one["findings"] = [signal.stored() for signal in signals]
        one["raises"] = [signal.stored() for signal in signals if is_more(signal, raised)]
        one["lowers"] = [signal.stored() for signal in raised if is_less(signal, signals)]


def _give_reasons(
    corrections: Sequence[ReportCorrection],
    decided: Mapping[UUID, CorrectionDecision],
    shown: Sequence[dict[str, Any]],
    *,
    for_staff: bool,
) -> None:
    for row, one in zip(corrections, shown, strict=True):
        one["reason"] = unseal(g.txn, row, "reason_sealed")
        if for_staff and row.id in decided:
            one["decided_because"] = unseal(g.txn, decided[row.id], "reason_sealed")

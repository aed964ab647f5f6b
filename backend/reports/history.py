"""What was known before a report came: the circumstances that rules compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend import clock
from backend.agenda.history import cycles_of
from backend.db import Transaction
from backend.patients.models import Patient
from backend.reports.models import SymptomReport
from backend.staff.models import Site
from backend.triage.rules import Circumstances

BASELINE = "baseline"
SIGNS = ("new_rash", "diarrhea", "yellow_eyes")
# More than a year of weekly reports: every item has been asked again by then, or only at baseline.
LOOK_BACK = 60


@dataclass
class _Known:
    """Collected from the latest report to the earliest, so that the first value met is the last one given."""

    values: dict[str, int] = field(default_factory=dict)
    composites: dict[str, int | None] = field(default_factory=dict)
    signs: dict[str, int] = field(default_factory=dict)
    weights: list[tuple[int, float]] = field(default_factory=list)
    baseline: SymptomReport | None = None


def circumstances_of(txn: Transaction, patient: Patient, instrument: str, completed_at: datetime) -> Circumstances:
    """Days since the last actual infusion, and what earlier reports said, the baseline included."""
    known = _Known()
    for report in _earlier(txn, patient, completed_at):
        _learn(known, report, patient, completed_at)
    baseline = known.baseline or _baseline(txn, patient, completed_at)
    if baseline is not None and known.baseline is None:
        _learn(known, baseline, patient, completed_at)
    return Circumstances(
        days_since_infusion=_days_since_infusion(txn, patient, completed_at),
        is_baseline=instrument == BASELINE,
        last_values=known.values,
        baseline_values=baseline.values() if baseline else {},
        last_composites=known.composites,
        recent_signs=known.signs,
        weights=tuple(known.weights),
        baseline_weight=(baseline.measurements if baseline else {}).get("weight_kg"),
    )


def _learn(known: _Known, report: SymptomReport, patient: Patient, completed_at: datetime) -> None:
    days_ago = _days_between(report.completed_at, completed_at, patient.time_zone)
    for item, value in report.values().items():
        known.values.setdefault(item, value)
    for slug, composite in report.composites.items():
        known.composites.setdefault(slug, composite)
    for sign in SIGNS:
        if report.answers.get(f"checklist.{sign}") == 1:
            known.signs.setdefault(sign, days_ago)
    weight: Any = report.measurements.get("weight_kg")
    if weight is not None:
        known.weights.append((days_ago, weight))
    if report.instrument == BASELINE:
        known.baseline = report


def _earlier(txn: Transaction, patient: Patient, completed_at: datetime) -> Sequence[SymptomReport]:
    rows = select(SymptomReport).where(
        SymptomReport.patient_id == patient.id, SymptomReport.completed_at <= completed_at
    )
    latest_first = (SymptomReport.completed_at.desc(), SymptomReport.received_at.desc(), SymptomReport.id)
    return txn.session.scalars(rows.order_by(*latest_first).limit(LOOK_BACK)).all()


def _baseline(txn: Transaction, patient: Patient, completed_at: datetime) -> SymptomReport | None:
    rows = select(SymptomReport).where(
        SymptomReport.patient_id == patient.id,
        SymptomReport.instrument == BASELINE,
        SymptomReport.completed_at <= completed_at,
    )
    return txn.session.scalars(rows.order_by(SymptomReport.completed_at.desc()).limit(1)).one_or_none()


def _days_since_infusion(txn: Transaction, patient: Patient, completed_at: datetime) -> int | None:
    """Days are counted on the site's calendar, where infusions are dated; only actual starts count."""
    zone = txn.session.get_one(Site, patient.site_id).time_zone
    starts = (start for cycle in cycles_of(txn, patient) for start in (cycle.day_1_started_at, cycle.day_2_started_at))
    before = [start for start in starts if start is not None and start <= completed_at]
    return _days_between(max(before), completed_at, zone) if before else None


def _days_between(earlier: datetime, later: datetime, zone: str) -> int:
    return (clock.local_day(later, zone) - clock.local_day(earlier, zone)).days

"""What was known before a report came: the circumstances that rules compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend import clock
from backend.agenda.history import course_of, protocol_for
from backend.agenda.infusions import infusions_of
from backend.db import Transaction
from backend.patients.models import Patient
from backend.reports.models import SymptomReport
from backend.staff.models import Site
from backend.triage.rules import Circumstances

BASELINE = "baseline"
CHECKLIST = "checklist"
# More than a year of weekly reports: every item has been asked again by then, or only at baseline.
LOOK_BACK = 60


@dataclass(frozen=True)
class Moments:
    """When a report happened, and the moments at which it may have.

    A phone's clock may be weeks slow, and then only the moment of receipt shows that an infusion was yesterday.
    """

    happened_at: datetime
    possible: tuple[datetime, ...]


@dataclass
class _Known:
    """Collected from the latest report to the earliest, so that the first value met is the last one given."""

    values: dict[str, int] = field(default_factory=dict)
    composites: dict[str, int | None] = field(default_factory=dict)
    weights: list[tuple[int, float]] = field(default_factory=list)
    baseline: SymptomReport | None = None


def circumstances_of(txn: Transaction, patient: Patient, instrument: str, moments: Moments) -> Circumstances:
    """Days since the last infusion, and what the other reports said, the baseline included."""
    known = _Known()
    others = _others(txn, patient)
    for report in others:
        if _moment_of(report) <= moments.happened_at:
            _learn(known, report, patient, moments.happened_at)
    baseline = known.baseline or _baseline(txn, patient, moments.happened_at)
    if baseline is not None and known.baseline is None:
        _learn(known, baseline, patient, moments.happened_at)
    return Circumstances(
        days_since_infusion=_days_since_infusion(txn, patient, moments),
        is_baseline=instrument == BASELINE,
        last_values=known.values,
        baseline_values=baseline.values() if baseline else {},
        last_composites=known.composites,
        recent_signs=_signs_near(others, patient, moments.happened_at),
        weights=tuple(known.weights),
        baseline_weight=(baseline.measurements if baseline else {}).get("weight_kg"),
    )


def _signs_near(others: Sequence[SymptomReport], patient: Patient, happened_at: datetime) -> dict[str, int]:
    """By danger sign, how many days lie between this report and the nearest other that said yes.

    Both ways in time: a phone that was offline may send the earlier of two reports last.
    """
    nearest: dict[str, int] = {}
    for report in others:
        days = abs(_days_between(_moment_of(report), happened_at, patient.time_zone))
        for item, value in report.values().items():
            part, _, sign = item.partition(".")
            if part == CHECKLIST and value:
                nearest[sign] = min(days, nearest.get(sign, days))
    return nearest


def _learn(known: _Known, report: SymptomReport, patient: Patient, completed_at: datetime) -> None:
    days_ago = _days_between(_moment_of(report), completed_at, patient.time_zone)
    for item, value in report.values().items():
        known.values.setdefault(item, value)
    for slug, composite in report.composites.items():
        known.composites.setdefault(slug, composite)
    weight: Any = report.measurements.get("weight_kg")
    if weight is not None:
        known.weights.append((days_ago, weight))
    if report.instrument == BASELINE:
        known.baseline = report


def _moment_of(report: SymptomReport) -> datetime:
    """When a report was about: a phone whose clock runs ahead cannot have answered after it sent."""
    return min(report.completed_at, report.received_at)


def _others(txn: Transaction, patient: Patient) -> Sequence[SymptomReport]:
    """The reports received before this one, the latest first."""
    rows = select(SymptomReport).where(SymptomReport.patient_id == patient.id)
    latest_first = (SymptomReport.received_at.desc(), SymptomReport.id)
    received = txn.session.scalars(rows.order_by(*latest_first).limit(LOOK_BACK))
    return sorted(received, key=_moment_of, reverse=True)


def _baseline(txn: Transaction, patient: Patient, completed_at: datetime) -> SymptomReport | None:
    rows = select(SymptomReport).where(
        SymptomReport.patient_id == patient.id,
        SymptomReport.instrument == BASELINE,
        SymptomReport.completed_at <= completed_at,
    )
    return txn.session.scalars(rows.order_by(SymptomReport.completed_at.desc()).limit(1)).one_or_none()


def _days_since_infusion(txn: Transaction, patient: Patient, moments: Moments) -> int | None:
    """The fewest days since an infusion, counted on the site's calendar, where infusions are dated.

    Until an actual start is recorded the confirmed date counts as the start: a fever must not wait for paperwork.
    """
    zone = txn.session.get_one(Site, patient.site_id).time_zone
    dates = infusions_of(protocol_for(txn, patient), course_of(txn, patient)).dates
    given_on = [infusion.due_on for infusion in dates if infusion.counts]
    days = [(clock.local_day(at, zone) - on).days for at in moments.possible for on in given_on]
    return min((since for since in days if since >= 0), default=None)


def _days_between(earlier: datetime, later: datetime, zone: str) -> int:
    return (clock.local_day(later, zone) - clock.local_day(earlier, zone)).days

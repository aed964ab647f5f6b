"""What was known before a report came: the circumstances that rules compare with."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Integer, bindparam, or_, select

from backend import clock
from backend.agenda.course import Course
from backend.agenda.history import course_of, protocol_for
from backend.agenda.infusions import infusions_of
from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.reports.versions import answers_that_count, is_corrected
from backend.terms import Respondent
from backend.triage.grading import HIGH_FEVER
from backend.triage.rules import Circumstances

BASELINE = "baseline"
CHECKLIST = "checklist."
# More than a year of weekly reports: every item has been asked again by then, or only at baseline.
LOOK_BACK = 60
# So many are read first, and more when need be. For most reports twelve say all that the rules can ask.
READ_FIRST = (12, 30)
# A day in one zone may be two in another.
TWO_DAYS = timedelta(days=2)


@dataclass(frozen=True)
class Moments:
    """When a report happened, and the moments at which it may have.

    A phone's clock may be weeks slow, and then only the moment of receipt shows that an infusion was yesterday.
    """

    happened_at: datetime
    possible: tuple[datetime, ...]


@dataclass(frozen=True)
class Reach:
    """What can matter of the past: rules compare items that were answered now, and look back so many days."""

    items: Collection[str]
    days: int
    respondent: str
    # Only of a fever that is high now does anybody ask since when.
    in_high_fever: bool


class Earlier(NamedTuple):
    """What is asked of an earlier report. There are dozens behind each new one, so they are not loaded whole.

    Of a corrected report these are the answers of the version that counts.
    """

    instrument: str
    respondent: str
    completed_at: datetime
    received_at: datetime
    answers: dict[str, Any]
    composites: dict[str, Any]
    measurements: dict[str, Any]


AnyReport = SymptomReport | Earlier

# Asked by every report, and so put together once, of plain columns.
_ROW = SymptomReport.__table__.c
_OF_PATIENT = _ROW.patient_id == bindparam("patient_id")
_LATEST_FIRST = (_ROW.received_at.desc(), _ROW.id)
_LATEST_IDS = select(_ROW.id).where(_OF_PATIENT).order_by(*_LATEST_FIRST).limit(bindparam("limit", type_=Integer()))
_LATEST = (
    select(*(_ROW[name] for name in Earlier._fields), _ROW.id, is_corrected(_ROW.patient_id, _ROW.id))
    .where(_OF_PATIENT, or_(_ROW.id.in_(_LATEST_IDS), _ROW.instrument == BASELINE))
    .order_by(*_LATEST_FIRST)
)


@dataclass
class _Known:
    """Collected from the latest report to the earliest, so that the first value met is the last one given."""

    values: dict[str, int] = field(default_factory=dict)
    composites: dict[str, int | None] = field(default_factory=dict)
    weights: list[tuple[int, float]] = field(default_factory=list)
    temperatures: list[tuple[datetime, float]] = field(default_factory=list)
    signs: dict[str, int] = field(default_factory=dict)
    baseline: AnyReport | None = None
    baseline_values: dict[str, int] = field(default_factory=dict)


def circumstances_of(
    txn: Transaction,
    patient: Patient,
    course: Course | None,
    instrument: str,
    moments: Moments,
    reach: Reach,
    *,
    apart_from: UUID | None = None,
) -> Circumstances:
    """Days since the last infusion, and what the other reports said, the baseline included.

    Who receives no cells needs no ``course``: nothing else is asked of it. ``apart_from`` names the report that is
    looked at again, and is none of the others.

    Whatever is within ``reach`` is told as if all reports had been read. What a patient says is compared with what
    that patient has said; what a caregiver says, with all there is.
    """
    others = _others(txn, patient, moments, reach, apart_from)
    since = days_since(infused_on(txn, patient, course), moments, course.site_zone) if course else None
    return circumstances_among(
        others, instrument, moments, zone=patient.time_zone, days_since_infusion=since, respondent=reach.respondent
    )


def circumstances_among(
    others: Sequence[AnyReport],
    instrument: str,
    moments: Moments,
    *,
    zone: str,
    days_since_infusion: int | None,
    respondent: str = Respondent.PATIENT,
) -> Circumstances:
    """The same for reports that have been read, the latest first; ``zone`` is the patient's. Pure."""
    known = _Known()
    for report in others:
        values = _values(report)
        _learn(known, report, values, moments.happened_at, zone)
        if _moment_of(report) <= moments.happened_at and _may_be_compared(report, respondent):
            _learn_answers(known, report, values)
    baseline = known.baseline
    return Circumstances(
        days_since_infusion=days_since_infusion,
        is_baseline=instrument == BASELINE,
        last_values=known.values,
        baseline_values=known.baseline_values,
        last_composites=known.composites,
        recent_signs=known.signs,
        weights=tuple(known.weights),
        baseline_weight=(baseline.measurements if baseline else {}).get("weight_kg"),
        baseline_stools=(baseline.measurements if baseline else {}).get("stools_per_day"),
        hours_above_40=_hours_above_40(known.temperatures, moments.happened_at),
    )


def has_baseline(others: Sequence[AnyReport], moments: Moments) -> bool:
    """Whether a baseline report is among those that came before."""
    return any(report.instrument == BASELINE and _moment_of(report) <= moments.happened_at for report in others)


def _learn(known: _Known, report: AnyReport, values: Mapping[str, int], happened_at: datetime, zone: str) -> None:
    """What one report adds. Of one that came after this one, only its danger signs count."""
    moment = _moment_of(report)
    days_ago = (clock.local_day(happened_at, zone) - clock.local_day(moment, zone)).days
    _note_signs(known, values, abs(days_ago))
    if moment > happened_at:
        return
    weight: Any = report.measurements.get("weight_kg")
    if weight is not None:
        known.weights.append((days_ago, weight))
    if (celsius := report.measurements.get("temperature_c")) is not None:
        known.temperatures.append((moment, celsius))
    if report.instrument == BASELINE:
        known.baseline = report


def _may_be_compared(report: AnyReport, respondent: str) -> bool:
    """A caregiver's answers are never counted as self-report; what was measured, and danger signs, count for all."""
    return respondent != Respondent.PATIENT or report.respondent == Respondent.PATIENT


def _learn_answers(known: _Known, report: AnyReport, values: dict[str, int]) -> None:
    known.values = values | known.values
    known.composites = report.composites | known.composites
    if report.instrument == BASELINE:
        known.baseline_values = values


def _note_signs(known: _Known, values: Mapping[str, int], days: int) -> None:
    """By danger sign, how many days lie between this report and the nearest other that said yes.

    Both ways in time: a phone that was offline may send the earlier of two reports last.
    """
    for item, value in values.items():
        if value and item.startswith(CHECKLIST):
            sign = item.removeprefix(CHECKLIST)
            known.signs[sign] = min(days, known.signs.get(sign, days))


def _values(report: AnyReport) -> dict[str, int]:
    """The answered items and their values."""
    return {item: value for item, value in report.answers.items() if isinstance(value, int)}


def _hours_above_40(temperatures: Sequence[tuple[datetime, float]], happened_at: datetime) -> float:
    """Since when every temperature was a high fever, in hours; the latest temperature comes first."""
    run = takewhile(lambda measured: measured[1] > HIGH_FEVER, temperatures)
    began = min((moment for moment, _ in run), default=happened_at)
    return (happened_at - began).total_seconds() / 3600


def _moment_of(report: AnyReport) -> datetime:
    return moment_of(report.completed_at, report.received_at)


def _others(
    txn: Transaction, patient: Patient, moments: Moments, reach: Reach, apart_from: UUID | None
) -> list[AnyReport]:
    """The reports received before this one, the latest first: as far back as the reach needs, and a baseline."""
    for limit in (*READ_FIRST, LOOK_BACK):
        received, baselines = _received(txn, patient, limit, apart_from)
        if len(received) < limit - (apart_from is not None) or suffice(received, moments.happened_at, reach):
            break
    others = latest_first_of(received)
    if has_baseline(others, moments):
        return others
    older = [one for one in baselines if one.completed_at <= moments.happened_at]
    return others + sorted(older, key=lambda one: one.completed_at)[:1]


def _received(
    txn: Transaction, patient: Patient, limit: int, apart_from: UUID | None
) -> tuple[list[Earlier], list[Earlier]]:
    """So many reports, those received last first, and the baselines from before them."""
    rows = txn.connection.execute(_LATEST, {"patient_id": patient.id, "limit": limit}).all()
    corrected = answers_that_count(txn, patient.id) if any(row[-1] for row in rows) else {}
    read = [(row[-2], _as_it_counts(Earlier._make(row[:-2]), corrected.get(row[-2]))) for row in rows]
    latest, older = read[:limit], read[limit:]
    return [one for id_, one in latest if id_ != apart_from], [one for id_, one in older if id_ != apart_from]


def _as_it_counts(report: Earlier, corrected: Mapping[str, Any] | None) -> Earlier:
    return report if corrected is None else report._replace(**corrected)


def suffice(received: Sequence[Earlier], happened_at: datetime, reach: Reach) -> bool:
    """Whether no report received before these can add to what rules may ask.

    One unread was about a moment before ``unread``, so what is known from a later one stands: the value of every
    item, and in high fever a temperature that ends its run. Signs and weights are asked for within the reach's days.
    """
    unread = received[-1].received_at
    # Of several baselines the first counts, and it may be further back.
    is_recent = unread > happened_at - timedelta(days=reach.days) - TWO_DAYS
    if is_recent or any(one.instrument == BASELINE for one in received):
        return False
    settled = [one for one in received if unread < _moment_of(one) <= happened_at]
    comparable = [one.answers for one in settled if _may_be_compared(one, reach.respondent)]
    if not all(any(isinstance(answers.get(item), int) for answers in comparable) for item in reach.items):
        return False
    temperatures = [one.measurements["temperature_c"] for one in settled if "temperature_c" in one.measurements]
    return not reach.in_high_fever or any(celsius <= HIGH_FEVER for celsius in temperatures)


def latest_first_of(received: Iterable[AnyReport]) -> list[AnyReport]:
    """Reports by when they were about; of equals those received last come first if they were given so."""
    return sorted(received, key=_moment_of, reverse=True)


def receives_cells(txn: Transaction, patient: Patient) -> bool:
    """Whether the patient's arm does."""
    protocol = protocol_for(txn, patient)
    return protocol.cells is not None and protocol.arms[patient.arm].receives_cells


def infused_on(txn: Transaction, patient: Patient, course: Course | None = None) -> tuple[date, ...]:
    """The days on which cells were given, as far as is known now.

    Until an actual start is recorded the confirmed date counts as the start: a fever must not wait for paperwork.
    """
    dates = infusions_of(protocol_for(txn, patient), course or course_of(txn, patient)).dates
    return tuple(infusion.due_on for infusion in dates if infusion.counts)


def days_since(given_on: Iterable[date], moments: Moments, site_zone: str) -> int | None:
    """The fewest days since an infusion, counted on the site's calendar, where infusions are dated; None before any."""
    days = [(day - on).days for on in given_on for day in {clock.local_day(at, site_zone) for at in moments.possible}]
    return min((since for since in days if since >= 0), default=None)

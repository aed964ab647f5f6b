"""Adverse events by term, worst grade and arm: signed ones, and drafts apart; every patient counts once a term.

The same table stands beside it restricted to what the assessments of both arms could find, because an arm that is asked
more often reports more; how often each is asked is told as reports per patient-month.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, or_, select

from backend import clock
from backend.adverse_events.grades import course_of_grades, worst_grade
from backend.adverse_events.listing import grades_by_event
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade
from backend.db import Transaction
from backend.outcomes.overall_survival import Life, survival_of
from backend.partial_dates import is_after_day
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.protocol.definition import Protocol
from backend.terms import AgendaKind
from backend.triage.models import CandidateFinding

DAYS_A_MONTH = 365.25 / 12
SEVERE_GRADE = 3
GRADES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Wanted:
    """Which arm, all when None; and until when, or None."""

    arm: str | None
    cutoff: date | None


@dataclass(frozen=True)
class Happened:
    """One adverse event as the table takes it. ``is_shared``: assessments that both arms have could find it.

    None in the place of what would tell the arm to whoever may not know it.
    """

    event_id: UUID
    patient_id: UUID
    subject_number: str
    site_id: UUID
    arm: str
    term_code: str
    ctcae_version: str
    onset_on: str
    worst_grade: int
    is_serious: bool
    is_signed: bool
    is_shared: bool | None
    emerged: Mapping[str, bool | None]


@dataclass(frozen=True)
class Row:
    """One term in one arm: how many patients had it at which worst grade, and how many events there were."""

    term_code: str
    arm: str
    events: int
    patients: int
    severe: int
    serious: int
    study_emergent: int
    by_grade: Mapping[int, int]


@dataclass(frozen=True)
class Reporting:
    """How many reports one patient sent, and for how many months they were followed."""

    life: Life
    reports: int
    months: float


@dataclass(frozen=True)
class Asked:
    """How often an arm was asked: reports that came, over the months its patients were followed."""

    arm: str
    patients: int
    reports: int
    months: float

    @property
    def per_month(self) -> float | None:
        """Reports per patient-month; None before anybody was followed."""
        return self.reports / self.months if self.months else None


def rows_of(happened: Iterable[Happened]) -> Sequence[Row]:
    """The table, by term and arm. Pure."""
    cells: dict[tuple[str, str], list[Happened]] = {}
    for one in happened:
        cells.setdefault((one.term_code, one.arm), []).append(one)
    return [_row(*cell, some) for cell, some in sorted(cells.items())]


def _row(term_code: str, arm: str, events: Sequence[Happened]) -> Row:
    worst: dict[UUID, int] = {}
    for one in events:
        worst[one.patient_id] = max(one.worst_grade, worst.get(one.patient_id, 0))
    graded = list(worst.values())
    return Row(
        term_code,
        arm,
        events=len(events),
        patients=len(worst),
        severe=sum(grade >= SEVERE_GRADE for grade in graded),
        serious=len({one.patient_id for one in events if one.is_serious}),
        study_emergent=len({one.patient_id for one in events if one.emerged["study"]}),
        by_grade={grade: graded.count(grade) for grade in GRADES},
    )


def happened_by(txn: Transaction, visible: ColumnElement[bool], protocol: Protocol, wanted: Wanted) -> list[Happened]:
    """Every standing event of the patients that ``visible`` allows, begun by the cut-off, by subject number."""
    rows = select(AdverseEvent, Patient).join(Patient, Patient.id == AdverseEvent.patient_id)
    asked = rows.where(visible, AdverseEvent.voided_at.is_(None), *_of_arm(wanted.arm))
    found = txn.session.execute(asked.order_by(Patient.subject_number, AdverseEvent.recorded_at, AdverseEvent.id)).all()
    grades = grades_by_event(txn, [event.id for event, _ in found])
    heard = _heard_in(txn, asked_of_all(protocol))
    return [
        _happened(event, patient, grades[event.id], wanted.cutoff, is_shared=_is_shared(event, heard))
        for event, patient in found
        if wanted.cutoff is None or not is_after_day(event.onset_on, wanted.cutoff)
    ]


def asked_of_all(protocol: Protocol) -> frozenset[str]:
    """The questionnaires that the calendar puts to every arm. Pure."""
    everybody = frozenset(protocol.arms)
    rules = [rule for rule in protocol.rules if rule.kind is AgendaKind.ASSESSMENT and rule.arms >= everybody]
    return frozenset(name for rule in rules for name in (rule.instrument, rule.longer_instrument) if name)


def reports_of_each(
    txn: Transaction,
    visible: ColumnElement[bool],
    known: Sequence[Life],
    cutoff: date | None,
    *,
    by: Collection[str] | None = None,
) -> Sequence[Reporting]:
    """How often each of these patients reported, up to the cut-off, over the months they were followed.

    ``by`` names the questionnaires that count; None: all.
    """
    counted = select(SymptomReport.patient_id, func.count()).join(Patient, Patient.id == SymptomReport.patient_id)
    of_those = [] if by is None else [SymptomReport.instrument.in_(sorted(by))]
    received = counted.where(visible, _by_the_end(txn, cutoff), *of_those)
    rows = txn.session.execute(received.group_by(SymptomReport.patient_id))
    reports = {patient_id: number for patient_id, number in rows}  # noqa: C416 - rows are no pairs to a type checker
    return [
        Reporting(one.life, reports.get(one.life.patient_id, 0), one.days / DAYS_A_MONTH)
        for one in survival_of(known, cutoff).followed
    ]


def asked_by_arm(followed: Iterable[Reporting]) -> Sequence[Asked]:
    """How often each arm was asked. Pure."""
    arms: dict[str, list[Reporting]] = {}
    for one in followed:
        arms.setdefault(one.life.arm, []).append(one)
    return [
        Asked(arm, len(some), sum(one.reports for one in some), sum(one.months for one in some))
        for arm, some in sorted(arms.items())
    ]


def _by_the_end(txn: Transaction, cutoff: date | None) -> ColumnElement[bool]:
    """Completed by now, or by the end of the cut-off day where the patient lives."""
    if cutoff is None:
        return SymptomReport.completed_at < txn.now
    zones = txn.session.scalars(select(Patient.time_zone).distinct().order_by(Patient.time_zone))
    ends = {zone: min(txn.now, clock.start_of_day(cutoff + timedelta(days=1), zone)) for zone in zones}
    return or_(false(), *((Patient.time_zone == zone) & (SymptomReport.completed_at < ends[zone]) for zone in ends))


def _of_arm(arm: str | None) -> list[ColumnElement[bool]]:
    return [Patient.arm == arm] if arm else []


def _heard_in(txn: Transaction, instruments: Collection[str]) -> frozenset[UUID]:
    """The candidates about which some report by one of these questionnaires has said something."""
    same = (SymptomReport.patient_id == CandidateFinding.patient_id) & (SymptomReport.id == CandidateFinding.report_id)
    rows = select(CandidateFinding.candidate_event_id).join(SymptomReport, same)
    return frozenset(txn.session.scalars(rows.where(SymptomReport.instrument.in_(sorted(instruments))).distinct()))


def _is_shared(event: AdverseEvent, heard: Collection[UUID]) -> bool:
    """What a person entered directly was found in either arm alike."""
    return event.candidate_event_id is None or event.candidate_event_id in heard


def _happened(
    event: AdverseEvent,
    patient: Patient,
    recorded: Sequence[AdverseEventGrade],
    cutoff: date | None,
    *,
    is_shared: bool,
) -> Happened:
    known = [row for row in recorded if cutoff is None or not is_after_day(row.from_on, cutoff)]
    return Happened(
        event.id,
        patient.id,
        patient.subject_number,
        patient.site_id,
        patient.arm,
        event.term_code,
        event.ctcae_version,
        event.onset_on,
        worst_grade(course_of_grades(known or recorded[:1], event.onset_on)),
        is_serious=bool(event.serious),
        is_signed=event.signature_id is not None,
        is_shared=is_shared,
        emerged={"study": event.study_emergent, "cells": event.cells_emergent, "drug": event.drug_emergent},
    )

"""Adherence to reporting: what was asked for, and what came in time, late or not at all, by week, arm and site.

An assessment is expected from the day its window has closed, or from its answer where that came before. What was
cancelled was not expected; what is overdue and may still come is missing for now. Weeks count from randomisation: an
assessment due on the day itself is of week 0. Pure but for the reading of records.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select

from backend import clock
from backend.agenda.calendar import agenda
from backend.agenda.course import AgendaItem
from backend.agenda.history import courses_of, protocol_for
from backend.db import Transaction
from backend.outcomes.proportions import Share, share_of
from backend.patients.models import Patient
from backend.terms import AgendaKind, AgendaState

DAYS_A_WEEK = 7
AT_ONCE = 100


class Came(StrEnum):
    """How an expected assessment was answered."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"


@dataclass(frozen=True)
class Expected:
    """One assessment that was asked for, and how it came. ``is_shared``: the calendar puts it to every arm."""

    patient_id: UUID
    subject_number: str
    site_id: UUID
    arm: str
    key: str
    due_on: date
    week: int
    came: Came
    is_shared: bool


@dataclass(frozen=True)
class Adherence:
    """So many assessments were expected, and so many of them came as said."""

    expected: int
    by: Mapping[Came, int]

    @property
    def on_time(self) -> Share:
        """The share that came in time, with its exact limits."""
        return share_of(self.by[Came.ON_TIME], self.expected)


def adherence_of(expected: Iterable[Expected]) -> Adherence:
    """Count them. Pure."""
    counted = Counter(one.came for one in expected)
    return Adherence(counted.total(), {came: counted[came] for came in Came})


def by_week(expected: Iterable[Expected]) -> Mapping[int, Adherence]:
    """The same by week after randomisation, in order; weeks in which nothing was due are left out. Pure."""
    of_week: dict[int, list[Expected]] = {}
    for one in expected:
        of_week.setdefault(one.week, []).append(one)
    return {week: adherence_of(of_week[week]) for week in sorted(of_week)}


def came(item: AgendaItem, until: datetime) -> Came | None:
    """How an assessment was answered by then; None while it is not expected yet, or was never to be. Pure."""
    if item.kind is not AgendaKind.ASSESSMENT or item.state is AgendaState.CANCELLED:
        return None
    if item.completed_at is not None and item.completed_at < until:
        return Came.LATE if item.state is AgendaState.COMPLETED_LATE else Came.ON_TIME
    return Came.MISSED if item.closes_at <= until else None


def expected_of(
    txn: Transaction, visible: ColumnElement[bool], *, arm: str | None = None, cutoff: date | None = None
) -> Sequence[Expected]:
    """Every assessment expected by the end of the cut-off day, or by now, of the patients that ``visible`` allows."""
    wanted = select(Patient).where(visible, *([Patient.arm == arm] if arm else []))
    patients = txn.session.scalars(wanted.order_by(Patient.subject_number)).all()
    found: list[Expected] = []
    for start in range(0, len(patients), AT_ONCE):
        some = [one for one in patients[start : start + AT_ONCE] if cutoff is None or one.randomised_on <= cutoff]
        courses = courses_of(txn, some)
        for patient in some:
            protocol = protocol_for(txn, patient)
            items = agenda(protocol, courses[patient.id], txn.now)
            found.extend(_expected(patient, items, _until(txn, patient, cutoff), frozenset(protocol.arms)))
    return found


def _until(txn: Transaction, patient: Patient, cutoff: date | None) -> datetime:
    if cutoff is None:
        return txn.now
    return min(clock.start_of_day(cutoff + timedelta(days=1), patient.time_zone), txn.now)


def _expected(
    patient: Patient, items: Iterable[AgendaItem], until: datetime, everybody: frozenset[str]
) -> Iterator[Expected]:
    for item in items:
        how = came(item, until)
        if how is not None:
            week = max(0, (item.due_on - patient.randomised_on).days // DAYS_A_WEEK)
            yield Expected(
                patient.id,
                patient.subject_number,
                patient.site_id,
                patient.arm,
                item.key,
                item.due_on,
                week,
                how,
                is_shared=item.row.arms >= everybody,
            )

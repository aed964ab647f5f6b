"""Disease control: best response CR, PR, or SD at least six weeks after randomisation, over everybody randomised.

Assessments count up to month 24 and up to the first progression, itself included. Whoever was never assessed is not
controlled, and is shown.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select

from backend.agenda.days import plus_months
from backend.db import Transaction
from backend.event_terms import ResponseCriteria, TumourResponse
from backend.outcomes.proportions import Share, share_of
from backend.patients.acts import TumourAssessment
from backend.patients.models import Patient

EARLIEST_STABLE = timedelta(weeks=6)
UNTIL_MONTH = 24


class BestResponse(StrEnum):
    """The best of a patient's responses, in the order of preference."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    # Stable, and seen to be so before six weeks only: too early to say that it is under control.
    SD_EARLY = "SD_before_6_weeks"
    PD = "PD"
    NE = "NE"
    NEVER_ASSESSED = "never_assessed"


CONTROLLED = frozenset({BestResponse.CR, BestResponse.PR, BestResponse.SD})


@dataclass(frozen=True)
class Assessed:
    """One assessment."""

    on: date
    response: TumourResponse


@dataclass(frozen=True)
class Imaged:
    """One randomised patient and what imaging showed by the criteria asked for."""

    patient_id: UUID
    subject_number: str
    site_id: UUID
    arm: str
    randomised_on: date
    assessed: tuple[Assessed, ...]


@dataclass(frozen=True)
class Judged:
    """The best response of one patient; ``seen_on`` is the day it was first seen, None when never assessed."""

    imaged: Imaged
    best: BestResponse
    seen_on: date | None

    @property
    def is_controlled(self) -> bool:
        """Whether it counts as disease control."""
        return self.best in CONTROLLED


@dataclass(frozen=True)
class Control:
    """How many of a group are controlled, and how many had each best response."""

    share: Share
    by_best: Mapping[BestResponse, int]


def judge(imaged: Imaged, cutoff: date | None) -> Judged:
    """The best response of a patient as of the cut-off. Pure."""
    found = [(_weighed(one, imaged.randomised_on), one.on) for one in _that_count(imaged, cutoff)]
    if not found:
        return Judged(imaged, BestResponse.NEVER_ASSESSED, None)
    best, seen_on = min(found, key=lambda one: (list(BestResponse).index(one[0]), one[1]))
    return Judged(imaged, best, seen_on)


def control_of(judged: Sequence[Judged]) -> Control:
    """The share of these patients whose disease is controlled, with its exact limits. Pure."""
    counted = Counter(one.best for one in judged)
    controlled = sum(one.is_controlled for one in judged)
    return Control(share_of(controlled, len(judged)), {best: counted[best] for best in BestResponse})


def _that_count(imaged: Imaged, cutoff: date | None) -> Sequence[Assessed]:
    """From the day after randomisation to month 24 or the cut-off; nothing after the first progression."""
    until = min(plus_months(imaged.randomised_on, UNTIL_MONTH), cutoff or date.max)
    counted: list[Assessed] = []
    for one in sorted(imaged.assessed, key=lambda assessed: assessed.on):
        if imaged.randomised_on < one.on <= until:
            counted.append(one)
            if one.response is TumourResponse.PD:
                break
    return counted


def _weighed(one: Assessed, randomised_on: date) -> BestResponse:
    if one.response is TumourResponse.SD and one.on < randomised_on + EARLIEST_STABLE:
        return BestResponse.SD_EARLY
    return BestResponse(one.response.value)


def imaged_patients(
    txn: Transaction,
    visible: ColumnElement[bool],
    criteria: ResponseCriteria,
    *,
    arm: str | None = None,
    cutoff: date | None = None,
) -> Sequence[Imaged]:
    """Every patient randomised by the cut-off whom ``visible`` allows, by subject number; two looks, however many."""
    wanted = select(Patient).where(visible, *([Patient.arm == arm] if arm else []))
    patients = txn.session.scalars(wanted.order_by(Patient.subject_number)).all()
    assessed: dict[UUID, list[Assessed]] = {}
    standing = select(TumourAssessment).where(
        TumourAssessment.reversed_at.is_(None), TumourAssessment.criteria == criteria
    )
    for row in txn.session.scalars(standing.order_by(TumourAssessment.assessed_on, TumourAssessment.id)):
        assessed.setdefault(row.patient_id, []).append(Assessed(row.assessed_on, TumourResponse(row.response)))
    return [
        Imaged(
            patient.id,
            patient.subject_number,
            patient.site_id,
            patient.arm,
            patient.randomised_on,
            tuple(assessed.get(patient.id, ())),
        )
        for patient in patients
        if cutoff is None or patient.randomised_on <= cutoff
    ]

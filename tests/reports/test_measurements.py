"""Measurements compared with what the patient told before: the baseline's stools, and how long a fever has lasted."""

import pytest

from backend.db import Database
from backend.patients.models import Patient
from tests import people
from tests.conftest import Clock
from tests.reports.test_submit import candidates, submitted, weekly

FEVER, DIARRHEA = "10016558", "10012727"


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def measured(
    db: Database, clock: Clock, ann: Patient, moment: str, instrument: str = "ad_hoc", **values: float
) -> None:
    clock.move_to(moment)
    submitted(db, ann, weekly(moment, instrument=instrument, answers=(), measurements=values))


def test_stools_are_counted_from_the_baseline_reports_normal(db: Database, clock: Clock, ann: Patient) -> None:
    measured(db, clock, ann, "2027-03-01T09:00:00+08:00", "baseline", stools_per_day=2)

    measured(db, clock, ann, "2027-03-08T09:00:00+08:00", "weekly", stools_per_day=9)

    found = candidates(db)[DIARRHEA]
    assert (found.tier, found.provisional_grade) == ("T2", 3)


def test_stools_without_a_baseline_say_nothing(db: Database, clock: Clock, ann: Patient) -> None:
    measured(db, clock, ann, "2027-03-08T09:00:00+08:00", "weekly", stools_per_day=9)

    assert candidates(db) == {}


@pytest.mark.parametrize(
    ("between", "grade"),
    [((), 4), ((40.5,), 4), ((39.9,), 3)],
    ids=["one a day ago", "and one between", "but lower between"],
)
def test_a_fever_above_40_becomes_grade_4_when_it_has_lasted_a_day(
    db: Database, clock: Clock, ann: Patient, between: tuple[float, ...], grade: int
) -> None:
    measured(db, clock, ann, "2027-03-08T09:00:00+08:00", temperature_c=40.2)
    for celsius in between:
        measured(db, clock, ann, "2027-03-08T21:00:00+08:00", temperature_c=celsius)

    measured(db, clock, ann, "2027-03-09T09:01:00+08:00", temperature_c=40.2)

    assert candidates(db)[FEVER].provisional_grade == grade

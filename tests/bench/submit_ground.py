"""Who sends weekly reports in the benchmark: patients with cycles behind them, and a year's worth of reports.

Weekly reports are asked for until the cells are over, and the fourth of them is a longer one. So the patients stand
in their 27th week, have sent two weekly reports in each of the weeks before, and go on week by week from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from backend import clock
from backend.agenda import changes
from backend.db import Actor, Database, system
from backend.instruments.definition import Instrument, instrument
from backend.patients.models import Patient
from backend.reports.submit import Submission, submit_report
from backend.terms import Originator
from tests.people import ANN, Person, enrolled, phone_of

ZONE = "Asia/Shanghai"
# Cycle → the week in which its cells are collected; they are infused when they have grown. The third is to come.
COLLECTED = {1: 1, 2: 9}
CULTURE = timedelta(days=15)
A_WEEKS_REPORTS = 2
# Every fourth report of the calendar is a longer questionnaire.
LONGER_EVERY = 4

# What is not 0, report by report. Most are quiet, one is for a coordinator some day, two the same day.
MOODS: Sequence[tuple[Mapping[str, int], Mapping[str, float]]] = (
    ({}, {}),
    ({"fatigue.severity": 1, "fatigue.interference": 1}, {"temperature_c": 36.6}),
    ({"nausea.frequency": 1, "nausea.severity": 1}, {}),
    ({"appetite.severity": 2, "appetite.interference": 3}, {"weight_kg": 61.5}),
    ({}, {"temperature_c": 36.9, "systolic_mmhg": 124, "diastolic_mmhg": 76}),
    ({"headache.frequency": 1, "headache.severity": 1, "headache.interference": 0}, {}),
    ({"fatigue.severity": 1, "fatigue.interference": 0}, {"weight_kg": 62}),
    ({"abdominal_pain.frequency": 3, "abdominal_pain.severity": 3, "abdominal_pain.interference": 3}, {}),
    ({}, {}),
    ({"itching.severity": 1}, {"temperature_c": 38.3}),
    ({"hand_foot.severity": 1}, {}),
)


@dataclass(frozen=True)
class Ground:
    """The phones, and the questionnaire they send."""

    phones: Sequence[Person]
    weekly: Instrument
    week: int


def make_ground(db: Database, patients: int, weeks: int) -> Ground:
    """So many patients with so many weeks behind them, two reports a week."""
    clock.move_to(moment_of(0))
    try:
        people = [enrolled(db, replace(ANN, phone=f"+86138{number:08}")) for number in range(patients)]
        with db.reading(system("bench")) as txn:
            weekly = instrument(txn, "weekly")
        for week in range(1, weeks + 1):
            _live_through(db, people, weekly, week)
        phones = [phone_of(db, patient) for patient in people]
    finally:
        clock.set_ahead(timedelta(0))
    return Ground(phones, weekly, weeks)


def _live_through(db: Database, people: Sequence[Patient], weekly: Instrument, week: int) -> None:
    for number, patient in enumerate(people):
        _treat(db, patient, week)
        actor = Actor(Originator.PATIENT, id=patient.id, name=patient.subject_number)
        for again in range(A_WEEKS_REPORTS):
            clock.move_to(moment_of(week) + timedelta(hours=again))
            sent = submission(weekly, week * A_WEEKS_REPORTS + again + number, clock.now())
            with db.transaction(actor) as txn:
                submit_report(txn, txn.session.get_one(Patient, patient.id), sent)


def _treat(db: Database, patient: Patient, week: int) -> None:
    """The cells are collected, confirmed, and given on two days."""
    for cycle, collected in COLLECTED.items():
        day_1 = day_of(collected) + CULTURE
        if week == collected:
            _act(db, patient, moment_of(week), changes.plan_cycle, cycle, day_of(collected))
            _act(db, patient, moment_of(week), changes.confirm_cycle, cycle)
        if week == collected + 3:
            for infusion in (1, 2):
                started_at = clock.at_local(day_1 + timedelta(days=infusion - 1), time(10), ZONE)
                _act(db, patient, started_at, changes.start_infusion, cycle, infusion, started_at)


def _act(db: Database, patient: Patient, at: datetime, verb: Callable[..., object], *said: object) -> None:
    clock.move_to(at)
    with db.transaction(system("bench")) as txn:
        verb(txn, txn.session.get_one(Patient, patient.id), *said)


def next_weekly(week: int) -> int:
    """The next week whose report is the weekly one."""
    return week + 1 if (week + 1) % LONGER_EVERY else week + 2


def day_of(week: int) -> date:
    """When a week's report falls due."""
    return ANN.randomised_on + timedelta(days=7 * week)


def moment_of(week: int) -> datetime:
    """The morning on which a week's report is sent."""
    return clock.at_local(day_of(week), time(9), ZONE)


def submission(weekly: Instrument, number: int, completed_at: datetime) -> Submission:
    """A weekly report as the verb takes it."""
    body = report(weekly, number, completed_at)
    moments = {name: datetime.fromisoformat(body[name]) for name in ("started_at", "completed_at")}
    return Submission(**{**body, **moments, "id": UUID(body["id"])})


def report(weekly: Instrument, number: int, completed_at: datetime, key: str | None = None) -> dict[str, Any]:
    """A weekly report as a phone sends it: every item, with null where an answer of 0 hides the question."""
    says, measurements = MOODS[number % len(MOODS)]
    return {
        "id": str(uuid4()),
        "instrument": weekly.name,
        "instrument_version": weekly.version,
        "agenda_key": key,
        "language": ANN.language,
        "respondent": "patient",
        "mode": "app",
        "started_at": clock.local(completed_at - timedelta(minutes=4), ZONE).isoformat(),
        "completed_at": clock.local(completed_at, ZONE).isoformat(),
        "answers": [{"item": code, "value": _answer(weekly, code, says)} for code in weekly.items],
        "measurements": dict(measurements),
        "other_symptoms": [],
        "wants_call": False,
    }


def _answer(weekly: Instrument, code: str, says: Mapping[str, int]) -> int | None:
    """What is said, else 0; null where an earlier answer about the symptom is 0."""
    if any(not says.get(earlier) for earlier in weekly.items[code].earlier):
        return None
    return says.get(code, 0)

"""Whose messages are planned in the benchmark: patients of both arms, spread over the two years of their follow-up.

Only what planning reads is made, straight into the tables: patients, cycles and their infusions, attended visits,
reports with the evidence of life they are, and a caregiver of every third patient. Four of five questionnaires that
fell due are answered.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from backend import clock
from backend.agenda.days import plus_months
from backend.agenda.models import AgendaFact, Cycle
from backend.db import Base, Database, lift_time_limits, system
from backend.patients.models import Caregiver, EvidenceOfLife, Patient
from backend.patients.symptom_report import SymptomReport
from backend.protocol.load import current_version
from backend.staff.models import Site
from backend.terms import CycleStatus, PatientStatus

BENCH = system("bench")
ZONE = "Asia/Shanghai"
NOW = datetime(2027, 3, 1, 1, 30, tzinfo=UTC)
TODAY = date(2027, 3, 1)
SPREAD_OVER_DAYS = 730
AT_ONCE = 500
VISITS = (1, 2, 3, 6, 9, 12)
FIRST_COLLECTION = timedelta(days=7)
BETWEEN_COLLECTIONS = timedelta(days=28)
CULTURE = timedelta(days=15)
KNOWN_FOR = timedelta(days=12)
WEEKS_OF_WEEKLY = {"nk": 15, "control": 12}
LAST_WEEK = 52
SAFETY_DAYS = 15

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A patient as far as the calendar goes."""

    id: UUID
    number: int
    arm: str
    randomised_on: date


@dataclass(frozen=True)
class Study:
    """What every row refers to."""

    site_ids: Sequence[UUID]
    version_id: UUID


def make_patients(db: Database, many: int, tell: Callable[[str], None]) -> None:
    """So many patients, in every stage of two years."""
    with db.reading(BENCH) as txn:
        sites = txn.session.scalars(select(Site.id).order_by(Site.code)).all()
        study = Study(sites, current_version(txn).id)
    days = [SPREAD_OVER_DAYS * number // many for number in range(many)]
    random.Random(many).shuffle(days)
    people = [
        Person(uuid4(), number, ("nk", "control")[number % 2], TODAY - timedelta(days=day))
        for number, day in enumerate(days)
    ]
    for first in range(0, many, AT_ONCE):
        batch = people[first : first + AT_ONCE]
        with db.transaction(BENCH) as txn:
            lift_time_limits(txn)
            for table, rows in _rows_of(study, batch).items():
                if rows:
                    txn.connection.execute(insert(table.__table__), rows)
        tell(f"{first + len(batch):,} of {many:,} patients made")


def _rows_of(study: Study, people: Sequence[Person]) -> Mapping[type[Base], list[Row]]:
    """By table; those that others refer to come first."""
    rows: dict[type[Base], list[Row]] = {
        Patient: [_patient(study, one) for one in people],
        Caregiver: [],
        Cycle: [],
        AgendaFact: [],
        SymptomReport: [],
        EvidenceOfLife: [],
    }
    for one in people:
        whose = {"patient_id": one.id, "site_id": _site(study, one)}
        if one.number % 3 == 0:
            rows[Caregiver].append(_caregiver(one, whose))
        if one.arm == "nk":
            rows[Cycle].extend(_cycles(one, whose))
        rows[AgendaFact].extend(_attendances(one, whose))
        for key, instrument, on in _answered(one):
            rows[SymptomReport].append(_report(study, whose, key, instrument, on))
            rows[EvidenceOfLife].append(_evidence(whose, on))
    return rows


def _site(study: Study, one: Person) -> UUID:
    return study.site_ids[one.number % len(study.site_ids)]


def _patient(study: Study, one: Person) -> Row:
    return {
        "id": one.id,
        "site_id": _site(study, one),
        "protocol_version_id": study.version_id,
        "subject_number": f"{one.number % len(study.site_ids) + 1:02}-{one.number:05}",
        "arm": one.arm,
        "targeted_drug": "sorafenib",
        "consented_on": one.randomised_on,
        "randomised_on": one.randomised_on,
        "birth_year": 1961,
        "enrolled_at": _at(one.randomised_on, 9),
        "version": 1,
        "language": "zh-CN",
        "time_zone": ZONE,
        "channels": ["in_app", "sms"],
        # A few have an hour of their own.
        "preferred_time": time(8, 30) if one.number % 7 == 0 else None,
        "status": PatientStatus.ON_STUDY,
        "agenda_revision": 0,
    }


def _caregiver(one: Person, whose: Row) -> Row:
    named = {"may_report": True, "may_confirm_survival": True, "named_at": _at(one.randomised_on, 9)}
    return {"id": uuid4(), **whose, **named}


def _cycles(one: Person, whose: Row) -> Iterator[Row]:
    """Three, four weeks apart, as far as they have come."""
    for number in (1, 2, 3):
        collected_on, day_1_on, day_2_on = _days_of(one, number)
        if collected_on > TODAY:
            return
        confirmed_on = collected_on + KNOWN_FOR
        yield {
            "id": uuid4(),
            **whose,
            "number": number,
            "attempt": 1,
            "status": CycleStatus.CONFIRMED if confirmed_on <= TODAY else CycleStatus.PLANNED,
            "donor_collection_on": collected_on,
            "day_1_on": day_1_on,
            "day_2_on": day_2_on,
            "day_1_started_at": _at(day_1_on, 10) if day_1_on < TODAY else None,
            "day_2_started_at": _at(day_2_on, 10) if day_2_on < TODAY else None,
            "planned_at": _at(collected_on, 12),
            "confirmed_at": _at(confirmed_on, 12) if confirmed_on <= TODAY else None,
        }


def _days_of(one: Person, number: int) -> tuple[date, date, date]:
    """Collection, day 1 and day 2 of a cycle."""
    collected_on = one.randomised_on + FIRST_COLLECTION + BETWEEN_COLLECTIONS * (number - 1)
    return collected_on, collected_on + CULTURE, collected_on + CULTURE + timedelta(days=1)


def _attendances(one: Person, whose: Row) -> Iterator[Row]:
    for month in VISITS:
        on = plus_months(one.randomised_on, month)
        if on < TODAY:
            yield {
                "id": uuid4(),
                **whose,
                "key": f"visit.m{month}",
                "kind": "attended",
                "revision": 1,
                "on": on,
                "recorded_at": _at(on, 11),
            }


def _answered(one: Person) -> Iterator[tuple[str, str, date]]:
    """Key, questionnaire and day of what was answered: four of five, and not the same for everybody."""
    due = [("baseline", "baseline", one.randomised_on), *_weeks(one), *(_safety(one) if one.arm == "nk" else ())]
    for place, (key, instrument, on) in enumerate(due):
        if on < TODAY and (place + one.number) % 5:
            yield key, instrument, on


def _weeks(one: Person) -> Iterator[tuple[str, str, date]]:
    weekly = WEEKS_OF_WEEKLY[one.arm]
    for week in range(1, LAST_WEEK + 1):
        on = one.randomised_on + timedelta(days=7 * week)
        longer = "weekly" if week % 4 else "four_weekly"
        if week <= weekly:
            yield f"weekly.w{week}", longer, on
        elif week % 4 == 0:
            yield f"four-weekly.w{week}", "four_weekly", on


def _safety(one: Person) -> Iterator[tuple[str, str, date]]:
    for number in (1, 2, 3):
        day_2_on = _days_of(one, number)[2]
        for day in range(SAFETY_DAYS):
            yield f"safety.c{number}.d{day}", "safety", day_2_on + timedelta(days=day)


def _report(study: Study, whose: Row, key: str, instrument: str, on: date) -> Row:
    at = _at(on, 20)
    return {
        "id": uuid4(),
        **whose,
        "protocol_version_id": study.version_id,
        "instrument": instrument,
        "instrument_version": 1,
        "agenda_key": key,
        "standing": "on_time",
        "language": "zh-CN",
        "respondent": "patient",
        "mode": "app",
        "started_at": at - timedelta(minutes=4),
        "completed_at": at,
        "completed_offset": 480,
        "received_at": at,
        "clock_is_off": False,
        "answers": {},
        "composites": {},
        "measurements": {},
        "wants_call": False,
        "advice": [],
        "body_fingerprint": "",
    }


def _evidence(whose: Row, on: date) -> Row:
    return {"id": uuid4(), **whose, "as_of": on, "source": "report", "reference": "", "recorded_at": _at(on, 20)}


def _at(on: date, hour: int) -> datetime:
    return clock.at_local(on, time(hour), ZONE)

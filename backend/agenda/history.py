"""From stored rows to the plain values that the calendar is computed from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from backend.agenda.calendar import agenda
from backend.agenda.course import AgendaItem, Course, CycleCourse, Earlier, Reported
from backend.agenda.facts import (
    FactKind,
    Filed,
    Happened,
    facts_of,
    facts_of_all,
    filed_by,
    filed_by_all,
    filed_for,
)
from backend.agenda.models import Cycle
from backend.among import among
from backend.db import Transaction
from backend.partial_dates import earliest
from backend.patients import life
from backend.patients.models import Patient
from backend.patients.versions import standing_moves
from backend.protocol.definition import Protocol
from backend.protocol.load import protocol_of
from backend.staff.models import Site
from backend.terms import Attendance, CycleStatus, Reply

_CYCLES = select(Cycle).where(Cycle.patient_id == bindparam("patient_id")).order_by(Cycle.number, Cycle.attempt)
# The same as plain columns: every report asks, and changes none.
_CYCLE_ROWS = _CYCLES.with_only_columns(*Cycle.__table__.columns)
_CYCLES_OF_ALL = (
    select(*Cycle.__table__.columns)
    .where(among(Cycle.patient_id, "whose"))
    .order_by(Cycle.patient_id, Cycle.number, Cycle.attempt)
)
_SITES = select(Site).where(among(Site.id, "sites"))


class _Known(NamedTuple):
    """What is read of one patient from tables that hold many rows of each."""

    facts: Iterable[Happened]
    filed: Iterable[Filed]
    cycles: Iterable[Row[Any]]
    alive_as_of: tuple[date, ...] = ()


def agenda_of(txn: Transaction, patient: Patient, *, at: datetime | None = None) -> tuple[AgendaItem, ...]:
    """The patient's whole agenda as it stands, or as it stood for the facts known now, seen from ``at``."""
    protocol = protocol_of(txn, patient.protocol_version_id)
    return agenda(protocol, course_of(txn, patient), at or txn.now)


def course_of(txn: Transaction, patient: Patient) -> Course:
    """Everything the calendar depends on, read from the database."""
    known = _Known(
        facts_of(txn, patient), filed_by(txn, patient), _cycles(txn, patient), life.alive_dates(txn, patient)
    )
    return _course(txn, patient, known)


def courses_of(txn: Transaction, patients: Collection[Patient]) -> Mapping[UUID, Course]:
    """By patient, the same for many at once, in as few statements as for one."""
    whose = [patient.id for patient in patients]
    facts, filed, alive = facts_of_all(txn, whose), filed_by_all(txn, whose), life.alive_dates_of_all(txn, whose)
    cycles: dict[UUID, list[Row[Any]]] = {patient_id: [] for patient_id in whose}
    for row in txn.connection.execute(_CYCLES_OF_ALL, {"whose": whose}):
        cycles[row.patient_id].append(row)
    # Held on to, because the session forgets what nobody holds, and every patient asks for a site again.
    sites = txn.session.scalars(_SITES, {"sites": list({one.site_id for one in patients})}).all()
    courses = {
        one.id: _course(txn, one, _Known(facts[one.id], filed[one.id], cycles[one.id], alive[one.id]))
        for one in patients
    }
    del sites
    return courses


def course_to_judge(txn: Transaction, patient: Patient, key: str | None) -> Course:
    """As much of it as tells how the agenda item of this key stands, or without a key, every item.

    Without evidence of life, which matters to survival checks alone, and without reports of other items, which
    matter only where one questionnaire covers another: there may be hundreds of each.
    """
    return _course(txn, patient, _Known(facts_of(txn, patient), filed_for(txn, patient, key), _cycles(txn, patient)))


def course_to_check_survival(txn: Transaction, patient: Patient) -> Course:
    """As much of it as tells how survival checks stand: without reports, each of which is evidence of life besides."""
    return _course(
        txn, patient, _Known(facts_of(txn, patient), (), _cycles(txn, patient), life.alive_dates(txn, patient))
    )


def _cycles(txn: Transaction, patient: Patient) -> Iterable[Row[Any]]:
    return txn.connection.execute(_CYCLE_ROWS, {"patient_id": patient.id})


def _course(txn: Transaction, patient: Patient, known: _Known) -> Course:
    facts, filed = list(known.facts), list(known.filed)
    return Course(
        arm=patient.arm,
        randomised_on=patient.randomised_on,
        site_zone=txn.session.get_one(Site, patient.site_id).time_zone,
        patient_zone=patient.time_zone,
        cycles=tuple(_cycle(row) for row in known.cycles),
        answered=_answered(filed),
        attended=_attended(facts),
        replies={
            fact.key: (Reply(fact.reply), fact.on) for fact in facts if fact.kind == FactKind.REPLIED and fact.reply
        },
        alive_as_of=known.alive_as_of,
        died_on=_stop_of(patient.died_on),
        withdrawn_from_reporting_on=patient.withdrawn_from_reporting_on,
        withdrawn_from_study_on=patient.withdrawn_from_study_on,
        cells_discontinued_on=patient.cells_discontinued_on,
        reported=tuple(Reported(report.instrument, report.at) for report in filed),
        earlier=tuple(
            Earlier(protocol_of(txn, one.from_version_id), one.recorded_at) for one in standing_moves(txn, patient)
        ),
    )


def cycles_of(txn: Transaction, patient: Patient) -> Sequence[Cycle]:
    """The patient's cycles in the order of their numbers and attempts."""
    return txn.session.scalars(_CYCLES, {"patient_id": patient.id}).all()


def protocol_for(txn: Transaction, patient: Patient) -> Protocol:
    """The protocol version the patient is treated under."""
    return protocol_of(txn, patient.protocol_version_id)


def _cycle(row: Row[Any]) -> CycleCourse:
    return CycleCourse(
        number=row.number,
        attempt=row.attempt,
        donor_collection_on=row.donor_collection_on,
        status=CycleStatus(row.status),
        day_1_on=row.day_1_on,
        day_2_on=row.day_2_on,
        day_1_started_at=row.day_1_started_at,
        day_2_started_at=row.day_2_started_at,
        day_2_missed=row.day_2_missed_at is not None,
        day_2_missed_at=row.day_2_missed_at,
        was_confirmed=row.confirmed_at is not None,
        is_reversed=row.reversed_at is not None,
    )


def _answered(filed: Sequence[Filed]) -> dict[str, datetime]:
    """The first answer counts: a second report for the same item adds to the record and changes no date."""
    answered: dict[str, datetime] = {}
    for report in filed:
        if report.answers is not None:
            answered.setdefault(report.answers, report.at)
    return answered


def _attended(facts: Sequence[Happened]) -> dict[str, tuple[Attendance, date]]:
    """The latest word on each visit, whichever of the two it is."""
    said = (fact for fact in facts if fact.kind in (FactKind.ATTENDED, FactKind.MISSED))
    return {
        fact.key: (Attendance(fact.kind), fact.on) for fact in sorted(said, key=lambda one: (one.recorded_at, one.on))
    }


def _stop_of(died_on: str | None) -> date | None:
    """The day a death stops the calendar: of a partly known date the earliest it can mean."""
    return earliest(died_on) if died_on else None

"""From stored rows to the plain values that the calendar is computed from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from backend.agenda.calendar import agenda
from backend.agenda.course import AgendaItem, Course, CycleCourse, Earlier, Reported
from backend.agenda.facts import ATTENDANCE, FactKind
from backend.agenda.happened import (
    ALIVE,
    AT,
    CAME_AT,
    FILED,
    FILED_FOR_ANY_ITEM,
    FILED_FOR_ONE,
    ID,
    KEY,
    KIND,
    ON,
    REVISION,
    WITHOUT_REPORTS,
    WORD,
    What,
    happened_to,
    what_tells_of,
)
from backend.agenda.models import Cycle
from backend.among import among
from backend.db import Transaction
from backend.partial_dates import earliest
from backend.patients.models import Patient
from backend.patients.of_each import Rows
from backend.patients.versions import standing_moves
from backend.protocol.definition import Protocol
from backend.protocol.load import protocol_of
from backend.staff.models import Site
from backend.terms import AgendaKind, Attendance, CycleStatus, Reply

_CYCLES = select(Cycle).where(Cycle.patient_id == bindparam("patient_id")).order_by(Cycle.number, Cycle.attempt)
_CYCLE, _PATIENT, _SITE = Cycle.__table__, Patient.__table__, Site.__table__
# Asked by every report and before every message: as plain columns, and the zone of the site with them. Whoever has no
# cycle has one row, without a number.
_ZONES_AND_CYCLES = (
    select(
        _PATIENT.c.id.label("whose"),
        _SITE.c.time_zone,
        # As ``CycleCourse`` has them.
        _CYCLE.c.number,
        _CYCLE.c.attempt,
        _CYCLE.c.donor_collection_on,
        _CYCLE.c.status,
        _CYCLE.c.day_1_on,
        _CYCLE.c.day_2_on,
        _CYCLE.c.day_1_started_at,
        _CYCLE.c.day_2_started_at,
        _CYCLE.c.day_2_missed_at.is_not(None),
        _CYCLE.c.day_2_missed_at,
        _CYCLE.c.confirmed_at.is_not(None),
        _CYCLE.c.reversed_at.is_not(None),
    )
    .select_from(_PATIENT.join(_SITE).outerjoin(_CYCLE, _CYCLE.c.patient_id == _PATIENT.c.id))
    .where(among(_PATIENT.c.id, "whose"))
    # The cycles of each in the order that the index of their numbers has.
    .order_by(_PATIENT.c.id, _CYCLE.c.number, _CYCLE.c.attempt)
)
ALL_KINDS = frozenset(AgendaKind)
_KEY_AND_MOMENT, _INSTRUMENT_AND_MOMENT = itemgetter(KEY, AT), itemgetter(WORD, AT)
# In the order in which words on visits follow each other.
_WORD_ON_A_VISIT = itemgetter(CAME_AT, ON, KIND, KEY)
_REPLY = itemgetter(KEY, WORD, ON)
_AS_IT_CAME, _AS_REVISED = itemgetter(CAME_AT, ID), itemgetter(REVISION, CAME_AT)


@dataclass
class _AtTheSite:
    """What is dated where the site is: its zone, and the patient's cycles in order."""

    zone: str
    cycles: list[CycleCourse] = field(default_factory=list)


class Seen(NamedTuple):
    """A patient's course and the whole agenda that it makes now: read once by an act, and passed on in it."""

    course: Course
    items: tuple[AgendaItem, ...]


def agenda_of(txn: Transaction, patient: Patient, *, at: datetime | None = None) -> tuple[AgendaItem, ...]:
    """The patient's whole agenda as it stands, or as it stood for the facts known now, seen from ``at``."""
    return agenda(protocol_for(txn, patient), course_of(txn, patient), at or txn.now)


def see(txn: Transaction, patient: Patient) -> Seen:
    """The course and the agenda as they stand."""
    return see_all(txn, [patient])[patient.id]


def see_all(txn: Transaction, patients: Collection[Patient]) -> Mapping[UUID, Seen]:
    """By patient, the same for many at once."""
    courses = courses_of(txn, patients)
    return {one.id: Seen(courses[one.id], agenda(protocol_for(txn, one), courses[one.id], txn.now)) for one in patients}


def course_of(txn: Transaction, patient: Patient) -> Course:
    """Everything the calendar depends on, read from the database."""
    return courses_of(txn, [patient])[patient.id]


def courses_of(
    txn: Transaction, patients: Collection[Patient], about: Collection[AgendaKind] = ALL_KINDS
) -> Mapping[UUID, Course]:
    """By patient, the same for many at once, in as few statements as for one.

    ``about``: as much of it as tells how items of these kinds stand.
    """
    whose = [patient.id for patient in patients]
    sites, happened = _at_the_sites(txn, whose), happened_to(txn, whose, what_tells_of(about))
    return {one.id: _course(txn, one, sites[one.id], happened[one.id]) for one in patients}


def course_to_judge(txn: Transaction, patient: Patient, key: str | None) -> Course:
    """As much of it as tells how the agenda item of this key stands, or without a key, every item.

    Without evidence of life, which matters to survival checks alone, and without reports of other items, which
    matter only where one questionnaire covers another: there may be hundreds of each.
    """
    return _as_much_of_it(txn, patient, FILED_FOR_ANY_ITEM if key is None else FILED_FOR_ONE, key)


def course_to_check_survival(txn: Transaction, patient: Patient) -> Course:
    """As much of it as tells how survival checks stand: without reports, each of which is evidence of life besides."""
    return _as_much_of_it(txn, patient, WITHOUT_REPORTS)


def _as_much_of_it(txn: Transaction, patient: Patient, what: What, key: str | None = None) -> Course:
    sites, happened = _at_the_sites(txn, [patient.id]), happened_to(txn, [patient.id], what, key)
    return _course(txn, patient, sites[patient.id], happened[patient.id])


def _at_the_sites(txn: Transaction, whose: Collection[UUID]) -> Mapping[UUID, _AtTheSite]:
    found: dict[UUID, _AtTheSite] = {}
    for patient_id, zone, number, *cycle in txn.connection.execute(_ZONES_AND_CYCLES, {"whose": whose}).all():
        site = found.setdefault(patient_id, _AtTheSite(zone))
        if number is not None:
            attempt, collected_on, status, *days = cycle
            site.cycles.append(CycleCourse(number, attempt, collected_on, CycleStatus(status), *days))
    return found


def _course(txn: Transaction, patient: Patient, site: _AtTheSite, happened: Rows) -> Course:
    of_kind: dict[str, list[Row[Any]]] = {}
    for row in happened:
        of_kind.setdefault(row[KIND], []).append(row)
    filed = sorted(of_kind.get(FILED, ()), key=_AS_IT_CAME)
    return Course(
        arm=patient.arm,
        randomised_on=patient.randomised_on,
        site_zone=site.zone,
        patient_zone=patient.time_zone,
        cycles=tuple(site.cycles),
        answered=_answered(filed),
        attended=_attended([fact for kind in ATTENDANCE for fact in of_kind.get(kind, ())]),
        replies=_replies(sorted(of_kind.get(FactKind.REPLIED, ()), key=_AS_REVISED)),
        alive_as_of=tuple(day for row in of_kind.get(ALIVE, ()) for day in _days_in(row[WORD])),
        died_on=_stop_of(patient.died_on),
        withdrawn_from_reporting_on=patient.withdrawn_from_reporting_on,
        withdrawn_from_study_on=patient.withdrawn_from_study_on,
        cells_discontinued_on=patient.cells_discontinued_on,
        reported=tuple(map(Reported._make, map(_INSTRUMENT_AND_MOMENT, filed))),
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


def _answered(filed: Rows) -> dict[str, datetime]:
    """The first answer counts: a second report for the same item adds to the record and changes no date."""
    answered: dict[str, datetime] = {}
    for key, at in map(_KEY_AND_MOMENT, filed):
        if key is not None:
            answered.setdefault(key, at)
    return answered


def _attended(said: Rows) -> dict[str, tuple[Attendance, date]]:
    """The latest word on each visit, whichever of the two it is."""
    return {key: (Attendance(kind), on) for _, on, kind, key in sorted(map(_WORD_ON_A_VISIT, said))}


def _replies(said: Rows) -> dict[str, tuple[Reply, date]]:
    """The last one counts, and speaks of the day that the item was on."""
    return {key: (Reply(reply), on) for key, reply, on in map(_REPLY, said) if reply}


def _days_in(listed: str) -> Iterator[date]:
    """Each once, the earliest first."""
    return map(date.fromisoformat, sorted(set(listed.split(","))))


def _stop_of(died_on: str | None) -> date | None:
    """The day a death stops the calendar: of a partly known date the earliest it can mean."""
    return earliest(died_on) if died_on else None

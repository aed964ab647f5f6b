"""Treatment cycles: a donor's collection, two consecutive infusion days, confirmation, release, and the starts.

Each act changes one cycle. What it does to the agenda and to the messages is for ``planning`` to work out.
"""

from datetime import date, datetime, timedelta

from backend import audit, clock
from backend.agenda.history import cycles_of, protocol_for
from backend.agenda.models import Cycle
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput, NoLongerPossible, NotFound
from backend.patients import deviations, life
from backend.patients.models import Patient
from backend.protocol.definition import Cells
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED, CycleStatus, EvidenceSource

FURTHEST_AHEAD = timedelta(days=366)


def plan_cycle(txn: Transaction, patient: Patient, number: int, donor_collection_on: date) -> Cycle:
    """Enter the donor's collection; day 1 follows after the culture days, day 2 on the day after.

    Raises ``AlreadyExists`` while an attempt at this cycle stands: one collection a cycle.
    """
    cells = _cells_for(txn, patient)
    _refuse_after_the_end(patient)
    if not 1 <= number <= cells.cycles:
        raise InvalidInput(fields={"number": [f"Must be from 1 to {cells.cycles}."]})
    _check_collection(txn, patient, donor_collection_on)
    attempts = [cycle for cycle in cycles_of(txn, patient) if cycle.number == number]
    standing = [cycle for cycle in attempts if cycle.reversed_at is None]
    if standing and standing[-1].status != CycleStatus.RELEASE_FAILED:
        raise AlreadyExists(f"Cycle {number} has its collection of {standing[-1].donor_collection_on.isoformat()}.")
    day_1_on = donor_collection_on + timedelta(days=cells.culture_days)
    cycle = Cycle(
        patient_id=patient.id,
        site_id=patient.site_id,
        number=number,
        # Also of one entered by mistake the keys are kept: no other attempt ever bears them.
        attempt=len(attempts) + 1,
        status=CycleStatus.PLANNED,
        donor_collection_on=donor_collection_on,
        day_1_on=day_1_on,
        day_2_on=day_1_on + timedelta(days=1),
        planned_at=txn.now,
    )
    audit.record(txn, "cycle.planned", cycle)
    txn.session.flush()
    return cycle


def confirm_cycle(txn: Transaction, patient: Patient, cycle: Cycle, day_1_on: date | None = None) -> Cycle:
    """The site has decided that the patient should come; with another day this moves both days.

    A pair that has begun never moves: an actual start is recorded instead.
    """
    _refuse_after_the_end(patient)
    _refuse_unless_open(cycle)
    day_1_on = day_1_on or cycle.day_1_on
    _check_day_1(cycle, day_1_on, today=clock.local_day(txn.now, _zone(txn, patient)))
    moves = day_1_on != cycle.day_1_on
    if cycle.status == CycleStatus.CONFIRMED and not moves:
        raise NoLongerPossible("This date is confirmed already.")
    verb = "cycle.moved" if moves and cycle.status == CycleStatus.CONFIRMED else "cycle.confirmed"
    cycle.day_1_on, cycle.day_2_on = day_1_on, day_1_on + timedelta(days=1)
    cycle.status = CycleStatus.CONFIRMED
    cycle.confirmed_at = cycle.confirmed_at or txn.now
    audit.record(txn, verb, cycle)
    txn.session.flush()
    return cycle


def fail_release(txn: Transaction, patient: Patient, cycle: Cycle) -> Cycle:
    """The cells may not be given: the pair is cancelled and keeps its keys; a new collection is a new attempt."""
    _refuse_unless_open(cycle)
    cycle.status = CycleStatus.RELEASE_FAILED
    audit.record(txn, "cycle.release_failed", cycle)
    txn.session.flush()
    return cycle


def start_infusion(txn: Transaction, patient: Patient, cycle: Cycle, day: int, started_at: datetime) -> Cycle:
    """An infusion has begun: the actual day is what clocks run from, and shows that the patient was alive."""
    _check_start(txn, cycle, day, started_at)
    if day > _cells_for(txn, patient).infusion_days:
        raise InvalidInput(fields={"day": ["The protocol has no such infusion day."]})
    started_on = clock.local_day(started_at, _zone(txn, patient))
    life.check_day(patient, started_on, field="started_at")
    if started_on <= cycle.donor_collection_on:
        raise InvalidInput(fields={"started_at": ["Must be after the collection."]})
    if day == 1:
        cycle.day_1_started_at, cycle.day_1_agreed_on = started_at, cycle.day_1_on
        cycle.day_1_on, cycle.day_2_on = started_on, started_on + timedelta(days=1)
    else:
        cycle.day_2_started_at = started_at
        cycle.day_2_on = started_on
    audit.record(txn, "infusion.started", cycle)
    reference = reference_of(cycle, day)
    if day == 2 and started_on != cycle.day_1_on + timedelta(days=1):
        deviations.record(txn, patient, "day_2_moved", on=started_on, subject=reference)
    life.add_evidence(txn, patient, as_of=started_on, source=EvidenceSource.VISIT, reference=reference)
    return cycle


def miss_day_2(txn: Transaction, patient: Patient, cycle: Cycle, on: date) -> Cycle:
    """Day 2 was not given: a deviation, and the days after the infusion count from day 1."""
    if cycle.day_1_started_at is None or cycle.day_2_started_at or cycle.day_2_missed_at:
        raise NoLongerPossible("Day 2 can be missed once, after day 1 has started and before day 2 has.")
    cycle.day_2_missed_at = txn.now
    audit.record(txn, "infusion.missed", cycle)
    deviations.record(txn, patient, "day_2_missed", on=on, subject=reference_of(cycle, 2))
    return cycle


def latest_attempt(txn: Transaction, patient: Patient, number: int) -> Cycle:
    """The attempt at a cycle that stands now. ``NotFound`` when no collection was entered but by mistake."""
    standing = [one for one in cycles_of(txn, patient) if one.number == number and one.reversed_at is None]
    if not standing:
        raise NotFound()
    return standing[-1]


def reference_of(cycle: Cycle, day: int) -> str:
    """By what evidence of life and deviations name an infusion day; of a cycle one attempt is ever given."""
    return f"cycle-{cycle.number}.day-{day}"


def _cells_for(txn: Transaction, patient: Patient) -> Cells:
    protocol = protocol_for(txn, patient)
    if protocol.cells is None or not protocol.arms[patient.arm].receives_cells:
        raise NoLongerPossible("Patients of this arm receive no cells.")
    return protocol.cells


def _refuse_after_the_end(patient: Patient) -> None:
    if patient.status in NO_LONGER_FOLLOWED:
        raise NoLongerPossible("The patient is no longer followed.")
    if patient.cells_discontinued_on:
        raise NoLongerPossible("The cells were discontinued.")


def _refuse_unless_open(cycle: Cycle) -> None:
    if cycle.status == CycleStatus.RELEASE_FAILED:
        raise NoLongerPossible("The release of this attempt failed; a new collection makes the next one.")
    if cycle.day_1_started_at:
        raise NoLongerPossible("Day 1 has started, and what has begun never moves.")


def _check_collection(txn: Transaction, patient: Patient, on: date) -> None:
    if on < patient.consented_on:
        complaint = f"Before consent on {patient.consented_on.isoformat()}."
    elif on > clock.local_day(txn.now, _zone(txn, patient)) + FURTHEST_AHEAD:
        complaint = "More than a year ahead."
    else:
        return
    raise InvalidInput(fields={"donor_collection_on": [complaint]})


def _check_day_1(cycle: Cycle, on: date, *, today: date) -> None:
    if on <= cycle.donor_collection_on:
        complaint = "Must be after the collection."
    elif on < today:
        complaint = "Lies in the past; record the actual start instead."
    elif on > today + FURTHEST_AHEAD:
        complaint = "More than a year ahead."
    else:
        return
    raise InvalidInput(fields={"day_1_on": [complaint]})


def _check_start(txn: Transaction, cycle: Cycle, day: int, started_at: datetime) -> None:
    if started_at > txn.now:
        raise InvalidInput(fields={"started_at": ["An infusion cannot have started in the future."]})
    if cycle.status != CycleStatus.CONFIRMED:
        raise NoLongerPossible("Only a confirmed infusion can start.")
    if (cycle.day_1_started_at, cycle.day_2_started_at)[day - 1]:
        raise NoLongerPossible(f"The start of day {day} is recorded already.")
    if day == 2 and cycle.day_2_missed_at:
        raise NoLongerPossible("Day 2 is recorded as missed.")
    if day == 2 and (cycle.day_1_started_at is None or started_at <= cycle.day_1_started_at):
        raise InvalidInput(fields={"started_at": ["Day 2 comes after the start of day 1."]})


def _zone(txn: Transaction, patient: Patient) -> str:
    return txn.session.get_one(Site, patient.site_id).time_zone

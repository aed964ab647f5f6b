"""What goes back when an entry about cycles, infusions or attendance was a mistake, and what stands in its way.

Keys are kept: the attempt of a mistaken collection stays on the agenda, cancelled, and the next one has a number of its
own. Of what has begun only the last can be taken back: a second day cannot follow a first that never was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from backend import audit
from backend.agenda.cycles import reference_of
from backend.agenda.facts import attendance_by_key
from backend.agenda.history import cycles_of
from backend.agenda.infusions import infusion_key
from backend.agenda.models import AgendaFact, Cycle
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.patients import deviations
from backend.patients.models import Patient

MISTAKE = "recorded by mistake"


@dataclass(frozen=True)
class InfusionStart:
    """That an infusion day of a cycle has begun. It has no row of its own, and is named by what it says."""

    cycle: Cycle
    day: int
    started_at: datetime

    @property
    def id(self) -> UUID:
        """The same for the same start of the same day, and another once it says something else."""
        return uuid5(self.cycle.id, f"day {self.day} started at {self.started_at.astimezone(UTC).isoformat()}")

    @property
    def content(self) -> Mapping[str, Any]:
        """What a signature is about."""
        return {"cycle_id": self.cycle.id, "day": self.day, "started_at": self.started_at, "key": self.key}

    @property
    def key(self) -> str:
        """The key of the infusion day."""
        return infusion_key(self.cycle.number, self.cycle.attempt, self.day)


def starts_of(cycle: Cycle) -> tuple[InfusionStart, ...]:
    """The starts of a cycle that stand, in order."""
    starts = enumerate((cycle.day_1_started_at, cycle.day_2_started_at), start=1)
    return tuple(InfusionStart(cycle, day, at) for day, at in starts if at is not None)


def start_of_id(txn: Transaction, patient: Patient, start_id: UUID) -> InfusionStart | None:
    """The start of that id, where it stands."""
    standing = (start for cycle in cycles_of(txn, patient) for start in starts_of(cycle))
    return next((start for start in standing if start.id == start_id), None)


def refuse_start(txn: Transaction, patient: Patient, start: InfusionStart) -> None:
    """The first day cannot go while the second stands on it, given or missed."""
    if start.day == 1 and start.cycle.day_2_started_at is not None:
        raise _in_the_way("The start of day 2", starts_of(start.cycle)[1].key)
    if start.day == 1 and start.cycle.day_2_missed_at is not None:
        raise _in_the_way("That day 2 was missed", infusion_key(start.cycle.number, start.cycle.attempt, 2))


def take_back_start(txn: Transaction, patient: Patient, start: InfusionStart) -> None:
    """The infusion has not begun: the days are again those that were agreed."""
    cycle = start.cycle
    if start.day == 1:
        cycle.day_1_started_at = None
        cycle.day_1_on, cycle.day_1_agreed_on = cycle.day_1_agreed_on or cycle.day_1_on, None
    else:
        cycle.day_2_started_at = None
    cycle.day_2_on = cycle.day_1_on + timedelta(days=1)
    audit.record(txn, "infusion.start_reversed", cycle)
    if start.day == 2:
        deviations.take_back(txn, patient, "day_2_moved", reference_of(cycle, 2), MISTAKE)
    txn.session.flush()


def refuse_cycle(txn: Transaction, patient: Patient, cycle: Cycle) -> None:
    """A collection that led to something recorded cannot have been a mistake while that stands."""
    starts = starts_of(cycle)
    if starts:
        raise _in_the_way(f"The start of day {starts[-1].day}", starts[-1].key)
    recorded = attendance_by_key(txn, patient)
    for day in (2, 1):
        key = infusion_key(cycle.number, cycle.attempt, day)
        if key in recorded:
            raise _in_the_way(f"That day {day} was missed", key)


def take_back_cycle(txn: Transaction, patient: Patient, cycle: Cycle) -> None:
    """Whoever reads cycles sees that it was reversed; nothing else of it changes."""


def take_back_attendance(txn: Transaction, patient: Patient, fact: AgendaFact) -> None:
    """Whether the patient came is open again; of an infusion's second day the miss and its deviation go with it."""
    for cycle in cycles_of(txn, patient):
        is_meant = fact.key == infusion_key(cycle.number, cycle.attempt, 2)
        if is_meant and cycle.day_2_missed_at is not None:
            cycle.day_2_missed_at = None
            audit.record(txn, "infusion.miss_reversed", cycle)
            deviations.take_back(txn, patient, "day_2_missed", reference_of(cycle, 2), MISTAKE)
    audit.note(txn, "attendance.reversed", fact)


def _in_the_way(what: str, key: str) -> NoLongerPossible:
    return NoLongerPossible(f"{what} is recorded ({key}); reverse that first.", key=key)

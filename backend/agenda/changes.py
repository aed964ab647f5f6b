"""Acts on the agenda: each changes what the calendar is computed from, replans, and says what that did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from backend import clock
from backend.agenda import cycles, facts
from backend.agenda.acting import Diff, carry_out
from backend.agenda.calendar import by_key, visible_to_patient
from backend.agenda.course import AgendaItem
from backend.agenda.facts import FactKind
from backend.agenda.history import agenda_of, see
from backend.agenda.models import AgendaFact, Cycle
from backend.agenda.news import pair_of
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible, NotFound
from backend.patients import deviations, life
from backend.patients.models import Deviation, Patient
from backend.patients.turns import take_turn
from backend.terms import AgendaKind, AgendaState, Attendance, EvidenceSource, Reply, WorkReason
from backend.worklist.items import open_item

ATTENDED_KINDS = frozenset({AgendaKind.VISIT, AgendaKind.INFUSION, AgendaKind.CONTACT})
OVER = frozenset({AgendaState.COMPLETED, AgendaState.COMPLETED_LATE, AgendaState.CANCELLED, AgendaState.EXPIRED})


@dataclass(frozen=True)
class CycleChange:
    """A cycle after an act, and what the act did."""

    cycle: Cycle
    diff: Diff


@dataclass(frozen=True)
class AttendanceChange:
    """An item after somebody said whether the patient came, the entry that says so, and what it did."""

    item: AgendaItem
    entry: AgendaFact
    diff: Diff


def plan_cycle(txn: Transaction, patient: Patient, number: int, donor_collection_on: date) -> CycleChange:
    """Enter a donor's collection. The patient hears nothing before the dates are confirmed."""
    take_turn(txn, patient)
    return _act(txn, patient, lambda: cycles.plan_cycle(txn, patient, number, donor_collection_on))


def confirm_cycle(txn: Transaction, patient: Patient, number: int, day_1_on: date | None = None) -> CycleChange:
    """Confirm a cycle's dates, or move them, and tell the patient at once."""
    take_turn(txn, patient)
    cycle = cycles.latest_attempt(txn, patient, number)
    return _act(txn, patient, lambda: cycles.confirm_cycle(txn, patient, cycle, day_1_on))


def fail_release(txn: Transaction, patient: Patient, number: int) -> CycleChange:
    """The cells may not be given; a patient who was told to come is told not to."""
    take_turn(txn, patient)
    cycle = cycles.latest_attempt(txn, patient, number)
    return _act(txn, patient, lambda: cycles.fail_release(txn, patient, cycle))


def start_infusion(txn: Transaction, patient: Patient, number: int, day: int, started_at: datetime) -> CycleChange:
    """Record the actual start of an infusion day."""
    take_turn(txn, patient)
    cycle = cycles.latest_attempt(txn, patient, number)
    return _act(txn, patient, lambda: cycles.start_infusion(txn, patient, cycle, day, started_at))


def record_attendance(txn: Transaction, patient: Patient, key: str, status: Attendance, on: date) -> AttendanceChange:
    """The patient came or did not. Coming shows that the patient was alive; a missed day 2 is a deviation."""
    take_turn(txn, patient)
    seen = see(txn, patient)
    item = _item_in(by_key(seen.items), key)
    if item.kind not in ATTENDED_KINDS:
        raise InvalidInput(fields={"key": ["Only visits, infusions and contacts are attended."]})
    _check_attended_on(txn, patient, item, on)
    if item.state in (AgendaState.CANCELLED, AgendaState.PLANNED) and not _was_cut_short(patient, item):
        raise NoLongerPossible(f"{key} is {item.state}.")
    fact, diff = carry_out(txn, patient, lambda: _attend(txn, patient, item, status, on), seen=seen)
    return AttendanceChange(_item_in(diff.after, key), fact, diff)


def enter_deviation(txn: Transaction, patient: Patient, said: deviations.Entry) -> tuple[Deviation, Diff]:
    """What a person found to have gone otherwise. It is told of the calendar and changes nothing in it."""
    take_turn(txn, patient)
    made = deviations.enter(txn, patient, said)
    kept = tuple(item.key for item in agenda_of(txn, patient))
    return made, Diff(added=(), moved=(), cancelled=(), kept=kept, messages_recalled=0)


def reply_to(txn: Transaction, patient: Patient, key: str, reply: Reply, note: str | None = None) -> AgendaItem:
    """The patient answers an invitation. Asking for another date makes a task for the site."""
    take_turn(txn, patient)
    _take_reply(txn, patient, by_key(visible_to_patient(agenda_of(txn, patient))), key, reply, note)
    return item_of(txn, patient, key)


def reply_to_all(
    txn: Transaction, patient: Patient, key: str, reply: Reply, *, seen: Sequence[AgendaItem] | None = None
) -> None:
    """One answer to an invitation; to an infusion it speaks for every day of its cycle that is still ahead.

    ``seen``: the agenda, where the caller has read it in the patient's turn.
    """
    take_turn(txn, patient)
    # A reply to one day changes nothing about the others, so all are looked at once.
    visible = by_key(visible_to_patient(agenda_of(txn, patient) if seen is None else seen))
    confirmed = (item.key for item in visible.values() if item.state is AgendaState.CONFIRMED)
    days = [one for one in confirmed if pair_of(one) == pair_of(key)]
    for one in days or [key]:
        _take_reply(txn, patient, visible, one, reply)


def item_of(txn: Transaction, patient: Patient, key: str) -> AgendaItem:
    """One item of the agenda. Raises ``NotFound`` when the agenda has no such key."""
    return _item_in(by_key(agenda_of(txn, patient)), key)


def _item_in(items: Mapping[str, AgendaItem], key: str) -> AgendaItem:
    item = items.get(key)
    if item is None:
        raise NotFound()
    return item


def _take_reply(
    txn: Transaction,
    patient: Patient,
    visible: Mapping[str, AgendaItem],
    key: str,
    reply: Reply,
    note: str | None = None,
) -> None:
    item = _item_in(visible, key)
    if item.kind not in ATTENDED_KINDS:
        raise NotFound()
    if item.state in OVER:
        raise NoLongerPossible(f"This is {item.state} and needs no answer any more.")
    said = facts.note_reply(txn, patient, key, reply, due_on=item.due_on, note=note)
    if reply is Reply.PLEASE_CHANGE:
        open_item(
            txn,
            reason=WorkReason.CHANGE_REQUESTED,
            key=f"change:{key}@{item.due_on.isoformat()}:{said.revision}",
            site_id=patient.site_id,
            patient_id=patient.id,
            due_at=txn.now,
        )


def _was_cut_short(patient: Patient, item: AgendaItem) -> bool:
    """A death cancels what was open; that the patient came before it may be learnt later."""
    return life.is_dead(patient) and item.state is AgendaState.CANCELLED and item.kind is not AgendaKind.INFUSION


def _check_attended_on(txn: Transaction, patient: Patient, item: AgendaItem, on: date) -> None:
    """The first scan may be from before randomisation; nothing that opens later can be."""
    life.check_day_past(txn, patient, on, field="on", zone=item.zone)
    if on < min(patient.randomised_on, clock.local_day(item.opens_at, item.zone)):
        raise InvalidInput(fields={"on": [f"Before randomisation on {patient.randomised_on.isoformat()}."]})


def _attend(txn: Transaction, patient: Patient, item: AgendaItem, status: Attendance, on: date) -> AgendaFact:
    if item.kind is AgendaKind.INFUSION:
        _about_an_infusion(txn, patient, item, status, on)
    fact = facts.note_attendance(txn, patient, item.key, FactKind(status), on)
    if status is Attendance.ATTENDED:
        source = EvidenceSource.PHONE if item.kind is AgendaKind.CONTACT else EvidenceSource.VISIT
        life.add_evidence(txn, patient, as_of=on, source=source, reference=item.key)
    return fact


def _about_an_infusion(txn: Transaction, patient: Patient, item: AgendaItem, status: Attendance, on: date) -> None:
    if item.state is AgendaState.COMPLETED:
        raise NoLongerPossible("Its start is recorded, and what has begun never moves.")
    number, day = _numbers_in(item.key)
    if status is Attendance.MISSED and day == 1 and on != item.due_on:
        was_to_be = item.due_on.isoformat()
        raise InvalidInput(fields={"on": [f"Day 1 was to be on {was_to_be}; whoever comes later is moved."]})
    if status is Attendance.MISSED and day == 2:
        cycles.miss_day_2(txn, patient, cycles.latest_attempt(txn, patient, number), on)
    elif status is Attendance.ATTENDED:
        raise InvalidInput(fields={"status": ["Record the start of the infusion instead."]})


def _numbers_in(key: str) -> tuple[int, int]:
    """(cycle, day) of an infusion's key: (1, 2) of ``cycle-1.2.day-2``."""
    cycle, _, day = key.rpartition(".day-")
    return int(cycle.removeprefix("cycle-").partition(".")[0]), int(day)


def _act(txn: Transaction, patient: Patient, act: Callable[[], Cycle]) -> CycleChange:
    return CycleChange(*carry_out(txn, patient, act))

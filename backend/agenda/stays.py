"""Stays in hospital. A planned one changes nothing; an unplanned one pauses contact and is judged by a physician."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from backend import audit, clock
from backend.agenda import pauses
from backend.agenda.acting import Diff, carry_out
from backend.agenda.history import protocol_for
from backend.agenda.undoing import MISTAKE
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput, NoLongerPossible, NotFound
from backend.patients import contact, life
from backend.patients.acts import Hospitalisation
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.terms import Duty, PauseKind, WorkReason
from backend.worklist.items import Handover, find_item, open_item, resolve


@dataclass(frozen=True)
class Admission:
    """What somebody says of a stay. ``discharged_on`` is None while it lasts; days are the patient's own."""

    admitted_on: date
    discharged_on: date | None
    planned: bool
    reason: str


@dataclass(frozen=True)
class StayChange:
    """A stay after an act, and what the act did."""

    stay: Hospitalisation
    diff: Diff


def admit(txn: Transaction, patient: Patient, said: Admission) -> StayChange:
    """Record a stay. An unplanned one is a physician's task at once, and pauses contact while it lasts.

    Raises ``InvalidInput`` for days before consent, after death or withdrawal, ahead, or out of order, and
    ``AlreadyExists`` for a stay that overlaps another.
    """
    take_turn(txn, patient)
    _check_day(txn, patient, said.admitted_on, "admitted_on")
    if said.discharged_on is not None:
        _check_discharge(txn, patient, said.admitted_on, said.discharged_on)
    _refuse_overlap(txn, patient, said.admitted_on, said.discharged_on)
    return StayChange(*carry_out(txn, patient, lambda: _begin(txn, patient, said)))


def discharge(txn: Transaction, patient: Patient, stay: Hospitalisation, on: date) -> StayChange:
    """The patient went home: the pause ends and a person is asked how to go on. ``NoLongerPossible`` if it is known."""
    take_turn(txn, patient)
    # Of two who tell of it at once, the second finds what the first said.
    txn.session.refresh(stay)
    if stay.reversed_at is not None:
        raise NoLongerPossible("This stay was recorded by mistake.")
    if stay.discharged_on is not None:
        raise NoLongerPossible(f"The discharge on {stay.discharged_on.isoformat()} is recorded already.")
    _check_discharge(txn, patient, stay.admitted_on, on)
    _refuse_overlap(txn, patient, stay.admitted_on, on, but=stay.id)
    return StayChange(*carry_out(txn, patient, lambda: _end(txn, patient, stay, on)))


def stays_of(txn: Transaction, patient: Patient) -> Sequence[Hospitalisation]:
    """Every stay, the latest admission first, those recorded by mistake included."""
    known = select(Hospitalisation).where(Hospitalisation.patient_id == patient.id)
    return txn.session.scalars(known.order_by(Hospitalisation.admitted_on.desc(), Hospitalisation.id)).all()


def stay_of(txn: Transaction, patient: Patient, stay_id: UUID) -> Hospitalisation:
    """One stay of this patient's. Raises ``NotFound`` for anybody else's."""
    stay = txn.session.get(Hospitalisation, stay_id)
    if stay is None or stay.patient_id != patient.id:
        raise NotFound()
    return stay


def end_pause_of_stay(txn: Transaction, patient: Patient) -> int:
    """Lift what the stay that lasts holds: at its discharge, or when it never was. How many pauses ended."""
    held = pauses.standing(txn, patient, PauseKind.HOSPITALISED)
    for one in held:
        contact.lift(txn, one)
    return len(held)


def take_back(txn: Transaction, patient: Patient, stay: Hospitalisation) -> None:
    """The stay never was: its pause ends, nobody need judge it, and whoever reversed it needs no task to go on."""
    if not stay.planned and stay.discharged_on is None:
        end_pause_of_stay(txn, patient)
    task = find_item(txn, patient.id, _task_of(stay))
    if task is not None and task.resolved_at is None:
        resolve(txn, task, MISTAKE)


def _begin(txn: Transaction, patient: Patient, said: Admission) -> Hospitalisation:
    stay = Hospitalisation(
        patient_id=patient.id,
        site_id=patient.site_id,
        planned=said.planned,
        admitted_on=said.admitted_on,
        discharged_on=said.discharged_on,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    stay.reason_sealed = seal(txn, stay, "reason_sealed", said.reason)
    audit.record(txn, "hospitalisation.recorded", stay)
    txn.session.flush()
    if not said.planned:
        _ask_a_physician(txn, patient, stay)
        _pause_while_it_lasts(txn, patient, stay)
    return stay


def _end(txn: Transaction, patient: Patient, stay: Hospitalisation, on: date) -> Hospitalisation:
    stay.discharged_on = on
    audit.record(txn, "hospitalisation.ended", stay)
    txn.session.flush()
    if end_pause_of_stay(txn, patient):
        pauses.ask_to_go_on(txn, patient, stay.id)
    return stay


def _ask_a_physician(txn: Transaction, patient: Patient, stay: Hospitalisation) -> None:
    """An unplanned stay is serious until a person has judged it, also when the patient has died since."""
    open_item(
        txn,
        reason=WorkReason.UNPLANNED_HOSPITALISATION,
        key=_task_of(stay),
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
        handover=Handover(Duty.INVESTIGATOR),
    )


def _task_of(stay: Hospitalisation) -> str:
    """The key of the task that asks for a physician's judgement."""
    return f"hospitalisation:{stay.id}"


def _pause_while_it_lasts(txn: Transaction, patient: Patient, stay: Hospitalisation) -> None:
    """Until discharge, or until the protocol's days from the admission are over: then a person must look again."""
    days = protocol_for(txn, patient).hospital_stay_pauses_days
    if stay.discharged_on is not None or days == 0 or pauses.is_out_of_contact(patient):
        return
    until = clock.start_of_day(stay.admitted_on + timedelta(days=days), patient.time_zone)
    if until > txn.now:
        contact.hold(txn, patient, PauseKind.HOSPITALISED, until=until)
    else:
        # We hear of it late, and the patient is still there: nothing pauses by itself, but somebody must decide.
        pauses.ask_to_go_on(txn, patient, stay.id)


def _check_discharge(txn: Transaction, patient: Patient, admitted_on: date, discharged_on: date) -> None:
    if discharged_on < admitted_on:
        raise InvalidInput(fields={"discharged_on": [f"Before the admission on {admitted_on.isoformat()}."]})
    _check_day(txn, patient, discharged_on, "discharged_on")


def _check_day(txn: Transaction, patient: Patient, on: date, field: str) -> None:
    life.check_day_past(txn, patient, on, field=field)
    if field == "admitted_on":
        life.check_before_withdrawal(patient, on, field=field)


def _refuse_overlap(
    txn: Transaction, patient: Patient, admitted_on: date, discharged_on: date | None, *, but: UUID | None = None
) -> None:
    """One may be discharged and admitted elsewhere on one day; two admissions of one day are the same stay."""
    for other in stays_of(txn, patient):
        if other.id == but or other.reversed_at is not None:
            continue
        begins_before_its_end = admitted_on < (other.discharged_on or date.max)
        ends_after_its_beginning = other.admitted_on < (discharged_on or date.max)
        if other.admitted_on == admitted_on or (begins_before_its_end and ends_after_its_beginning):
            raise AlreadyExists("Another stay covers these days.", admitted_on=other.admitted_on.isoformat())

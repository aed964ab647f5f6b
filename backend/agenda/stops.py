"""What is stopped for good: the cells, the targeted drug, the patient's reports, or all contact with the patient.

Stopping a treatment is no withdrawal: follow-up goes on. Withdrawal from reporting stops what the patient is asked,
and survival is followed as before. Withdrawal from the study stops all contact, in the transaction that records it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import notifications
from backend import audit, clock
from backend.agenda.acting import Diff, carry_out
from backend.agenda.history import cycles_of, protocol_for
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput, NoLongerPossible
from backend.patients import life
from backend.patients.acts import Discontinuation, Withdrawal
from backend.patients.models import Patient
from backend.patients.sign_in import sign_phones_out, void_unused_codes
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.staff.models import Site
from backend.terms import PatientStatus, Treatment, WithdrawalScope

WITHDRAWN = "withdrawn"
# Which column of the patient says since when; the calendar reads the cells' one.
STOPPED_ON: Mapping[str, str] = {
    Treatment.CELLS: "cells_discontinued_on",
    Treatment.TARGETED_DRUG: "drug_discontinued_on",
}


@dataclass(frozen=True)
class DiscontinuationChange:
    """A treatment that was stopped, and what that did."""

    discontinuation: Discontinuation
    diff: Diff


@dataclass(frozen=True)
class Wish:
    """What a patient who withdraws said. ``records_search_allowed`` is None where nobody asked, and means no."""

    scope: WithdrawalScope
    on: date
    reason: str
    records_search_allowed: bool | None = None


@dataclass(frozen=True)
class WithdrawalChange:
    """A withdrawal, and what it did."""

    withdrawal: Withdrawal
    diff: Diff


def discontinue(
    txn: Transaction, patient: Patient, treatment: Treatment, on: date, reason: str
) -> DiscontinuationChange:
    """Stop a treatment for good, the patient staying in follow-up. Infusions from ``on`` are cancelled and told.

    ``on`` is a day of the site's calendar. Raises ``InvalidInput`` for a day before consent, after the death, after a
    withdrawal from the study, ahead, or before an infusion that was given, and for cells in an arm that receives
    none; ``AlreadyExists`` when it was stopped before.
    """
    take_turn(txn, patient)
    zone = txn.session.get_one(Site, patient.site_id).time_zone
    _check_day(txn, patient, on, zone)
    if treatment is Treatment.CELLS:
        _check_cells(txn, patient, on, zone)
    stopped_on: date | None = getattr(patient, STOPPED_ON[treatment])
    if stopped_on is not None:
        raise AlreadyExists(f"This treatment was discontinued on {stopped_on.isoformat()}.")
    return DiscontinuationChange(*carry_out(txn, patient, lambda: _stop(txn, patient, treatment, on, reason)))


def withdraw(txn: Transaction, patient: Patient, wish: Wish) -> WithdrawalChange:
    """Record that the patient withdrew. ``on`` is a day where the patient lives.

    Raises ``NoLongerPossible`` after a death, and for reporting after a withdrawal from the study; ``AlreadyExists``
    for the same withdrawal again; ``InvalidInput`` for a day before consent or ahead. A patient who returns signs a
    new consent; a reversal is for withdrawals that never were.
    """
    take_turn(txn, patient)
    _refuse_a_second_end(patient, wish.scope)
    _check_day(txn, patient, wish.on, patient.time_zone)
    (row, recalled), diff = carry_out(txn, patient, lambda: _withdraw(txn, patient, wish))
    return WithdrawalChange(row, replace(diff, messages_recalled=diff.messages_recalled + recalled))


def take_back_discontinuation(txn: Transaction, patient: Patient, act: Discontinuation) -> None:
    """The treatment was never stopped: what the calendar reads goes back."""
    setattr(patient, STOPPED_ON[act.treatment], None)
    audit.record(txn, "patient.discontinuation_reversed", patient)
    txn.session.flush()


def take_back_withdrawal(txn: Transaction, patient: Patient, act: Withdrawal) -> None:
    """The patient never withdrew. Another withdrawal or a death that is on the record stands.

    A phone that was signed out stays so: it needs a new code from the coordinator.
    """
    if act.scope == WithdrawalScope.STUDY:
        patient.withdrawn_from_study_on = patient.records_search_allowed = None
    else:
        patient.withdrawn_from_reporting_on = None
    patient.status = _status_of(patient)
    audit.record(txn, "patient.withdrawal_reversed", patient)
    txn.session.flush()


def _stop(txn: Transaction, patient: Patient, treatment: Treatment, on: date, reason: str) -> Discontinuation:
    row = Discontinuation(
        patient_id=patient.id,
        site_id=patient.site_id,
        treatment=treatment,
        on=on,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    row.reason_sealed = seal(txn, row, "reason_sealed", reason)
    audit.record(txn, "discontinuation.recorded", row)
    setattr(patient, STOPPED_ON[treatment], on)
    audit.record(txn, "patient.treatment_discontinued", patient)
    txn.session.flush()
    return row


def _withdraw(txn: Transaction, patient: Patient, wish: Wish) -> tuple[Withdrawal, int]:
    """The row, and how many messages were recalled because of it."""
    row = Withdrawal(
        patient_id=patient.id,
        site_id=patient.site_id,
        scope=wish.scope,
        on=wish.on,
        records_search_allowed=wish.records_search_allowed,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    row.reason_sealed = seal(txn, row, "reason_sealed", wish.reason)
    audit.record(txn, "withdrawal.recorded", row)
    if wish.scope is WithdrawalScope.REPORTING:
        patient.withdrawn_from_reporting_on = wish.on
    else:
        patient.withdrawn_from_study_on = wish.on
        patient.records_search_allowed = wish.records_search_allowed
    patient.status = _status_of(patient)
    audit.record(txn, "patient.withdrawn", patient)
    txn.session.flush()
    return row, _end_contact(txn, patient) if wish.scope is WithdrawalScope.STUDY else 0


def _end_contact(txn: Transaction, patient: Patient) -> int:
    """Nothing more goes to the patient or the caregivers, and no phone opens the record. How many were recalled."""
    void_unused_codes(txn, patient, "the patient has withdrawn from the study")
    sign_phones_out(txn, patient, WITHDRAWN)
    return notifications.cancel(txn, patient.id, reason=WITHDRAWN)


def _status_of(patient: Patient) -> PatientStatus:
    """Where the patient stands by what is on the record: the furthest of the ends that were recorded."""
    if life.is_dead(patient):
        return PatientStatus.DIED
    if patient.withdrawn_from_study_on is not None:
        return PatientStatus.WITHDRAWN
    if patient.withdrawn_from_reporting_on is not None:
        return PatientStatus.WITHDRAWN_FROM_REPORTING
    return PatientStatus.ON_STUDY


def _refuse_a_second_end(patient: Patient, scope: WithdrawalScope) -> None:
    if life.is_dead(patient):
        raise NoLongerPossible("A death is on the record; nobody withdraws after it.")
    left_on = patient.withdrawn_from_study_on
    if left_on is not None and scope is WithdrawalScope.REPORTING:
        raise NoLongerPossible(f"The patient withdrew from the study on {left_on.isoformat()}, and reporting with it.")
    stopped_on = left_on if scope is WithdrawalScope.STUDY else patient.withdrawn_from_reporting_on
    if stopped_on is not None:
        raise AlreadyExists(f"The patient withdrew from this on {stopped_on.isoformat()}.")


def _check_day(txn: Transaction, patient: Patient, on: date, zone: str) -> None:
    life.check_day_past(txn, patient, on, field="on", zone=zone)
    life.check_before_withdrawal(patient, on, field="on")


def _check_cells(txn: Transaction, patient: Patient, on: date, zone: str) -> None:
    """Only who receives cells can stop; and nobody had stopped on a day before an infusion that was given."""
    if not protocol_for(txn, patient).arms[patient.arm].receives_cells:
        raise InvalidInput(fields={"treatment": ["Patients of this arm receive no cells."]})
    starts = [at for one in cycles_of(txn, patient) for at in (one.day_1_started_at, one.day_2_started_at) if at]
    given_on = [clock.local_day(at, zone) for at in starts]
    if given_on and on < max(given_on):
        raise InvalidInput(fields={"on": [f"Before the infusion of {max(given_on).isoformat()}, which was given."]})

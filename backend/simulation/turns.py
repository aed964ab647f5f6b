"""What happens on days that are known beforehand: visits, cells, answers, changes of a life, and its end.

Each act is one call on the verb that the app or the console would call, in a transaction that somebody else ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from backend.agenda import changes, cycles, stays
from backend.agenda.infusions import infusion_key
from backend.agenda.stops import Wish, withdraw
from backend.contact_terms import ContactChannel, ContactOutcome, ContactPerson
from backend.db import Actor, Transaction
from backend.patients.caregivers import caregivers_of, opened
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation.answering import fill_in
from backend.simulation.enrolling import AFTERNOON, MORNING
from backend.simulation.stage import Person, Stage, at, day_of
from backend.survival import deaths, follow_up
from backend.survival.attempts import Attempted, who_is_meant
from backend.terms import (
    NO_LONGER_FOLLOWED,
    Attendance,
    CandidateStatus,
    DeathReportStatus,
    EvidenceSource,
    ReportMode,
    Tier,
    WithdrawalScope,
)
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent

ONE_DAY = timedelta(days=1)
Doing = Callable[[Stage, Transaction, Person, Patient, Mapping[str, Any]], None]
Doer = Callable[[Stage, Person], Actor]


@dataclass(frozen=True)
class Act:
    """What is done, and in whose name."""

    do: Doing
    by: Doer


def _report(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    """An answer in the app to what was asked for."""
    person.answering.discard(about["key"])
    if not person.fate.answers_at(txn.now):
        return
    asked = stage.forms.newest(txn, about["form"])
    made = fill_in(txn, patient, person, asked=asked, key=about["key"], mode=ReportMode.APP)
    reported(stage, txn, person, made.report.tier)


def reported(stage: Stage, txn: Transaction, person: Person, tier: str | None) -> None:
    """What follows from a report on the study's side: somebody on call takes note of an emergency."""
    stage.acted(person)
    if tier is not None:
        stage.is_urgent = True
    if tier == Tier.T1:
        stage.diary.add(txn.now + of.TAKES_NOTE_OF_EMERGENCY, person.fate.number, "emergency_noted")


def _visit(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    """The coordinator enters at the end of the day whether the patient came."""
    fate = person.fate
    if patient.status in NO_LONGER_FOLLOWED:
        return
    comes = fate.answers_at(txn.now) and fate.happens(of.COMES_TO_A_VISIT[fate.adherence])
    status = Attendance.ATTENDED if comes else Attendance.MISSED
    changes.record_attendance(txn, patient, about["key"], status, day_of(txn.now))
    stage.acted(person)
    if not comes and not fate.lives_at(txn.now) and fate.happens(of.FAMILY_TELLS_ON_THE_PHONE):
        stage.diary.add(at(day_of(txn.now) + ONE_DAY, AFTERNOON), fate.number, "death_told_by_staff")


def _survival(stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]) -> None:
    """The patient says in the app that they are well."""
    if person.fate.answers_at(txn.now):
        follow_up.confirm_alive(txn, patient, as_of=day_of(txn.now), source=EvidenceSource.PATIENT)
        stage.acted(person)


# --- cells -------------------------------------------------------------------------------------------------


def _collection(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    if not person.fate.answers_at(txn.now):
        return
    changes.plan_cycle(txn, patient, about["cycle"], day_of(txn.now))
    stage.changed_calendar(person)
    confirmed_on = day_of(txn.now) + of.CONFIRMED_AFTER
    stage.diary.add(at(confirmed_on, MORNING), person.fate.number, "confirmation", cycle=about["cycle"])


def _confirmation(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    """The site decides that the patient should come, or that these cells may not be given."""
    fate, cycle, today = person.fate, about["cycle"], day_of(txn.now)
    stage.changed_calendar(person)
    if fate.happens(of.RELEASE_FAILS):
        changes.fail_release(txn, patient, cycle)
        stage.diary.add(at(today + of.NEW_COLLECTION_AFTER, AFTERNOON), fate.number, "collection", cycle=cycle)
        return
    day_1_on = changes.confirm_cycle(txn, patient, cycle).cycle.day_1_on
    if fate.happens(of.INFUSION_IS_MOVED):
        day_1_on += fate.day_between(of.MOVED_BY_DAYS)
        changes.confirm_cycle(txn, patient, cycle, day_1_on)
    stage.diary.add(at(day_1_on, MORNING), fate.number, "infusion", cycle=cycle, day=1)


def _infusion(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    fate, cycle, day = person.fate, about["cycle"], about["day"]
    stage.changed_calendar(person)
    if not fate.answers_at(txn.now):
        return
    if day == 2 and fate.happens(of.DAY_2_IS_MISSED):
        key = infusion_key(cycle, cycles.latest_attempt(txn, patient, cycle).attempt, day)
        changes.record_attendance(txn, patient, key, Attendance.MISSED, day_of(txn.now))
    else:
        changes.start_infusion(txn, patient, cycle, day, txn.now)
        person.cells_given_on = [*person.cells_given_on[-1:], day_of(txn.now)]
    if day == 1:
        stage.diary.add(at(day_of(txn.now) + ONE_DAY, MORNING), fate.number, "infusion", cycle=cycle, day=2)
    elif cycle < of.CYCLES:
        collected_on = day_of(txn.now) - ONE_DAY + of.BETWEEN_CYCLES
        stage.diary.add(at(collected_on, AFTERNOON), fate.number, "collection", cycle=cycle + 1)


# --- leaving, and changes ----------------------------------------------------------------------------------


def _withdrawal(scope: WithdrawalScope) -> Doing:
    def do(stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]) -> None:
        if not person.fate.answers_at(txn.now):
            return
        allowed = person.fate.happens(of.ALLOWS_RECORD_SEARCH) if scope is WithdrawalScope.STUDY else None
        withdraw(txn, patient, Wish(scope, day_of(txn.now), "Wishes to stop.", allowed))
        stage.changed_calendar(person)

    return do


def _in_hospital(stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]) -> None:
    """An unplanned stay, which the site hears of on its first day."""
    if not person.fate.answers_at(txn.now):
        return
    stay = stays.admit(txn, patient, stays.Admission(day_of(txn.now), None, planned=False, reason="Fell ill.")).stay
    stage.changed_calendar(person)
    stage.is_urgent = True
    home_on = day_of(txn.now) + person.fate.day_between(of.STAY_DAYS)
    stage.diary.add(at(home_on, AFTERNOON), person.fate.number, "discharge", stay=stay.id)


def _discharge(stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]) -> None:
    if person.fate.lives_at(txn.now):
        stays.discharge(txn, patient, stays.stay_of(txn, patient, about["stay"]), day_of(txn.now))
        stage.changed_calendar(person)


# --- the end -----------------------------------------------------------------------------------------------


def _told_to_staff(stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]) -> None:
    """Somebody tells the coordinator, who enters it with the date as it was told."""
    if person.fate.lives_at(txn.now) or _is_told(txn, patient):
        return
    died_on = date_as_told(person)
    deaths.report_death(txn, patient, died_on=died_on, cause="the disease", informant="A relative", relation="family")
    stage.changed_calendar(person)
    stage.is_urgent = True


def _told_by_caregiver(
    stage: Stage, txn: Transaction, person: Person, patient: Patient, about: Mapping[str, Any]
) -> None:
    """The caregiver calls the study team, who keep it as an attempt that brought the news."""
    if person.fate.lives_at(txn.now) or _is_told(txn, patient):
        return
    named = [opened(txn, one) for one in caregivers_of(txn, patient)]
    if not named:
        _told_to_staff(stage, txn, person, patient, about)
        return
    asked = who_is_meant(ContactPerson.CAREGIVER, None, named)
    said = Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.DIED, as_of=date_as_told(person))
    follow_up.record_attempt(txn, patient, said)
    stage.changed_calendar(person)
    stage.is_urgent = True


def _caregiver_confirms(
    stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]
) -> None:
    """The caregiver calls the study team: the patient is well."""
    named = [opened(txn, one) for one in caregivers_of(txn, patient)]
    if not named or not person.fate.answers_at(txn.now):
        return
    asked = who_is_meant(ContactPerson.CAREGIVER, None, named)
    said = Attempted(
        channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.ALIVE, as_of=day_of(txn.now).isoformat()
    )
    follow_up.record_attempt(txn, patient, said)
    stage.acted(person)


def _mistaken_death(
    stage: Stage, txn: Transaction, person: Person, patient: Patient, _about: Mapping[str, Any]
) -> None:
    """The wrong person was meant."""
    if person.fate.lives_at(txn.now) and not _is_told(txn, patient):
        deaths.report_death(txn, patient, died_on=day_of(txn.now).isoformat(), informant="A neighbour")
        stage.changed_calendar(person)
        stage.is_urgent = True


def date_as_told(person: Person) -> str:
    """The true day, or its month where the family does not remember the day."""
    died_on = person.fate.dies_on
    return f"{died_on:%Y-%m}" if person.fate.is_remembered_vaguely else died_on.isoformat()


def _is_told(txn: Transaction, patient: Patient) -> bool:
    return any(one.status != DeathReportStatus.DENIED for one in deaths.reports_of(txn, patient))


def _note_emergency(stage: Stage, txn: Transaction, person: Person, _row: Patient, _about: Mapping[str, Any]) -> None:
    """Who is on call takes note of every emergency of the patient's that nobody has taken note of."""
    waiting = select(CandidateEvent).where(
        CandidateEvent.patient_id == person.id,
        CandidateEvent.status == CandidateStatus.PROPOSED,
        CandidateEvent.tier == Tier.T1,
    )
    for candidate in txn.session.scalars(waiting.order_by(CandidateEvent.opened_at, CandidateEvent.id)).all():
        acknowledge(txn, candidate)


def _patient(_stage: Stage, person: Person) -> Actor:
    return person.actor


ACTS: Mapping[str, Act] = {
    "report": Act(_report, _patient),
    "survival": Act(_survival, _patient),
    "visit": Act(_visit, Stage.coordinator),
    "collection": Act(_collection, Stage.coordinator),
    "confirmation": Act(_confirmation, Stage.coordinator),
    "infusion": Act(_infusion, Stage.coordinator),
    "withdraws_from_reporting": Act(_withdrawal(WithdrawalScope.REPORTING), Stage.coordinator),
    "withdraws_from_study": Act(_withdrawal(WithdrawalScope.STUDY), Stage.coordinator),
    "in_hospital": Act(_in_hospital, Stage.coordinator),
    "discharge": Act(_discharge, Stage.coordinator),
    "death_told_by_staff": Act(_told_to_staff, Stage.coordinator),
    "death_told_by_caregiver": Act(_told_by_caregiver, Stage.coordinator),
    "caregiver_confirms": Act(_caregiver_confirms, Stage.coordinator),
    "mistaken_death": Act(_mistaken_death, Stage.coordinator),
    "emergency_noted": Act(_note_emergency, Stage.coordinator),
}

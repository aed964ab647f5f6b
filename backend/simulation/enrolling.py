"""The first day of a patient, and all that is entered in the diary on it."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

from backend.agenda.history import agenda_of
from backend.db import Transaction
from backend.patients.caregivers import CaregiverForm
from backend.patients.enrolment import EnrolmentForm, enrol
from backend.patients.sign_in import activate, issue_code
from backend.simulation import assumptions as of
from backend.simulation.fate import Fate
from backend.simulation.stage import Person, Stage, at
from backend.staff.sites import find_site
from backend.terms import AgendaKind, Role

MORNING, NOON, AFTERNOON, NIGHT = time(10, 0), time(12, 30), time(15, 0), time(20, 0)
CHANNELS: Mapping[str, tuple[str, ...]] = {"app": ("in_app", "sms"), "texts": ("sms",), "app_alone": ("in_app",)}
VISITED = frozenset({AgendaKind.VISIT, AgendaKind.CONTACT})
# At which hour of its day each turn of a life comes about.
TURNS_AT = {
    "stops_texts": NOON,
    "changes_number": NIGHT,
    "withdraws_from_reporting": MORNING,
    "withdraws_from_study": MORNING,
    "in_hospital": AFTERNOON,
    "mistaken_death": AFTERNOON,
}


def enrol_patient(stage: Stage, txn: Transaction, fate: Fate, eligibility: Mapping[str, Any]) -> Person:
    """Enrol, sign the phone in, and enter what will happen."""
    acting = txn.acting_as(stage.staff.at(fate.site, Role.COORDINATOR))
    site = find_site(acting, fate.site)
    assert site is not None, fate.site
    patient = enrol(acting, site, _form(fate, eligibility))
    person = Person(fate, patient.id, patient.subject_number, fate.phone)
    if person.has_app:
        code = issue_code(acting, patient).code
        activate(txn, code, fate.birth_year, str(uuid4()))
    stage.enter(person)
    for item in agenda_of(txn, patient):
        if item.kind in VISITED:
            _expect(stage, person, item.key, item.due_on)
    _enter_turns(stage, person)
    stage.changed_calendar(person)
    return person


def _expect(stage: Stage, person: Person, key: str, due_on: date) -> None:
    stage.diary.add(at(due_on, MORNING) + of.VISIT_IS_RECORDED_AFTER, person.fate.number, "visit", key=key)


def _enter_turns(stage: Stage, person: Person) -> None:
    fate, number = person.fate, person.fate.number
    for what, on in fate.turns.items():
        if what in TURNS_AT and on > fate.enrolled_on:
            stage.diary.add(at(on, TURNS_AT[what]), number, what)
    if fate.arm == "nk":
        collected_on = fate.enrolled_on + of.FIRST_COLLECTION_AFTER + _lateness(fate)
        stage.diary.add(at(collected_on, AFTERNOON), number, "collection", cycle=1)
    if fate.news != "never":
        told_on = fate.dies_on + fate.day_between(of.NEWS_AFTER_DAYS[fate.news])
        stage.diary.add(at(told_on, AFTERNOON), number, f"death_told_by_{fate.news}")


def _lateness(fate: Fate) -> timedelta:
    return fate.day_between(of.LATE_BY_DAYS) if fate.happens(of.COLLECTION_IS_LATE) else timedelta(0)


def _form(fate: Fate, eligibility: Mapping[str, Any]) -> EnrolmentForm:
    relative = CaregiverForm(
        name=fate.caregivers_name,
        phone=fate.caregivers_phone,
        relation=fate.relation,
        may_report=True,
        may_confirm_survival=True,
    )
    return EnrolmentForm(
        arm=fate.arm,
        targeted_drug=fate.drug,
        consented_on=fate.enrolled_on - of.CONSENTED_BEFORE,
        randomised_on=fate.enrolled_on,
        birth_year=fate.birth_year,
        name=fate.name,
        phone=fate.phone if fate.way != "app_alone" else None,
        language=fate.language,
        channels=CHANNELS[fate.way],
        preferred_time=fate.preferred_time,
        caregivers=(relative,) if fate.has_caregiver else (),
        eligibility={**eligibility, **({"donor_available": True} if fate.arm == "nk" else {})},
    )

"""Each kind of task as it is worked on: what is done, and when it is looked at again if it stays open."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from backend.contact_terms import ContactChannel, ContactOutcome, ContactPerson, LadderStep
from backend.db import Transaction
from backend.errors import AlreadyExists, NotLostToFollowUp
from backend.patients.caregivers import caregivers_of, opened
from backend.patients.changes import update_patient
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation.answering import fill_in
from backend.simulation.stage import Person, Stage, day_of
from backend.simulation.turns import date_as_told, reported
from backend.survival import deaths, dispositions, follow_up
from backend.survival.attempts import Asked, Attempted, as_tries, attempts_of, who_is_meant
from backend.survival.ladder import next_step
from backend.terms import CallOutcome, DeathReportStatus, ReportMode, Role, WorkReason
from backend.worklist.items import resolve, settle
from backend.worklist.models import WorkItem


@dataclass(frozen=True)
class Task:
    """A task in somebody's hands. ``dice`` are the chances of this look at it."""

    stage: Stage
    txn: Transaction
    row: WorkItem
    person: Person
    patient: Patient
    dice: Random

    def as_(self, role: Role) -> Transaction:
        """The transaction in the name of whoever holds the role at the site."""
        return self.txn.acting_as(self.stage.at(self.person, role))

    @property
    def by_coordinator(self) -> Transaction:
        """The transaction in the coordinator's name."""
        return self.as_(Role.COORDINATOR)

    @property
    def is_taken(self) -> bool:
        """Whether the patient takes this call."""
        fate = self.person.fate
        return fate.answers_at(self.txn.now) and self.dice.random() < of.PICKS_UP[fate.adherence]


Doing = Callable[[Task], timedelta | None]
TOMORROW = timedelta(hours=20)


def let_go(task: Task) -> None:
    """Seen to, in some way that changes nothing here."""
    settle(task.by_coordinator, task.row, "seen to")


def _call_about_silence(task: Task) -> timedelta | None:
    """Telephone about a missed report: take it down, or hear of a death, or try again."""
    fate = task.person.fate
    if task.is_taken:
        _take_down(task)
        return None
    if not fate.lives_at(task.txn.now) and task.dice.random() < of.FAMILY_TELLS_ON_THE_PHONE:
        _told_of_death(task)
        return None
    if task.txn.now - task.row.due_at > timedelta(days=of.TRIES_A_CALL):
        settle(task.by_coordinator, task.row, "not reached; left to the next report")
        return None
    settle(task.by_coordinator, task.row, CallOutcome.NO_ANSWER)
    return TOMORROW


def _take_down(task: Task) -> None:
    """The patient answers on the telephone; that closes the task by itself at the next look."""
    stage, person = task.stage, task.person
    form = stage.forms.of(task.txn, person.fate.arm, person.id, task.row.agenda_key or "")
    if form is None:
        settle(task.by_coordinator, task.row, CallOutcome.SPOKE_TO_PATIENT)
        return
    txn = task.txn.acting_as(stage.on_behalf(person))
    asked = stage.forms.newest(txn, form)
    made = fill_in(txn, task.patient, person, asked=asked, key=task.row.agenda_key, mode=ReportMode.PHONE)
    reported(stage, task.txn, person, made.report.tier)
    if task.row.resolved_at is None:
        resolve(task.by_coordinator, task.row, CallOutcome.SPOKE_TO_PATIENT)


def _told_of_death(task: Task) -> None:
    deaths.report_death(
        task.by_coordinator, task.patient, died_on=date_as_told(task.person), informant="A relative", relation="family"
    )
    task.stage.changed_calendar(task.person)
    task.stage.is_urgent = True


def _follow_survival(task: Task) -> timedelta | None:
    """The ladder, one step a look: the patient on three days, two proxies, the physician, then records."""
    check = task.row.created_at
    made = [row for row in attempts_of(task.txn, [task.person.id])[task.person.id] if row.tried_at >= check]
    step = next_step(as_tries(task.txn, task.patient, made))
    if step is None:
        _maybe_lost(task)
        return timedelta(days=30)
    return _record(task, _ASKED[step](task))


def _search_for_one_who_left(task: Task) -> timedelta | None:
    """Nobody is asked any more, but records may be searched."""
    return _record(task, _search_records(task))


def _record(task: Task, said: Attempted) -> timedelta:
    """Keep what an attempt brought; the next is some days later."""
    follow_up.record_attempt(task.by_coordinator, task.patient, said, task.row)
    task.stage.changed_calendar(task.person)
    task.stage.is_urgent = task.stage.is_urgent or said.outcome is ContactOutcome.DIED
    return timedelta(days=of.DAYS_BETWEEN_TRIES["survival"])


def _maybe_lost(task: Task) -> None:
    """An investigator finds the patient lost, if the definition is met by now."""
    with contextlib.suppress(NotLostToFollowUp, AlreadyExists):
        dispositions.declare_lost(task.as_(Role.INVESTIGATOR), task.patient, "Not found by any way.")


def _ask_patient(task: Task) -> Attempted:
    fate = task.person.fate
    asked = who_is_meant(ContactPerson.PATIENT, None, ())
    if task.is_taken:
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.ALIVE)
    if not fate.lives_at(task.txn.now) and task.dice.random() < of.FAMILY_TELLS_ON_THE_PHONE:
        told = date_as_told(task.person)
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.DIED, as_of=told)
    return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.NO_ANSWER)


def _ask_proxy(task: Task) -> Attempted:
    """The caregiver; where nobody is named, whoever lives next door, who knows nothing."""
    named = [opened(task.txn, one) for one in caregivers_of(task.txn, task.patient)]
    if not named:
        asked = who_is_meant("other", None, ())
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.REACHED_NO_INFORMATION)
    asked = who_is_meant(ContactPerson.CAREGIVER, None, named)
    if task.dice.random() >= of.CAREGIVER_ANSWERS:
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.NO_ANSWER)
    return _what_is_known(task, asked)


def _ask_physician(task: Task) -> Attempted:
    asked = who_is_meant(ContactPerson.PHYSICIAN, None, ())
    if task.dice.random() >= of.PHYSICIAN_KNOWS:
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.REACHED_NO_INFORMATION)
    return _what_is_known(task, asked)


def _search_records(task: Task) -> Attempted:
    """A registry finds a death that is old enough; of the living it says nothing."""
    fate, today = task.person.fate, day_of(task.txn.now)
    asked = who_is_meant(ContactPerson.REGISTRY, None, ())
    outcome, as_of = ContactOutcome.REACHED_NO_INFORMATION, None
    if fate.dies_on + of.REGISTRY_KNOWS_AFTER <= today:
        outcome, as_of = ContactOutcome.DIED, fate.dies_on.isoformat()
    return Attempted(channel=ContactChannel.REGISTRY, asked=asked, outcome=outcome, as_of=as_of)


def _what_is_known(task: Task, asked: Asked) -> Attempted:
    """Somebody near knows of a death, or that the patient was alive some days ago; nothing of who is gone."""
    fate, today = task.person.fate, day_of(task.txn.now)
    outcome, as_of = ContactOutcome.ALIVE, (today - timedelta(days=1)).isoformat()
    if not fate.lives_at(task.txn.now):
        outcome, as_of = ContactOutcome.DIED, date_as_told(task.person)
    elif not fate.answers_at(task.txn.now):
        return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=ContactOutcome.REACHED_NO_INFORMATION)
    return Attempted(channel=ContactChannel.PHONE, asked=asked, outcome=outcome, as_of=as_of)


def _decide_death(task: Task) -> timedelta | None:
    """An investigator, some days later: approves what is true, and denies what was a mistake."""
    days = task.stage.dice(task.person.fate.number, "decides", task.row.created_at.date()).randint(
        *of.INVESTIGATOR_APPROVES_AFTER_DAYS
    )
    if task.txn.now < task.row.created_at + timedelta(days=days):
        return TOMORROW
    txn = task.as_(Role.INVESTIGATOR)
    for report in deaths.reports_of(txn, task.patient):
        if report.status != DeathReportStatus.PENDING:
            continue
        if task.person.fate.lives_at(txn.now):
            deaths.deny(txn, task.patient, report, "Another person of that name.")
        else:
            given = None if report.died_on else task.person.fate.dies_on.isoformat()
            deaths.approve(txn, task.patient, report, given)
    task.stage.changed_calendar(task.person)
    return None


def _resume_contact(task: Task) -> None:
    """The patient lives, so messages go out again."""
    deaths.close_task(task.by_coordinator, task.patient, task.row, deaths.RESUME)
    task.stage.changed_calendar(task.person)


def _find_the_number(task: Task) -> timedelta | None:
    """Somebody asks at the next visit, or the family, for the number that works."""
    person = task.person
    txn = task.by_coordinator
    if identifiers_of(txn, task.patient).phone != person.phone and person.has_texts:
        if not person.fate.answers_at(txn.now):
            return timedelta(days=14)
        update_patient(txn, task.patient, {"phone": person.phone}, seen_version=task.patient.version)
    task.txn.session.refresh(task.row)
    if task.row.resolved_at is None:
        settle(txn, task.row, "the number is right now")
    return None


def _speak(task: Task) -> timedelta | None:
    """A call that only having spoken closes; where nobody can be reached any more it is let go after some days."""
    if task.is_taken:
        settle(task.by_coordinator, task.row, CallOutcome.SPOKE_TO_PATIENT)
        return None
    settle(task.by_coordinator, task.row, CallOutcome.NO_ANSWER)
    return TOMORROW


_ASKED: Mapping[LadderStep, Callable[[Task], Attempted]] = {
    LadderStep.CALL_PATIENT: _ask_patient,
    LadderStep.CALL_CAREGIVER: _ask_proxy,
    LadderStep.ASK_PHYSICIAN: _ask_physician,
    LadderStep.SEARCH_RECORDS: _search_records,
}
TASKS: Mapping[str, Doing] = {
    WorkReason.PATIENT_SILENT: _call_about_silence,
    WorkReason.SURVIVAL_CHECK_UNANSWERED: _follow_survival,
    WorkReason.SEARCH_RECORDS: _search_for_one_who_left,
    WorkReason.DEATH_REPORTED: _decide_death,
    WorkReason.RESUME_CONTACT: _resume_contact,
    WorkReason.CHECK_THE_PHONE: _find_the_number,
    WorkReason.CALL_ABOUT_MOVED_DATE: _speak,
    WorkReason.CALL_REQUESTED: _speak,
}

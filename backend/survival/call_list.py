"""The call list: who is to be telephoned about which silence, why, at which numbers, and what was tried before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from backend.agenda.calendar import agenda, by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import courses_of, protocol_for
from backend.contact_terms import ContactOutcome, ContactPerson, LadderStep
from backend.db import Transaction
from backend.patients import life
from backend.patients.caregivers import caregivers_of, opened
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Patient
from backend.patients.physicians import physician_of
from backend.sealing import open_keys, unseal
from backend.survival.attempts import TO_FIND_OUT, as_tries, attempts_of, messages_about
from backend.survival.ladder import Try, next_step, was_searched
from backend.survival.models import ContactAttempt
from backend.terms import WorkReason
from backend.worklist.models import WorkItem
from notifications import numbers

NOBODY_ANSWERED = "Nobody has confirmed the survival check {key}, due on {due_on}."
ONLY_RECORDS = "The patient has left the study and allowed that records are searched: {key}, due on {due_on}."
NOBODY_KNEW = "Somebody was asked on {day} and did not know."


@dataclass(frozen=True)
class FollowUp:
    """One task of the list with all that whoever telephones needs to know, but for names and numbers."""

    patient: Patient
    why: str
    last_known_alive: str | None
    next_step: LadderStep | None
    attempts: Sequence[ContactAttempt]
    messages: int

    @property
    def last(self) -> ContactAttempt | None:
        """The latest attempt since the check opened."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True)
class Number:
    """Somebody who may be telephoned. ``is_right`` is False where somebody found that the number is not theirs."""

    person: ContactPerson
    name: str | None
    relation: str | None
    phone: str | None
    is_right: bool


def follow_ups(txn: Transaction, tasks: Sequence[WorkItem]) -> Mapping[UUID, FollowUp]:
    """By task; those that are no calls about survival are left out."""
    asked = [task for task in tasks if task.reason in TO_FIND_OUT and task.patient_id]
    whose = {task.owner_id for task in asked}
    patients = {one.id: one for one in txn.session.scalars(select(Patient).where(Patient.id.in_(whose)))}
    keys = open_keys(txn, list(whose))
    courses, tried = courses_of(txn, list(patients.values())), attempts_of(txn, whose)
    found = {}
    for task in asked:
        patient = patients[task.owner_id]
        items = by_key(agenda(protocol_for(txn, patient), courses[patient.id], txn.now))
        found[task.id] = _follow_up(txn, task, patient, items.get(task.agenda_key or ""), tried[patient.id])
    # Held until here, because the session forgets keys that nobody holds.
    del keys
    return found


def numbers_of(txn: Transaction, patient: Patient, tried: Sequence[ContactAttempt]) -> list[Number]:
    """Whom to telephone, in the order of the ladder: the patient, caregivers who may confirm, the physician.

    Nobody, of whoever has left the study. Who shows this notes the reading of identifiers.
    """
    if patient.withdrawn_from_study_on is not None:
        return []
    who = identifiers_of(txn, patient)
    named = [opened(txn, one) for one in caregivers_of(txn, patient) if one.may_confirm_survival]
    phones = [phone for phone in (who.phone, *(one.phone for one in named)) if phone]
    stopped = numbers.standing_of(txn, phones)
    found = [Number(ContactPerson.PATIENT, who.name, None, who.phone, who.phone not in stopped)]
    for one in named:
        found.append(Number(ContactPerson.CAREGIVER, one.name, one.relation, one.phone, one.phone not in stopped))
    return found + _physicians(txn, patient, [row for row in tried if row.person == ContactPerson.PHYSICIAN])


def _physicians(txn: Transaction, patient: Patient, tried: Sequence[ContactAttempt]) -> list[Number]:
    """The physician on the record; where none is, the one whom somebody has asked by name before."""
    physician = physician_of(txn, patient)
    if physician is not None:
        is_right = not tried or tried[-1].outcome != ContactOutcome.WRONG_NUMBER
        return [Number(ContactPerson.PHYSICIAN, physician.name, None, physician.phone, is_right)]
    asked = [row for row in tried if row.name_sealed]
    if not asked:
        return []
    name, relation = (unseal(txn, asked[-1], f"{word}_sealed") for word in ("name", "relation"))
    return [Number(ContactPerson.PHYSICIAN, name, relation, None, True)]


def _follow_up(
    txn: Transaction, task: WorkItem, patient: Patient, check: AgendaItem | None, tried: Sequence[ContactAttempt]
) -> FollowUp:
    since = check.opens_at if check else task.created_at
    made = [row for row in tried if row.tried_at >= since]
    known_alive = life.last_known_alive(txn, patient)
    return FollowUp(
        patient=patient,
        why=_why(task, check, since),
        last_known_alive=known_alive.isoformat() if known_alive else None,
        next_step=_next_step(task, as_tries(txn, patient, made)),
        attempts=made,
        messages=len(messages_about(txn, patient.id, [check.key])) if check else 0,
    )


def _next_step(task: WorkItem, made: Sequence[Try]) -> LadderStep | None:
    """Whoever has left the study is asked about by nobody: of the ladder only its last step is left."""
    if task.reason == WorkReason.SEARCH_RECORDS:
        return None if was_searched(made) else LadderStep.SEARCH_RECORDS
    return next_step(made)


def _why(task: WorkItem, check: AgendaItem | None, since: datetime) -> str:
    if check is None:
        return NOBODY_KNEW.format(day=task.key.rpartition("@")[2] or since.date().isoformat())
    why = ONLY_RECORDS if task.reason == WorkReason.SEARCH_RECORDS else NOBODY_ANSWERED
    return why.format(key=check.key, due_on=check.due_on.isoformat())

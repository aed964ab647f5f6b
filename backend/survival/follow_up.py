"""Following survival: an attempt and what it brings in one act, and confirming that a patient is alive."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select

from backend import audit, clock
from backend.agenda.planning import replan
from backend.agenda.silence import ANSWERED, UNKNOWN, attend_to
from backend.contact_terms import BY_NUMBER, SEARCHED, ContactChannel, ContactOutcome, ContactPerson
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.partial_dates import HOW_TO_WRITE, is_partial_date, is_whole
from backend.patients import life
from backend.patients.caregivers import caregivers_of
from backend.patients.identifiers import identifiers_of
from backend.patients.models import EvidenceOfLife, Patient
from backend.patients.turns import take_turn
from backend.survival import deaths
from backend.survival.attempts import SEVERAL, Asked, Attempted, keep
from backend.survival.calls import stop_calling
from backend.survival.ladder import IN_VAIN
from backend.survival.models import ContactAttempt
from backend.terms import Duty, EvidenceSource, WorkReason
from backend.worklist.items import Handover, open_item, resolve, settle
from backend.worklist.models import WorkItem
from notifications import numbers

# What a call that reached nobody is called on the task as well.
REACHED_NOBODY = frozenset({ContactOutcome.NO_ANSWER, ContactOutcome.WRONG_NUMBER})
SOURCES: Mapping[ContactPerson, EvidenceSource] = {
    ContactPerson.CAREGIVER: EvidenceSource.CAREGIVER,
    ContactPerson.PHYSICIAN: EvidenceSource.PHYSICIAN,
    ContactPerson.RECORD: EvidenceSource.RECORD,
    ContactPerson.REGISTRY: EvidenceSource.REGISTRY,
}
OF_PATIENT: Mapping[ContactChannel, EvidenceSource] = {
    ContactChannel.PHONE: EvidenceSource.PHONE,
    ContactChannel.VISIT: EvidenceSource.VISIT,
    ContactChannel.IN_PERSON: EvidenceSource.VISIT,
}
# Of a status that nobody could tell: whom it was asked of, and how, by what the site calls its source.
ASKED_OF: Mapping[EvidenceSource, tuple[ContactPerson, ContactChannel]] = {
    EvidenceSource.PATIENT: (ContactPerson.PATIENT, ContactChannel.OTHER),
    EvidenceSource.VISIT: (ContactPerson.PATIENT, ContactChannel.VISIT),
    EvidenceSource.PHONE: (ContactPerson.PATIENT, ContactChannel.PHONE),
    EvidenceSource.CAREGIVER: (ContactPerson.CAREGIVER, ContactChannel.OTHER),
    EvidenceSource.PHYSICIAN: (ContactPerson.PHYSICIAN, ContactChannel.OTHER),
    EvidenceSource.RECORD: (ContactPerson.RECORD, ContactChannel.RECORD),
    EvidenceSource.REGISTRY: (ContactPerson.REGISTRY, ContactChannel.REGISTRY),
}

FROM_RECORDS = frozenset({EvidenceSource.RECORD, EvidenceSource.REGISTRY})


def record_attempt(txn: Transaction, patient: Patient, said: Attempted, task: WorkItem | None = None) -> ContactAttempt:
    """Keep an attempt, and do what its outcome asks for: evidence, a report of death, a number stopped, a task.

    Raises ``InvalidInput`` by field for a time or day ahead or before consent, and for a proxy who may not confirm;
    ``NoLongerPossible`` for evidence of life after a death, for asking about whoever left the study, and, with who was
    first and when, for a task that was closed. Nothing of this keeps a death from being told.
    """
    take_turn(txn, patient)
    _check_time(txn, patient, said)
    if said.outcome is not ContactOutcome.DIED:
        _check_still_followed(patient, said.asked.person)
        _refuse_a_closed_task(txn, task)
    if said.outcome is ContactOutcome.ALIVE:
        return _found_alive(txn, patient, said)
    if said.outcome is ContactOutcome.DIED:
        _tell_of_death(txn, patient, said)
    elif said.as_of is not None:
        _day_named(txn, patient, said)
    row = keep(txn, patient, said)
    if said.outcome is ContactOutcome.WRONG_NUMBER:
        _stop_the_number(txn, patient, said, row)
    if said.outcome is ContactOutcome.REFUSED:
        _ask_about_refusal(txn, patient, row)
    if task is not None and said.outcome in (IN_VAIN if task.reason == WorkReason.SEARCH_RECORDS else REACHED_NOBODY):
        settle(txn, task, said.outcome)
    return row


def confirm_alive(
    txn: Transaction,
    patient: Patient,
    *,
    as_of: date,
    source: EvidenceSource,
    reference: str = "",
    note: str | None = None,
) -> EvidenceOfLife:
    """Add evidence that the patient was alive on ``as_of``; every check opened by then closes, and its tasks with it.

    The patient's own word and a call count for the day itself, a proxy's for the date the proxy names.
    Raises ``InvalidInput`` for a date ahead or before consent, and ``NoLongerPossible`` after a death, and for what
    records say of somebody who has left the study and not allowed that they be searched.
    """
    take_turn(txn, patient)
    _refuse_after_a_death(patient)
    if source in FROM_RECORDS:
        _check_still_followed(patient, ASKED_OF[source][0])
    _check_day(txn, patient, as_of)
    evidence = life.add_evidence(txn, patient, as_of=as_of, source=source, reference=reference, note=note)
    for task in _asked_by(txn, patient, as_of):
        resolve(txn, task, ANSWERED)
    attend_to(txn, patient.id)
    replan(txn, patient)
    return evidence


def learn_alive(
    txn: Transaction, patient: Patient, *, as_of: date, source: EvidenceSource, note: str | None = None
) -> EvidenceOfLife:
    """The site has found out that the patient lives. Raises what ``confirm_alive`` raises, and after a withdrawal from
    the study what ``record_attempt`` does: nobody is asked any more, only records.
    """
    take_turn(txn, patient)
    _check_still_followed(patient, ASKED_OF[source][0])
    if source is EvidenceSource.CAREGIVER:
        check_proxies(txn, patient, field="source")
    return confirm_alive(txn, patient, as_of=as_of, source=source, note=note)


def warn_whoever_decides(txn: Transaction, patient: Patient, evidence: EvidenceOfLife) -> None:
    """Somebody says on the patient's own phone that they live, while a report of their death waits: it may be mistaken.

    A task says so at once, as it does of a text.
    """
    if not deaths.is_reported(txn, patient):
        return
    open_item(
        txn,
        reason=WorkReason.WROTE_WHILE_DEATH_REPORTED,
        key=f"wrote-while-death-reported:{evidence.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def note_unknown(
    txn: Transaction, patient: Patient, *, as_of: date, source: EvidenceSource, note: str | None = None
) -> ContactAttempt:
    """Nobody could say. That is no evidence of anything: it is an attempt and, once a day, a task to find out."""
    take_turn(txn, patient)
    _refuse_after_a_death(patient)
    person, channel = ASKED_OF[source]
    _check_still_followed(patient, person)
    _check_day(txn, patient, as_of)
    audit.note(txn, "survival.unknown", patient, reason=f"{source} as of {as_of.isoformat()}")
    if patient.withdrawn_from_study_on is None:
        _ask_somebody(txn, patient, as_of)
        if deaths.is_reported(txn, patient):
            # It comes back, should the report be mistaken.
            stop_calling(txn, patient)
    outcome = ContactOutcome.REACHED_NO_INFORMATION
    said = Attempted(channel=channel, asked=Asked(person), outcome=outcome, as_of=as_of.isoformat(), note=note)
    return keep(txn, patient, said)


def check_proxies(txn: Transaction, patient: Patient, *, field: str) -> None:
    """Raises ``InvalidInput`` naming ``field`` where the patient has named nobody who may say that they live."""
    if not any(one.may_confirm_survival for one in caregivers_of(txn, patient)):
        raise InvalidInput(fields={field: ["The patient has named nobody who may say so."]})


def source_of(said: Attempted) -> EvidenceSource:
    """How what an attempt brought is known. Raises ``InvalidInput`` for somebody whom the patient did not name."""
    person = said.asked.person
    if person is ContactPerson.PATIENT:
        return OF_PATIENT.get(said.channel, EvidenceSource.PATIENT)
    if person is ContactPerson.OTHER:
        raise InvalidInput(fields={"person": ["Only somebody whom the patient named may confirm this."]})
    return SOURCES[person]


def _ask_somebody(txn: Transaction, patient: Patient, as_of: date) -> None:
    open_item(
        txn,
        reason=WorkReason.SURVIVAL_CHECK_UNANSWERED,
        key=f"{UNKNOWN}{as_of.isoformat()}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def _found_alive(txn: Transaction, patient: Patient, said: Attempted) -> ContactAttempt:
    source = source_of(said)
    if said.asked.person is ContactPerson.CAREGIVER:
        _check_permission(txn, patient, said)
    as_of = _day_named(txn, patient, said)
    _refuse_after_a_death(patient)
    row = keep(txn, patient, said)
    confirm_alive(txn, patient, as_of=as_of, source=source, reference=f"contact-attempt:{row.id}")
    return row


def _check_permission(txn: Transaction, patient: Patient, said: Attempted) -> None:
    """Of several, where nobody has said which, each must be allowed to: the permission of one is not another's."""
    caregiver = said.asked.caregiver
    named = [caregiver.row] if caregiver else caregivers_of(txn, patient)
    allowed = [one for one in named if one.may_confirm_survival]
    if not allowed:
        raise InvalidInput(fields={"person": ["The patient has not allowed this person to say so."]})
    if len(allowed) < len(named):
        raise InvalidInput(fields={"person": [SEVERAL]})


def _day_named(txn: Transaction, patient: Patient, said: Attempted) -> date:
    """A patient's word counts for the day it was given, unless they name another; a proxy must name one."""
    tried_on = clock.local_day(said.tried_at or txn.now, patient.time_zone)
    if said.as_of is None:
        if said.asked.person is ContactPerson.PATIENT:
            return tried_on
        raise InvalidInput(fields={"as_of": ["On which day was the patient alive, as they say?"]})
    if not is_partial_date(said.as_of) or not is_whole(said.as_of):
        raise InvalidInput(fields={"as_of": ["Must be a day: 2027-03-17."]})
    as_of = date.fromisoformat(said.as_of)
    if as_of > tried_on:
        raise InvalidInput(fields={"as_of": ["After the attempt itself; nobody knows of a day that has not come."]})
    _check_day(txn, patient, as_of)
    return as_of


def _tell_of_death(txn: Transaction, patient: Patient, said: Attempted) -> None:
    if said.as_of is not None and not is_partial_date(said.as_of):
        raise InvalidInput(fields={"as_of": [HOW_TO_WRITE]})
    told_by = said.asked.name or (said.asked.caregiver.name if said.asked.caregiver else None)
    relation = said.relation or (said.asked.caregiver.relation if said.asked.caregiver else None)
    informant = told_by or said.asked.person.value
    deaths.report_death(txn, patient, died_on=said.as_of, informant=informant, relation=relation, field="as_of")


def _stop_the_number(txn: Transaction, patient: Patient, said: Attempted, row: ContactAttempt) -> None:
    """A stranger must not read about a patient: no text goes there until somebody has seen to the number."""
    number = _number_of(txn, patient, said.asked) if said.channel in BY_NUMBER else None
    key = f"check-phone:{numbers.stop_by_word(txn, number).id}" if number else f"wrong-number:{row.id}"
    open_item(
        txn,
        reason=WorkReason.CHECK_THE_PHONE,
        key=key,
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )


def _number_of(txn: Transaction, patient: Patient, asked: Asked) -> str | None:
    """The number on record of whoever was asked; None for others, and where nobody has said which caregiver."""
    if asked.person is ContactPerson.PATIENT:
        return identifiers_of(txn, patient).phone
    return asked.caregiver.phone if asked.caregiver else None


def _ask_about_refusal(txn: Transaction, patient: Patient, row: ContactAttempt) -> None:
    """Refusing one call is no withdrawal, and closes nothing: an investigator finds out which it is, if any."""
    open_item(
        txn,
        reason=WorkReason.CONTACT_REFUSED,
        key=f"contact-refused:{row.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
        handover=Handover(Duty.INVESTIGATOR),
    )


def _asked_by(txn: Transaction, patient: Patient, as_of: date) -> list[WorkItem]:
    """Open tasks to find out how the patient is, that were opened because nobody knew on ``as_of`` or before."""
    waiting = select(WorkItem).where(
        WorkItem.patient_id == patient.id,
        WorkItem.reason == WorkReason.SURVIVAL_CHECK_UNANSWERED,
        WorkItem.agenda_key.is_(None),
        WorkItem.resolved_at.is_(None),
    )
    asked = txn.session.scalars(waiting.order_by(WorkItem.due_at, WorkItem.id))
    return [task for task in asked if task.key.removeprefix(UNKNOWN) <= as_of.isoformat()]


def _refuse_a_closed_task(txn: Transaction, task: WorkItem | None) -> None:
    if task is None:
        return
    # Of two who telephone at once, the second finds what the first one learnt.
    txn.session.refresh(task)
    if task.resolved_at is not None:
        by = str(task.resolved_by) if task.resolved_by else None
        raise NoLongerPossible("This task was closed before.", by=by, at=task.resolved_at.isoformat())


def _check_time(txn: Transaction, patient: Patient, said: Attempted) -> None:
    if said.tried_at is None:
        return
    if said.tried_at > txn.now:
        raise InvalidInput(fields={"tried_at": ["This moment has not come yet."]})
    if clock.local_day(said.tried_at, patient.time_zone) < patient.consented_on:
        raise InvalidInput(fields={"tried_at": [f"Before consent on {patient.consented_on.isoformat()}."]})


def _check_still_followed(patient: Patient, asked: ContactPerson) -> None:
    """Nobody is asked about a patient who left the study; records are searched where that was allowed. A death that
    somebody tells of is never refused."""
    if patient.withdrawn_from_study_on is None:
        return
    if asked not in SEARCHED:
        raise NoLongerPossible("The patient withdrew from the study: nobody is asked any more, only records.")
    if not patient.records_search_allowed:
        raise NoLongerPossible("The patient withdrew from the study and has not allowed that records be searched.")


def _refuse_after_a_death(patient: Patient) -> None:
    if life.is_dead(patient):
        raise NoLongerPossible(
            "A death is on the record; only a signed reversal can undo it.",
            fields={"as_of": ["A death is on the record."]},
        )


def _check_day(txn: Transaction, patient: Patient, as_of: date) -> None:
    today = clock.local_day(txn.now, patient.time_zone)
    if as_of > today:
        raise InvalidInput(fields={"as_of": ["Nobody can be known to be alive on a day that has not come."]})
    if as_of < patient.consented_on:
        raise InvalidInput(fields={"as_of": [f"Before consent on {patient.consented_on.isoformat()}."]})

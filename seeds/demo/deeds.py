"""What people do in the demo's past: each deed is one call on the verb that the app or the console would call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

import notifications
from backend import clock
from backend.agenda import changes
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of
from backend.conversations.handle import understand_waiting
from backend.db import Actor, Database, Transaction, system
from backend.event_terms import TumourResponse
from backend.instruments.definition import Instrument, instrument
from backend.patients import tumour_assessments
from backend.patients.models import Patient
from backend.patients.sign_in import activate, issue_code
from backend.reports.submit import Submission, submit_report
from backend.survival import deaths
from backend.terms import (
    AgendaState,
    Attendance,
    CandidateStatus,
    Originator,
    Reply,
    ReportMode,
    Respondent,
    Role,
)
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent
from backend.worklist.items import resolve
from backend.worklist.models import WorkItem
from notifications.channels.simulator import Simulator
from seeds.demo.people import Staff
from seeds.demo.script import Invented

STRANGER = system("stranger")
WAITING = (AgendaState.OPEN, AgendaState.OVERDUE)
TIME_TO_ANSWER = timedelta(minutes=4)


@dataclass(frozen=True)
class Scene:
    """Where a deed happens: the database, who works there, and whose deed it is."""

    db: Database
    staff: Staff
    whose: Invented

    @property
    def coordinator(self) -> Actor:
        """The coordinator of the patient's site."""
        return self.staff.at(self.whose.says["site"], Role.COORDINATOR)

    @property
    def patient(self) -> Actor:
        """The patient, on their own phone."""
        return Actor(Originator.PATIENT, id=self.whose.id, name=self.whose.subject_number)


Deed = Callable[[Scene, Mapping[str, Any]], None]
InTransaction = Callable[[Transaction, Patient, Mapping[str, Any]], object]


def by_coordinator(act: InTransaction) -> Deed:
    """A deed of the coordinator's, in a transaction of its own."""

    def do(scene: Scene, what: Mapping[str, Any]) -> None:
        _in_transaction(scene, scene.coordinator, act, what)

    return do


def by_patient(act: InTransaction) -> Deed:
    """A deed of the patient's."""

    def do(scene: Scene, what: Mapping[str, Any]) -> None:
        _in_transaction(scene, scene.patient, act, what)

    return do


def _in_transaction(scene: Scene, actor: Actor, act: InTransaction, what: Mapping[str, Any]) -> None:
    with scene.db.transaction(actor) as txn:
        act(txn, txn.session.get_one(Patient, scene.whose.id), what)


def sign_phone_in(scene: Scene) -> None:
    """The coordinator gives a code, and the patient's phone uses it."""
    with scene.db.transaction(scene.coordinator) as txn:
        code = issue_code(txn, txn.session.get_one(Patient, scene.whose.id)).code
    with scene.db.transaction(STRANGER) as txn:
        activate(txn, code, scene.whose.says["birth_year"], str(uuid4()))


def give_code(scene: Scene, _what: Mapping[str, Any]) -> None:
    """A code that nobody has used yet."""
    with scene.db.transaction(scene.coordinator) as txn:
        scene.whose.activation_code = issue_code(txn, txn.session.get_one(Patient, scene.whose.id)).code


def _report(scene: Scene, what: Mapping[str, Any]) -> None:
    is_own = what["by"] == ReportMode.APP
    actor = scene.patient if is_own else replace(scene.coordinator, originator=Originator.SITE_ON_BEHALF)
    with scene.db.transaction(actor) as txn:
        patient = txn.session.get_one(Patient, scene.whose.id)
        item = _waiting(txn, patient, what["of"])
        asked = instrument(txn, item.instrument if item and item.instrument else what["of"])
        completed_at = clock.local(txn.now, patient.time_zone)
        submit_report(
            txn,
            patient,
            Submission(
                id=uuid4(),
                instrument=asked.name,
                instrument_version=asked.version,
                agenda_key=item.key if item else None,
                language=patient.language,
                respondent=Respondent.PATIENT,
                mode=what["by"],
                started_at=completed_at - TIME_TO_ANSWER,
                completed_at=completed_at,
                answers=_answers(asked, what["says"], what["signs"]),
                measurements=what["measured"],
                other_symptoms=what["other"],
                wants_call=what["wants_call"],
                on_behalf_reason=None if is_own else "The patient has no app.",
            ),
        )


def _waiting(txn: Transaction, patient: Patient, family: str) -> AgendaItem | None:
    """What the phone would show first: the newest item of the family that waits for an answer."""
    items = (item for item in agenda_of(txn, patient) if item.family == family and item.state in WAITING)
    return max(items, key=lambda item: item.due_on, default=None)


def _answers(asked: Instrument, says: Mapping[str, list[int]], signs: list[str]) -> list[dict[str, Any]]:
    """Every question answered: as said, and with 0 where nothing was said; a 0 hides what follows it."""
    answers = [
        {"item": code, "value": int(code.removeprefix("checklist.") in signs)}
        for code, item in asked.items.items()
        if item.is_sign
    ]
    for symptom in asked.symptoms.values():
        given = says.get(symptom.slug, [0])
        answers.extend({"item": code, "value": value} for code, value in zip(symptom.items, given, strict=False))
    return answers


def _text(scene: Scene, what: Mapping[str, Any]) -> None:
    notifications.receive(scene.db, Simulator(scene.db).write_from(scene.whose.says["phone"], what["text"]))
    understand_waiting(scene.db)


def _acknowledge_all(txn: Transaction, patient: Patient, _what: Mapping[str, Any]) -> None:
    proposed = select(CandidateEvent).where(
        CandidateEvent.patient_id == patient.id, CandidateEvent.status == CandidateStatus.PROPOSED
    )
    for candidate in txn.session.scalars(proposed.order_by(CandidateEvent.opened_at, CandidateEvent.id)).all():
        acknowledge(txn, candidate)


def _resolve_all(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
    waiting = select(WorkItem).where(WorkItem.patient_id == patient.id, WorkItem.resolved_at.is_(None))
    for item in txn.session.scalars(waiting.order_by(WorkItem.created_at, WorkItem.id)).all():
        resolve(txn, item, what["outcome"])


def _attendance(status: Attendance) -> InTransaction:
    def record(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
        key = what["key"]
        on = clock.local_day(txn.now, changes.item_of(txn, patient, key).zone)
        changes.record_attendance(txn, patient, key, status, on)

    return record


def _assess(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
    today = clock.local_day(txn.now, patient.time_zone)
    tumour_assessments.record(txn, patient, tumour_assessments.Seen(today, TumourResponse(what["response"])))


def _collect(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
    changes.plan_cycle(txn, patient, what["cycle"], clock.local_day(txn.now, patient.time_zone))


def _start_infusion(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
    changes.start_infusion(txn, patient, what["cycle"], what["infusion"], txn.now)


def _report_death(txn: Transaction, patient: Patient, what: Mapping[str, Any]) -> None:
    died_on = patient.randomised_on + timedelta(days=what["died_day"])
    told = {name: what[name] for name in ("cause", "informant", "relation")}
    deaths.report_death(txn, patient, died_on=died_on.isoformat(), **told)


def _approve_death(scene: Scene, what: Mapping[str, Any]) -> None:
    def approve(txn: Transaction, patient: Patient, _what: Mapping[str, Any]) -> None:
        deaths.approve(txn, patient, deaths.reports_of(txn, patient)[0])

    actor = scene.staff.at(scene.whose.says["site"], Role.PRINCIPAL_INVESTIGATOR)
    _in_transaction(scene, actor, approve, what)


DEEDS: Mapping[str, Deed] = {
    "report": _report,
    "texted": _text,
    "code_issued": give_code,
    "acknowledged": by_coordinator(_acknowledge_all),
    "called": by_coordinator(_resolve_all),
    "attended": by_coordinator(_attendance(Attendance.ATTENDED)),
    "missed": by_coordinator(_attendance(Attendance.MISSED)),
    "assessed": by_coordinator(_assess),
    "collected": by_coordinator(_collect),
    "confirmed": by_coordinator(lambda txn, patient, what: changes.confirm_cycle(txn, patient, what["cycle"])),
    "infused": by_coordinator(_start_infusion),
    "replied": by_patient(lambda txn, patient, what: changes.reply_to(txn, patient, what["key"], Reply(what["reply"]))),
    "death_reported": by_coordinator(_report_death),
    "death_approved": _approve_death,
}

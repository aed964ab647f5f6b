"""Attempts to learn how a patient is: what was tried, and all that a call brings in one request."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.agenda.history import agenda_of
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.api.survival import refuse_unknown_check
from backend.contact_terms import ContactChannel, ContactOutcome, level_of
from backend.errors import InvalidInput
from backend.patients.caregivers import caregivers_of, opened
from backend.patients.identifiers import note_reading
from backend.patients.life import last_known_alive
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.survival import attempts, follow_up
from backend.survival.attempts import Attempted
from backend.survival.models import ContactAttempt
from backend.terms import AgendaKind
from backend.worklist.models import WorkItem
from notifications.models import Message
from schemas.survival_attempts import ContactAttemptIn, ContactAttemptMadeOut, ContactAttemptsOut

blp = ApiBlueprint("contact_attempts", __name__, url_prefix="/api/v1/patients", description="Attempts at contact")

SEALED = ("name", "relation", "note")


@blp.route("/<uuid:patient_id>/contact-attempts")
class ContactAttempts(MethodView):
    """What was tried about a patient."""

    @blp.response(200, ContactAttemptsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List what people tried and what messages went out about survival; the reading of names is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_SURVIVAL)
        checks = [one.key for one in agenda_of(g.txn, patient) if one.kind is AgendaKind.SURVIVAL_CHECK]
        made = [_attempt(row, _may_read(patient)) for row in attempts.attempts_of(g.txn, [patient.id])[patient.id]]
        sent = [_message(row) for row in attempts.messages_about(g.txn, patient.id, checks)]
        in_order = sorted((*made, *sent), key=lambda one: (one["tried_at"], str(one["id"])), reverse=True)
        return {"items": in_order, "next_cursor": None}

    @blp.arguments(ContactAttemptIn)
    @blp.response(201, ContactAttemptMadeOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Record an attempt: evidence of life, a report of death and the task it was for are settled with it."""
        patient = access.patient(g.txn, patient_id, Verb.FOLLOW_SURVIVAL)
        said, task = _said(patient, body), _task(patient, body["work_item"])
        row = follow_up.record_attempt(g.txn, patient, said, task)
        is_alive = said.outcome is ContactOutcome.ALIVE
        level = level_of(follow_up.source_of(said)) if is_alive else None
        shown = _attempt(row, _may_read(patient))
        return shown | {"level": level, "last_known_alive": last_known_alive(g.txn, patient)}


def _said(patient: Patient, body: dict[str, Any]) -> Attempted:
    refuse_unknown_check(patient, body["key"])
    named = [opened(g.txn, one) for one in caregivers_of(g.txn, patient)]
    caregiver_id = body["caregiver_id"]
    if caregiver_id is not None and all(one.row.id != caregiver_id for one in named):
        raise InvalidInput(fields={"caregiver_id": ["The patient has named no such person."]})
    outcome = ContactOutcome(body["outcome"])
    # A death that somebody tells of is never refused, whoever of the family it was.
    is_death = outcome is ContactOutcome.DIED
    return Attempted(
        channel=ContactChannel(body["channel"]),
        asked=attempts.who_is_meant(body["person"], body["relation"], named, caregiver_id, must_be_clear=not is_death),
        outcome=outcome,
        work_item_id=body["work_item"],
        **{name: body[name] for name in ("relation", "as_of", "note", "tried_at", "key")},
    )


def _task(patient: Patient, item_id: UUID | None) -> WorkItem | None:
    if item_id is None:
        return None
    item: WorkItem | None = g.txn.session.get(WorkItem, item_id)
    if item is None or item.patient_id != patient.id or item.reason not in attempts.TO_FIND_OUT:
        raise InvalidInput(fields={"work_item": ["The patient's call list has no such task."]})
    return item


def _may_read(patient: Patient) -> bool:
    """Names and words for those who care for the patient, and the reading is noted once the answer stands."""
    may = access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS)
    if may and "attempts_read" not in g:
        g.attempts_read = True
        afterwards(partial(note_reading, patient_id=patient.id))
    return may


def _attempt(row: ContactAttempt, may_read: bool) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("id", "tried_at", "channel", "person", "outcome", "as_of")}
    shown |= {"kind": "contact", "key": row.agenda_key, "work_item": row.work_item_id, "operator": row.recorded_by}
    return shown | ({name: unseal(g.txn, row, f"{name}_sealed") for name in SEALED} if may_read else {})


def _message(row: Message) -> dict[str, Any]:
    shown = {"id": row.id, "kind": "message", "tried_at": row.send_at, "channel": row.channel, "person": row.recipient}
    return shown | {"outcome": row.status, "key": row.agenda_key, "as_of": None, "work_item": None, "operator": None}

"""Pauses of all contact, and stays in hospital: begun, ended, listed; each act may first be looked at."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.agenda import pauses, stays
from backend.agenda.pauses import PauseChange
from backend.agenda.stays import Admission, StayChange
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.patients.acts import Hospitalisation
from backend.patients.identifiers import note_reading
from backend.patients.models import ContactHold, Patient
from backend.sealing import unseal
from backend.terms import PauseKind
from schemas.agenda import PreviewQuery
from schemas.pauses import (
    DischargeIn,
    HospitalisationChangeOut,
    HospitalisationIn,
    HospitalisationOut,
    HospitalisationsOut,
    PauseChangeOut,
    PauseIn,
    PausesOut,
)

blp = ApiBlueprint("pauses", __name__, url_prefix="/api/v1/patients", description="Pauses and stays in hospital")

PREVIEW = "A preview; nothing of it was kept"
OF_STAY = tuple(HospitalisationOut().fields)


@blp.route("/<uuid:patient_id>/pauses")
class Pauses(MethodView):
    """A patient's pauses."""

    @blp.response(200, PausesOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the pauses, the latest first; the reading of words is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        held = pauses.pauses_of(g.txn, patient)
        words = _words(patient, held)
        listed = [_pause(one) | {"reason": said} for one, said in zip(held, words, strict=True)]
        return {"items": listed, "next_cursor": None}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(PauseIn)
    @blp.response(201, PauseChangeOut)
    @blp.alt_response(200, schema=PauseChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Pause all contact until an instant; a pause that stands already gives way to this one."""
        patient = access.patient(g.txn, patient_id, Verb.PAUSE_CONTACT)
        change = pauses.pause(g.txn, patient, body["reason"], body["until"])
        return _done(_paused(change), 201, query["preview"], new="pause")


@blp.route("/<uuid:patient_id>/pauses/<uuid:pause_id>/ends")
class PauseEnds(MethodView):
    """The end of a pause before its time."""

    @blp.arguments(PreviewQuery, location="query")
    @blp.response(201, PauseChangeOut)
    @blp.alt_response(200, schema=PauseChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], patient_id: UUID, pause_id: UUID) -> tuple[dict[str, Any], int]:
        """Go on: messages are planned again at once."""
        patient = access.patient(g.txn, patient_id, Verb.PAUSE_CONTACT)
        change = pauses.end(g.txn, patient, pauses.pause_of(g.txn, patient, pause_id))
        return _done(_paused(change), 201, query["preview"])


@blp.route("/<uuid:patient_id>/hospitalisations")
class Hospitalisations(MethodView):
    """A patient's stays in hospital."""

    @blp.response(200, HospitalisationsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the stays, the latest admission first; the reading of words is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        known = stays.stays_of(g.txn, patient)
        words = _words(patient, known)
        listed = [_stay(one) | {"reason": said} for one, said in zip(known, words, strict=True)]
        return {"items": listed, "next_cursor": None}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(HospitalisationIn)
    @blp.response(201, HospitalisationChangeOut)
    @blp.alt_response(200, schema=HospitalisationChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Record a stay; an unplanned one pauses contact and is laid before an investigator."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_HOSPITALISATIONS)
        change = stays.admit(g.txn, patient, Admission(**body))
        return _done(_stayed(patient, change), 201, query["preview"], new="hospitalisation")


@blp.route("/<uuid:patient_id>/hospitalisations/<uuid:stay_id>")
class OneHospitalisation(MethodView):
    """One stay in hospital."""

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(DischargeIn)
    @blp.response(200, HospitalisationChangeOut)
    def patch(
        self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID, stay_id: UUID
    ) -> tuple[dict[str, Any], int]:
        """Record the discharge: the pause ends, and a person is asked how to go on."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_HOSPITALISATIONS)
        stay = stays.stay_of(g.txn, patient, stay_id)
        change = stays.discharge(g.txn, patient, stay, body["discharged_on"])
        return _done(_stayed(patient, change), 200, query["preview"])


def _done(shown: dict[str, Any], status: int, preview: bool, *, new: str = "") -> tuple[dict[str, Any], int]:
    """For a preview the act was real up to here, and now nothing of it stays: not even the id of what was ``new``."""
    if not preview:
        return shown, status
    g.txn.session.rollback()
    return shown | ({new: shown[new] | {"id": None}} if new else {}), 200


def _words(patient: Patient, rows: Sequence[ContactHold] | Sequence[Hospitalisation]) -> list[str | None]:
    """What was written, for those who care for the patient; the reading is noted once the answer stands."""
    if not rows or not access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS):
        return [None for _ in rows]
    afterwards(partial(note_reading, patient_id=patient.id))
    return [unseal(g.txn, row, "reason_sealed") for row in rows]


def _paused(change: PauseChange) -> dict[str, Any]:
    return {"pause": _pause(change.pause), "diff": asdict(change.diff)}


def _pause(held: ContactHold) -> dict[str, Any]:
    """One that has run out is over, also before a worker has come round to writing it down."""
    ran_out = held.until if held.until is not None and held.until <= g.txn.now else None
    times = {"since": held.held_at, "until": held.until, "ended_at": held.lifted_at or ran_out}
    return {"id": held.id, "kind": held.reason, **times}


def _stayed(patient: Patient, change: StayChange) -> dict[str, Any]:
    held = pauses.standing(g.txn, patient, PauseKind.HOSPITALISED)
    paused_until = held[0].until if held else None
    return {"hospitalisation": _stay(change.stay), "paused_until": paused_until, "diff": asdict(change.diff)}


def _stay(row: Hospitalisation) -> dict[str, Any]:
    return {name: getattr(row, name) for name in OF_STAY}

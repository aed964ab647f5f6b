"""Pauses of all contact, and stays in hospital: begun, ended, listed; each act may first be looked at."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events.admissions import admit
from backend.agenda import pauses, stays
from backend.agenda.pauses import PauseChange
from backend.agenda.stays import Admission, StayChange
from backend.api.acts import PREVIEW, done, reasons_of
from backend.api.bodies import ApiBlueprint
from backend.patients.acts import Hospitalisation
from backend.patients.models import ContactHold, Patient
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

OF_STAY = tuple(HospitalisationOut().fields)


@blp.route("/<uuid:patient_id>/pauses")
class Pauses(MethodView):
    """A patient's pauses."""

    @blp.response(200, PausesOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the pauses, the latest first; the reading of words is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        held = pauses.pauses_of(g.txn, patient)
        words = reasons_of(patient, held)
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
        return done(_paused(change), change.diff, preview=query["preview"], new="pause")


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
        return done(_paused(change), change.diff, preview=query["preview"])


@blp.route("/<uuid:patient_id>/hospitalisations")
class Hospitalisations(MethodView):
    """A patient's stays in hospital."""

    @blp.response(200, HospitalisationsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the stays, the latest admission first; the reading of words is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        known = stays.stays_of(g.txn, patient)
        words = reasons_of(patient, known)
        listed = [_stay(one) | {"reason": said} for one, said in zip(known, words, strict=True)]
        return {"items": listed, "next_cursor": None}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(HospitalisationIn)
    @blp.response(201, HospitalisationChangeOut)
    @blp.alt_response(200, schema=HospitalisationChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Record a stay; an unplanned one pauses contact and is laid before an investigator."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_HOSPITALISATIONS)
        change = admit(g.txn, patient, Admission(**body))
        return done(_stayed(patient, change), change.diff, preview=query["preview"], new="hospitalisation")


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
        return done(_stayed(patient, change), change.diff, status=200, preview=query["preview"])


def _paused(change: PauseChange) -> dict[str, Any]:
    return {"pause": _pause(change.pause)}


def _pause(held: ContactHold) -> dict[str, Any]:
    """One that has run out is over, also before a worker has come round to writing it down."""
    ran_out = held.until if held.until is not None and held.until <= g.txn.now else None
    times = {"since": held.held_at, "until": held.until, "ended_at": held.lifted_at or ran_out}
    return {"id": held.id, "kind": held.reason, **times}


def _stayed(patient: Patient, change: StayChange) -> dict[str, Any]:
    held = pauses.standing(g.txn, patient, PauseKind.HOSPITALISED)
    paused_until = held[0].until if held else None
    return {"hospitalisation": _stay(change.stay), "paused_until": paused_until}


def _stay(row: Hospitalisation) -> dict[str, Any]:
    return {name: getattr(row, name) for name in OF_STAY}

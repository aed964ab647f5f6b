"""Lost to follow-up: an investigator's finding, by its definition only, and taking it back."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.contact_terms import Disposition
from backend.patients.identifiers import note_reading
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.survival import dispositions
from backend.survival.models import LostToFollowUp
from schemas.survival_attempts import DispositionEndIn, DispositionIn, DispositionOut, DispositionsOut

blp = ApiBlueprint("dispositions", __name__, url_prefix="/api/v1/patients", description="How participation stands")

AS_IT_IS = ("id", "last_known_alive", "recorded_by", "recorded_at", "ended_by", "ended_at")
SEALED = ("reason", "ended_because")


@blp.route("/<uuid:patient_id>/dispositions")
class Dispositions(MethodView):
    """Who was found to be lost."""

    @blp.response(200, DispositionsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List every time the patient was found to be lost, the newest first."""
        patient = access.patient(g.txn, patient_id, Verb.READ_SURVIVAL)
        return {"items": _shown(patient, *dispositions.findings_of(g.txn, patient)), "next_cursor": None}

    @blp.arguments(DispositionIn)
    @blp.response(201, DispositionOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Find that the patient is lost. Refused with what is missing until the definition is met."""
        patient = access.patient(g.txn, patient_id, Verb.FIND_LOST)
        return _shown(patient, dispositions.declare_lost(g.txn, patient, body["reason"]))[0]


@blp.route("/<uuid:patient_id>/disposition-endings")
class DispositionEndings(MethodView):
    """A patient who was lost is not, or never was."""

    @blp.arguments(DispositionEndIn)
    @blp.response(201, DispositionOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Take the finding back. Later evidence of life does so by itself."""
        patient = access.patient(g.txn, patient_id, Verb.FIND_LOST)
        return _shown(patient, dispositions.end(g.txn, patient, body["reason"]))[0]


def _shown(patient: Patient, *rows: LostToFollowUp) -> list[dict[str, Any]]:
    now = dispositions.standing(g.txn, patient)
    listed = [{name: getattr(row, name) for name in AS_IT_IS} for row in rows]
    for one in listed:
        one |= {"disposition": Disposition.LOST_TO_FOLLOW_UP, "stands": now is not None and now.id == one["id"]}
    if not access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS):
        return listed
    afterwards(partial(note_reading, patient_id=patient.id))
    words = ({name: unseal(g.txn, row, f"{name}_sealed") for name in SEALED} for row in rows)
    return [one | said for one, said in zip(listed, words, strict=True)]

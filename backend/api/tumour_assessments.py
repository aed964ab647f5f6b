"""What imaging showed of the tumour."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.event_terms import ResponseCriteria, TumourResponse
from backend.patients import tumour_assessments
from backend.patients.tumour_assessments import Seen
from schemas.tumour_assessments import TumourAssessmentIn, TumourAssessmentOut, TumourAssessmentsOut

blp = ApiBlueprint("tumour_assessments", __name__, url_prefix="/api/v1/patients", description="Tumour assessments")


@blp.route("/<uuid:patient_id>/tumour-assessments")
class TumourAssessments(MethodView):
    """A patient's tumour assessments."""

    @blp.response(200, TumourAssessmentsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List them, the earliest first, those reversed included."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return {"items": tumour_assessments.assessments_of(g.txn, patient), "next_cursor": None}

    @blp.arguments(TumourAssessmentIn)
    @blp.response(201, TumourAssessmentOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> Any:
        """Enter what imaging showed; it is evidence that the patient was alive on that day."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_ATTENDANCE)
        criteria = ResponseCriteria(body["criteria"])
        seen = Seen(body["assessed_on"], TumourResponse(body["response"]), criteria)
        return tumour_assessments.record(g.txn, patient, seen)

"""Corrections of submitted reports: sent by patients, entered by staff, decided by investigators."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.speaking import as_said_by, on_behalf
from backend.patients.report_correction import ReportCorrection
from backend.reports import listing
from backend.reports.corrections import Corrected, correct_report, decide
from schemas.corrections import (
    CorrectedOut,
    CorrectionDecisionIn,
    CorrectionDecisionOut,
    CorrectionIn,
    StaffCorrectionIn,
)

blp = ApiBlueprint("corrections", __name__, url_prefix="/api/v1", description="Corrections of reports")

AS_IT_IS = tuple(CorrectedOut().fields)
OF_DECISION = tuple(name for name in CorrectionDecisionOut().fields if name != "correction")

Answer = tuple[dict[str, Any], int]


@blp.route("/me/reports/<uuid:report_id>/corrections")
class MyCorrections(MethodView):
    """What a patient corrects."""

    @blp.arguments(CorrectionIn)
    @blp.response(201, CorrectedOut)
    @blp.alt_response(200, schema=CorrectedOut, description="It was here already; the stored answer")
    def post(self, body: dict[str, Any], report_id: UUID) -> Answer:
        """Correct a report one has sent. The answer says at once what to do; an investigator looks at the rest."""
        patient = access.own_patient(g.txn)
        report = listing.report_of(g.txn, patient, report_id)
        return _answer(*correct_report(as_said_by(g.txn, body["respondent"]), patient, report, Corrected(**body)))


@blp.route("/patients/<uuid:patient_id>/reports/<uuid:report_id>/corrections")
class PatientCorrections(MethodView):
    """What staff correct for a patient."""

    @blp.arguments(StaffCorrectionIn)
    @blp.response(201, CorrectedOut)
    @blp.alt_response(200, schema=CorrectedOut, description="It was here already; the stored answer")
    def post(self, body: dict[str, Any], patient_id: UUID, report_id: UUID) -> Answer:
        """Enter a correction for a patient who could not send it."""
        patient = access.patient(g.txn, patient_id, Verb.REPORT_ON_BEHALF)
        report = listing.report_of(g.txn, patient, report_id)
        return _answer(*correct_report(on_behalf(g.txn), patient, report, Corrected(**body)))


@blp.route("/report-corrections/<uuid:correction_id>/decisions")
class CorrectionDecisions(MethodView):
    """Whether a correction counts."""

    @blp.arguments(CorrectionDecisionIn)
    @blp.response(201, CorrectionDecisionOut)
    def post(self, body: dict[str, Any], correction_id: UUID) -> dict[str, Any]:
        """Accept or decline a correction. Accepted, it is the version that is read, and what it raises is raised."""
        correction = access.record(g.txn, ReportCorrection, correction_id, Verb.DECIDE_CORRECTIONS)
        decision = decide(g.txn, correction, **body)
        return {name: getattr(decision, name) for name in OF_DECISION} | {"correction": correction.id}


def _answer(correction: ReportCorrection, is_new: bool) -> Answer:
    return {name: getattr(correction, name) for name in AS_IT_IS}, 201 if is_new else 200

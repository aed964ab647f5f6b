"""Symptom reports: sent by patients, entered by staff, and followed by both."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.keeping import KeepingView
from backend.api.languages import ACCEPT_LANGUAGE, accepted_language
from backend.api.report_versions import versions_of
from backend.api.requests import afterwards
from backend.api.speaking import as_said_by, on_behalf
from backend.patients.identifiers import note_reading
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports import listing
from backend.reports.progress import in_words, progress_of
from backend.reports.submit import Submission, Submitted, submit_report
from schemas.paging import PageQuery, make_cursor, read_cursor
from schemas.reports import ReportIn, ReportOut, ReportPageOut, ReportSummaryOut, StaffReportIn, SubmittedOut

blp = ApiBlueprint("reports", __name__, url_prefix="/api/v1", description="Symptom reports")

# Made once: a class would be made anew for every report.
REPORT_IN = ReportIn()
OF_SUMMARY = tuple(name for name in ReportSummaryOut().fields if name != "progress")
OF_ANSWERS = ("answers", "composites", "measurements", "wants_call")

Answer = tuple[dict[str, Any], int]


@blp.route("/me/reports")
class MyReports(KeepingView):
    """The patient's own reports."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, ReportPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List one's own reports, the newest first, with what became of each."""
        patient = access.own_patient(g.txn)
        return _page(patient, query, patient.language)

    @blp.arguments(REPORT_IN)
    @blp.response(201, SubmittedOut)
    @blp.alt_response(200, schema=SubmittedOut, description="It was here already; the stored answer")
    def post(self, body: dict[str, Any]) -> Answer:
        """Submit a report; the answer says at once what to do.

        A refusal says whether what was sent is ``kept`` for a person to read, and which ``phone`` to call meanwhile.
        """
        patient = access.own_patient(g.txn)
        submitted = submit_report(as_said_by(g.txn, body["respondent"]), patient, Submission(**body))
        return _submitted(submitted, candidates=())


@blp.route("/me/reports/<uuid:report_id>")
class MyReport(MethodView):
    """One of the patient's own reports."""

    @blp.response(200, ReportOut)
    def get(self, report_id: UUID) -> dict[str, Any]:
        """Read a report one has sent, and what became of it."""
        patient = access.own_patient(g.txn)
        report = listing.report_of(g.txn, patient, report_id)
        shown = {"other_symptoms": listing.own_words(g.txn, report)}
        shown["versions"] = versions_of(patient, report, patient.language, for_staff=False, may_read_words=True)
        return _whole(patient, report, patient.language) | shown


@blp.route("/patients/<uuid:patient_id>/reports")
class PatientReports(MethodView):
    """A patient's reports, as staff see them."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, ReportPageOut)
    def get(self, query: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """List a patient's reports, the newest first."""
        patient = access.patient(g.txn, patient_id, Verb.READ_REPORTS)
        return _page(patient, query, accepted_language())

    @blp.arguments(StaffReportIn)
    @blp.response(201, SubmittedOut)
    @blp.alt_response(200, schema=SubmittedOut, description="It was here already; the stored answer")
    def post(self, body: dict[str, Any], patient_id: UUID) -> Answer:
        """Enter a report for a patient who could not send it."""
        patient = access.patient(g.txn, patient_id, Verb.REPORT_ON_BEHALF)
        submitted = submit_report(on_behalf(g.txn), patient, Submission(**body))
        return _submitted(submitted, submitted.candidate_event_ids)


@blp.route("/patients/<uuid:patient_id>/reports/<uuid:report_id>")
class PatientReport(MethodView):
    """One report of a patient."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.response(200, ReportOut)
    def get(self, patient_id: UUID, report_id: UUID) -> dict[str, Any]:
        """Read a report. The patient's own words are shown to those who care for them, and the reading is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_REPORTS)
        report = listing.report_of(g.txn, patient, report_id)
        how_asked = {"caveats": report.caveats or [], "provenance": report.provenance}
        return _whole(patient, report, accepted_language()) | how_asked | _words_and_versions(patient, report)


def _submitted(submitted: Submitted, candidates: Sequence[UUID]) -> Answer:
    shown = {name: getattr(submitted.report, name) for name in ("id", "received_at", "tier", "advice")}
    return shown | {"candidate_event_ids": list(candidates)}, 201 if submitted.is_new else 200


def _page(patient: Patient, query: dict[str, Any], language: str) -> dict[str, Any]:
    after = read_cursor(query["cursor"], *listing.KEY)
    page = listing.reports_of(g.txn, patient, after=after, limit=query["limit"])
    return {"items": _summaries(patient, page.items, language), "next_cursor": make_cursor(page.after)}


def _whole(patient: Patient, report: SymptomReport, language: str) -> dict[str, Any]:
    return _summaries(patient, [report], language)[0] | {name: getattr(report, name) for name in OF_ANSWERS}


def _summaries(patient: Patient, reports: Sequence[SymptomReport], language: str) -> list[dict[str, Any]]:
    how_far = progress_of(g.txn, reports)
    return [
        {name: getattr(report, name) for name in OF_SUMMARY}
        | {"progress": vars(how_far[report.id]) | {"text": in_words(g.txn, patient, how_far[report.id], language)}}
        | _by_the_senders_clock(report)
        for report in reports
    ]


def _by_the_senders_clock(report: SymptomReport) -> dict[str, Any]:
    """The times a phone gave, with the offset its clock had."""
    zone = timezone(timedelta(minutes=report.completed_offset))
    return {name: getattr(report, name).astimezone(zone) for name in ("started_at", "completed_at")}


def _words_and_versions(patient: Patient, report: SymptomReport) -> dict[str, Any]:
    may_read = access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS)
    versions = versions_of(patient, report, accepted_language(), for_staff=True, may_read_words=may_read)
    if not may_read:
        return {"versions": versions}
    words = listing.own_words(g.txn, report)
    # A reason to correct is in somebody's own words, too.
    if words or len(versions) > 1:
        afterwards(partial(note_reading, patient_id=patient.id))
    return {"other_symptoms": words, "versions": versions}

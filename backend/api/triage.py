"""Candidate events: the queue, what stands behind one, and taking note of it."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.instruments.definition import terminology
from backend.patients.identifiers import note_reading
from backend.patients.listing import subject_numbers
from backend.reports.listing import own_words
from backend.reports.models import SymptomReport
from backend.triage import queue as candidates
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent, CandidateFinding
from notifications.inbound import text_of
from notifications.models import InboundMessage
from schemas.paging import make_cursor, read_cursor
from schemas.triage import (
    AcknowledgementIn,
    CandidateOut,
    CandidatePageOut,
    CandidateQuery,
    CandidateRecordOut,
    DecisionOut,
    FindingReportOut,
)

blp = ApiBlueprint("triage", __name__, url_prefix="/api/v1/candidate-events", description="Candidate adverse events")

COMPOSED = ("patient", "term", "rule", "reports")
AS_IT_IS = tuple(name for name in CandidateOut().fields if name not in COMPOSED)
OF_FINDING = ("tier", "composite", "grade", "items", "trend", "found_at")
OF_REPORT = tuple(name for name in FindingReportOut().fields if name != "other_symptoms")
OF_DECISION = tuple(DecisionOut().fields)


@blp.route("")
class Queue(MethodView):
    """What waits for a person's judgement."""

    @blp.arguments(CandidateQuery, location="query")
    @blp.response(200, CandidatePageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List candidate events by tier and then by time left; the open ones unless a status is named."""
        visible = access.visible_at(g.txn, CandidateEvent.site_id, Verb.READ_CANDIDATES, query["site"])
        after = read_cursor(query["cursor"], *candidates.KEY)
        chosen = {name: query[name] for name in ("status", "tier", "limit")}
        page = candidates.queue(g.txn, visible, after=after, **chosen)
        return {"items": _shown(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/<uuid:candidate_id>")
class OneCandidate(MethodView):
    """One candidate event."""

    @blp.response(200, CandidateRecordOut)
    def get(self, candidate_id: UUID) -> dict[str, Any]:
        """Read a candidate with the reports behind it. Who reads a patient's own words is noted."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.READ_CANDIDATES)
        found = [_finding(one) for one in candidates.findings_of(g.txn, candidate)]
        _note_words(candidate, found)
        return _shown([candidate])[0] | {"findings": found, "decisions": _decisions(candidate)}


@blp.route("/<uuid:candidate_id>/acknowledgements")
class Acknowledgements(MethodView):
    """Taking note."""

    @blp.arguments(AcknowledgementIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Take note: the clock of its tier stops."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.ACKNOWLEDGE_CANDIDATES)
        return _shown([acknowledge(g.txn, candidate)])[0]


def _shown(listed: Sequence[CandidateEvent]) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    numbers = subject_numbers(g.txn, {one.patient_id for one in listed})
    terms = terminology(g.txn).terms
    return [
        {name: getattr(one, name) for name in AS_IT_IS}
        | {
            "patient": {"id": one.patient_id, "subject_number": numbers[one.patient_id], "site": codes[one.site_id]},
            "term": terms.get(one.term_code or ""),
            "rule": {"id": one.rule_id, "version": one.rule_version},
            "reports": one.report_count,
        }
        for one in listed
    ]


def _finding(found: CandidateFinding) -> dict[str, Any]:
    rule = {"id": found.rule_id, "version": found.rule_version} if found.rule_id else None
    shown = {name: getattr(found, name) for name in OF_FINDING} | {"rule": rule, "report": None}
    if found.report_id is not None:
        shown["report"] = _report(g.txn.session.get_one(SymptomReport, (found.patient_id, found.report_id)))
    elif found.inbound_message_id is not None and _may_read_words(found.site_id):
        shown["text"] = text_of(g.txn, g.txn.session.get_one(InboundMessage, found.inbound_message_id))
    return shown


def _report(report: SymptomReport) -> dict[str, Any]:
    shown = {name: getattr(report, name) for name in OF_REPORT}
    if _may_read_words(report.site_id):
        shown["other_symptoms"] = own_words(g.txn, report)
    return shown


def _may_read_words(site_id: UUID) -> bool:
    """Free text can name anybody, so it is shown to those who may see identifiers."""
    return access.may(g.txn, site_id, Verb.READ_IDENTIFIERS)


def _note_words(candidate: CandidateEvent, found: Sequence[dict[str, Any]]) -> None:
    if any(one.get("text") or (one["report"] or {}).get("other_symptoms") for one in found):
        afterwards(partial(note_reading, patient_id=candidate.patient_id))


def _decisions(candidate: CandidateEvent) -> list[dict[str, Any]]:
    steps = candidates.decisions_of(g.txn, candidate)
    return [{name: getattr(one, name) for name in OF_DECISION} for one in steps]

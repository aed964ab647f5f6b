"""Candidate events: the queue, what stands behind one, taking note of it, taking it on and expecting it."""

from collections.abc import Sequence
from dataclasses import fields as dataclass_fields
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.questions import shown as shown_questions
from backend.api.requests import afterwards
from backend.api.suggestions import suggested
from backend.instruments.definition import terminology
from backend.patients.identifiers import note_reading
from backend.patients.listing import subject_numbers
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.reports.listing import own_words
from backend.reports.versions import content_of
from backend.sealing import unseal
from backend.terms import CandidateStatus
from backend.triage import claims, snoozes
from backend.triage import queue as candidates
from backend.triage.closing import merged_into
from backend.triage.decisions import acknowledge, note_opened
from backend.triage.models import (
    CandidateDecision,
    CandidateEvent,
    CandidateFinding,
    PagedPerson,
    StaffPage,
    is_snoozed,
)
from backend.triage.paging import pages_of
from backend.triage.questions import questions_of
from notifications.inbound import text_of
from notifications.models import InboundMessage
from schemas.paging import make_cursor, read_cursor
from schemas.staff_pages import EmergencyPageOut, PagedPersonOut
from schemas.triage import (
    AcknowledgementIn,
    CandidateOut,
    CandidatePageOut,
    CandidateQuery,
    CandidateRecordOut,
    ClaimIn,
    DecisionOut,
    FindingReportOut,
    SnoozeIn,
)

blp = ApiBlueprint("triage", __name__, url_prefix="/api/v1/candidate-events", description="Candidate adverse events")

COMPOSED = ("patient", "term", "rule", "reports", "snoozed_until", "seconds_overdue")
AS_IT_IS = tuple(name for name in CandidateOut().fields if name not in COMPOSED)
OF_FINDING = ("tier", "composite", "grade", "items", "trend", "found_at")
OF_REPORT = tuple(name for name in FindingReportOut().fields if name not in ("other_symptoms", "version"))
OF_DECISION = tuple(name for name in DecisionOut().fields if name != "reason")
OF_PAGE = tuple(name for name in EmergencyPageOut().fields if name != "people")
OF_PERSON = tuple(PagedPersonOut().fields)
OF_QUERY = tuple(field.name for field in dataclass_fields(candidates.Wanted))


@blp.route("")
class Queue(MethodView):
    """What waits for a person's judgement."""

    @blp.arguments(CandidateQuery, location="query")
    @blp.response(200, CandidatePageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List candidate events by tier and then by time left; what waits now unless something else is asked for."""
        visible = access.visible_at(g.txn, CandidateEvent.site_id, Verb.READ_CANDIDATES, query["site"])
        after = read_cursor(query["cursor"], *candidates.KEY)
        wanted = candidates.Wanted(**{name: query[name] for name in OF_QUERY})
        page = candidates.queue(g.txn, visible, wanted, after=after, limit=query["limit"])
        return {"items": shown(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/<uuid:candidate_id>")
class OneCandidate(MethodView):
    """One candidate event."""

    @blp.response(200, CandidateRecordOut)
    def get(self, candidate_id: UUID) -> dict[str, Any]:
        """Read a candidate with the reports behind it. Who reads a patient's own words is noted."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.READ_CANDIDATES)
        found = [_finding(one) for one in candidates.findings_of(g.txn, candidate)]
        decided = [_decision(step) for step in candidates.decisions_of(g.txn, candidate)]
        asked = shown_questions(candidate, questions_of(g.txn, candidate)[0])
        _note_words(candidate, found, decided, asked)
        called = [_page(page, people) for page, people in pages_of(g.txn, candidate)]
        behind = {"findings": found, "decisions": decided, "questions": asked, "pages": called}
        _note_opening(candidate)
        return (
            shown([candidate])[0]
            | behind
            | {
                "merged": merged_into(g.txn, candidate),
                "suggestions": _suggestions(candidate, found),
            }
        )


@blp.route("/<uuid:candidate_id>/acknowledgements")
class Acknowledgements(MethodView):
    """Taking note."""

    @blp.arguments(AcknowledgementIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Take note: the clock of its tier stops."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.ACKNOWLEDGE_CANDIDATES)
        return shown([acknowledge(g.txn, candidate)])[0]


@blp.route("/<uuid:candidate_id>/claims")
class Claims(MethodView):
    """Who has taken it on."""

    @blp.arguments(ClaimIn)
    @blp.response(201, CandidateOut)
    @blp.alt_response(200, schema=CandidateOut, description="One's own already")
    def post(self, body: dict[str, Any], candidate_id: UUID) -> tuple[dict[str, Any], int]:
        """Take a candidate on. Of several who try one gets it; the others are refused."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.CLAIM_CANDIDATES)
        is_new = claims.claim(g.txn, candidate)
        return shown([candidate])[0], 201 if is_new else 200

    @blp.response(204)
    def delete(self, candidate_id: UUID) -> None:
        """Let go of it; an investigator may take it out of another's hands."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.CLAIM_CANDIDATES)
        of_others = access.may(g.txn, candidate.site_id, Verb.RELEASE_OTHERS_CLAIMS)
        claims.release(g.txn, candidate, may_release_others=of_others)


@blp.route("/<uuid:candidate_id>/snoozes")
class Snoozes(MethodView):
    """Expected at this level until."""

    @blp.arguments(SnoozeIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Expect a candidate at the level it has now; anything above it ends this at once."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.SNOOZE_CANDIDATES)
        snoozes.snooze(g.txn, candidate, **body)
        return shown([candidate])[0]

    @blp.response(204)
    def delete(self, candidate_id: UUID) -> None:
        """Have it back in the queue."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.SNOOZE_CANDIDATES)
        snoozes.end_snooze(g.txn, candidate)


def shown(listed: Sequence[CandidateEvent]) -> list[dict[str, Any]]:
    """Candidates as they are listed."""
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
            # The columns keep a snooze that has run out until something else happens; it is none any more.
            "snoozed_until": one.snoozed_until if is_snoozed(one.snoozed_until, g.txn.now) else None,
            "seconds_overdue": _seconds_overdue(one),
        }
        for one in listed
    ]


def _page(page: StaffPage, people: Sequence[PagedPerson]) -> dict[str, Any]:
    shown = {name: getattr(page, name) for name in OF_PAGE}
    return shown | {"people": [{name: getattr(one, name) for name in OF_PERSON} for one in people]}


def _seconds_overdue(one: CandidateEvent) -> int:
    """How long it has waited past its hour for somebody to take note; 0 when it has not."""
    if one.status != CandidateStatus.PROPOSED:
        return 0
    return max(0, int((g.txn.now - one.due_at).total_seconds()))


def _finding(found: CandidateFinding) -> dict[str, Any]:
    rule = {"id": found.rule_id, "version": found.rule_version} if found.rule_id else None
    shown = {name: getattr(found, name) for name in OF_FINDING} | {"rule": rule, "report": None}
    if found.report_id is not None:
        shown["report"] = _report(g.txn.session.get_one(SymptomReport, (found.patient_id, found.report_id)))
    elif found.correction_id is not None:
        shown["report"] = _corrected(g.txn.session.get_one(ReportCorrection, found.correction_id))
    elif found.inbound_message_id is not None and _may_read_words(found.site_id):
        shown["text"] = text_of(g.txn, g.txn.session.get_one(InboundMessage, found.inbound_message_id))
    return shown


def _report(report: SymptomReport) -> dict[str, Any]:
    shown = {name: getattr(report, name) for name in OF_REPORT} | {"version": 1}
    if _may_read_words(report.site_id):
        shown["other_symptoms"] = own_words(g.txn, report)
    return shown


def _corrected(version: ReportCorrection) -> dict[str, Any]:
    """The report as its sender corrected it."""
    report = g.txn.session.get_one(SymptomReport, (version.patient_id, version.report_id))
    shown = _report(report) | content_of(version) | {"version": version.version}
    if _may_read_words(report.site_id):
        shown["other_symptoms"] = own_words(g.txn, version)
    return shown


def _may_read_words(site_id: UUID) -> bool:
    """Free text can name anybody, so it is shown to those who may see identifiers."""
    return access.may(g.txn, site_id, Verb.READ_IDENTIFIERS)


def _suggestions(candidate: CandidateEvent, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Terms for words that no term was asked about, from what this person may read of them; the latest come first."""
    if candidate.term_code is not None:
        return []
    others = [one["report"].get("other_symptoms") or [] for one in found if one["report"]]
    texts = [one["text"] for one in found if one.get("text")] + [said["text"] for listed in others for said in listed]
    return suggested(g.txn, reversed(texts))


def _note_words(
    candidate: CandidateEvent,
    found: Sequence[dict[str, Any]],
    decided: Sequence[dict[str, Any]],
    asked: Sequence[dict[str, Any]],
) -> None:
    of_the_patient = any(one.get("text") or (one["report"] or {}).get("other_symptoms") for one in found)
    if of_the_patient or any(step.get("reason") for step in decided) or any(one.get("text") for one in asked):
        afterwards(partial(note_reading, patient_id=candidate.patient_id))


def _note_opening(candidate: CandidateEvent) -> None:
    """The site knows of it from now on. The sponsor's people change nothing of the site's by reading."""
    if candidate.first_known_at is None and access.may(g.txn, candidate.site_id, Verb.ACKNOWLEDGE_CANDIDATES):
        afterwards(partial(note_opened, candidate_id=candidate.id))


def _decision(step: CandidateDecision) -> dict[str, Any]:
    shown = {name: getattr(step, name) for name in OF_DECISION}
    if _may_read_words(step.site_id):
        shown["reason"] = unseal(g.txn, step, "reason_sealed")
    return shown

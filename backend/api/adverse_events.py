"""Adverse events: confirmed from candidates or entered directly, changed, graded, signed and voided."""

from typing import Any
from uuid import UUID

from flask import g, request
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events import listing, recording, signing, voiding
from backend.adverse_events.judgement import Judgement
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.signatures import signatures_of
from backend.api import etags
from backend.api.bodies import ApiBlueprint
from backend.api.events_shown import one, shown, signature_shown
from backend.api.languages import ACCEPT_LANGUAGE
from backend.api.limits import caller_network
from backend.event_terms import EventSource
from backend.survival.fatal_events import NOT_YET, tell_of_death
from backend.triage.models import CandidateEvent
from schemas.adverse_events import (
    JUDGED,
    AdverseEventChangeIn,
    AdverseEventIn,
    AdverseEventOut,
    AdverseEventPageOut,
    AdverseEventQuery,
    CandidateConfirmationIn,
    EventSignatureIn,
    GradeIn,
    SignatureOut,
    SignaturesOut,
    VoidingIn,
)
from schemas.paging import make_cursor, read_cursor

blp = ApiBlueprint("adverse_events", __name__, url_prefix="/api/v1", description="Adverse events")

OF_QUERY = tuple(listing.Wanted.__dataclass_fields__)
Answer = tuple[dict[str, Any], dict[str, str]]


@blp.route("/candidate-events/<uuid:candidate_id>/confirmations")
class CandidateConfirmations(MethodView):
    """From a candidate to an adverse event."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(CandidateConfirmationIn)
    @blp.response(201, AdverseEventOut, headers=etags.IN_ANSWERS)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> Answer:
        """Confirm that a candidate is this adverse event; a draft until an investigator signs it."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.RECORD_ADVERSE_EVENTS)
        return _recorded(recording.confirm(g.txn, candidate, _judged(body)))


@blp.route("/patients/<uuid:patient_id>/adverse-events")
class PatientEvents(MethodView):
    """Events that no report raised."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(AdverseEventIn)
    @blp.response(201, AdverseEventOut, headers=etags.IN_ANSWERS)
    def post(self, body: dict[str, Any], patient_id: UUID) -> Answer:
        """Record an adverse event that was seen at a visit, in the laboratory, or heard of; a draft."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_ADVERSE_EVENTS)
        source = EventSource(body.pop("source"))
        return _recorded(recording.enter(g.txn, patient, _judged(body), source))


@blp.route("/adverse-events")
class AdverseEvents(MethodView):
    """The adverse events of the sites one works at."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(AdverseEventQuery, location="query")
    @blp.response(200, AdverseEventPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List adverse events, the latest recorded one first; those that stand unless a status is asked for."""
        visible = access.visible_at(g.txn, AdverseEvent.site_id, Verb.READ_ADVERSE_EVENTS, query["site"])
        after = read_cursor(query["cursor"], *listing.KEY)
        wanted = listing.Wanted(**{name: query[name] for name in OF_QUERY})
        page = listing.events(g.txn, visible, wanted, after=after, limit=query["limit"])
        return {"items": shown(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/adverse-events/<uuid:event_id>")
class OneEvent(MethodView):
    """One adverse event."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.response(200, AdverseEventOut, headers=etags.IN_ANSWERS)
    def get(self, event_id: UUID) -> Answer:
        """Read an adverse event. Who reads a person's own words in it is noted."""
        return _answer(access.record(g.txn, AdverseEvent, event_id, Verb.READ_ADVERSE_EVENTS))

    @blp.arguments(AdverseEventChangeIn(partial=(*JUDGED, "grade_from_on")))
    @blp.response(200, AdverseEventOut, headers=etags.IN_ANSWERS)
    @blp.reads(etags.IF_MATCH)
    @blp.reads(ACCEPT_LANGUAGE)
    def patch(self, body: dict[str, Any], event_id: UUID) -> Answer:
        """Change an event that was just read; needs If-Match. What was signed is a draft again."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.RECORD_ADVERSE_EVENTS)
        reason, from_on = body.pop("reason"), body.pop("grade_from_on", None)
        seen, before = etags.seen_version(), event.grade
        recording.change(g.txn, event, body, reason=reason, seen_version=seen, grade_from_on=from_on)
        return _recorded(event, before)


@blp.route("/adverse-events/<uuid:event_id>/grades")
class Grades(MethodView):
    """The course of an event."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(GradeIn)
    @blp.response(201, AdverseEventOut, headers=etags.IN_ANSWERS)
    def post(self, body: dict[str, Any], event_id: UUID) -> Answer:
        """Add a grade the event had from a day on. What was signed is a draft again."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.RECORD_ADVERSE_EVENTS)
        before = event.grade
        recording.note_grade(g.txn, event, body["grade"], body["from_on"], reason=body["reason"])
        return _recorded(event, before)


@blp.route("/adverse-events/<uuid:event_id>/signatures")
class Signatures(MethodView):
    """Whose name stands under it."""

    @blp.response(200, SignaturesOut)
    def get(self, event_id: UUID) -> dict[str, Any]:
        """List every signature that was ever given, and how those ended that stand no more."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.READ_ADVERSE_EVENTS)
        given = signatures_of(g.txn, [event.id]).get(event.id, ())
        return {"items": [signature_shown(each) for each in given], "next_cursor": None}

    @blp.arguments(EventSignatureIn)
    @blp.response(201, SignatureOut)
    def post(self, body: dict[str, Any], event_id: UUID) -> dict[str, Any]:
        """Sign it, with one's password again. One signature stands at a time; a later change voids it."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.SIGN_ADVERSE_EVENTS)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        hand = signing.Hand(token, body["password"], caller_network())
        signed = signing.sign(g.txn, event, hand, body["meaning"], seen_version=body["version"])
        return signature_shown(signatures_of(g.txn, [event_id])[event_id][-1]) | {"id": signed.id}


@blp.route("/adverse-events/<uuid:event_id>/voidings")
class Voidings(MethodView):
    """Events that were recorded by mistake."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(VoidingIn)
    @blp.response(201, AdverseEventOut, headers=etags.IN_ANSWERS)
    def post(self, body: dict[str, Any], event_id: UUID) -> Answer:
        """Void it; the candidate it came from is to be judged anew. What was ever signed an investigator voids."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.RECORD_ADVERSE_EVENTS)
        may_void_signed = access.may(g.txn, event.site_id, Verb.VOID_SIGNED_EVENTS)
        return _answer(voiding.void_event(g.txn, event, body["reason"], may_void_signed=may_void_signed))


def _judged(body: dict[str, Any]) -> Judgement:
    return Judgement(**body | {"serious": tuple(body["serious"])})


def _recorded(event: AdverseEvent, grade_before: int = NOT_YET) -> Answer:
    """A fatal event is a report of death in the same transaction; recording, which lies below, knows of none."""
    tell_of_death(g.txn, event, grade_before)
    return _answer(event)


def _answer(event: AdverseEvent) -> Answer:
    return one(event), etags.headers(event.version)

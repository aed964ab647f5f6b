"""Candidate events that become no adverse event: dismissed, merged into another, and opened again."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events import voiding
from backend.api.bodies import ApiBlueprint
from backend.api.triage import shown
from backend.event_terms import Dismissal
from backend.triage import closing
from backend.triage.models import CandidateEvent
from schemas.closing import CandidateReopeningIn, DismissalIn, MergeIn
from schemas.triage import CandidateOut

blp = ApiBlueprint("closing", __name__, url_prefix="/api/v1/candidate-events", description="Closing candidate events")


@blp.route("/<uuid:candidate_id>/dismissals")
class Dismissals(MethodView):
    """No adverse event."""

    @blp.arguments(DismissalIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Dismiss a candidate. What was ever T1 or T2 is dismissed by an investigator."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.DISMISS_CANDIDATES)
        may_dismiss_urgent = access.may(g.txn, candidate.site_id, Verb.DISMISS_URGENT_CANDIDATES)
        closing.dismiss(
            g.txn, candidate, Dismissal(body["reason"]), body["note"], may_dismiss_urgent=may_dismiss_urgent
        )
        return shown([candidate])[0]


@blp.route("/<uuid:candidate_id>/merges")
class Merges(MethodView):
    """The same event under another name."""

    @blp.arguments(MergeIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Merge a candidate into another of the same patient, which takes the more urgent tier of both."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.MERGE_CANDIDATES)
        closing.merge(g.txn, candidate, **body)
        return shown([candidate])[0]


@blp.route("/<uuid:candidate_id>/reopenings")
class Reopenings(MethodView):
    """To be looked at again."""

    @blp.arguments(CandidateReopeningIn)
    @blp.response(201, CandidateOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Open a closed candidate again; it returns to the queue. What was merged is by itself again.

        The adverse event of a confirmed one is voided by it; once signed, by an investigator.
        """
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.REOPEN_CANDIDATES)
        may_void_signed = access.may(g.txn, candidate.site_id, Verb.VOID_SIGNED_EVENTS)
        voiding.reopen(g.txn, candidate, body["reason"], may_void_signed=may_void_signed)
        return shown([candidate])[0]

"""Serious events told to those who must hear: the reports sent, the clock they stop, and the form that is printed."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events.models import AdverseEvent, SafetyReport
from backend.adverse_events.safety import seconds_overdue
from backend.adverse_events.safety_reports import Told, recipients_of, record_report, reports_of
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.event_terms import SafetyReportKind
from backend.patients.identifiers import note_reading
from schemas.safety import SafetyReportIn, SafetyReportOut, SafetyReportsOut

blp = ApiBlueprint(
    "safety", __name__, url_prefix="/api/v1/adverse-events", description="Safety reports of serious events"
)

OF_REPORT = tuple(name for name in SafetyReportOut().fields if name != "recipients")
OF_CLOCK = ("first_known_at", "serious_known_at", "report_due_at", "reported_at")


@blp.route("/<uuid:event_id>/safety-reports")
class SafetyReports(MethodView):
    """What was told of a serious event."""

    @blp.response(200, SafetyReportsOut)
    def get(self, event_id: UUID) -> dict[str, Any]:
        """List the reports of an event in the order they were recorded, with its clock."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.READ_SAFETY_REPORTS)
        items = _shown(event, reports_of(g.txn, event))
        return {"items": items, "next_cursor": None, "clock": _clock(event)}

    @blp.arguments(SafetyReportIn)
    @blp.response(201, SafetyReportOut)
    def post(self, body: dict[str, Any], event_id: UUID) -> dict[str, Any]:
        """Record that a report was sent: the clock stops. Initial first; after the final one only what has changed."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.RECORD_SAFETY_REPORTS)
        told = Told(**body | {"kind": SafetyReportKind(body["kind"])})
        return _shown(event, [record_report(g.txn, event, told)])[0]


def _clock(event: AdverseEvent) -> dict[str, Any]:
    known = {name: getattr(event, name) for name in OF_CLOCK}
    return known | {"seconds_overdue": seconds_overdue(event, g.txn.now), "warned": event.escalated_to}


def _shown(event: AdverseEvent, reports: Sequence[SafetyReport]) -> list[dict[str, Any]]:
    """Recipients may be people: for those who may read identifiers, and the reading is noted."""
    plain = [{name: getattr(one, name) for name in OF_REPORT} | {"recipients": None} for one in reports]
    if not reports or not access.may(g.txn, event.site_id, Verb.READ_IDENTIFIERS):
        return plain
    afterwards(partial(note_reading, patient_id=event.patient_id))
    words = [recipients_of(g.txn, one) for one in reports]
    return [shown | {"recipients": said} for shown, said in zip(plain, words, strict=True)]

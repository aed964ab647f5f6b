"""The audit trail, for reading. What is sealed in the database stays sealed here."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView
from sqlalchemy import ColumnElement, select

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.audit import AuditEvent, reason_of
from schemas.audit import AuditEventOut, AuditPageOut, AuditQuery
from schemas.paging import make_cursor, read_cursor

blp = ApiBlueprint("audit", __name__, url_prefix="/api/v1", description="The audit trail")

AS_IT_IS = tuple(name for name in AuditEventOut().fields if name not in ("site", "reason"))
SEALED = "sealed"
# Kept in the clear because it is a second factor, and yet it helps to name a person.
IDENTIFYING = frozenset({"birth_year"})


@blp.route("/audit-events")
class AuditEvents(MethodView):
    """The trail of the sites one works at."""

    @blp.arguments(AuditQuery, location="query")
    @blp.response(200, AuditPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List entries, the newest first."""
        return _page(access.visible(g.txn, AuditEvent.site_id, Verb.READ_AUDIT), query)


@blp.route("/patients/<uuid:patient_id>/audit-events")
class PatientAuditEvents(MethodView):
    """The trail of one patient's records."""

    @blp.arguments(AuditQuery, location="query")
    @blp.response(200, AuditPageOut)
    def get(self, query: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """List entries about a patient, the newest first."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AUDIT)
        return _page(AuditEvent.patient_id == patient.id, query)


def _page(about: ColumnElement[bool], query: dict[str, Any]) -> dict[str, Any]:
    wanted = select(AuditEvent).where(about)
    for name in ("verb", "record_type"):
        if query[name]:
            wanted = wanted.where(getattr(AuditEvent, name) == query[name])
    after, limit = read_cursor(query["cursor"], int), query["limit"]
    if after:
        wanted = wanted.where(AuditEvent.id < after[0])
    rows = g.txn.session.scalars(wanted.order_by(AuditEvent.id.desc()).limit(limit + 1)).all()
    more = (rows[limit - 1].id,) if len(rows) > limit else None
    return {"items": _shown(rows[:limit]), "next_cursor": make_cursor(more)}


def _shown(listed: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    return [_entry(one, codes) for one in listed]


def _entry(event: AuditEvent, codes: Mapping[UUID, str]) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in AS_IT_IS}
    shown["site"] = codes.get(event.site_id) if event.site_id else None
    shown["reason"] = _reason(event)
    if _is_hidden(event):
        shown |= {name: None if shown[name] is None else SEALED for name in ("old", "new")}
    return shown


def _reason(event: AuditEvent) -> str | None:
    """What a person wrote may name somebody, so it is shown to those who may know the name."""
    if event.reason_sealed is None or access.may(g.txn, event.site_id, Verb.READ_IDENTIFIERS):
        return reason_of(g.txn, event)
    return SEALED


def _is_hidden(event: AuditEvent) -> bool:
    field = event.field or ""
    if field.endswith("_sealed"):
        return True
    return field in IDENTIFYING and not access.may(g.txn, event.site_id, Verb.READ_IDENTIFIERS)

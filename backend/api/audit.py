"""The audit trail, for reading. What is sealed in the database stays sealed here.

What a person wrote as a reason may name somebody, and a year of birth helps to: both are shown in the trail of one
patient, to those who care for the patient, and that is noted. The trail of a site is a list and shows neither.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView
from sqlalchemy import ColumnElement, select

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.audit import AuditEvent, reason_of
from backend.db import Base
from backend.errors import InvalidInput
from backend.patients.identifiers import note_reading
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
        """List entries, the newest first, without anything that helps to name a person."""
        rows, more = _rows(access.visible(g.txn, AuditEvent.site_id, Verb.READ_AUDIT), query)
        return {"items": _shown(rows, may_name=False), "next_cursor": make_cursor(more)}


@blp.route("/patients/<uuid:patient_id>/audit-events")
class PatientAuditEvents(MethodView):
    """The trail of one patient's records."""

    @blp.arguments(AuditQuery, location="query")
    @blp.response(200, AuditPageOut)
    def get(self, query: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """List entries about a patient, the newest first; the reading of what people wrote is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AUDIT)
        may_name = access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS)
        rows, more = _rows(AuditEvent.patient_id == patient.id, query)
        if may_name and any(one.reason_sealed or one.field in IDENTIFYING for one in rows):
            afterwards(partial(note_reading, patient_id=patient.id))
        return {"items": _shown(rows, may_name=may_name), "next_cursor": make_cursor(more)}


def _rows(about: ColumnElement[bool], query: dict[str, Any]) -> tuple[Sequence[AuditEvent], tuple[int] | None]:
    """One page, and where it ends if it is not the last."""
    _refuse_unknown_records(query["record_type"])
    wanted = select(AuditEvent).where(about)
    for name in ("verb", "record_type"):
        if query[name]:
            wanted = wanted.where(getattr(AuditEvent, name) == query[name])
    after, limit = read_cursor(query["cursor"], int), query["limit"]
    if after:
        wanted = wanted.where(AuditEvent.id < after[0])
    rows = g.txn.session.scalars(wanted.order_by(AuditEvent.id.desc()).limit(limit + 1)).all()
    return rows[:limit], (rows[limit - 1].id,) if len(rows) > limit else None


def _refuse_unknown_records(record_type: str | None) -> None:
    """A misspelt filter that shows nothing would look like nothing having happened."""
    if record_type is not None and record_type not in Base.metadata.tables:
        raise InvalidInput(fields={"record_type": ["There are no such records."]})


def _shown(listed: Sequence[AuditEvent], *, may_name: bool) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    return [_entry(one, codes, may_name) for one in listed]


def _entry(event: AuditEvent, codes: Mapping[UUID, str], may_name: bool) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in AS_IT_IS}
    shown["site"] = codes.get(event.site_id) if event.site_id else None
    shown["reason"] = SEALED if event.reason_sealed and not may_name else reason_of(g.txn, event)
    if (event.field or "").endswith("_sealed") or (event.field in IDENTIFYING and not may_name):
        shown |= {name: None if shown[name] is None else SEALED for name in ("old", "new")}
    return shown

"""Departures from the protocol: the list, and what people enter."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.agenda.changes import enter_deviation
from backend.api.acts import PREVIEW, done
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.errors import InvalidInput, NotFound
from backend.patients import deviations
from backend.patients.deviations import Entry
from backend.patients.identifiers import note_reading
from backend.patients.listing import subject_numbers
from backend.patients.models import Deviation, Patient
from backend.sealing import unseal
from schemas.agenda import PreviewQuery
from schemas.deviations import DeviationChangeOut, DeviationIn, DeviationOut, DeviationPageOut, DeviationQuery
from schemas.paging import make_cursor, read_cursor

blp = ApiBlueprint("deviations", __name__, url_prefix="/api/v1/deviations", description="Departures from the protocol")

AS_IT_IS = tuple(name for name in DeviationOut().fields if name not in ("patient", "site", "reason"))


@blp.route("")
class Deviations(MethodView):
    """Where the protocol was not followed."""

    @blp.arguments(DeviationQuery, location="query")
    @blp.response(200, DeviationPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List deviations, the latest recorded first; the reading of reasons is noted."""
        visible = access.visible_at(g.txn, Deviation.site_id, Verb.READ_DEVIATIONS, query["site"])
        after = read_cursor(query["cursor"], *deviations.KEY)
        page = deviations.listed(g.txn, visible, patient_id=query["patient"], after=after, limit=query["limit"])
        with_reasons = query["patient"] is not None
        return {"items": _shown(page.items, with_reasons=with_reasons), "next_cursor": make_cursor(page.after)}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(DeviationIn)
    @blp.response(201, DeviationChangeOut)
    @blp.alt_response(200, schema=DeviationChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Enter a deviation that no act records by itself."""
        patient = _patient(body.pop("patient"))
        made, diff = enter_deviation(g.txn, patient, Entry(**body))
        shown = _shown([made], with_reasons=False)[0]
        return done(shown | ({"id": None} if query["preview"] else {}), diff, preview=query["preview"])


def _patient(patient_id: UUID) -> Patient:
    """The patient a body names. An unknown one and another site's are the same complaint."""
    try:
        return access.patient(g.txn, patient_id, Verb.RECORD_DEVIATIONS)
    except NotFound as unknown:
        raise InvalidInput(fields={"patient": ["There is no such patient."]}) from unknown


def _shown(rows: Sequence[Deviation], *, with_reasons: bool) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    numbers = subject_numbers(g.txn, {row.patient_id for row in rows})
    readable = {row.id for row in rows if with_reasons and access.may(g.txn, row.site_id, Verb.READ_IDENTIFIERS)}
    for patient_id in {row.patient_id for row in rows if row.id in readable}:
        afterwards(partial(note_reading, patient_id=patient_id))
    return [_deviation(row, codes, numbers, is_readable=row.id in readable) for row in rows]


def _deviation(
    row: Deviation, codes: Mapping[UUID, str], numbers: Mapping[UUID, str], *, is_readable: bool
) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AS_IT_IS} | {
        "patient": {"id": row.patient_id, "subject_number": numbers[row.patient_id]},
        "site": codes[row.site_id],
        "reason": unseal(g.txn, row, "reason_sealed") if is_readable else None,
    }

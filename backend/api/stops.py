"""Discontinuations, withdrawals, and their signed reversals; each act may first be looked at."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g, request
from flask.views import MethodView
from sqlalchemy import select

from backend import access
from backend.access import Verb
from backend.adverse_events.admissions import after_reversal
from backend.adverse_events.recording import recompute
from backend.agenda import reversals, stops
from backend.agenda.reversals import ReversalChange, Signature
from backend.api.acts import PREVIEW, done, reasons_of
from backend.api.bodies import ApiBlueprint
from backend.api.limits import caller_network
from backend.db import Base
from backend.errors import InvalidInput
from backend.patients.acts import Discontinuation, Reversal, Withdrawal
from backend.patients.models import Patient
from backend.survival.mistaken_deaths import EVERY_KIND
from backend.terms import Treatment, WithdrawalScope
from schemas.agenda import PreviewQuery
from schemas.stops import (
    DiscontinuationChangeOut,
    DiscontinuationIn,
    DiscontinuationOut,
    DiscontinuationsOut,
    ReversalChangeOut,
    ReversalIn,
    ReversalsOut,
    WithdrawalChangeOut,
    WithdrawalIn,
    WithdrawalOut,
    WithdrawalsOut,
)

blp = ApiBlueprint(
    "stops", __name__, url_prefix="/api/v1/patients", description="Discontinuations, withdrawals and their reversal"
)

OF_DISCONTINUATION = tuple(DiscontinuationOut().fields)
OF_WITHDRAWAL = tuple(WithdrawalOut().fields)
OF_REVERSAL = ("id", "of_id", "of_type", "content_hash", "signed_by", "signed_at")


@blp.route("/<uuid:patient_id>/discontinuations")
class Discontinuations(MethodView):
    """Treatments that were stopped while the patient stays in follow-up."""

    @blp.response(200, DiscontinuationsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List what was stopped, mistaken entries included; the reading of reasons is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return _listed(patient, _entries(patient, Discontinuation), OF_DISCONTINUATION)

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(DiscontinuationIn)
    @blp.response(201, DiscontinuationChangeOut)
    @blp.alt_response(200, schema=DiscontinuationChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Stop the cells or the targeted drug for good; follow-up goes on, and this is no withdrawal."""
        patient = access.patient(g.txn, patient_id, Verb.DISCONTINUE_TREATMENT)
        change = stops.discontinue(g.txn, patient, Treatment(body["treatment"]), body["on"], body["reason"])
        recompute(g.txn, patient)
        shown = _row(change.discontinuation, OF_DISCONTINUATION)
        return done({"discontinuation": shown}, change.diff, preview=query["preview"], new="discontinuation")


@blp.route("/<uuid:patient_id>/withdrawals")
class Withdrawals(MethodView):
    """Withdrawals, from reporting or from the study."""

    @blp.response(200, WithdrawalsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the withdrawals, mistaken entries included; the reading of reasons is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return _listed(patient, _entries(patient, Withdrawal), OF_WITHDRAWAL)

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(WithdrawalIn)
    @blp.response(201, WithdrawalChangeOut)
    @blp.alt_response(200, schema=WithdrawalChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Record a withdrawal: from reporting, survival is still followed; from the study, all contact stops."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_WITHDRAWALS)
        change = stops.withdraw(g.txn, patient, stops.Wish(**body | {"scope": WithdrawalScope(body["scope"])}))
        shown = {"withdrawal": _row(change.withdrawal, OF_WITHDRAWAL)}
        return done(shown, change.diff, preview=query["preview"], new="withdrawal")


@blp.route("/<uuid:patient_id>/reversals")
class Reversals(MethodView):
    """Signed reversals of mistaken entries."""

    @blp.response(200, ReversalsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List what was undone, each as it stood, and by whom; the reading of reasons is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return _listed(patient, reversals.reversals_of(g.txn, patient), (*OF_REVERSAL, "content"))

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(ReversalIn)
    @blp.response(201, ReversalChangeOut)
    @blp.alt_response(200, schema=ReversalChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Sign, with the password again, that an entry was a mistake. A patient who returns signs a new consent."""
        patient = access.patient(g.txn, patient_id, Verb.SIGN_REVERSALS)
        change = _reverse(patient, body, preview=query["preview"])
        after_reversal(g.txn, patient, change.reversal)
        recompute(g.txn, patient)
        shown = {"reversal": _row(change.reversal, OF_REVERSAL)}
        return done(shown, change.diff, preview=query["preview"], new="reversal")


def _reverse(patient: Patient, body: dict[str, Any], *, preview: bool) -> ReversalChange:
    """A preview signs nothing: it asks for no password, and looks at none, so that none can be guessed there."""
    if preview:
        return reversals.reverse(g.txn, patient, body["of"], body["reason"], EVERY_KIND)
    if body["password"] is None:
        raise InvalidInput(fields={"password": ["Missing data for required field."]})
    token = request.headers["Authorization"].partition(" ")[2]
    signature = Signature(token, body["password"], caller_network())
    return reversals.sign(g.txn, patient, body["of"], body["reason"], signature, EVERY_KIND)


def _row(row: Base, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _entries(
    patient: Patient, kind: type[Discontinuation] | type[Withdrawal]
) -> Sequence[Discontinuation] | Sequence[Withdrawal]:
    """The latest first."""
    known = select(kind).where(kind.patient_id == patient.id)
    return g.txn.session.scalars(known.order_by(kind.recorded_at.desc(), kind.id)).all()  # type: ignore[no-any-return]


def _listed(
    patient: Patient,
    rows: Sequence[Discontinuation] | Sequence[Withdrawal] | Sequence[Reversal],
    names: Sequence[str],
) -> dict[str, Any]:
    items = [_row(row, names) | {"reason": reason} for row, reason in zip(rows, reasons_of(patient, rows), strict=True)]
    return {"items": items, "next_cursor": None}

"""Versions of the protocol, from when they hold at a site, and patients moving from one to the next."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access, clock
from backend.access import Verb
from backend.adverse_events.recording import recompute
from backend.agenda.moves import MoveForm, move
from backend.api.acts import PREVIEW, done
from backend.api.bodies import ApiBlueprint
from backend.patients.acts import ProtocolMove
from backend.patients.versions import moves_of
from backend.protocol import effects
from backend.protocol.effects import EffectForm
from backend.protocol.models import ProtocolEffect, ProtocolVersion
from backend.sealing import unseal
from backend.staff.models import Site
from schemas.agenda import PreviewQuery
from schemas.protocols import (
    EffectIn,
    EffectOut,
    ProtocolMoveChangeOut,
    ProtocolMoveIn,
    ProtocolMovesOut,
    ProtocolVersionsOut,
)

blp = ApiBlueprint(
    "protocols", __name__, url_prefix="/api/v1", description="Versions of the protocol, and who moves to them when"
)

OF_VERSION = ("version", "study", "content_hash", "loaded_at")
OF_MOVE = ("id", "moved_on", "reconsented_on", "recorded_by", "recorded_at", "reversed_by", "reversed_at")


@blp.route("/protocols")
class Protocols(MethodView):
    """The study's versions."""

    @blp.response(200, ProtocolVersionsOut)
    def get(self) -> dict[str, Any]:
        """List the versions of the protocol, and from when each holds at the sites one works at."""
        items = [_version(one) for one in effects.versions_of_the_study(g.txn)]
        return {"items": items, "next_cursor": None}


@blp.route("/protocols/<int:version>/effects")
class Effects(MethodView):
    """From when a version holds."""

    @blp.arguments(EffectIn)
    @blp.response(201, EffectOut)
    def post(self, body: dict[str, Any], version: int) -> dict[str, Any]:
        """Set from which day a version holds at one's site; until that day has begun it may be set anew.

        New patients of the site enter under it from that day on. Patients who are there move one by one.
        """
        site = access.site_by_code(g.txn, body["site"], Verb.SET_PROTOCOL_EFFECTS)
        form = EffectForm(body["effective_on"], body["reconsent_required"], body["reason"])
        today = clock.local_day(g.txn.now, site.time_zone)
        return _effect(effects.set_effect(g.txn, version, site.id, form, today=today), site)


@blp.route("/patients/<uuid:patient_id>/protocol-moves")
class ProtocolMoves(MethodView):
    """A patient's moves from one version to another."""

    @blp.response(200, ProtocolMovesOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the moves, mistaken ones included."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return {"items": [move_shown(one) for one in moves_of(g.txn, patient)], "next_cursor": None}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(ProtocolMoveIn)
    @blp.response(201, ProtocolMoveChangeOut)
    @blp.alt_response(200, schema=ProtocolMoveChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Move a patient to a newer version that holds at the site; what has begun stays under the version of before.

        Never back: a move entered by mistake is reversed, signed.
        """
        patient = access.patient(g.txn, patient_id, Verb.MOVE_TO_VERSIONS)
        change = move(g.txn, patient, MoveForm(**body))
        recompute(g.txn, patient)
        shown = {name: getattr(change, name) for name in ("asked_otherwise", "left_as_begun")}
        shown |= {"move": move_shown(change.move)}
        return done(shown, change.diff, preview=query["preview"], new="move")


def move_shown(row: ProtocolMove) -> dict[str, Any]:
    """A move with its versions by their numbers."""
    versions = {"from_version": row.from_version_id, "to": row.to_version_id}
    numbers = {name: g.txn.session.get_one(ProtocolVersion, one).version for name, one in versions.items()}
    return {name: getattr(row, name) for name in OF_MOVE} | numbers


def _version(row: ProtocolVersion) -> dict[str, Any]:
    return {name: getattr(row, name) for name in OF_VERSION} | {"effects": _effects(row)}


def _effects(row: ProtocolVersion) -> list[dict[str, Any]]:
    """Those of the sites where one may read them."""
    found = effects.effects_of(g.txn, row)
    return [
        _effect(one, g.txn.session.get_one(Site, one.site_id))
        for one in found
        if access.may(g.txn, one.site_id, Verb.READ_PROTOCOLS)
    ]


def _effect(row: ProtocolEffect, site: Site) -> dict[str, Any]:
    may_read = access.may(g.txn, site.id, Verb.READ_IDENTIFIERS)
    return {
        "site": site.code,
        "effective_on": row.effective_on,
        "reconsent_required": row.needs_consent,
        "has_begun": row.effective_on <= clock.local_day(g.txn.now, site.time_zone),
        "set_by": row.set_by,
        "set_at": row.set_at,
        "reason": unseal(g.txn, row, "reason_sealed") if may_read else None,
    }

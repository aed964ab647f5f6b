"""Signing in and out, for phones and for staff."""

from typing import Any

from flask import g, request
from flask.views import MethodView

from backend import access
from backend.api.bodies import ApiBlueprint
from backend.patients import sign_in as phones
from backend.staff import sign_in as staff
from backend.staff.members import name_of, role_names, roles_of
from backend.terms import Originator
from schemas.sign_in import ActivationIn, DeviceTokensOut, RefreshIn, StaffSignInIn, StaffTokenOut

blp = ApiBlueprint("sign_in", __name__, url_prefix="/api/v1/auth", description="Signing in and out")


@blp.route("/activations")
class Activations(MethodView):
    """Activation codes, as phones use them."""

    @blp.arguments(ActivationIn)
    @blp.response(201, DeviceTokensOut)
    def post(self, body: dict[str, Any]) -> phones.SignedIn:
        """Sign a phone in with the coordinator's code and the birth year."""
        return phones.activate(g.txn, body["code"], body["birth_year"], body.get("device_id"))


@blp.route("/refresh")
class Refreshes(MethodView):
    """Tokens that follow tokens."""

    @blp.arguments(RefreshIn)
    @blp.response(201, DeviceTokensOut)
    def post(self, body: dict[str, Any]) -> phones.SignedIn:
        """Get the next tokens of a phone."""
        return phones.refresh(g.txn, body["refresh_token"])


@blp.route("/staff")
class StaffSignIns(MethodView):
    """Members of staff who prove who they are."""

    @blp.arguments(StaffSignInIn)
    @blp.response(201, StaffTokenOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sign in with address and password."""
        signed_in = staff.sign_in(g.txn, body["email"], body["password"])
        return {**vars(signed_in), "staff": _who(signed_in)}


@blp.route("/session")
class OwnSession(MethodView):
    """The session of the token that is presented."""

    @blp.response(204)
    def delete(self) -> None:
        """Sign out."""
        token = request.headers["Authorization"].partition(" ")[2]
        room = staff if g.txn.actor.originator is Originator.SITE else phones
        room.sign_out(g.txn, token)


def _who(signed_in: staff.SignedIn) -> dict[str, Any]:
    member = signed_in.staff
    roles = role_names(roles_of(g.txn, member), access.site_codes(g.txn))
    return {"id": member.id, "name": name_of(g.txn, member), "roles": roles}

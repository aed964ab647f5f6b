"""Signing in and out, for phones and for staff, and what staff keep to sign in with."""

from typing import Any

from flask import current_app, g, request
from flask.views import MethodView

from backend import access
from backend.api.bodies import ApiBlueprint
from backend.api.limits import caller_network
from backend.api.qr import svg
from backend.api.requests import database_of, settings_of
from backend.db import Transaction
from backend.patients import sign_in as phones
from backend.patients.models import ActivationCode, Device
from backend.staff import second_factor, sessions
from backend.staff import sign_in as staff
from backend.staff.guesses import let_go
from backend.staff.members import name_of, role_names, roles_of
from backend.staff.models import StaffSession
from backend.terms import Originator, WorkReason
from backend.worklist.items import open_item
from schemas.paging import PageQuery, make_cursor, read_cursor
from schemas.sign_in import (
    ActivationIn,
    AuthenticatorIn,
    AuthenticatorOut,
    DeviceTokensOut,
    FirstCodeIn,
    PasswordChangeIn,
    PasswordIn,
    RecoveryCodesOut,
    RefreshIn,
    SessionPageOut,
    StaffSignInIn,
    StaffTokenOut,
)

blp = ApiBlueprint("sign_in", __name__, url_prefix="/api/v1/auth", description="Signing in and out")


@blp.route("/activations")
class Activations(MethodView):
    """Activation codes, as phones use them."""

    @blp.arguments(ActivationIn)
    @blp.response(201, DeviceTokensOut)
    def post(self, body: dict[str, Any]) -> phones.SignedIn:
        """Sign a phone in with the coordinator's code and the birth year."""
        # A try is counted before it is made. What was read so far, a token at most, is let go: SQLite has one writer.
        let_go(g.txn)
        phones.count_guess(database_of(current_app), body["code"])
        return phones.activate(g.txn, **body, on_voided=_ask_for_another_code)


@blp.route("/refresh")
class Refreshes(MethodView):
    """Tokens that follow tokens."""

    @blp.arguments(RefreshIn)
    @blp.response(201, DeviceTokensOut)
    def post(self, body: dict[str, Any]) -> phones.SignedIn:
        """Get the next tokens of a phone."""
        return phones.refresh(g.txn, body["refresh_token"], on_revoked=_ask_about_the_phone)


@blp.route("/staff")
class StaffSignIns(MethodView):
    """Members of staff who prove who they are."""

    @blp.arguments(StaffSignInIn)
    @blp.response(201, StaffTokenOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sign in with address, password and, once an authenticator is set up, its code.

        Outside a demo a session without a second factor opens nothing but the setting up of one.
        """
        is_required = not settings_of(current_app).is_demo
        signed_in = staff.sign_in(g.txn, **body, network=caller_network(), second_factor_required=is_required)
        return {**vars(signed_in), "staff": _who(signed_in)}


@blp.route("/session")
class OwnSession(MethodView):
    """The session of the token that is presented."""

    @blp.response(204)
    def delete(self) -> None:
        """Sign out."""
        room = sessions if g.txn.actor.originator is Originator.SITE else phones
        room.sign_out(g.txn, _token())


@blp.route("/sessions")
class OwnSessions(MethodView):
    """Every session that runs in one's name."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, SessionPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List where one is signed in, the newest first."""
        after = read_cursor(query["cursor"], *sessions.SESSION_KEY)
        mine = sessions.own_session(g.txn, _token())
        page = sessions.own_sessions(g.txn, _token(), after=after, limit=query["limit"])
        items = [{**_times(one), "current": one.id == mine.id} for one in page.items]
        return {"items": items, "next_cursor": make_cursor(page.after)}

    @blp.response(204)
    def delete(self) -> None:
        """Sign out everywhere but here."""
        sessions.end_other_sessions(g.txn, _token())


@blp.route("/totp")
class Authenticators(MethodView):
    """The authenticator one signs in with."""

    @blp.arguments(AuthenticatorIn)
    @blp.response(201, AuthenticatorOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Begin to set an authenticator up. It is not in force before its first code is confirmed."""
        begun = second_factor.begin(g.txn, _token(), body.get("password"), network=caller_network())
        return {**vars(begun), "qr_svg": svg(begun.otpauth_uri)}


@blp.route("/totp/confirmations")
class Confirmations(MethodView):
    """First codes, which prove that the authenticator was set up."""

    @blp.arguments(FirstCodeIn)
    @blp.response(201, RecoveryCodesOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Put the authenticator in force. Every other session ends, and this one opens everything."""
        return {"recovery_codes": second_factor.confirm(g.txn, _token(), body["totp"])}


@blp.route("/recovery-codes")
class RecoveryCodes(MethodView):
    """Codes on paper for the day the authenticator is lost."""

    @blp.arguments(PasswordIn)
    @blp.response(201, RecoveryCodesOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a new set; the codes of before stop working."""
        made = second_factor.renew_recovery_codes(g.txn, _token(), body["password"], network=caller_network())
        return {"recovery_codes": made}


@blp.route("/password")
class Password(MethodView):
    """One's own password."""

    @blp.arguments(PasswordChangeIn)
    @blp.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Change one's password. Every session but this one ends."""
        staff.change_password(g.txn, _token(), **body, network=caller_network())


def _ask_for_another_code(txn: Transaction, code: ActivationCode) -> None:
    """Somebody guessed at the birth year: a person asks the patient who it was, and gives out another code."""
    open_item(
        txn,
        reason=WorkReason.ACTIVATION_CODE_VOIDED,
        key=f"activation-code:{code.id}",
        site_id=code.site_id,
        patient_id=code.patient_id,
        due_at=txn.now,
    )


def _ask_about_the_phone(txn: Transaction, device: Device) -> None:
    """A thief, or an answer that was lost for too long: a person asks the patient, and gives out a new code."""
    open_item(
        txn,
        reason=WorkReason.PHONE_SIGNED_OUT,
        key=f"phone-signed-out:{device.id}",
        site_id=device.site_id,
        patient_id=device.patient_id,
        due_at=txn.now,
    )


def _token() -> str:
    """The token presented, which the door has found to be somebody's."""
    return request.headers["Authorization"].partition(" ")[2]


def _times(session: StaffSession) -> dict[str, Any]:
    return {"id": session.id, "started_at": session.started_at, "last_seen_at": session.last_seen_at}


def _who(signed_in: sessions.SignedIn) -> dict[str, Any]:
    member = signed_in.staff
    roles = role_names(roles_of(g.txn, member), access.site_codes(g.txn))
    return {"id": member.id, "name": name_of(g.txn, member), "roles": roles}

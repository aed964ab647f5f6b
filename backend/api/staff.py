"""Sites and members of staff, for administrators; sites also for whoever works at one."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.staff import guesses, listing, members, second_factor
from backend.staff.models import Site, StaffMember
from backend.staff.sites import create_site, update_site
from schemas.paging import PageQuery, make_cursor, read_cursor
from schemas.staff import SiteChangeIn, SiteIn, SiteOut, SitePageOut, StaffChangeIn, StaffIn, StaffOut, StaffPageOut

blp = ApiBlueprint("staff", __name__, url_prefix="/api/v1", description="Sites and members of staff")


@blp.route("/sites")
class Sites(MethodView):
    """The hospitals."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, SitePageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the sites one works at."""
        visible = access.visible(g.txn, Site.id, Verb.SEE_SITES)
        page = listing.sites(g.txn, visible, after=read_cursor(query["cursor"], str), limit=query["limit"])
        return {"items": [_site(one) for one in page.items], "next_cursor": make_cursor(page.after)}

    @blp.arguments(SiteIn)
    @blp.response(201, SiteOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Open a site."""
        access.require_everywhere(g.txn, Verb.MANAGE_SITES)
        return _site(create_site(g.txn, **_hours_as_text(body)))


@blp.route("/sites/<site>")
class OneSite(MethodView):
    """One hospital, by its id or its code."""

    @blp.response(200, SiteOut)
    def get(self, site: str) -> dict[str, Any]:
        """Read a site."""
        return _site(access.site(g.txn, site, Verb.SEE_SITES))

    @blp.arguments(SiteChangeIn)
    @blp.response(200, SiteOut)
    def patch(self, body: dict[str, Any], site: str) -> dict[str, Any]:
        """Change the numbers and hours that patients are told."""
        found = access.site(g.txn, site, Verb.MANAGE_SITES)
        return _site(update_site(g.txn, found, _hours_as_text(body)))


@blp.route("/staff")
class Staff(MethodView):
    """The members of staff."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, StaffPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List members of staff."""
        visible = access.visible(g.txn, StaffMember.home_site_id, Verb.MANAGE_STAFF)
        after = read_cursor(query["cursor"], *listing.MEMBER_KEY)
        page = listing.staff(g.txn, visible, after=after, limit=query["limit"])
        return {"items": [_member(one) for one in page.items], "next_cursor": make_cursor(page.after)}

    @blp.arguments(StaffIn)
    @blp.response(201, StaffOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take on a member of staff."""
        body["roles"] = access.roles_named(g.txn, body["roles"], Verb.MANAGE_STAFF)
        return _member(members.create_member(g.txn, **body))


@blp.route("/staff/<uuid:staff_id>")
class OneMember(MethodView):
    """One member of staff."""

    @blp.response(200, StaffOut)
    def get(self, staff_id: UUID) -> dict[str, Any]:
        """Read a member of staff."""
        return _member(access.member(g.txn, staff_id, Verb.MANAGE_STAFF))

    @blp.arguments(StaffChangeIn)
    @blp.response(200, StaffOut)
    def patch(self, body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
        """Change a member of staff, or let one go."""
        member = access.member(g.txn, staff_id, Verb.MANAGE_STAFF)
        if "roles" in body:
            body["roles"] = access.roles_named(g.txn, body["roles"], Verb.MANAGE_STAFF)
        return _member(members.update_member(g.txn, member, body))


@blp.route("/staff/<uuid:staff_id>/sessions")
class MemberSessions(MethodView):
    """Where a member of staff is signed in."""

    @blp.response(204)
    def delete(self, staff_id: UUID) -> None:
        """Sign somebody out everywhere."""
        members.end_sessions(g.txn, access.member(g.txn, staff_id, Verb.MANAGE_STAFF))


@blp.route("/staff/<uuid:staff_id>/totp")
class MemberAuthenticator(MethodView):
    """A member of staff's second factor."""

    @blp.response(204)
    def delete(self, staff_id: UUID) -> None:
        """Take a lost authenticator away, of anybody but oneself. Every session of that person ends."""
        second_factor.take_away(g.txn, access.member(g.txn, staff_id, Verb.MANAGE_STAFF))


@blp.route("/staff/<uuid:staff_id>/lock-out")
class MemberLockOut(MethodView):
    """What too many wrong guesses led to."""

    @blp.response(204)
    def delete(self, staff_id: UUID) -> None:
        """Let somebody try to sign in again at once."""
        guesses.lift_lock_out(g.txn, access.member(g.txn, staff_id, Verb.MANAGE_STAFF))


def _site(site: Site) -> dict[str, Any]:
    return {name: getattr(site, name) for name in SiteOut().fields}


def _member(member: StaffMember) -> dict[str, Any]:
    roles = members.role_names(members.roles_of(g.txn, member), access.site_codes(g.txn))
    shown = {"id": member.id, "language": member.language, "active": member.deactivated_at is None}
    return shown | {"name": members.name_of(g.txn, member), "roles": roles}


def _hours_as_text(body: dict[str, Any]) -> dict[str, Any]:
    """Hours are kept as JSON, in which a time is text."""
    if "working_hours" not in body:
        return body
    as_text = {end: moment.strftime("%H:%M") for end, moment in body["working_hours"].items()}
    return {**body, "working_hours": as_text}

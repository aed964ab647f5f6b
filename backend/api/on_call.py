"""The roster of a site: who is on call, and putting a new one in its place."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.errors import InvalidInput
from backend.staff import roster
from backend.staff.members import name_of
from backend.staff.models import OnCallShift, Site, StaffMember
from backend.staff.shifts import Shift
from schemas.on_call import RosterIn, RosterOut, RosterQuery
from schemas.paging import USUAL_PAGE, make_cursor, read_cursor

blp = ApiBlueprint("on_call", __name__, url_prefix="/api/v1", description="Who answers emergencies at a site")

USUAL_STRETCH = timedelta(days=14)


@blp.route("/sites/<site>/on-call")
class Roster(MethodView):
    """Who is on call at one hospital, by its id or its code."""

    @blp.arguments(RosterQuery, location="query")
    @blp.response(200, RosterOut)
    def get(self, query: dict[str, Any], site: str) -> dict[str, Any]:
        """Read the roster; the next 14 days unless a stretch is named."""
        found = access.site(g.txn, site, Verb.READ_ROSTER)
        since, until = _stretch(query["from_"], query["to"])
        after = read_cursor(query["cursor"], *roster.KEY)
        page = roster.shifts_between(g.txn, found.id, since, until, after=after, limit=query["limit"])
        return _roster(found, page, since, until)

    @blp.arguments(RosterIn)
    @blp.response(200, RosterOut)
    def put(self, body: dict[str, Any], site: str) -> dict[str, Any]:
        """Replace the roster from the first of these shifts on; answers with the stretch they span.

        The gaps are those from now on: also one between the roster that ends and this one.
        """
        found = access.site(g.txn, site, Verb.CHANGE_ROSTER)
        shifts = [Shift(one["staff_id"], one["from_"], one["to"]) for one in body["shifts"]]
        roster.replace_roster(g.txn, found, shifts)
        since, until = min(one.starts_at for one in shifts), max(one.ends_at for one in shifts)
        page = roster.shifts_between(g.txn, found.id, since, until, limit=USUAL_PAGE)
        return _roster(found, page, g.txn.now, until)


def _stretch(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    since = since or g.txn.now
    until = until or since + USUAL_STRETCH
    if not timedelta(0) < until - since <= roster.LONGEST_ROSTER:
        raise InvalidInput(fields={"to": ["Must be later than from, by at most 400 days."]})
    return since, until


def _roster(site: Site, page: roster.Page, since: datetime, until: datetime) -> dict[str, Any]:
    paged_now = {member.id for member in roster.on_call_at(g.txn, site.id, g.txn.now)}
    caring = roster.care_team(g.txn, site.id, {member.id for _, member in page.items})
    return {
        "items": [_shift(site, shift, member, paged_now, caring) for shift, member in page.items],
        "gaps": [{"from_": start, "to": end} for start, end in roster.gaps(g.txn, site.id, since, until)],
        "next_cursor": make_cursor(page.after),
    }


def _shift(
    site: Site, shift: OnCallShift, member: StaffMember, paged_now: set[UUID], caring: Collection[UUID]
) -> dict[str, Any]:
    """Names of staff are for those who work with them, and not for monitors and exports."""
    is_running = shift.starts_at <= g.txn.now < shift.ends_at
    staff: dict[str, Any] = {"id": member.id, "active": member.id in caring}
    if access.may(g.txn, site.id, Verb.READ_STAFF_NAMES):
        staff["name"] = name_of(g.txn, member)
    return {
        "staff": staff,
        "from_": shift.starts_at,
        "to": shift.ends_at,
        "on_call_now": is_running and member.id in paged_now,
    }

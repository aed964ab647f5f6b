"""Who is on call in the demo: three weeks the coordinator and one the investigator, handed over on Monday mornings."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from backend import clock
from backend.db import Transaction
from backend.staff.models import Site
from backend.staff.roster import LONGEST_ROSTER, replace_roster
from backend.staff.shifts import Shift
from backend.staff.sites import find_site
from backend.terms import Role
from seeds.demo.people import Staff

# A Monday. Every round of four weeks is counted from here, so that a demo of a certain day is always the same.
FIRST_MONDAY = date(1990, 1, 22)
ROUND = timedelta(weeks=4)
INVESTIGATORS_WEEK = timedelta(weeks=3)
HANDED_OVER_AT, TO_EIGHT = time(8), timedelta(hours=8)


def enter_rosters(txn: Transaction, staff: Staff) -> datetime:
    """A roster for every site, from the round that runs now on, for as long as one may be; says until when.

    Entered again, it goes on unbroken: the past is kept, and the same people follow each other.
    """
    return min(_enter(txn, staff, code, since=txn.now) for code in _sites(staff))


def enter_further(txn: Transaction, staff: Staff, since: datetime) -> None:
    """Go on from the end of the last one: a visitor of a demo may move its clock by more than a year."""
    for code in _sites(staff):
        _enter(txn, staff, code, since=since)


def _sites(staff: Staff) -> list[str]:
    return sorted(one.site for one in staff.members if one.role is Role.COORDINATOR)


def _enter(txn: Transaction, staff: Staff, code: str, *, since: datetime) -> datetime:
    site = find_site(txn, code)
    assert site is not None, f"the study has no {code}"
    coming = _rounds(staff, site, since)
    shifts = [one for one in coming if timedelta(0) < one.ends_at - since <= LONGEST_ROSTER]
    replace_roster(txn, site, shifts)
    return shifts[-1].ends_at


def _rounds(staff: Staff, site: Site, since: datetime) -> Iterator[Shift]:
    coordinator, investigator = (staff.at(site.code, role).id for role in (Role.COORDINATOR, Role.INVESTIGATOR))
    assert coordinator is not None
    assert investigator is not None
    # Before eight on a Monday it is still the week before.
    today = (clock.local(since, site.time_zone) - TO_EIGHT).date()
    monday = FIRST_MONDAY + (today - FIRST_MONDAY) // ROUND * ROUND
    while clock.start_of_day(monday, site.time_zone) - since <= LONGEST_ROSTER:
        begins, turns, ends = (
            clock.at_local(day, HANDED_OVER_AT, site.time_zone)
            for day in (monday, monday + INVESTIGATORS_WEEK, monday + ROUND)
        )
        yield Shift(coordinator, begins, turns)
        yield Shift(investigator, turns, ends)
        monday += ROUND

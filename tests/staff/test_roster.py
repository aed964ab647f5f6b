"""Who is on call at a site: entering a roster, what is refused of one, and who would be paged."""

import threading
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend import clock as clocks
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import InvalidInput
from backend.staff import roster
from backend.staff.members import update_member
from backend.staff.models import OnCallShift, StaffMember
from backend.staff.shifts import Shift
from backend.terms import Role
from tests.people import Person, administrator, coordinator, investigator, monitor, principal_investigator, site_row

TEST = system("test")
DAY = timedelta(days=1)
PHONE = "+8613800138077"


@pytest.fixture
def now(clock) -> datetime:
    return clocks.now()


def with_a_phone(db: Database, person: Person) -> UUID:
    with db.transaction(TEST) as txn:
        update_member(txn, txn.session.get_one(StaffMember, person.id), {"phone": PHONE})
    return person.id


@pytest.fixture
def li(db) -> UUID:
    return with_a_phone(db, coordinator(db))


@pytest.fixture
def wu(db) -> UUID:
    return with_a_phone(db, investigator(db))


def enter(db: Database, *shifts: tuple[UUID, datetime, datetime], site: str = "site-01") -> None:
    with db.transaction(TEST) as txn:
        roster.replace_roster(txn, site_row(txn, site), [Shift(*one) for one in shifts])


def refused(db: Database, *shifts: tuple[UUID, datetime, datetime]) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refusal:
        enter(db, *shifts)
    return refusal.value.fields


def paged(db: Database, at: datetime) -> list[UUID]:
    with db.reading(TEST) as txn:
        return [one.id for one in roster.on_call_at(txn, site_row(txn, "site-01").id, at)]


def gaps(db: Database, start: datetime, days: int) -> list[tuple[datetime, datetime]]:
    with db.reading(TEST) as txn:
        return roster.gaps(txn, site_row(txn, "site-01").id, start, start + days * DAY)


def test_whose_shift_it_is_answers_until_the_next_begins_and_two_may_share(db, now, li, wu):
    enter(db, (li, now, now + 7 * DAY), (wu, now + 7 * DAY, now + 14 * DAY), (li, now + 13 * DAY, now + 15 * DAY))

    assert paged(db, now - DAY) == []
    assert paged(db, now + 7 * DAY - timedelta(seconds=1)) == [li]
    assert paged(db, now + 7 * DAY) == [wu]
    assert paged(db, now + 13 * DAY) == [wu, li]
    assert gaps(db, now, 16) == [(now + 15 * DAY, now + 16 * DAY)]


def test_a_new_roster_replaces_what_comes_and_keeps_what_was(db, clock, now, li, wu):
    enter(db, (li, now, now + 7 * DAY), (wu, now + 7 * DAY, now + 14 * DAY))
    clock.move_to("2027-03-03T08:00:00+08:00")

    enter(db, (wu, now, now + 20 * DAY))

    assert [paged(db, now + days * DAY) for days in (0, 1, 2, 8, 19)] == [[li], [li], [wu], [wu], [wu]]
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(OnCallShift).order_by(OnCallShift.entered_at, OnCallShift.starts_at)).all()
        assert [one.replaced_at is None for one in rows] == [False, False, True, True]
        verbs = set(txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.verb.like("%shift%"))))
    assert verbs == {"on_call_shift.entered", "on_call_shift.replaced"}


def test_a_roster_entered_twice_is_there_once(db, now, li):
    for _ in range(2):
        enter(db, (li, now, now + 7 * DAY))

    with db.reading(TEST) as txn:
        assert len(txn.session.scalars(select(OnCallShift)).all()) == 1


def test_nobody_but_the_active_care_team_of_the_site_with_a_telephone_can_be_on_call(db, now, li):
    gone = with_a_phone(db, coordinator(db))
    with db.transaction(TEST) as txn:
        update_member(txn, txn.session.get_one(StaffMember, gone), {"active": False})
    others = [coordinator(db, "site-02"), monitor(db, "site-01"), administrator(db, "site-01")]
    strangers = [with_a_phone(db, one) for one in others] + [gone, uuid4()]

    found = refused(db, *((one, now, now + DAY) for one in [*strangers, coordinator(db).id, li]))

    nobody, speechless = "Nobody in the care team of this site has this id.", "This person has no telephone"
    assert list(found) == [f"shifts.{number}.staff_id" for number in range(6)]
    assert [found[f"shifts.{number}.staff_id"] for number in range(5)] == [[nobody]] * 5
    assert found["shifts.5.staff_id"][0].startswith(speechless)


def test_a_gap_a_backward_shift_one_that_is_over_and_too_much_are_refused_by_name(db, now, li):
    gap = refused(db, (li, now, now + DAY), (li, now + 2 * DAY, now + 3 * DAY))
    backward = refused(db, (li, now + DAY, now + DAY))
    over = refused(db, (li, now - 2 * DAY, now - DAY), (li, now - DAY, now + DAY))

    assert gap == {"shifts": ["Nobody is on call from 2027-03-02T00:00:00+00:00 to 2027-03-03T00:00:00+00:00."]}
    assert (list(backward), list(over)) == (["shifts.0.to"], ["shifts.0.to"])
    for start, days in ((now, 401), (now + 401 * DAY, 1)):
        assert "400 days" in refused(db, (li, start, start + days * DAY))["shifts"][0]
    assert list(refused(db)) == ["shifts"]
    assert paged(db, now) == []


def test_who_leaves_or_loses_the_role_leaves_a_gap_behind(db, now, li, wu):
    enter(db, (li, now, now + 7 * DAY), (wu, now + 7 * DAY, now + 14 * DAY))
    changes = {li: {"active": False}, wu: {"roles": [monitor(db).actor.roles[0]]}}

    for who, change in changes.items():
        with db.transaction(TEST) as txn:
            update_member(txn, txn.session.get_one(StaffMember, who), change)

    assert (paged(db, now), paged(db, now + 8 * DAY)) == ([], [])
    assert gaps(db, now, 14) == [(now, now + 14 * DAY)]


def test_who_holds_a_role_at_the_site_or_everywhere_is_found_and_who_left_is_not(db, now):
    here, elsewhere, left = principal_investigator(db), principal_investigator(db, "site-02"), monitor(db)
    both = [monitor(db), monitor(db, "site-01")]
    with db.transaction(TEST) as txn:
        update_member(txn, txn.session.get_one(StaffMember, left.id), {"active": False})

    with db.reading(TEST) as txn:
        site_id = site_row(txn, "site-01").id
        chiefs = [one.id for one in roster.members_holding(txn, site_id, Role.PRINCIPAL_INVESTIGATOR)]
        watchers = {one.id for one in roster.members_holding(txn, site_id, Role.MONITOR)}

    assert (chiefs, elsewhere.id in chiefs) == ([here.id], False)
    assert watchers == {one.id for one in both}


def test_of_two_rosters_entered_at_once_one_is_there_whole(db, now, li, wu):
    def week_by_week(who: UUID) -> list[tuple[UUID, datetime, datetime]]:
        return [(who, now + 7 * n * DAY, now + 7 * (n + 1) * DAY) for n in range(8)]

    threads = [threading.Thread(target=enter, args=(db, *week_by_week(who))) for who in (li, wu) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with db.reading(TEST) as txn:
        on_call = txn.session.scalars(select(OnCallShift.staff_id).where(OnCallShift.replaced_at.is_(None))).all()
    assert (len(on_call), len(set(on_call))) == (8, 1)

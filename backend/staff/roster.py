"""Who answers emergencies at a site, and when: the roster, and what is refused of a new one.

A shift counts while its person is an active member of the site's care team; whoever left, or lost the role, leaves
a gap behind. Shifts are never changed: another roster replaces them, and what is past stays as it was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select, tuple_

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.staff.models import OnCallShift, Site, StaffMember, StaffRole
from backend.staff.shifts import Shift, Span, gaps_between, rewritten
from backend.terms import Role

CARE_TEAM = frozenset({Role.COORDINATOR, Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR})
LONGEST_ROSTER = timedelta(days=400)
# A roster that starts later than this leaves a hole that nobody sees coming.
FARTHEST_START = timedelta(days=400)

KEY = (datetime, UUID)

ShiftsAndPeople = Select[OnCallShift, StaffMember]


def on_call_at(txn: Transaction, site_id: UUID, at: datetime) -> Sequence[StaffMember]:
    """Everybody on call at the site at this instant, whose shift began first leading; empty when nobody is."""
    wanted = _counting(site_id).where(OnCallShift.starts_at <= at, OnCallShift.ends_at > at)
    rows = txn.session.execute(_in_order(wanted)).all()
    return list(dict.fromkeys(member for _, member in rows))


def members_holding(txn: Transaction, site_id: UUID, role: Role) -> Sequence[StaffMember]:
    """Everybody active who holds the role at the site, or at every site; who has held it longest leads."""
    wanted = (
        select(StaffMember)
        .join(StaffRole, StaffRole.staff_id == StaffMember.id)
        .where(StaffMember.deactivated_at.is_(None), StaffRole.role == role, _held_at(site_id))
        .order_by(StaffRole.granted_at, StaffMember.id)
    )
    return list(dict.fromkeys(txn.session.scalars(wanted)))


def gaps(txn: Transaction, site_id: UUID, start: datetime, end: datetime) -> list[Span]:
    """The stretches of ``start`` to ``end`` in which nobody would be paged."""
    rows = txn.session.execute(_within(_counting(site_id), start, end)).all()
    return gaps_between([_as_shift(shift) for shift, _ in rows], start, end)


@dataclass(frozen=True)
class Page:
    """Some shifts with their people, the first to begin leading, and where the next ones begin."""

    items: Sequence[tuple[OnCallShift, StaffMember]]
    after: tuple[datetime, UUID] | None


def shifts_between(
    txn: Transaction,
    site_id: UUID,
    start: datetime,
    end: datetime,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """The shifts in force that touch ``start`` to ``end``, also of people who have left since, by keyset."""
    wanted = _within(_in_force(site_id), start, end)
    if after:
        wanted = wanted.where(tuple_(OnCallShift.starts_at, OnCallShift.id) > after)
    rows = [(row[0], row[1]) for row in txn.session.execute(_in_order(wanted).limit(limit + 1))]
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Page(rows[:limit], (last.starts_at, last.id) if last else None)


def care_team(txn: Transaction, site_id: UUID, staff_ids: Collection[UUID]) -> Mapping[UUID, StaffMember]:
    """Those of these people who are active members of the site's care team, by id."""
    wanted = select(StaffMember).where(
        StaffMember.id.in_(staff_ids), StaffMember.deactivated_at.is_(None), _cares_at(site_id)
    )
    return {member.id: member for member in txn.session.scalars(wanted)}


def replace_roster(txn: Transaction, site: Site, shifts: Sequence[Shift]) -> None:
    """Put these shifts in the place of every shift from the first of them on; what is past stays.

    Raises ``InvalidInput`` for a shift that ends before it begins or is over, for somebody who is not an active
    member of the site's care team or has no telephone, for a gap between the shifts, and for more than 400 days.
    Two people may be on call at once.
    """
    _refuse_what_cannot_be(txn, site, shifts)
    one_at_a_time(txn, "roster", site.id)
    not_over = _in_force(site.id).where(OnCallShift.ends_at > txn.now)
    rows = {_as_shift(row): row for row, _ in txn.session.execute(not_over).all()}
    wanted = rewritten(rows, shifts, txn.now)
    audit.note(txn, "roster.entered", site)
    for shift in _by_start(rows.keys() - wanted):
        rows[shift].replaced_at = txn.now
        audit.record(txn, "on_call_shift.replaced", rows[shift])
    for shift in _by_start(wanted - rows.keys()):
        audit.record(txn, "on_call_shift.entered", _as_row(txn, site, shift))
    txn.session.flush()


def _counting(site_id: UUID) -> ShiftsAndPeople:
    """Shifts in force of those who would be paged."""
    return _in_force(site_id).where(StaffMember.deactivated_at.is_(None), _cares_at(site_id))


def _in_force(site_id: UUID) -> ShiftsAndPeople:
    return (
        select(OnCallShift, StaffMember)
        .join(StaffMember, StaffMember.id == OnCallShift.staff_id)
        .where(OnCallShift.site_id == site_id, OnCallShift.replaced_at.is_(None))
    )


def _within(wanted: ShiftsAndPeople, start: datetime, end: datetime) -> ShiftsAndPeople:
    return wanted.where(OnCallShift.starts_at < end, OnCallShift.ends_at > start)


def _in_order(wanted: ShiftsAndPeople) -> ShiftsAndPeople:
    return wanted.order_by(OnCallShift.starts_at, OnCallShift.id)


def _held_at(site_id: UUID) -> ColumnElement[bool]:
    here = or_(StaffRole.site_id == site_id, StaffRole.site_id.is_(None))
    return StaffRole.ended_at.is_(None) & here


def _cares_at(site_id: UUID) -> ColumnElement[bool]:
    return exists().where(StaffRole.staff_id == StaffMember.id, StaffRole.role.in_(CARE_TEAM), _held_at(site_id))


def _as_shift(row: OnCallShift) -> Shift:
    return Shift(row.staff_id, row.starts_at, row.ends_at)


def _as_row(txn: Transaction, site: Site, shift: Shift) -> OnCallShift:
    return OnCallShift(
        site_id=site.id,
        staff_id=shift.staff_id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        entered_at=txn.now,
        replaced_at=None,
    )


def _by_start(shifts: Iterable[Shift]) -> list[Shift]:
    return sorted(shifts, key=lambda one: (one.starts_at, one.ends_at, str(one.staff_id)))


def _refuse_what_cannot_be(txn: Transaction, site: Site, shifts: Sequence[Shift]) -> None:
    if not shifts:
        raise InvalidInput(fields={"shifts": ["At least one shift is needed."]})
    complaints = _wrong_times(shifts, txn.now)
    complaints |= _wrong_people(shifts, care_team(txn, site.id, {shift.staff_id for shift in shifts}))
    if complaints:
        raise InvalidInput(fields=complaints)
    _refuse_a_wrong_span(shifts, txn.now)


def _wrong_times(shifts: Sequence[Shift], now: datetime) -> dict[str, list[str]]:
    complaints = {}
    for number, shift in enumerate(shifts):
        if shift.ends_at <= shift.starts_at:
            complaints[f"shifts.{number}.to"] = ["A shift ends after it begins."]
        elif shift.ends_at <= now:
            complaints[f"shifts.{number}.to"] = ["This shift is over, and what is past does not change."]
    return complaints


def _wrong_people(shifts: Sequence[Shift], members: Mapping[UUID, StaffMember]) -> dict[str, list[str]]:
    complaints = {}
    for number, shift in enumerate(shifts):
        member = members.get(shift.staff_id)
        if member is None:
            complaints[f"shifts.{number}.staff_id"] = ["Nobody in the care team of this site has this id."]
        elif member.phone_sealed is None:
            complaints[f"shifts.{number}.staff_id"] = ["This person has no telephone and could not be paged."]
    return complaints


def _refuse_a_wrong_span(shifts: Sequence[Shift], now: datetime) -> None:
    start, end = min(shift.starts_at for shift in shifts), max(shift.ends_at for shift in shifts)
    if end - max(start, now) > LONGEST_ROSTER or start - now > FARTHEST_START:
        raise InvalidInput(fields={"shifts": ["A roster begins within 400 days and spans no more than 400."]})
    holes = gaps_between(shifts, start, end)
    if holes:
        said = [f"Nobody is on call from {since.isoformat()} to {until.isoformat()}." for since, until in holes[:5]]
        raise InvalidInput("A roster has no gaps.", fields={"shifts": said})

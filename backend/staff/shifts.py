"""When somebody is on call, as plain intervals: where nobody is, and what a new roster makes of the old one.

Every interval is half-open, ``starts_at <= t < ends_at``; two that touch leave no gap, and two may overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Shift:
    """One person on call, from one instant up to another, not including it."""

    staff_id: UUID
    starts_at: datetime
    ends_at: datetime


def gaps_between(shifts: Iterable[Shift], start: datetime, end: datetime) -> list[Span]:
    """The stretches of ``start`` to ``end`` that no shift covers, in order."""
    found: list[Span] = []
    covered_until = start
    for shift in sorted(shifts, key=lambda one: one.starts_at):
        if covered_until >= end:
            break
        if shift.starts_at > covered_until:
            found.append((covered_until, min(shift.starts_at, end)))
        covered_until = max(covered_until, shift.ends_at)
    if covered_until < end:
        found.append((covered_until, end))
    return found


def rewritten(old: Iterable[Shift], new: Sequence[Shift], now: datetime) -> set[Shift]:
    """The roster that is in force once ``new`` replaces ``old`` from its first shift on.

    What was true before that instant, or is past, stays true: an old shift that is running is cut short, and goes
    on unbroken when the same person continues it.
    """
    since = max(now, min(shift.starts_at for shift in new))
    kept = {shift for shift in old if shift.ends_at <= since}
    running = {replace(shift, ends_at=since) for shift in old if shift.starts_at < since < shift.ends_at}
    coming = {replace(shift, starts_at=max(shift.starts_at, since)) for shift in new if shift.ends_at > since}
    for begun in running:
        continued = [shift for shift in coming if (shift.staff_id, shift.starts_at) == (begun.staff_id, since)]
        if not continued:
            kept.add(begun)
        for shift in continued:
            coming.discard(shift)
            coming.add(replace(shift, starts_at=begun.starts_at))
    return kept | coming

"""Sites and members of staff, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from backend.db import Transaction
from backend.staff.models import Site, StaffMember

Row = TypeVar("Row", Site, StaffMember)

MEMBER_KEY = (datetime, UUID)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and where the next ones begin; None at the end."""

    items: Sequence[Row]
    after: tuple[Any, ...] | None


def sites(
    txn: Transaction, visible: ColumnElement[bool], *, after: tuple[str] | None = None, limit: int = 50
) -> Page[Site]:
    """The sites that ``visible`` allows, in the order of their codes."""
    wanted = select(Site).where(visible)
    if after:
        wanted = wanted.where(Site.code > after[0])
    rows = txn.session.scalars(wanted.order_by(Site.code).limit(limit + 1)).all()
    return Page(rows[:limit], (rows[limit - 1].code,) if len(rows) > limit else None)


def staff(
    txn: Transaction, visible: ColumnElement[bool], *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> Page[StaffMember]:
    """The members of staff that ``visible`` allows, the longest-serving first."""
    order = (StaffMember.created_at, StaffMember.id)
    wanted = select(StaffMember).where(visible)
    if after:
        wanted = wanted.where(tuple_(*order) > after)
    rows = txn.session.scalars(wanted.order_by(*order).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], (last.created_at, last.id) if last else None)

"""When a site works and how it is called. Every report asks, and so it is read as plain columns."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select

from backend.db import Transaction
from backend.staff.models import Site
from backend.triage.working_days import WorkingHours

_ROW = Site.__table__.c
_OF_SITE = select(_ROW.time_zone, _ROW.working_hours, _ROW.emergency_phone).where(_ROW.id == bindparam("id"))


class SiteHours(NamedTuple):
    """A site's zone, its hours there, and the telephone that somebody always answers."""

    time_zone: str
    hours: WorkingHours
    emergency_phone: str


def hours_of(txn: Transaction, site_id: UUID) -> SiteHours:
    """As they are kept of the site now."""
    zone, hours, phone = txn.connection.execute(_OF_SITE, {"id": site_id}).one()
    return SiteHours(zone, WorkingHours.from_content(hours), phone)

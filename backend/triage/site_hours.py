"""When a site works and how it is called. Every report asks, and so it is read as plain columns."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select

from backend.db import Transaction
from backend.staff.models import Site
from backend.triage.working_days import WorkingHours

_ROW = Site.__table__.c
# What ``hours_in`` makes of it, for whoever asks for something else as well.
SITE_HOURS = (_ROW.time_zone, _ROW.working_hours, _ROW.emergency_phone)
_OF_SITE = select(*SITE_HOURS).where(_ROW.id == bindparam("id"))


class SiteHours(NamedTuple):
    """A site's zone, its hours there, and the telephone that somebody always answers."""

    time_zone: str
    hours: WorkingHours
    emergency_phone: str


def hours_of(txn: Transaction, site_id: UUID) -> SiteHours:
    """As they are kept of the site now."""
    return hours_in(*txn.connection.execute(_OF_SITE, {"id": site_id}).one())


def hours_in(time_zone: str, hours: Any, emergency_phone: str) -> SiteHours:
    """As they stand in a row."""
    return SiteHours(time_zone, WorkingHours.from_content(hours), emergency_phone)

"""Opening a site and changing what patients are told about it."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.clock import is_time_zone
from backend.conversation_terms import TextSurveys
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput
from backend.sealing import make_data_key
from backend.staff.models import Site

CODE = re.compile(r"site-[0-9]{2,3}")
CHANGEABLE = ("name", "emergency_phone", "office_phone", "working_hours", "text_surveys")


def create_site(
    txn: Transaction,
    *,
    code: str,
    name: str,
    time_zone: str,
    emergency_phone: str,
    office_phone: str | None = None,
    working_hours: Mapping[str, Any] | None = None,
    phone_region: str = "CN",
    text_surveys: str = TextSurveys.FULL,
) -> Site:
    """Open a site with a data key of its own. Its code begins every subject number: ``site-01`` gives ``01-0001``."""
    _refuse_what_cannot_be(code, time_zone)
    if find_site(txn, code):
        raise AlreadyExists("There is a site with this code.", fields={"code": ["Another site has this code."]})
    site = Site(
        code=code,
        name=name,
        time_zone=time_zone,
        phone_region=phone_region,
        text_surveys=text_surveys,
        emergency_phone=emergency_phone,
        office_phone=office_phone,
        working_hours=dict(working_hours or {}),
        last_subject=0,
        created_at=txn.now,
    )
    make_data_key(txn, site.id)
    audit.record(txn, "site.created", site)
    txn.session.flush()
    return site


def update_site(txn: Transaction, site: Site, changes: Mapping[str, Any]) -> Site:
    """Change what may change: the code, the zone and the region stay, because dates and numbers were read by them."""
    for name in CHANGEABLE:
        if name in changes and getattr(site, name) != changes[name]:
            setattr(site, name, changes[name])
    if txn.session.is_modified(site):
        audit.record(txn, "site.changed", site)
        txn.session.flush()
    return site


def find_site(txn: Transaction, code: str) -> Site | None:
    """The site with this code; None when there is none, also for what no code can be."""
    if not CODE.fullmatch(code):
        return None
    return txn.session.scalar(select(Site).where(Site.code == code))


def find_site_by_id(txn: Transaction, site_id: str) -> Site | None:
    """The site with this id, as an address writes it; None when it is no id or nobody's."""
    try:
        return txn.session.get(Site, UUID(site_id))
    except ValueError:
        return None


def _refuse_what_cannot_be(code: str, time_zone: str) -> None:
    complaints: dict[str, list[str]] = {}
    if not CODE.fullmatch(code):
        complaints["code"] = ["A site's code looks like site-01."]
    if not is_time_zone(time_zone):
        complaints["time_zone"] = ["This is not a time zone like Asia/Shanghai."]
    if complaints:
        raise InvalidInput(fields=complaints)

"""An amendment of the shipped protocol: a second version that differs from the first in every way that matters."""

from copy import deepcopy
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import select

from backend.db import Database, system
from backend.protocol.definition import Protocol
from backend.protocol.effects import EffectForm, set_effect
from backend.protocol.load import load_protocol
from backend.protocol.models import ProtocolVersion
from schemas.protocol import ProtocolFile
from schemas.seed_files import read_seed_file
from tests.agenda.courses import SEED
from tests.people import site_row

BEGUN = date(2027, 3, 1)
NEW_TITLES = {"en": "Report of week {n}", "zh-CN": "第 {n} 周报告"}


def amended(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Visits and scans moved, more safety days, longer windows, other forms, other titles, rows by other names."""
    new = deepcopy(content)
    row = {one["name"]: one for one in new["agenda"]}
    row["later_visits"]["due"]["at"] = [6, 9, 11]
    row["safety_later_days"]["due"]["last"] = 16
    row["four_weekly"]["window"]["closes"] = 9
    row["weekly"] |= {
        "name": "weekly_amended",
        "titles": NEW_TITLES,
        "longer_every": {"nth": 6, "instrument": "four_weekly"},
    }
    row["four_weekly"]["titles"] = NEW_TITLES
    row["watch"]["due"] |= {"days": 14}
    row["watch"]["key"] = "watch.f{n}"
    return new | changes


@cache
def the_amendment() -> Protocol:
    """The same, read without a database."""
    return Protocol.from_content(amended(read_seed_file(SEED, ProtocolFile())))


def load_amendment(db: Database, **changes: Any) -> int:
    """The number of a new version, which holds nowhere yet; further changes make yet another."""
    with db.transaction(system("seed")) as txn:
        first = txn.session.scalars(select(ProtocolVersion).where(ProtocolVersion.version == 1)).one()
        content = amended(first.content, **changes)
        if "triage" not in changes:
            content["triage"] = with_newer_seizure(content["triage"])
        return load_protocol(txn, content).version.version


def with_newer_seizure(triage: dict[str, Any]) -> dict[str, Any]:
    """The rule about seizures in its second version."""
    newer = deepcopy(triage)
    next(one for one in newer["rules"] if one["id"] == "T1.seizure")["version"] = 2
    return newer


def set_in_effect(db: Database, number: int, *, needs_consent: bool = False, on: date = BEGUN) -> None:
    """The version holds at the first site from a day that had not passed when it was set."""
    with db.transaction(system("test")) as txn:
        form = EffectForm(on, needs_consent, "Approved by the ethics committee.")
        set_effect(txn, number, site_row(txn, "site-01").id, form, today=min(on, BEGUN))

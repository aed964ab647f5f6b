"""What is the matter with a way of sending, made known to every site: until it is mended, people must telephone.

Each alarm is a task under a key of its own, so that it is raised once, by however many workers.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from backend.db import Database, Transaction, system
from backend.staff.models import Site
from backend.terms import WorkReason
from backend.worklist.items import find_item, open_item
from backend.worklist.models import WorkItem
from backend.worklist.phone_checks import checked
from notifications import breakers, numbers
from notifications.filtering import filtered_templates

WATCHER = system("mailroom watch")


@dataclass(frozen=True)
class _Alarm:
    site_id: UUID
    reason: WorkReason
    key: str


def see_to_the_ways(db: Database) -> dict[str, int]:
    """Raise what is new, and have numbers tried again that somebody has seen to; says how many of each."""
    with db.reading(WATCHER) as txn:
        alarms, lifted = list(_new(txn)), bool(checked(txn))
    if not alarms and not lifted:
        return {}
    with db.transaction(WATCHER) as txn:
        raised = sum(_raise(txn, alarm) for alarm in alarms)
        stops = checked(txn)
        for stop in stops:
            numbers.lift(txn, stop.number_index, numbers.CHECKED)
    counts = {"alarms_raised": raised, "numbers_tried_again": len(stops)}
    return {word: count for word, count in counts.items() if count}


def _raise(txn: Transaction, alarm: _Alarm) -> bool:
    opened = open_item(txn, reason=alarm.reason, key=alarm.key, site_id=alarm.site_id, due_at=txn.now)
    return opened is not None


def _new(txn: Transaction) -> Iterator[_Alarm]:
    wrong = [
        *(
            (WorkReason.GATEWAY_STOPPED, f"gateway-stopped:{breaker.channel}:{breaker.openings}")
            for breaker in breakers.standing_open(txn)
        ),
        *(
            (WorkReason.MESSAGES_FILTERED, f"filtered:{found.template}:{found.version}")
            for found in filtered_templates(txn)
        ),
    ]
    if not wrong:
        return
    standing = _standing(txn)
    for site_id in txn.session.scalars(select(Site.id).order_by(Site.code)).all():
        for reason, key in wrong:
            if (site_id, _what(key)) not in standing and find_item(txn, site_id, key) is None:
                yield _Alarm(site_id, reason, key)


def _standing(txn: Transaction) -> Collection[tuple[UUID, str]]:
    """Which site has an open task already because of which way: one that stops and goes by turns is one alarm."""
    told = select(WorkItem.site_id, WorkItem.key).where(
        WorkItem.reason == WorkReason.GATEWAY_STOPPED, WorkItem.resolved_at.is_(None)
    )
    return {(site_id, _what(key)) for site_id, key in txn.session.execute(told)}


def _what(key: str) -> str:
    """The alarm without its count."""
    return key.rpartition(":")[0]

"""What is the matter with a way of sending, made known to every site: until it is mended, people must telephone.

Each alarm is a task under a key of its own, so that it is raised once, by however many workers. What is over closes by
itself, with a trace of its own in the trail.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from backend.db import Database, Transaction, system
from backend.errors import NoLongerPossible
from backend.staff.models import Site
from backend.terms import MessageStatus, WorkReason
from backend.worklist.items import find_item, open_item, resolve
from backend.worklist.models import WorkItem
from backend.worklist.phone_checks import checked
from notifications import breakers, numbers, outbox
from notifications.filtering import filtered_templates
from notifications.models import Message, NumberStop

log = logging.getLogger(__name__)

WATCHER = system("mailroom watch")
STOPPED, NO_USE = WorkReason.GATEWAY_STOPPED, WorkReason.CHECK_THE_PHONE
UNDELIVERED = WorkReason.MESSAGE_NOT_DELIVERED
# What came of a task that nobody has closed.
WORKS_AGAIN, WROTE_AGAIN, ARRIVED = "works_again", "wrote_again", "arrived"
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOGETHER = 500


@dataclass(frozen=True)
class _Alarm:
    site_id: UUID
    reason: WorkReason
    key: str


def see_to_the_ways(db: Database) -> dict[str, int]:
    """Raise what is new, close what is over, and have ways and numbers tried again; says how many of each."""
    with db.reading(WATCHER) as txn:
        alarms, lifted, carrying = list(_new(txn)), bool(checked(txn)), bool(breakers.carrying(txn))
        over = [*_over(txn)]
    counts = Counter(alarms_closed=sum(_close(db, item_id, outcome) for item_id, outcome in over))
    if alarms or lifted or carrying:
        with db.transaction(WATCHER) as txn:
            counts["gateways_mended"] = breakers.mend(txn)
            counts["alarms_raised"] = sum(_raise(txn, alarm) for alarm in alarms)
            stops = checked(txn)
            for stop in stops:
                numbers.lift(txn, stop.number_index, numbers.CHECKED)
            counts["numbers_tried_again"] = len(stops)
    if counts["gateways_mended"]:
        # By itself: it holds rows of messages, and whoever sends these holds them before anything of a gateway.
        with db.transaction(WATCHER) as txn:
            outbox.hurry(txn, breakers.STOPPED)
    return {word: count for word, count in counts.items() if count}


def _over(txn: Transaction) -> Iterator[tuple[UUID, str]]:
    """Open tasks whose cause has gone, and how: nobody need see to what works, or was brought after all."""
    waiting: dict[str, dict[str, list[UUID]]] = {reason: {} for reason in (STOPPED, NO_USE, UNDELIVERED)}
    open_now = select(WorkItem.reason, WorkItem.key, WorkItem.id).where(
        WorkItem.reason.in_(waiting), WorkItem.resolved_at.is_(None)
    )
    for reason, key, item_id in txn.session.execute(open_now.order_by(WorkItem.id)):
        waiting[reason].setdefault(_about(reason, key), []).append(item_id)
    gone = {
        STOPPED: (WORKS_AGAIN, {way for way in waiting[STOPPED] if breakers.has_settled(txn, way)}),
        NO_USE: (WROTE_AGAIN, _wrote_again(txn, waiting[NO_USE])),
        UNDELIVERED: (ARRIVED, _arrived(txn, waiting[UNDELIVERED])),
    }
    for reason, (outcome, whats) in gone.items():
        for what in sorted(whats):
            yield from ((item_id, outcome) for item_id in waiting[reason][what])


def _about(reason: str, key: str) -> str:
    """Which way, stop of a number, or message."""
    return (_what(key) if reason == STOPPED else key).partition(":")[2]


def _wrote_again(txn: Transaction, stops: Collection[str]) -> set[str]:
    lifted = (NumberStop.lifted_at.is_not(None), NumberStop.lifted_because == numbers.WROTE)
    return _those(txn, stops, select(NumberStop.id).where(*lifted), NumberStop.id)


def _arrived(txn: Transaction, messages: Collection[str]) -> set[str]:
    return _those(txn, messages, select(Message.id).where(Message.status == MessageStatus.DELIVERED), Message.id)


def _those(
    txn: Transaction, whats: Collection[str], found: Select[UUID], column: InstrumentedAttribute[UUID]
) -> set[str]:
    """Of ids in the keys of tasks those that are found. Others name no row, as the key of another kind of task."""
    ids = [UUID(what) for what in whats if UUID_TEXT.fullmatch(what)]
    found_ids: set[UUID] = set()
    for some in range(0, len(ids), TOGETHER):
        found_ids |= set(txn.session.scalars(found.where(column.in_(ids[some : some + TOGETHER]))))
    return {str(one) for one in found_ids}


def _close(db: Database, item_id: UUID, outcome: str) -> bool:
    """Each by itself: one that cannot be closed must not keep the others open."""
    try:
        with db.transaction(WATCHER) as txn:
            resolve(txn, txn.session.get_one(WorkItem, item_id), outcome)
    except NoLongerPossible:
        return False
    except Exception:
        log.exception("a task whose cause has gone could not be closed", extra={"work_item_id": str(item_id)})
        return False
    return True


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

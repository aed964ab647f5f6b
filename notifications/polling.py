"""Fetching what a gateway does not bring: reports on what it took, and texts that people wrote.

It repeats everything until it is told that we keep it, and it is told so only once that is committed. So a process that
is killed anywhere in here loses nothing, and what comes twice is known by its id. What cannot be read is kept as it
came, and does not stand in the way of what comes after it.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import select

from backend.db import Database, system
from notifications.channels.template_gateway import TAKEN_AT_ONCE, Name, Reply, Report, TemplateGateway
from notifications.dispatcher import Counts
from notifications.inbound import ReceivedText, keep_unread, receive
from notifications.models import InboundMessage
from notifications.numbers import as_it_came
from notifications.receipts import note_receipt
from notifications.settling import DeadLetter

log = logging.getLogger(__name__)

POLLER = system("poller")
# In one run, so that other jobs have their turn.
MOST_ROUNDS = 20

Told = TypeVar("Told", Report, Reply)


def poll_reports(db: Database, gateway: TemplateGateway, *, on_dead_letter: DeadLetter) -> Counts:
    """Turn the gateway's reports into receipts; says how many moved a message, and how many changed nothing."""
    counts: Counter[str] = Counter()

    def is_kept(report: Report) -> bool:
        return _noted(db, report, on_dead_letter, counts)

    _go_through(gateway.reports, is_kept, gateway.keep_reports)
    return {word: count for word, count in counts.items() if count}


def poll_replies(db: Database, gateway: TemplateGateway) -> Counts:
    """Keep the texts that people wrote; says how many were new, and how many were known already."""
    counts: Counter[str] = Counter()
    _go_through(gateway.replies, lambda reply: _received(db, reply, counts), gateway.keep_replies)
    return {word: count for word, count in counts.items() if count}


def _go_through(
    listed: Callable[[int], Sequence[Told]],
    is_kept: Callable[[Told], bool],
    say_kept: Callable[[Sequence[Name]], None],
) -> None:
    """All that the gateway has to tell. What it cannot be told to forget comes again, so as much more is asked for."""
    stays, seen = 0, set[str]()
    for _ in range(MOST_ROUNDS):
        told = listed(TAKEN_AT_ONCE + stays)
        new = [one for one in told if one.kept_as not in seen]
        gone = [one.id for one in new if is_kept(one) and one.id is not None]
        if gone:
            say_kept(gone)
        seen |= {one.kept_as for one in new}
        if len(told) < TAKEN_AT_ONCE + stays or not new:
            return
        stays = len(told) - len(gone)


def _noted(db: Database, report: Report, on_dead_letter: DeadLetter, counts: Counter[str]) -> bool:
    """Whether the gateway may forget it. What can never be one of ours may go too, or it would stand in the way."""
    if report.receipt is None:
        return _put_aside(db, report, "", counts, "reports")
    try:
        with db.transaction(POLLER) as txn:
            moved = note_receipt(txn, report.receipt, on_dead_letter)
    except Exception:
        # The gateway says it again next time.
        log.exception("a report could not be noted", extra={"attempt_id": str(report.receipt.attempt_id)})
        counts["reports_failed"] += 1
        return False
    counts["reports_moved" if moved else "reports_without_effect"] += 1
    return True


def _received(db: Database, reply: Reply, counts: Counter[str]) -> bool:
    """Whether the gateway may forget it."""
    if reply.text is None:
        number = reply.row.get("phone") if isinstance(reply.row, dict) else None
        return _put_aside(db, reply, number if isinstance(number, str) else "", counts, "replies")
    try:
        is_new = receive(db, reply.text) is not None
    except Exception:
        log.exception("a reply could not be kept", extra={"reply_id": reply.kept_as})
        counts["replies_failed"] += 1
        return False
    counts["replies_received" if is_new else "replies_known"] += 1
    return True


def _put_aside(db: Database, told: Report | Reply, number: str, counts: Counter[str], kind: str) -> bool:
    """Whether it is kept whole. What somebody wrote is a person's to read, however it reads."""
    kept_as = f"{told.kept_as}-{kind}" if isinstance(told, Report) else told.kept_as
    row = ReceivedText(kept_as, as_it_came(number), "", json.dumps(told.row, ensure_ascii=False))
    if _is_here(db, kept_as):
        return True
    try:
        with db.transaction(POLLER) as txn:
            is_new = keep_unread(txn, row, is_a_report=isinstance(told, Report))
    except Exception:
        log.exception("what could not be read could not be kept", extra={"kept_as": kept_as})
        counts[f"{kind}_failed"] += 1
        return False
    if is_new:
        log.error("what the gateway told could not be read, and is kept as it came", extra={"kept_as": kept_as})
    counts[f"{kind}_unreadable"] += is_new
    return True


def _is_here(db: Database, kept_as: str) -> bool:
    """Asked by reading: what has no name comes again every few seconds, and writers wait for each other."""
    with db.reading(POLLER) as txn:
        known = select(InboundMessage.id).where(InboundMessage.provider_id == kept_as)
        return txn.session.scalar(known) is not None

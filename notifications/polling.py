"""Fetching what a gateway does not bring: reports on what it took, and texts that people wrote.

It repeats everything until it is told that we keep it, and it is told so only once that is committed. So a process that
is killed anywhere in here loses nothing, and what comes twice is known by its id.
"""

import logging
from collections import Counter

from backend.db import Database, system
from notifications.channels.template_gateway import TAKEN_AT_ONCE, Reply, Report, TemplateGateway
from notifications.dispatcher import Counts
from notifications.inbound import receive
from notifications.receipts import note_receipt
from notifications.settling import DeadLetter

log = logging.getLogger(__name__)

POLLER = system("poller")
# In one run, so that other jobs have their turn.
MOST_ROUNDS = 20


def poll_reports(db: Database, gateway: TemplateGateway, *, on_dead_letter: DeadLetter) -> Counts:
    """Turn the gateway's reports into receipts; says how many moved a message, and how many changed nothing."""
    counts: Counter[str] = Counter()
    for _ in range(MOST_ROUNDS):
        reports = gateway.reports()
        kept = [report.id for report in reports if _noted(db, report, on_dead_letter, counts)]
        if kept:
            gateway.keep_reports(kept)
        if len(kept) < TAKEN_AT_ONCE:
            break
    return dict(counts)


def poll_replies(db: Database, gateway: TemplateGateway) -> Counts:
    """Keep the texts that people wrote; says how many were new, and how many were known already."""
    counts: Counter[str] = Counter()
    for _ in range(MOST_ROUNDS):
        replies = gateway.replies()
        kept = [reply.id for reply in replies if _received(db, reply, counts)]
        if kept:
            gateway.keep_replies(kept)
        if len(kept) < TAKEN_AT_ONCE:
            break
    return dict(counts)


def _noted(db: Database, report: Report, on_dead_letter: DeadLetter, counts: Counter[str]) -> bool:
    """Whether the gateway may forget it. What can never be one of ours may go too, or it would stand in the way."""
    if report.receipt is None:
        log.error("a report of the gateway could not be read", extra={"report_id": report.id})
        counts["reports_unreadable"] += 1
        return True
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
    """Whether the gateway may forget it. Somebody wrote it, so what cannot be read stays where it is."""
    if reply.text is None:
        log.error("a reply at the gateway could not be read", extra={"reply_id": reply.id})
        counts["replies_unreadable"] += 1
        return False
    try:
        is_new = receive(db, reply.text) is not None
    except Exception:
        log.exception("a reply could not be kept", extra={"reply_id": reply.id})
        counts["replies_failed"] += 1
        return False
    counts["replies_received" if is_new else "replies_known"] += 1
    return True

"""Fetching texts that a lost webhook did not bring: what a provider lists is kept as if it had told us.

Whoever was told of a text has it under the provider's id, so a text that is listed again changes nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import func, select

from backend import clock
from backend.db import Database, system
from notifications.dispatcher import Counts
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage, JobRun

log = logging.getLogger(__name__)

SWEEPER = system("sweeper")
JOB = "sweep_texts"
FETCHED = "texts_fetched"
# Listed again each time: a list may lag behind, and clocks jump by hours.
OVERLAP = timedelta(hours=12)
# Before the first time.
LOOKED_BACK = timedelta(days=1)
TOGETHER = 100

Listing = Callable[[datetime], Iterator[ReceivedText]]


class NotAllKept(Exception):
    """Some texts could not be kept; they are listed again next time."""


def sweep(db: Database, received_since: Listing) -> Counts:
    """Keep whatever was written to us since the last time and is not here; says how many texts that were.

    Raises what the listing raises, and ``NotAllKept``: the next time then begins as far back as this one did.
    """
    listed = received_since(_since(db))
    counts: Counter[str] = Counter({"sweeps": 1})
    while some := list(islice(listed, TOGETHER)):
        for text in _unknown(db, some):
            counts[_fetched(db, text)] += 1
    if counts["failed"]:
        raise NotAllKept
    return {word: count for word, count in counts.items() if count}


def _since(db: Database) -> datetime:
    """Real time. A last time that is still to come was noted before the clock was set back."""
    now = clock.wall()
    last = select(func.max(JobRun.started_at)).where(JobRun.name == JOB, JobRun.error.is_(None))
    with db.reading(SWEEPER) as txn:
        done_at = txn.session.scalar(last.where(JobRun.started_at <= now))
    return done_at - OVERLAP if done_at else now - LOOKED_BACK


def _unknown(db: Database, some: Sequence[ReceivedText]) -> Sequence[ReceivedText]:
    """Looked for by reading, because most are known and writers have to wait for each other."""
    ids = [text.provider_id for text in some]
    with db.reading(SWEEPER) as txn:
        known = set(txn.session.scalars(select(InboundMessage.provider_id).where(InboundMessage.provider_id.in_(ids))))
    return [text for text in some if text.provider_id not in known]


def _fetched(db: Database, text: ReceivedText) -> str:
    try:
        inbound_id = receive(db, text)
    except Exception:
        log.exception("a text that was listed could not be kept", extra={"provider_id": text.provider_id})
        return "failed"
    if inbound_id is None:
        return "texts_known"
    log.warning("a text came by no webhook", extra={"inbound_id": str(inbound_id)})
    return FETCHED

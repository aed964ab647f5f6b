"""Ways out that refuse us as a whole: a wrong password, a sender that is not ours, an account that is suspended.

Every message would be refused, so none is tried, but for one now and then that finds out whether it is mended. What
is open stands in a row that every worker reads before it speaks, so that all of them hold still together.

Some gateways take every message and say only later that they carry none. There it shows nothing that one was taken:
the way stays shut until one has arrived, or until nothing bad was heard of one for a while.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import bindparam, or_, select, update

from backend import clock
from backend.advisory_locks import one_at_a_time
from backend.db import Transaction, compare_and_set
from backend.terms import MessageStatus
from notifications.channels import Refusal
from notifications.models import Attempt, GatewayBreaker, Receipt

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)
# Whatever will not be carried has been heard of by then; and most of it after so little.
LATEST_NEWS, GOOD_NEWS = timedelta(days=1), timedelta(minutes=10)
CALM = timedelta(minutes=2)
STOPPED = "gateway_stopped"
_BREAKER = (
    select(GatewayBreaker).where(GatewayBreaker.channel == bindparam("way")).execution_options(populate_existing=True)
)
# The same of plain columns: every breath asks for it.
_STATE = select(*GatewayBreaker.__table__.columns).where(GatewayBreaker.channel == bindparam("way"))


@dataclass(frozen=True)
class Gate:
    """Whether a way may be used now. ``shut_until`` is in real time; whoever ``finds_out`` passes one that is shut."""

    shut_until: datetime | None = None
    finds_out: bool = False


def gate(txn: Transaction, channel: str) -> Gate:
    """As every worker must ask before it speaks. One message at a time is let through a gate that is shut."""
    breaker = txn.connection.execute(_STATE, {"way": channel}).one_or_none()
    if breaker is None or breaker.opened_at is None:
        return Gate()
    now = clock.wall()
    # Further ahead than any pause: the clock was set back since.
    if now < breaker.next_probe_at <= now + LONGEST_PAUSE:
        return Gate(breaker.next_probe_at)
    until = now + _pause(breaker.refusals)
    claim = update(GatewayBreaker).where(
        GatewayBreaker.id == breaker.id, GatewayBreaker.next_probe_at == breaker.next_probe_at
    )
    return Gate(finds_out=True) if compare_and_set(txn, claim, next_probe_at=until) else Gate(until)


def open_for(txn: Transaction, attempt: Attempt) -> GatewayBreaker:
    """Nothing more by the way of this attempt for now, and longer each time it is refused again. Says so once."""
    one_at_a_time(txn, "gateway", attempt.channel)
    breaker = _of(txn, attempt.channel)
    now = clock.wall()
    if breaker is None:
        breaker = GatewayBreaker(id=uuid4(), channel=attempt.channel, openings=0, refusals=0, next_probe_at=now)
        txn.session.add(breaker)
    if _is_old_news(breaker, attempt):
        return breaker
    breaker.code = attempt.code or ""
    if breaker.opened_at is None:
        breaker.opened_at, breaker.refusals = now, 0
        breaker.openings += 1
        about = {"channel": breaker.channel, "code": breaker.code}
        log.error("a gateway refuses everything, so nothing is sent by it", extra=about)
    breaker.refusals += 1
    breaker.refused_at = now
    breaker.next_probe_at = now + _pause(breaker.refusals)
    txn.session.flush()
    return breaker


def close(txn: Transaction, channel: str) -> bool:
    """It took a message: everything goes that way again, unless it only takes them. Whether this opened the way."""
    breaker = _of(txn, channel)
    if breaker is None or _takes_without_carrying(txn, breaker):
        return False
    return _close(txn, channel)


def mend(txn: Transaction) -> int:
    """Everything goes again by each way that has carried a message since it was shut; says how many ways."""
    return sum(_close(txn, channel) for channel in carrying(txn))


def carrying(txn: Transaction) -> Sequence[str]:
    """Which ways are shut and have carried a message since."""
    return [breaker.channel for breaker in standing_open(txn) if _carries(txn, breaker)]


def has_settled(txn: Transaction, channel: str) -> bool:
    """Whether this way is open and has been for a while, or was never shut: one that comes and goes has not."""
    breaker = _of(txn, channel)
    if breaker is None or breaker.closed_at is None:
        return breaker is None
    now = clock.wall()
    return breaker.opened_at is None and not now - CALM < breaker.closed_at <= now


def _close(txn: Transaction, channel: str) -> bool:
    claim = update(GatewayBreaker).where(GatewayBreaker.channel == channel, GatewayBreaker.opened_at.is_not(None))
    is_first = compare_and_set(txn, claim, opened_at=None, closed_at=clock.wall(), refusals=0)
    if is_first:
        log.warning("a gateway takes messages again", extra={"channel": channel})
    return is_first


def worked_since(txn: Transaction, channel: str, moment: datetime | None) -> bool:
    """Whether this way was shut and took a message again after that real moment."""
    breaker = _of(txn, channel)
    # What closed in the future did so before the clock was set back, and nobody knows when.
    return bool(moment and breaker and breaker.closed_at and moment < breaker.closed_at <= clock.wall())


def standing_open(txn: Transaction) -> Sequence[GatewayBreaker]:
    """Every way that nothing is sent by now."""
    shut = select(GatewayBreaker).where(GatewayBreaker.opened_at.is_not(None))
    return txn.session.scalars(shut.order_by(GatewayBreaker.channel)).all()


def _takes_without_carrying(txn: Transaction, breaker: GatewayBreaker) -> bool:
    """Whether it has lately accepted what it said afterwards that, for our settings' sake, it will not carry."""
    found = select(Attempt.id).where(
        Attempt.provider_id.is_not(None),
        Attempt.channel == breaker.channel,
        Attempt.refusal == Refusal.CONFIGURATION,
        Attempt.called_at > (breaker.opened_at or clock.wall()) - LATEST_NEWS,
    )
    return txn.session.scalars(found.limit(1)).first() is not None


def _carries(txn: Transaction, breaker: GatewayBreaker) -> bool:
    """Whether a message that it took after it last refused one has arrived, or has not failed for long enough."""
    arrived = select(Receipt.id).where(Receipt.attempt_id == Attempt.id, Receipt.status == MessageStatus.DELIVERED)
    found = select(Attempt.id).where(
        Attempt.provider_id.is_not(None),
        Attempt.channel == breaker.channel,
        Attempt.refusal.is_(None),
        Attempt.called_at > breaker.refused_at,
        or_(Attempt.called_at <= clock.wall() - GOOD_NEWS, arrived.exists()),
    )
    return txn.session.scalars(found.limit(1)).first() is not None


def _is_old_news(breaker: GatewayBreaker, attempt: Attempt) -> bool:
    """Of several that left before it was known, or before it was mended, only the first says anything."""
    known_at = breaker.closed_at if breaker.opened_at is None else breaker.refused_at
    return known_at is not None and attempt.called_at is not None and attempt.called_at <= known_at <= clock.wall()


def _of(txn: Transaction, channel: str) -> GatewayBreaker | None:
    return txn.session.scalars(_BREAKER, {"way": channel}).one_or_none()


def _pause(refusals: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(max(refusals, 1) - 1, 10)), LONGEST_PAUSE)

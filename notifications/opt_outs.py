"""Numbers that said STOP. Our own table, whatever a carrier keeps: it counts for every gateway and every person."""

import unicodedata
from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select

from backend import audit
from backend.advisory_locks import all_one_at_a_time, one_at_a_time
from backend.among import among
from backend.db import Transaction
from backend.sealing import keyring_of
from backend.terms import Keyword
from notifications.as_seen import as_seen
from notifications.models import Attempt, InboundMessage, OptOut

# With those that carriers act on by themselves, so that theirs and ours never disagree.
STOP_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "td", "t", "停", "停止", "退订", "退訂", "取消订阅"}
    # And what nobody can mean otherwise; "please stop" may be said of a pain.
    | {"opt out", "optout", "revoke", "stop texting", "stop texting me", "please stop texting me", "no more texts"}
    | {
        "退订短信",
        "别发短信了",
        "别再发短信了",
        "不要发短信了",
        "不要再发短信了",
        "别再给我发短信了",
        "不要再给我发短信了",
    }
)
START_WORDS = frozenset({"start", "unstop", "恢复", "恢復", "开始", "開始"})
OPTED_OUT = "opted_out"
AROUND_A_WORD = " \t\r\n.,!?。，！？、\"'“”‘’「」【】()"
_STANDING = select(OptOut).where(OptOut.number_index == bindparam("index"), OptOut.started_at.is_(None))


def keyword_in(text: str) -> Keyword | None:
    """STOP and START stand alone: ``stop it hurts`` is for a person to read."""
    word = unicodedata.normalize("NFKC", as_seen(text)).strip(AROUND_A_WORD).casefold()
    if word in STOP_WORDS:
        return Keyword.STOP
    if word in START_WORDS:
        return Keyword.START
    return None


def has_stopped(txn: Transaction, number: str) -> bool:
    """Whether nothing may be sent to this number. A STOP that is being kept at this moment is waited for."""
    index = keyring_of(txn).blind_index("phone", number)
    _take_turns(txn, index)
    return _standing(txn, index) is not None


def hold(txn: Transaction, numbers: Collection[str]) -> None:
    """Nobody else says STOP from these numbers, or takes it back, until this transaction ends.

    Ask what stands once they are held: a statement sees what was committed before it began.
    """
    ring = keyring_of(txn)
    all_one_at_a_time(txn, [("number", ring.blind_index("phone", number)) for number in numbers])


def stopped_among(txn: Transaction, indexes: Collection[str]) -> frozenset[str]:
    """Of these number indexes, those to which nothing may be sent, as it stands now."""
    stops = select(OptOut.number_index).where(among(OptOut.number_index, "indexes"), OptOut.started_at.is_(None))
    return frozenset(txn.session.scalars(stops, {"indexes": indexes}))


def seems_stopped(txn: Transaction, number: str) -> bool:
    """As ``has_stopped``, for planning: as it stands now, waiting for nobody and holding up nobody."""
    return _standing(txn, keyring_of(txn).blind_index("phone", number)) is not None


def stop(txn: Transaction, number_index: str, inbound_id: UUID) -> None:
    """From the commit of this on, nothing is sent to the number."""
    _take_turns(txn, number_index)
    if _standing(txn, number_index) is None:
        row = OptOut(number_index=number_index, stopped_at=txn.now, stopped_by=inbound_id)
        audit.record(txn, "messages.stopped", row)


def obey_the_carrier(txn: Transaction, number: str, attempt: Attempt) -> OptOut | None:
    """The carrier sends nothing to this number, because it was told STOP: that counts as if we had been told.

    None when the person has written START since the attempt began: then the next one shows what holds.
    """
    index = keyring_of(txn).blind_index("phone", number)
    _take_turns(txn, index)
    if _wrote_start_since(txn, index, attempt.started_at):
        return None
    row = _standing(txn, index) or OptOut(id=uuid4(), number_index=index, stopped_at=txn.now)
    if row.refused_attempt is None:
        row.refused_attempt = attempt.id
        audit.record(txn, "messages.stopped", row)
        txn.session.flush()
    return row


def standing(txn: Transaction, number: str) -> OptOut | None:
    """The STOP that holds for this number, as it stands now."""
    return _standing(txn, keyring_of(txn).blind_index("phone", number))


def is_stopped_by(txn: Transaction, inbound_id: UUID) -> bool:
    """Whether it was this text that stopped its number, and the number is stopped still."""
    by_it = select(OptOut.id).where(OptOut.stopped_by == inbound_id, OptOut.started_at.is_(None))
    return txn.session.scalars(by_it.limit(1)).first() is not None


def start(txn: Transaction, number_index: str, inbound_id: UUID) -> None:
    """The number may be texted again. This opens the channel and nothing else: consent is another matter."""
    _take_turns(txn, number_index)
    standing = _standing(txn, number_index)
    if standing is not None:
        standing.started_at = txn.now
        standing.started_by = inbound_id
        audit.record(txn, "messages.restarted", standing)


def is_overtaken(txn: Transaction, inbound: InboundMessage) -> bool:
    """Whether the number has said STOP or START since this was written, to us or, for a STOP, to the carrier."""
    since = select(InboundMessage.id).where(
        InboundMessage.number_index == inbound.number_index,
        InboundMessage.keyword.is_not(None),
        InboundMessage.received_at > inbound.received_at,
    )
    refused = (
        select(OptOut.id)
        .join(Attempt, Attempt.id == OptOut.refused_attempt)
        .where(OptOut.number_index == inbound.number_index, OptOut.started_at.is_(None))
        .where(Attempt.started_at > inbound.received_at)
    )
    return any(txn.session.scalars(said.limit(1)).first() is not None for said in (since, refused))


def _wrote_start_since(txn: Transaction, index: str, moment: datetime) -> bool:
    written = select(InboundMessage.id).where(
        InboundMessage.number_index == index,
        InboundMessage.received_at > moment,
        InboundMessage.keyword == Keyword.START,
    )
    return txn.session.scalars(written.limit(1)).first() is not None


def _standing(txn: Transaction, index: str) -> OptOut | None:
    return txn.session.scalars(_STANDING, {"index": index}).one_or_none()


def _take_turns(txn: Transaction, index: str) -> None:
    """Makes STOP and a beginning message wait for each other, as a row that is not there yet cannot be locked."""
    one_at_a_time(txn, "number", index)

"""Texts that reach us: each kept once, and committed, before anything tries to understand it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select, update

from backend import clock
from backend.db import Actor, Database, Transaction, as_written, insert_once, update_now
from backend.sealing import STUDY, keyring_of, seal, seal_for, unseal
from backend.terms import ChannelKind, Keyword, Originator
from notifications import numbers, opt_outs
from notifications.models import InboundMessage

log = logging.getLogger(__name__)

BEING_READ = "being_read"
INBOX = "inbox"
FAILED = "failed"
URGENT = "urgent"
# A report that was not accepted is kept as what it is to us: something a person must read.
REFUSED_REPORT = "refused_report"
# Said of a message of ours, by a gateway, in a way that nobody understood. Nobody wrote it.
UNREADABLE_REPORT = "unreadable_report"
GATEWAY = Actor(Originator.GATEWAY, name="text gateway")

_COLUMNS = tuple(InboundMessage.__table__.columns.keys())
# Every text is taken so, and so it is put together once. What comes back is the row as it then is.
_TAKE = (
    select(InboundMessage)
    .from_statement(
        update(InboundMessage)
        .where(InboundMessage.id == bindparam("taken"), InboundMessage.handled_how.is_(None))
        .values(handled_how=BEING_READ)
        .returning(InboundMessage)
    )
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class ReceivedText:
    """What came in, as the provider says. A text written in the app has its patient instead of a number."""

    provider_id: str
    from_number: str
    to_number: str
    text: str
    channel: ChannelKind = ChannelKind.SMS
    patient_id: UUID | None = None
    in_reply_to: UUID | None = None
    # In real time, where the provider had it for a while before it told us.
    written_at: datetime | None = None


def receive(db: Database, text: ReceivedText) -> UUID | None:
    """Keep a text for good and obey STOP and START; None when this provider id was known.

    Keeping has its own transaction, which ends before anything looks at the words: no error in understanding
    can lose what a patient wrote. An error while keeping is the caller's, who must let the provider try again.
    """
    with db.transaction(GATEWAY) as txn:
        kept = keep(txn, text)
        inbound_id = kept.id if kept else None
    if inbound_id is not None:
        _obey_now(db, inbound_id, _storable(text.text))
    return inbound_id


def keep(txn: Transaction, text: ReceivedText) -> InboundMessage | None:
    """Keep a text in the caller's transaction, for doors that commit by themselves; None when it was known."""
    number = text.from_number.strip()
    row = InboundMessage(
        id=uuid4(),
        provider_id=text.provider_id,
        channel=text.channel,
        key_owner_id=text.patient_id or STUDY,
        patient_id=text.patient_id,
        number_index=keyring_of(txn).blind_index("phone", number) if number else None,
        to_number=text.to_number or None,
        received_at=_received_at(txn, text),
        in_reply_to=text.in_reply_to,
    )
    row.number_sealed = seal(txn, row, "number_sealed", number or None)
    row.text_sealed = seal(txn, row, "text_sealed", _storable(text.text))
    kept = {name: getattr(row, name) for name in _COLUMNS}
    if not txn.connection.execute(insert_once(txn, InboundMessage), kept).rowcount:
        return None
    as_written(txn, row)
    if row.number_index is not None:
        # That a stranger has a number is not undone by the stranger's writing again.
        numbers.lift(txn, row.number_index, numbers.WROTE, if_by_word=False)
    return row


def keep_unread(txn: Transaction, text: ReceivedText, *, is_a_report: bool) -> bool:
    """Keep what a provider told and nobody can read, whole; whether it was new.

    What somebody wrote stands on top of the inbox. A report is nobody's to answer, and is only kept.
    """
    kept = keep(txn, text)
    if kept is not None and is_a_report:
        mark_handled(txn, kept, UNREADABLE_REPORT, None)
    elif kept is not None:
        leave_to_a_person(txn, kept, why=FAILED)
    return kept is not None


def obey(txn: Transaction, inbound: InboundMessage) -> Keyword | None:
    """STOP and START act on the number, first of all and whoever it belongs to. A second time does nothing.

    None as well for one that came so late that a newer word of this number holds: it is for a person to read.
    """
    if inbound.keyword is not None:
        return Keyword(inbound.keyword)
    keyword = opt_outs.keyword_in(text_of(txn, inbound))
    if keyword is None or inbound.number_index is None or opt_outs.is_overtaken(txn, inbound):
        return None
    # The text's row first and the number after, as everybody does, so that two who obey never wait for each other.
    inbound.keyword = keyword
    txn.session.flush()
    if keyword is Keyword.STOP:
        opt_outs.stop(txn, inbound.number_index, inbound.id)
    else:
        opt_outs.start(txn, inbound.number_index, inbound.id)
    return keyword


def unhandled(txn: Transaction, *, older_than: timedelta = timedelta(0), limit: int = 100) -> Sequence[InboundMessage]:
    """Texts that nothing has understood yet, oldest first."""
    return txn.session.scalars(
        select(InboundMessage)
        .where(InboundMessage.handled_at.is_(None), InboundMessage.received_at <= txn.now - older_than)
        .order_by(InboundMessage.received_at, InboundMessage.id)
        .limit(limit)
    ).all()


def mark_handled(
    txn: Transaction, inbound: InboundMessage, how: str, patient_id: UUID | None, *, site_id: UUID | None = None
) -> None:
    """Say what became of a text, and whose it was if that is certain."""
    became = {"handled_at": txn.now, "handled_how": how}
    update_now(txn, inbound, became | _given_to(txn, inbound, patient_id, site_id))


def give_to(txn: Transaction, inbound: InboundMessage, patient_id: UUID | None, *, site_id: UUID | None) -> None:
    """Say whose text it is, as far as that is certain. What was known before stays.

    Until then the study's key seals it; from then on the patient's own, so that forgetting the patient reaches it.
    """
    update_now(txn, inbound, _given_to(txn, inbound, patient_id, site_id))


def take_from_its_owner(txn: Transaction, inbound: InboundMessage, *, keeps_site: bool) -> None:
    """It is nobody's again: a person had taken it for this patient's by mistake."""
    said, number = unseal(txn, inbound, "text_sealed"), unseal(txn, inbound, "number_sealed")
    inbound.patient_id, inbound.key_owner_id = None, STUDY
    inbound.site_id = inbound.site_id if keeps_site else None
    inbound.text_sealed = seal(txn, inbound, "text_sealed", said)
    inbound.number_sealed = seal(txn, inbound, "number_sealed", number)


def take(txn: Transaction, inbound_id: UUID) -> InboundMessage | None:
    """The text, for whoever is to understand it in this transaction; None when another has looked at it.

    Whoever comes second waits here until the first has committed, and then finds that it is done.
    """
    taken: InboundMessage | None = txn.session.scalar(_TAKE, {"taken": inbound_id})
    return taken


def leave_to_a_person(
    txn: Transaction,
    inbound: InboundMessage,
    *,
    patient_id: UUID | None = None,
    site_id: UUID | None = None,
    why: str = INBOX,
) -> None:
    """It has been looked at and stays in the inbox until a person resolves it there; some things stand on top."""
    update_now(txn, inbound, {"handled_how": why} | _given_to(txn, inbound, patient_id, site_id))


def text_of(txn: Transaction, inbound: InboundMessage) -> str:
    """The words."""
    return unseal(txn, inbound, "text_sealed") or ""


def number_of(txn: Transaction, inbound: InboundMessage) -> str | None:
    """The number they came from; None when they were written in the app."""
    return unseal(txn, inbound, "number_sealed")


def _given_to(
    txn: Transaction, inbound: InboundMessage, patient_id: UUID | None, site_id: UUID | None
) -> dict[str, Any]:
    site = {"site_id": inbound.site_id or site_id}
    if inbound.patient_id is not None or patient_id is None:
        return site
    sealed = ("text_sealed", "number_sealed")
    anew = {name: seal_for(txn, patient_id, inbound, name, unseal(txn, inbound, name)) for name in sealed}
    return {**site, **anew, "patient_id": patient_id, "key_owner_id": patient_id}


def _obey_now(db: Database, inbound_id: UUID, words: str) -> None:
    """STOP counts from this moment, also when whatever handles texts is broken or behind."""
    try:
        # Hardly any text is one, and only these words need the number's turn.
        if opt_outs.keyword_in(words) is None:
            return
        with db.transaction(GATEWAY) as txn:
            obey(txn, txn.session.get_one(InboundMessage, inbound_id))
    except Exception:
        # The text is kept and still unhandled, so the next to handle it obeys it first.
        log.exception("a kept text could not be read yet", extra={"inbound_id": str(inbound_id)})


def _received_at(txn: Transaction, text: ReceivedText) -> datetime:
    """When it reached the provider, in trial time, for it is about then: never ahead of now."""
    waited = clock.wall() - text.written_at if text.written_at else timedelta(0)
    return txn.now - max(waited, timedelta(0))


def _storable(text: str) -> str:
    """Half a surrogate pair is not a character and cannot be encoded; everything else is kept as it came."""
    return text.encode("utf-8", "replace").decode()

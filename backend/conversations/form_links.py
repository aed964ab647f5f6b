"""Links to the plain form. Nothing of a link is stored: whoever holds one was given it, and only the newest opens.

A link names its conversation and how many were given out before it, and proves with a keyed hash that it is ours: a
guess is refused without a look into the database, and one that has been replaced is told from one that never was.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from backend import audit
from backend.clock import wall
from backend.conversation_terms import LIVE
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.patients.models import Patient
from backend.sealing import keyring_of
from backend.terms import NO_LONGER_FOLLOWED, PatientStatus

PURPOSE = "form link"
# Real time, like every other secret's.
LIVES = timedelta(hours=72)
NO_LONGER_REPORTING = NO_LONGER_FOLLOWED | {PatientStatus.WITHDRAWN_FROM_REPORTING}
# A name of 18 bytes and a proof of 18 (144 bits), each written with 24 letters.
NAME_LETTERS, COUNT_BYTES = 24, 2
MOST_LINKS = 2 ** (8 * COUNT_BYTES) - 1
TOKEN = re.compile(r"[A-Za-z0-9_-]{48}")


@dataclass(frozen=True)
class GivenLink:
    """A link as it is handed to somebody, and the real time until which it opens."""

    link: str
    expires_at: datetime


@dataclass(frozen=True)
class Form:
    """What a link of ours leads to. Only an open form shows or takes anything."""

    conversation: Conversation
    number: int
    is_newest: bool
    is_open: bool


def link_for(txn: Transaction, conversation: Conversation, public_url: str) -> str:
    """A new link to the form of this conversation; the one before it opens nothing any more."""
    return give_link(txn, conversation, public_url).link


def give_link(txn: Transaction, conversation: Conversation, public_url: str) -> GivenLink:
    """The same, with the time it opens until: 72 hours, or the end of the conversation's window if that is earlier.

    Raises ``NoLongerPossible`` when the conversation has ended or its window has closed.
    """
    if conversation.ended_at is not None or _is_closed(conversation, txn.now):
        raise NoLongerPossible("This questionnaire is closed. Its form cannot be opened any more.")
    if conversation.links_issued >= MOST_LINKS:
        raise NoLongerPossible("Too many links to this form were given out.")
    left = LIVES if conversation.closes_at is None else min(LIVES, conversation.closes_at - txn.now)
    expires_at = wall() + left
    conversation.links_issued += 1
    conversation.link_expires_at = expires_at
    audit.record(txn, "form_link.issued", conversation)
    txn.session.flush()
    return GivenLink(f"{public_url}/f/{_token(txn, conversation.id, conversation.links_issued)}", expires_at)


def conversation_of(txn: Transaction, token: str) -> Conversation | None:
    """The conversation whose form this link opens; None for a link that opens nothing, whatever the reason."""
    form = form_of(txn, token)
    return form.conversation if form is not None and form.is_open else None


def form_of(txn: Transaction, token: str) -> Form | None:
    """What the link leads to; None when it is none of ours."""
    named = _named(txn, token)
    conversation = txn.session.get(Conversation, named[0]) if named else None
    if named is None or conversation is None:
        return None
    return _form(txn, conversation, named[1])


def again(txn: Transaction, form: Form) -> Form:
    """The same link as things are now, after waiting for one's turn."""
    return _form(txn, form.conversation, form.number)


def _form(txn: Transaction, conversation: Conversation, number: int) -> Form:
    is_newest = number == conversation.links_issued
    return Form(conversation, number, is_newest, is_newest and _opens(txn, conversation))


def _opens(txn: Transaction, conversation: Conversation) -> bool:
    if conversation.status not in LIVE or _is_closed(conversation, txn.now):
        return False
    if conversation.link_expires_at is None or wall() >= conversation.link_expires_at:
        return False
    return txn.session.get_one(Patient, conversation.patient_id).status not in NO_LONGER_REPORTING


def _is_closed(conversation: Conversation, now: datetime) -> bool:
    return conversation.closes_at is not None and now >= conversation.closes_at


def _token(txn: Transaction, conversation_id: UUID, number: int) -> str:
    name = base64.urlsafe_b64encode(conversation_id.bytes + number.to_bytes(COUNT_BYTES)).decode()
    return name + _proof(txn, name)


def _proof(txn: Transaction, name: str) -> str:
    return keyring_of(txn).derive_token(PURPOSE, name)[:NAME_LETTERS]


def _named(txn: Transaction, token: str) -> tuple[UUID, int] | None:
    """(conversation, which of its links). Compared in constant time: how far a guess was right must not show."""
    if not TOKEN.fullmatch(token):
        return None
    name, proof = token[:NAME_LETTERS], token[NAME_LETTERS:]
    if not hmac.compare_digest(_proof(txn, name), proof):
        return None
    raw = base64.urlsafe_b64decode(name)
    return UUID(bytes=raw[:-COUNT_BYTES]), int.from_bytes(raw[-COUNT_BYTES:])

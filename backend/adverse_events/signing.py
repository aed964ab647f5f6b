"""Signing an adverse event in one's own hand: the password again, a meaning, and exactly what was read."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from backend import audit
from backend.adverse_events.models import AdverseEvent, AdverseEventSignature
from backend.adverse_events.recording import grades_of, judgement_of, read_in_turn
from backend.adverse_events.signatures import content_of, hash_of, new_salt, salt_in
from backend.audit import AuditEvent
from backend.db import Transaction
from backend.errors import NoLongerPossible, WrongDataKey
from backend.sealing import is_forgotten, seal, unseal
from backend.staff.guesses import prove_again

AT_ONCE = 500


@dataclass(frozen=True)
class Hand:
    """How a member of staff proves to be themselves: the session's token, the password, the caller's network."""

    token: str
    password: str
    network: str = ""


def sign(
    txn: Transaction, event: AdverseEvent, hand: Hand, meaning: str, *, seen_version: int | None = None
) -> AdverseEventSignature:
    """Put one's name under the event as it was when it was read; it is no draft any more.

    ``seen_version`` is what the person has read; without it, what stood when the request came. One signature stands at
    a time. Raises ``NoLongerPossible`` for an event that is voided, is signed and unchanged, or was changed since it
    was read; ``SignInRefused`` for a wrong password. Nothing may have been changed in the transaction yet: it is let
    go while the password is hashed.
    """
    # First, so that what cannot be signed costs nobody one of the few guesses.
    event_id, seen_version = event.id, event.version if seen_version is None else seen_version
    read_in_turn(txn, event)
    _refuse_signed(txn, event)
    _refuse_other_version(txn, event, seen_version)
    prove_again(txn, hand.token, hand.password, network=hand.network)
    event = txn.session.get_one(AdverseEvent, event_id, populate_existing=True)
    read_in_turn(txn, event)
    _refuse_signed(txn, event)
    _refuse_other_version(txn, event, seen_version)
    return _sign(txn, event, meaning)


def _refuse_signed(txn: Transaction, event: AdverseEvent) -> None:
    if event.signature_id is None:
        return
    standing = txn.session.get_one(AdverseEventSignature, event.signature_id)
    raise NoLongerPossible(
        "This adverse event is signed, and has not changed since.",
        by=str(standing.signed_by),
        at=standing.signed_at.isoformat(),
    )


def _refuse_other_version(txn: Transaction, event: AdverseEvent, seen_version: int) -> None:
    """A signature binds what its author has read, and nothing else."""
    if event.version == seen_version:
        return
    changed = select(AuditEvent.actor_id, AuditEvent.role, AuditEvent.at).where(
        AuditEvent.patient_id == event.patient_id,
        AuditEvent.record_id == str(event.id),
        AuditEvent.field == "version",
    )
    who, role, at = txn.session.execute(changed.order_by(AuditEvent.id.desc()).limit(1)).one()
    raise NoLongerPossible(
        "Somebody has changed this adverse event meanwhile; read it again before signing.",
        version=event.version,
        by=str(who) if who else None,
        role=role,
        at=at.isoformat(),
    )


def _sign(txn: Transaction, event: AdverseEvent, meaning: str) -> AdverseEventSignature:
    role = txn.actor.role_at(event.site_id)
    assert txn.actor.id is not None, "Only a person signs."
    assert role is not None, "Only who holds a role at the site signs."
    row = AdverseEventSignature(
        patient_id=event.patient_id,
        site_id=event.site_id,
        adverse_event_id=event.id,
        event_version=event.version,
        signed_by=txn.actor.id,
        signed_as=role,
        signed_at=txn.now,
        meaning=meaning,
    )
    content = content_of(event, judgement_of(txn, event), grades_of(txn, event), row, new_salt())
    row.content_sealed = seal(txn, row, "content_sealed", content)
    row.content_hash = hash_of(content)
    audit.record(txn, "adverse_event.signed", row)
    txn.session.flush()
    event.signature_id = row.id
    event.version += 1
    audit.record(txn, "adverse_event.settled", event)
    txn.session.flush()
    return row


class Defect(StrEnum):
    """How a signature fails to bind what stands on the record."""

    # The text that was signed is not the text that was hashed, or cannot be opened.
    TEXT = "the text that was signed is not what its hash says"
    # The record is no longer what was signed, though nothing voided the signature.
    RECORD = "the record is not what was signed"
    GONE = "the event names a signature that is not there"


@dataclass(frozen=True)
class Verified:
    """What came of one event's signature in force; ``defect`` is None when it holds.

    ``is_forgotten``: the patient's key was shredded on purpose, so that nothing can be said.
    """

    event: AdverseEvent
    defect: Defect | None
    is_forgotten: bool = False


def verify_signatures(txn: Transaction) -> Iterator[Verified]:
    """Each signature in force, held against the record it stands under, by the id of the event."""
    after = None
    while True:
        signed = select(AdverseEvent).where(AdverseEvent.signature_id.is_not(None)).order_by(AdverseEvent.id)
        rows = txn.session.scalars((signed.where(AdverseEvent.id > after) if after else signed).limit(AT_ONCE)).all()
        for event in rows:
            yield _verified(txn, event)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id


def _verified(txn: Transaction, event: AdverseEvent) -> Verified:
    if is_forgotten(txn, event.patient_id):
        return Verified(event, None, is_forgotten=True)
    row = txn.session.get(AdverseEventSignature, event.signature_id)
    if row is None or row.adverse_event_id != event.id:
        return Verified(event, Defect.GONE)
    try:
        content = unseal(txn, row, "content_sealed") or ""
        salt = salt_in(content)
    except (WrongDataKey, ValueError):
        return Verified(event, Defect.TEXT)
    if not hmac.compare_digest(hash_of(content), row.content_hash):
        return Verified(event, Defect.TEXT)
    return Verified(event, None if _still_says(txn, event, row, content, salt) else Defect.RECORD)


def _still_says(txn: Transaction, event: AdverseEvent, row: AdverseEventSignature, content: str, salt: str) -> bool:
    try:
        judged = judgement_of(txn, event)
    except WrongDataKey:
        # A sealed word was exchanged for something that does not open.
        return False
    return content_of(event, judged, grades_of(txn, event), row, salt) == content

"""Signatures under adverse events: what one is bound to, who gave which, and how one ends. No record of one is lost.

A signature is bound to the SHA-256 of a text: what was judged, with the whole grade history, who signed, when, as what
and meaning what, and a random salt, without which so little text could be guessed from its hash. The text itself is
kept sealed. The emergent flags, the clock of the safety report and the state of the candidate are derived or recorded
elsewhere, and no part of it.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.adverse_events.judgement import Judgement
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade, AdverseEventSignature, SignatureVoiding
from backend.db import Transaction, canonical_json

SALT_BYTES = 16


@dataclass(frozen=True)
class Signed:
    """A signature and, when it no longer stands, how it ended."""

    signature: AdverseEventSignature
    voiding: SignatureVoiding | None


def void_signature(txn: Transaction, event: AdverseEvent, because: Collection[str]) -> None:
    """What was signed has changed: the signature stays on record, and stands no more. Nothing for a draft.

    ``because`` names the fields. Sets ``event.signature_id``; the caller records and writes the event.
    """
    if event.signature_id is None:
        return
    row = SignatureVoiding(
        patient_id=event.patient_id,
        site_id=event.site_id,
        signature_id=event.signature_id,
        because=sorted(because),
        voided_by=txn.actor.id,
        voided_at=txn.now,
    )
    audit.record(txn, "adverse_event.signature_voided", row)
    event.signature_id = None


def signatures_of(txn: Transaction, events: Iterable[UUID]) -> Mapping[UUID, Sequence[Signed]]:
    """By the id of the event, every signature that was ever given, the first one first."""
    given = (
        select(AdverseEventSignature, SignatureVoiding)
        .outerjoin(SignatureVoiding, SignatureVoiding.signature_id == AdverseEventSignature.id)
        .where(AdverseEventSignature.adverse_event_id.in_(list(events)))
        .order_by(AdverseEventSignature.signed_at, AdverseEventSignature.event_version)
    )
    found: dict[UUID, list[Signed]] = {}
    for signature, voiding in txn.session.execute(given):
        found.setdefault(signature.adverse_event_id, []).append(Signed(signature, voiding))
    return found


def was_ever_signed(txn: Transaction, event: AdverseEvent) -> bool:
    """Whether a physician has put their name under it, whether or not that still stands."""
    given = select(AdverseEventSignature.id).where(AdverseEventSignature.adverse_event_id == event.id)
    return txn.session.scalar(given.limit(1)) is not None


def new_salt() -> str:
    """What makes the hash of so little text impossible to guess from."""
    return secrets.token_hex(SALT_BYTES)


def salt_in(content: str) -> str:
    """The salt of a text that was signed. Raises ``ValueError`` for what is no such text."""
    read = json.loads(content)
    if not isinstance(read, dict) or not isinstance(read.get("salt"), str):
        raise ValueError("This is not the text of a signature.")
    return str(read["salt"])


def content_of(
    event: AdverseEvent,
    judgement: Judgement,
    grades: Iterable[AdverseEventGrade],
    signature: AdverseEventSignature,
    salt: str,
) -> str:
    """The text a signature is bound to, written from the record as it is."""
    judged: dict[str, Any] = asdict(judgement) | {"serious": list(judgement.serious)}
    return canonical_json(
        {
            "adverse_event": str(event.id),
            "patient": str(event.patient_id),
            "candidate_event": str(event.candidate_event_id) if event.candidate_event_id else None,
            "source": event.source,
            "judged": judged,
            "grade_history": [[row.number, row.grade, row.from_on] for row in grades],
            "signed_by": str(signature.signed_by),
            "signed_as": signature.signed_as,
            "signed_at": signature.signed_at.astimezone(UTC).isoformat(),
            "meaning": signature.meaning,
            "salt": salt,
        }
    )


def hash_of(content: str) -> str:
    """SHA-256 of the exact text, in hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()

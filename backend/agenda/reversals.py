"""Signed reversals: a person says, with their password, that an entry was a mistake, and the plan is as before it.

Nothing is deleted: the act stays with the time of its reversal, and the signature keeps a hash of the act as it
stood. A reversal is for what never was. A patient who withdrew and returns signs a new consent instead.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from backend import audit
from backend.agenda.acting import Diff, carry_out
from backend.agenda.stays import take_back
from backend.agenda.stops import take_back_discontinuation, take_back_withdrawal
from backend.db import Transaction, canonical_json
from backend.errors import NoLongerPossible, NotFound
from backend.patients.acts import Discontinuation, Hospitalisation, Reversal, Reversible, Withdrawal
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.staff.guesses import prove_again

Act = Any  # A row of one of KINDS: a table of ours that is also ``Reversible``.

# What can be reversed, and how what it changed goes back. Whoever adds an act that can be a mistake adds a line.
KINDS: Mapping[type[Act], Callable[[Transaction, Patient, Act], None]] = {
    Discontinuation: take_back_discontinuation,
    Withdrawal: take_back_withdrawal,
    Hospitalisation: take_back,
}
# Written by the reversal itself; everything else of an act is what was signed about.
_NOT_SIGNED = frozenset({"reversed_at", "reversed_by"})


@dataclass(frozen=True)
class Signature:
    """How a member of staff proves the password again: the session's token, the password, the caller's network."""

    token: str
    password: str
    network: str = ""


@dataclass(frozen=True)
class ReversalChange:
    """A reversal, and what it did."""

    reversal: Reversal
    diff: Diff


def sign(txn: Transaction, patient: Patient, act_id: UUID, reason: str, signature: Signature) -> ReversalChange:
    """Reverse an act in one's own hand. Raises ``SignInRefused`` for a wrong password, and what ``reverse`` raises.

    Nothing may have been changed in the transaction yet: it is let go while the password is hashed.
    """
    # First, so that what cannot be reversed costs nobody one of the few guesses.
    _act_of(txn, patient, act_id)
    prove_again(txn, signature.token, signature.password, network=signature.network)
    return reverse(txn, patient, act_id, reason)


def reverse(txn: Transaction, patient: Patient, act_id: UUID, reason: str) -> ReversalChange:
    """What ``sign`` does once the person is known to be that person; by itself only for a preview.

    Raises ``NotFound`` for an act of nobody or of another patient, ``NoLongerPossible`` for one reversed before.
    """
    take_turn(txn, patient)
    act = _act_of(txn, patient, act_id)
    return ReversalChange(*carry_out(txn, patient, lambda: _reverse(txn, patient, act, reason)))


def content_hash(act: Act) -> str:
    """SHA-256 of the act as it is stored, without what a reversal writes on it: the same before it and ever after."""
    columns = (attribute.key for attribute in type(act).__mapper__.column_attrs)
    content = {name: _text(getattr(act, name)) for name in columns if name not in _NOT_SIGNED}
    return hashlib.sha256(canonical_json({"of_type": act.__tablename__, **content}).encode()).hexdigest()


def _act_of(txn: Transaction, patient: Patient, act_id: UUID) -> Act:
    """The act, read anew: of two who reverse it at once the second finds what the first did."""
    found = (txn.session.get(kind, act_id, populate_existing=True) for kind in KINDS)
    act = next((one for one in found if one is not None and one.patient_id == patient.id), None)
    if act is None:
        raise NotFound()
    assert isinstance(act, Reversible)
    if act.reversed_at is not None:
        raise NoLongerPossible("This was reversed before.")
    return act


def _reverse(txn: Transaction, patient: Patient, act: Act, reason: str) -> Reversal:
    row = Reversal(
        patient_id=patient.id,
        site_id=patient.site_id,
        of_type=act.__tablename__,
        of_id=act.id,
        content_hash=content_hash(act),
        signed_by=txn.actor.id,
        signed_at=txn.now,
    )
    row.reason_sealed = seal(txn, row, "reason_sealed", reason)
    audit.record(txn, "reversal.signed", row)
    act.reversed_at, act.reversed_by = txn.now, txn.actor.id
    audit.record(txn, f"{act.__tablename__}.reversed", act, words=reason)
    txn.session.flush()
    KINDS[type(act)](txn, patient, act)
    return row


def _text(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, UUID) else value

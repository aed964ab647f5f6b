"""Signed reversals: a person says, with their password, that an entry was a mistake, and the plan is as before it.

Nothing is deleted: the act stays with the time of its reversal, and the signature keeps what the act said and a hash
of it. A reversal is for what never was. A patient who withdrew and returns signs a new consent instead.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.agenda import undoing
from backend.agenda.acting import Diff, carry_out
from backend.agenda.cycles import reference_of
from backend.agenda.facts import ATTENDANCE
from backend.agenda.models import AgendaFact, Cycle
from backend.agenda.moves import refuse_move, take_back_move
from backend.agenda.stays import take_back
from backend.agenda.stops import take_back_discontinuation, take_back_withdrawal
from backend.agenda.undoing import InfusionStart
from backend.db import Transaction, canonical_json
from backend.errors import NoLongerPossible, NotFound
from backend.patients import life, tumour_assessments
from backend.patients.acts import (
    Discontinuation,
    Hospitalisation,
    ProtocolMove,
    Reversal,
    TumourAssessment,
    Withdrawal,
)
from backend.patients.deviations import refuse_what_an_act_left
from backend.patients.models import Deviation, Patient
from backend.patients.turns import take_turn
from backend.sealing import seal
from backend.staff.guesses import prove_again

Act = Any  # A row of one of KINDS that belongs to a patient and has an id; or an ``InfusionStart``, which has no row.


def _nothing_in_the_way(txn: Transaction, patient: Patient, act: Act) -> None:
    """Most acts can be taken back whatever came after."""


def _without_trace(act: Act) -> None:
    """Most acts show nothing about the patient being alive."""


@dataclass(frozen=True)
class Kind:
    """How mistaken acts of one kind are undone.

    ``refuse`` raises while something stands that could not be without it. ``showed_life`` gives the reference of the
    evidence of life that the act left, and when that was recorded, where this is known.
    """

    take_back: Callable[[Transaction, Patient, Act], None]
    refuse: Callable[[Transaction, Patient, Act], None] = _nothing_in_the_way
    showed_life: Callable[[Act], tuple[str, datetime | None] | None] = _without_trace


Kinds = Mapping[type[Act], Kind]
# What can be reversed, and how what it changed goes back. Whoever adds an act that can be a mistake adds a line; a room
# above this one hands in its own beside these.
KINDS: Kinds = {
    Discontinuation: Kind(take_back_discontinuation),
    Withdrawal: Kind(take_back_withdrawal),
    Hospitalisation: Kind(take_back),
    TumourAssessment: Kind(
        _nothing_in_the_way, showed_life=lambda seen: (tumour_assessments.reference_of(seen), seen.recorded_at)
    ),
    Cycle: Kind(undoing.take_back_cycle, undoing.refuse_cycle),
    ProtocolMove: Kind(take_back_move, refuse_move),
    Deviation: Kind(_nothing_in_the_way, lambda txn, patient, act: refuse_what_an_act_left(act)),
    AgendaFact: Kind(undoing.take_back_attendance, showed_life=lambda fact: (fact.key, fact.recorded_at)),
    InfusionStart: Kind(
        undoing.take_back_start,
        undoing.refuse_start,
        lambda start: (reference_of(start.cycle, start.day), None),
    ),
}
# Written by the reversal itself; everything else of an act is what was signed about.
_NOT_SIGNED = frozenset({"reversed_at", "reversed_by"})
# A decision that a reversal changes; other rows have words of this name that it does not.
_STATUS_NOT_SIGNED = frozenset({"death_report"})


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


def sign(
    txn: Transaction, patient: Patient, act_id: UUID, reason: str, signature: Signature, kinds: Kinds = KINDS
) -> ReversalChange:
    """Reverse an act in one's own hand. Raises ``SignInRefused`` for a wrong password, and what ``reverse`` raises.

    Nothing may have been changed in the transaction yet: it is let go while the password is hashed.
    """
    # First, so that what cannot be reversed costs nobody one of the few guesses.
    _act_of(txn, patient, act_id, kinds)
    prove_again(txn, signature.token, signature.password, network=signature.network)
    return reverse(txn, patient, act_id, reason, kinds)


def reverse(txn: Transaction, patient: Patient, act_id: UUID, reason: str, kinds: Kinds = KINDS) -> ReversalChange:
    """What ``sign`` does once the person is known to be that person; by itself only for a preview.

    Raises ``NotFound`` for an act of nobody or of another patient, ``NoLongerPossible`` for one reversed before and for
    one on which something hangs that stands.
    """
    take_turn(txn, patient)
    act = _act_of(txn, patient, act_id, kinds)
    kind = kinds[type(act)]
    return ReversalChange(*carry_out(txn, patient, lambda: _reverse(txn, patient, act, kind, reason)))


def reversals_of(txn: Transaction, patient: Patient) -> Sequence[Reversal]:
    """Every reversal of this patient's acts, the latest first; each says what the act was."""
    known = select(Reversal).where(Reversal.patient_id == patient.id)
    return txn.session.scalars(known.order_by(Reversal.signed_at.desc(), Reversal.id)).all()


def content_hash(act: Act) -> str:
    """SHA-256 of the act as it is stored, without what a reversal writes on it: the same before it and ever after."""
    return hashlib.sha256(canonical_json(content_of(act)).encode()).hexdigest()


def content_of(act: Act) -> dict[str, Any]:
    """The act as it is stored, in words for a signature; what is sealed stays sealed."""
    if isinstance(act, InfusionStart):
        content = act.content
    else:
        columns = (attribute.key for attribute in type(act).__mapper__.column_attrs)
        not_signed = _NOT_SIGNED | ({"status"} if act.__tablename__ in _STATUS_NOT_SIGNED else set())
        content = {name: getattr(act, name) for name in columns if name not in not_signed}
    return {"of_type": _type_of(act), **{name: _text(value) for name, value in content.items()}}


def _act_of(txn: Transaction, patient: Patient, act_id: UUID, kinds: Kinds) -> Act:
    """The act, read anew: of two who reverse it at once the second finds what the first did."""
    act = undoing.start_of_id(txn, patient, act_id) or _row_of(txn, patient, act_id, kinds)
    kinds[type(act)].refuse(txn, patient, act)
    return act


def _row_of(txn: Transaction, patient: Patient, act_id: UUID, kinds: Kinds) -> Act:
    signed = select(Reversal).where(Reversal.patient_id == patient.id)
    if txn.session.scalar(signed.where(Reversal.id == act_id)) is not None:
        raise NoLongerPossible("A reversal is not reversed: what it undid is entered again.")
    if txn.session.scalar(signed.where(Reversal.of_id == act_id).limit(1)) is not None:
        raise NoLongerPossible("This was reversed before.")
    rows = (txn.session.get(kind, act_id, populate_existing=True) for kind in kinds if kind is not InfusionStart)
    act = next((one for one in rows if one is not None and one.patient_id == patient.id), None)
    if act is None or (isinstance(act, AgendaFact) and act.kind not in ATTENDANCE):
        raise NotFound()
    # Of a deviation that went with its act there is no reversal of its own.
    if getattr(act, "reversed_at", None) is not None:
        raise NoLongerPossible("This was reversed before.")
    return act


def _reverse(txn: Transaction, patient: Patient, act: Act, kind: Kind, reason: str) -> Reversal:
    row = Reversal(
        patient_id=patient.id,
        site_id=patient.site_id,
        of_type=_type_of(act),
        of_id=act.id,
        content=content_of(act),
        content_hash=content_hash(act),
        signed_by=txn.actor.id,
        signed_at=txn.now,
    )
    row.reason_sealed = seal(txn, row, "reason_sealed", reason)
    audit.record(txn, "reversal.signed", row)
    if hasattr(act, "reversed_at"):
        act.reversed_at, act.reversed_by = txn.now, txn.actor.id
        audit.record(txn, f"{act.__tablename__}.reversed", act, words=reason)
    txn.session.flush()
    kind.take_back(txn, patient, act)
    showed = kind.showed_life(act)
    if showed is not None:
        reference, recorded_at = showed
        life.void_evidence(txn, patient, row, reference, recorded_at=recorded_at)
    return row


def _type_of(act: Act) -> str:
    """The word for it: the name of its table, but for facts of the agenda, of which only attendance is reversed."""
    if isinstance(act, InfusionStart):
        return "infusion_start"
    return "attendance" if isinstance(act, AgendaFact) else str(act.__tablename__)


def _text(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, UUID) else value

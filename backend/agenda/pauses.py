"""Pauses: for a time nobody is written to, then messages are planned again and a person is asked how to go on.

A pause is a hold on all contact with an end. It ends by itself at its instant, by a person before that, or by a
discharge from hospital. Whatever fell due meanwhile is not made up for: only what can still be answered goes out.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from backend import audit, clock
from backend.agenda.acting import Diff, carry_out
from backend.agenda.planning import replan
from backend.db import Database, Transaction, UTCDateTime, compare_and_set, system
from backend.errors import InvalidInput, NoLongerPossible, NotFound
from backend.indexes import word
from backend.patients import contact
from backend.patients.models import ContactHold, Patient
from backend.patients.turns import take_turn
from backend.terms import NO_LONGER_FOLLOWED, PauseKind, WorkReason
from backend.worklist.items import open_item

# [A] Long enough for a journey home, too short to lose sight of anybody between two survival checks.
LONGEST_PAUSE = timedelta(days=90)
KINDS = tuple(kind.value for kind in PauseKind)
# What the job looks at: pauses whose end nobody has written down yet.
_UNENDED = (ContactHold.reason.in_([word(kind) for kind in PauseKind]), ContactHold.lifted_at.is_(None))
# Asked again and again, and so put together once, of plain columns.
_HOLD = ContactHold.__table__.c
_OVER = (
    select(_HOLD.id)
    .where(*_UNENDED, _HOLD.until <= bindparam("now", type_=UTCDateTime()))
    .order_by(_HOLD.until, _HOLD.id)
)

log = logging.getLogger(__name__)

PAUSER = system("pauser")


@dataclass(frozen=True)
class PauseChange:
    """A pause after an act, and what the act did."""

    pause: ContactHold
    diff: Diff


def pause(txn: Transaction, patient: Patient, reason: str, until: date) -> PauseChange:
    """Hold all contact until the day ``until`` begins where the patient lives; a second pause replaces the first.

    Raises ``InvalidInput`` for a day that has begun or is further away than ``LONGEST_PAUSE``, and
    ``NoLongerPossible`` for the dead and for whoever withdrew from the study.
    """
    take_turn(txn, patient)
    if is_out_of_contact(patient):
        raise NoLongerPossible("The patient is no longer followed, so there is nothing to pause.")
    today = clock.local_day(txn.now, patient.time_zone)
    if until <= today:
        raise InvalidInput(fields={"until": ["Must be a day to come."]})
    if until - today > LONGEST_PAUSE:
        raise InvalidInput(fields={"until": [f"At most {LONGEST_PAUSE.days} days ahead; a pause can be renewed."]})
    ends_at = clock.start_of_day(until, patient.time_zone)
    return PauseChange(*carry_out(txn, patient, lambda: _begin(txn, patient, reason, ends_at)))


def end(txn: Transaction, patient: Patient, held: ContactHold) -> PauseChange:
    """Go on before the pause's own end: messages are planned again at once. ``NoLongerPossible`` when it is over."""
    take_turn(txn, patient)
    if held.until is not None and held.until <= txn.now:
        raise NoLongerPossible("This pause has ended by itself.")
    return PauseChange(*carry_out(txn, patient, lambda: _lifted(txn, held)))


def pauses_of(txn: Transaction, patient: Patient) -> Sequence[ContactHold]:
    """Every pause of this patient's, the latest first, those that are over included."""
    paused = select(ContactHold).where(ContactHold.patient_id == patient.id, ContactHold.reason.in_(KINDS))
    return txn.session.scalars(paused.order_by(ContactHold.held_at.desc(), ContactHold.id)).all()


def pause_of(txn: Transaction, patient: Patient, pause_id: UUID) -> ContactHold:
    """One pause of this patient's. No other hold is found here: what a death holds, nobody lifts as a pause."""
    held = txn.session.get(ContactHold, pause_id)
    if held is None or held.patient_id != patient.id or held.reason not in KINDS:
        raise NotFound()
    return held


def standing(txn: Transaction, patient: Patient, kind: PauseKind) -> Sequence[ContactHold]:
    """The pauses of this kind that hold contact now."""
    return [held for held in contact.holds(txn, patient) if held.reason == kind]


def was_paused_at(txn: Transaction, patient: Patient, at: datetime) -> bool:
    """Whether a pause held contact at an instant that is past."""
    ended_at = func.coalesce(ContactHold.lifted_at, ContactHold.until)
    then = select(ContactHold.id).where(
        ContactHold.patient_id == patient.id, ContactHold.reason.in_(KINDS), ContactHold.held_at <= at, ended_at > at
    )
    return txn.session.scalar(then.limit(1)) is not None


def is_out_of_contact(patient: Patient) -> bool:
    """Whether there is nobody left to write to, and so nothing to pause."""
    return patient.status in NO_LONGER_FOLLOWED


def ask_to_go_on(txn: Transaction, patient: Patient, ended_id: UUID) -> bool:
    """A task: renew the pause, or go on? Nobody is asked about who has been paused anew, has died or has withdrawn.

    ``ended_id`` is what ended; one task is opened for it, ever.
    """
    if is_out_of_contact(patient) or any(held.reason in KINDS for held in contact.holds(txn, patient)):
        return False
    opened = open_item(
        txn,
        reason=WorkReason.PAUSE_ENDS,
        key=f"pause-ends:{ended_id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )
    return opened is not None


def end_due_pauses(db: Database) -> Counter[str]:
    """End every pause whose time has come, one patient a transaction; two workers never ask twice about one."""
    with db.reading(PAUSER) as txn:
        due = over(txn)
    return end_each(db, due)


def over(txn: Transaction) -> Sequence[UUID]:
    """The pauses whose time has come."""
    return txn.connection.scalars(_OVER, {"now": txn.now}).all()


def end_each(db: Database, due: Sequence[UUID]) -> Counter[str]:
    """End these, where nobody else has done so meanwhile."""
    done: Counter[str] = Counter()
    for hold_id in due:
        try:
            with db.transaction(PAUSER) as txn:
                done["pauses_ended"] += end_if_due(txn, hold_id)
        except Exception:
            # One record that cannot be read must not leave all others unasked about.
            log.exception("a pause could not be ended", extra={"contact_hold_id": str(hold_id)})
            done["pauses_failed"] += 1
    return done


def end_if_due(txn: Transaction, hold_id: UUID) -> bool:
    """Write down that a pause is over, ask a person, and plan messages again. False when another did so."""
    held = txn.session.get_one(ContactHold, hold_id)
    patient = txn.session.get_one(Patient, held.patient_id)
    take_turn(txn, patient)
    over = update(ContactHold).where(ContactHold.id == hold_id, *_UNENDED, ContactHold.until <= txn.now)
    if not compare_and_set(txn, over, lifted_at=txn.now):
        return False
    held.lifted_at = txn.now
    audit.record(txn, "contact.pause_ended", held)
    txn.session.flush()
    ask_to_go_on(txn, patient, held.id)
    replan(txn, patient)
    return True


def next_end(txn: Transaction, after: datetime) -> datetime | None:
    """When the next pause ends, if nobody ends it before."""
    return txn.session.scalar(select(func.min(ContactHold.until)).where(*_UNENDED, ContactHold.until > after))


def _begin(txn: Transaction, patient: Patient, reason: str, ends_at: datetime) -> ContactHold:
    for held in standing(txn, patient, PauseKind.PAUSED):
        contact.lift(txn, held)
    return contact.hold(txn, patient, PauseKind.PAUSED, until=ends_at, words=reason)


def _lifted(txn: Transaction, held: ContactHold) -> ContactHold:
    contact.lift(txn, held)
    return held

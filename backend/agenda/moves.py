"""A patient goes on under a newer version of the protocol. What had begun stays under the version it began in.

The move takes hold when it is entered, also if it was decided for an earlier day: until then the patient was asked
under the version of before, and nobody is asked twice. Each patient moves by an act of its own, and only forward.
"""

from dataclasses import dataclass
from datetime import date

from backend import audit, clock
from backend.agenda.acting import Diff, carry_out
from backend.agenda.history import course_of, protocol_for
from backend.agenda.under_another import calendar_difference
from backend.db import Transaction
from backend.errors import AlreadyExists, InvalidInput, NoLongerPossible, NotFound, NotInEffect
from backend.patients import life
from backend.patients.acts import ProtocolMove
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.patients.versions import standing_moves
from backend.protocol.definition import Protocol
from backend.protocol.effects import effect_at, first_number, version_numbered
from backend.protocol.load import protocol_of
from backend.protocol.models import ProtocolVersion
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED


@dataclass(frozen=True)
class MoveForm:
    """To which version, by its number; from which day of the site's, today if left out; when consent was given anew."""

    to: int
    moved_on: date | None = None
    reconsented_on: date | None = None


@dataclass(frozen=True)
class MoveChange:
    """A move, what it did, the keys of what asks with another form from now on, and of what stays as it had begun."""

    move: ProtocolMove
    diff: Diff
    asked_otherwise: tuple[str, ...]
    left_as_begun: tuple[str, ...]


def move(txn: Transaction, patient: Patient, form: MoveForm) -> MoveChange:
    """Move a patient to a newer version.

    Raises ``NoLongerPossible`` for whoever is followed no longer and for an older version, ``AlreadyExists`` for the
    one the patient is under, ``NotInEffect`` for one that does not hold at the site on that day, and ``InvalidInput``
    for a version that is not there or that the patient does not fit, for days that cannot be, and without the consent
    it needs.
    """
    take_turn(txn, patient)
    if patient.status in NO_LONGER_FOLLOWED:
        raise NoLongerPossible("The patient is no longer followed.")
    version = _version(txn, patient, form.to)
    zone = txn.session.get_one(Site, patient.site_id).time_zone
    moved_on = form.moved_on or clock.local_day(txn.now, zone)
    life.check_day_past(txn, patient, moved_on, field="moved_on", zone=zone)
    _check_effect(txn, patient, version, moved_on, form.reconsented_on)
    _check_consent(txn, patient, moved_on, form.reconsented_on)
    own, other = protocol_for(txn, patient), protocol_of(txn, version.id)
    _refuse_misfit(patient, own, other, form.to)
    found = calendar_difference(own, other, course_of(txn, patient), txn.now)
    row, diff = carry_out(txn, patient, lambda: _move(txn, patient, version, moved_on, form.reconsented_on))
    otherwise, left = ([one.before.key for one in some] for some in (found.asked_otherwise, found.left_as_begun))
    return MoveChange(row, diff, tuple(otherwise), tuple(left))


def refuse_move(txn: Transaction, patient: Patient, act: ProtocolMove) -> None:
    """Only the last of the moves that stand can be taken back: the ones before it led to it."""
    standing = standing_moves(txn, patient)
    if act.reversed_at is None and standing and standing[-1].id != act.id:
        raise NoLongerPossible("The patient has moved on from there; take the later move back first.")


def take_back_move(txn: Transaction, patient: Patient, act: ProtocolMove) -> None:
    """The patient never left the version of before."""
    before = [one for one in standing_moves(txn, patient) if one.id != act.id]
    patient.protocol_version_id = act.from_version_id
    patient.protocol_moved_at = before[-1].recorded_at if before else None
    audit.record(txn, "patient.protocol_move_reversed", patient)
    txn.session.flush()


def _version(txn: Transaction, patient: Patient, number: int) -> ProtocolVersion:
    own = txn.session.get_one(ProtocolVersion, patient.protocol_version_id)
    try:
        version = version_numbered(txn, number)
    except NotFound as unknown:
        raise InvalidInput(fields={"to": [unknown.detail]}) from unknown
    if version.study != own.study:
        raise InvalidInput(fields={"to": [f"Version {number} is of another study."]})
    if version.version == own.version:
        raise AlreadyExists(f"The patient is under version {number}.")
    if version.version < own.version:
        raise NoLongerPossible(f"The patient is under version {own.version}; nobody moves back to version {number}.")
    return version


def _check_effect(
    txn: Transaction, patient: Patient, version: ProtocolVersion, moved_on: date, reconsented_on: date | None
) -> None:
    """A version holds from the day that the site's principal investigator has set."""
    effect = effect_at(txn, version, patient.site_id)
    number = version.version
    if effect is None and number != first_number(txn, version.study):
        raise NotInEffect(f"The principal investigator has not said from when version {number} holds here.")
    if effect is None:
        return
    if moved_on < effect.effective_on:
        raise NotInEffect(f"Version {number} holds here from {effect.effective_on.isoformat()}.")
    if effect.needs_consent and reconsented_on is None:
        needed = f"Version {number} needs the patient's new consent; say when it was given."
        raise InvalidInput(fields={"reconsented_on": [needed]})


def _check_consent(txn: Transaction, patient: Patient, moved_on: date, reconsented_on: date | None) -> None:
    """Nobody moves before having consented, nor to a day before the last move."""
    if reconsented_on is not None and reconsented_on > moved_on:
        raise InvalidInput(fields={"reconsented_on": ["After the move. A patient consents first."]})
    if reconsented_on is not None:
        life.check_day(patient, reconsented_on, field="reconsented_on")
    standing = standing_moves(txn, patient)
    if standing and moved_on < standing[-1].moved_on:
        before = f"Before the patient's last move, on {standing[-1].moved_on.isoformat()}."
        raise InvalidInput(fields={"moved_on": [before]})


def _refuse_misfit(patient: Patient, own: Protocol, other: Protocol, number: int) -> None:
    """A patient keeps arm and drug, so the other version must know both, and mean the same arm by it."""
    if patient.arm not in other.arms:
        raise InvalidInput(fields={"to": [f"Version {number} has no arm {patient.arm}."]})
    if own.arms[patient.arm].receives_cells != other.arms[patient.arm].receives_cells:
        raise InvalidInput(fields={"to": [f"In only one of the versions does the arm {patient.arm} receive cells."]})
    if patient.targeted_drug not in other.drugs_to_choose:
        raise InvalidInput(fields={"to": [f"Version {number} does not have the drug {patient.targeted_drug}."]})


def _move(
    txn: Transaction, patient: Patient, version: ProtocolVersion, moved_on: date, reconsented_on: date | None
) -> ProtocolMove:
    row = ProtocolMove(
        patient_id=patient.id,
        site_id=patient.site_id,
        from_version_id=patient.protocol_version_id,
        to_version_id=version.id,
        moved_on=moved_on,
        reconsented_on=reconsented_on,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    audit.record(txn, "protocol_move.recorded", row)
    patient.protocol_version_id, patient.protocol_moved_at = version.id, txn.now
    audit.record(txn, "patient.moved_to_version", patient)
    txn.session.flush()
    return row

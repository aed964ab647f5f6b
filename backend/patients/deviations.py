"""Departures from the protocol: kept with the patient, listed for the Study page and the exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from backend import audit
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.patients import life
from backend.patients.models import Deviation, Patient
from backend.patients.turns import one_at_a_time_for
from backend.sealing import seal

# What enrolment and the acts on a cycle record by themselves.
RECORDED_BY_ACTS = frozenset({"eligibility_override", "day_2_moved", "day_2_missed"})
# What orders the list, and therefore what its cursors hold.
KEY = (datetime, UUID)


@dataclass(frozen=True)
class Entry:
    """A deviation as a person enters it. ``kind`` and ``subject`` are words for lists; ``reason`` is sealed."""

    kind: str
    occurred_on: date
    subject: str
    important: bool
    reason: str


@dataclass(frozen=True)
class Page:
    """Some deviations, the latest recorded first, and after which one the next begin; None at the end."""

    items: Sequence[Deviation]
    after: tuple[datetime, UUID] | None


def record(
    txn: Transaction,
    patient: Patient,
    kind: str,
    *,
    on: date,
    subject: str,
    important: bool = False,
    reason: str | None = None,
) -> Deviation:
    """Keep that the protocol was not followed, about what (``cycle-1.day-2``, ``eligibility.alt_u_l``) and why."""
    deviation = Deviation(
        patient_id=patient.id,
        site_id=patient.site_id,
        kind=kind,
        important=important,
        occurred_on=on,
        subject=subject,
        recorded_by=txn.actor.id,
        recorded_at=txn.now,
    )
    deviation.reason_sealed = seal(txn, deviation, "reason_sealed", reason)
    audit.record(txn, "deviation.recorded", deviation)
    return deviation


def take_back(txn: Transaction, patient: Patient, kind: str, subject: str, why: str) -> None:
    """What an act recorded by itself goes with the act: every standing one of this kind about this."""
    standing = select(Deviation).where(
        Deviation.patient_id == patient.id,
        Deviation.kind == kind,
        Deviation.subject == subject,
        Deviation.reversed_at.is_(None),
    )
    for deviation in txn.session.scalars(standing.order_by(Deviation.id)):
        deviation.reversed_at, deviation.reversed_by = txn.now, txn.actor.id
        audit.record(txn, "deviation.reversed", deviation, reason=why)
    txn.session.flush()


def refuse_what_an_act_left(deviation: Deviation) -> None:
    """Raise ``NoLongerPossible`` for one that stands and falls with the act that recorded it."""
    if deviation.kind in RECORDED_BY_ACTS:
        raise NoLongerPossible(
            "An act recorded this by itself; it goes when that act is reversed.", kind=deviation.kind
        )


def enter(txn: Transaction, patient: Patient, said: Entry) -> Deviation:
    """What a person found. Raises ``InvalidInput`` for days before consent, after death or ahead.

    What the acts themselves record is refused too: entered by hand it would be counted twice.
    """
    one_at_a_time_for(txn, patient.id)
    if said.kind in RECORDED_BY_ACTS:
        raise InvalidInput(fields={"kind": ["The act itself records this; enter that."]})
    life.check_day_past(txn, patient, said.occurred_on, field="occurred_on")
    made = record(
        txn,
        patient,
        said.kind,
        on=said.occurred_on,
        subject=said.subject,
        important=said.important,
        reason=said.reason,
    )
    txn.session.flush()
    return made


def listed(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    patient_id: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """The deviations that ``visible`` allows, the latest recorded first, by keyset."""
    wanted = select(Deviation).where(visible)
    if patient_id:
        wanted = wanted.where(Deviation.patient_id == patient_id)
    if after:
        wanted = wanted.where(tuple_(Deviation.recorded_at, Deviation.id) < after)
    latest = wanted.order_by(Deviation.recorded_at.desc(), Deviation.id.desc())
    rows = txn.session.scalars(latest.limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, (shown[-1].recorded_at, shown[-1].id) if len(rows) > limit else None)

"""What happens when nobody takes note in time, whether or not anything new arrives.

Pages go out again until a person answers. What is due the same day goes to the investigators, then to the principal
investigators; what has waited in the queue past its hour is shown to the investigators. Any number of workers may
do this at once: each step is taken by one transaction of one of them.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, or_, select

from backend import audit
from backend.db import Database, Transaction, UTCDateTime, system
from backend.indexes import word
from backend.patients.models import Patient
from backend.patients.turns import one_at_a_time_for
from backend.staff.models import StaffMember
from backend.terms import CandidateStatus, PageStep, Tier, WorkReason
from backend.triage.candidates import rules_for, rules_under
from backend.triage.clocks import Clocks
from backend.triage.models import OPEN, CandidateEvent, StaffPage, is_snoozed
from backend.triage.paging import (
    called_at,
    can_be_written_to,
    emergencies_without_a_page,
    needs_a_page,
    open_page,
    repeat,
)
from backend.triage.staff_letters import write_to_staff
from backend.worklist.items import open_item

ESCALATOR = system("escalation")
# By text and e-mail what is due the same day; what waits in the queue wakes nobody's telephone.
WAYS = {Tier.T2: ("sms", "email"), Tier.T3: ("email",)}

NOTHING = "nothing"

log = logging.getLogger(__name__)

# Asked every few seconds, and so put together once, of plain columns and with our words in them.
_MOMENT = bindparam("moment", type_=UTCDateTime())
_CAN_GO_ON = or_(
    CandidateEvent.escalated_to.is_(None),
    (CandidateEvent.tier == word(Tier.T2)) & (CandidateEvent.escalated_to == word(PageStep.INVESTIGATOR)),
)
# What nobody has taken note of, and has somebody to go on to.
_NOT_TAKEN_NOTE_OF = (
    OPEN,
    CandidateEvent.tier.in_((word(Tier.T2), word(Tier.T3))),
    CandidateEvent.status == word(CandidateStatus.PROPOSED),
    _CAN_GO_ON,
)
_UNDER = select(Patient.protocol_version_id).where(Patient.id == CandidateEvent.patient_id).scalar_subquery()
_DUE: Select[Any] = (
    select(
        *(
            CandidateEvent.__table__.c[name]
            for name in ("id", "tier", "status", "due_at", "escalated_to", "snoozed_until")
        ),
        _UNDER.label("protocol_version_id"),
    )
    .where(*_NOT_TAKEN_NOTE_OF, CandidateEvent.due_at <= _MOMENT)
    .order_by(CandidateEvent.due_at, CandidateEvent.id)
)
_PAGES_DUE = (
    select(StaffPage.id)
    .where(StaffPage.acknowledged_at.is_(None), StaffPage.next_at <= _MOMENT)
    .order_by(StaffPage.next_at, StaffPage.id)
)
# When the next page goes out again, and when the next candidate is due.
_AHEAD = select(
    select(func.min(StaffPage.next_at))
    .where(StaffPage.acknowledged_at.is_(None), StaffPage.next_at > _MOMENT)
    .scalar_subquery(),
    select(func.min(CandidateEvent.due_at))
    .where(*_NOT_TAKEN_NOTE_OF, CandidateEvent.due_at > _MOMENT)
    .scalar_subquery(),
)


@dataclass(frozen=True)
class Step:
    """To whom a candidate goes because nobody took note, and since when it should have gone there."""

    step: PageStep
    at: datetime


def steps_of(tier: Tier, due_at: datetime, clocks: Clocks) -> tuple[Step, ...]:
    """To whom an unacknowledged candidate goes, and when. Emergencies are paged instead (``pages``). Pure."""
    if tier is Tier.T1:
        return ()
    first = Step(PageStep.INVESTIGATOR, due_at)
    if tier is Tier.T3:
        return (first,)
    later = clocks.t2_principal_investigator_after - clocks.t2_due_after
    return first, Step(PageStep.PRINCIPAL_INVESTIGATOR, due_at + later)


def steps_left(tier: Tier, due_at: datetime, escalated_to: str | None, clocks: Clocks) -> tuple[Step, ...]:
    """Those of ``steps_of`` that have not been taken yet. Pure."""
    steps = steps_of(tier, due_at, clocks)
    taken = [number for number, one in enumerate(steps, 1) if one.step == escalated_to]
    return steps[taken[0] :] if taken else steps


def escalate_due(db: Database) -> dict[str, int]:
    """Take every step that is due at this moment; says how many pages went out and candidates went on.

    Each in a transaction of its own, so that one that fails holds up no other.
    """
    with db.reading(ESCALATOR) as txn:
        due: list[tuple[str, Callable[[Transaction], bool]]] = [
            *(("repeated", _repeating(page_id)) for page_id in _pages_due(txn)),
            *(("opened", _opening(patient_id)) for patient_id in _without_a_page(txn)),
            *(("escalated", _escalating(candidate_id)) for candidate_id in _overdue(txn)),
        ]
    done = Counter(_done(db, what, act) for what, act in due)
    del done[NOTHING]
    return dict(done)


def next_instant(txn: Transaction, *, after: datetime) -> datetime | None:
    """When something is due next unless a person acts: for whoever moves a demo's clock."""
    ahead: list[datetime | None] = list(txn.connection.execute(_AHEAD, {"moment": after}).one())
    # For the few that have gone to an investigator, the step after that.
    ahead += [one.at for row in _due_by(txn, after) for one in _left(row, _clocks_of(txn, row)) if one.at > after]
    return min((moment for moment in ahead if moment is not None), default=None)


def _done(db: Database, what: str, act: Callable[[Transaction], bool]) -> str:
    try:
        with db.transaction(ESCALATOR) as txn:
            return what if act(txn) else NOTHING
    except Exception:
        # Next time it is tried again. An emergency that cannot be paged must not keep others from being paged.
        log.exception("an escalation failed", extra={"step": what})
        return "failed"


# --- what is due -------------------------------------------------------------------------------------------


def _pages_due(txn: Transaction) -> Sequence[UUID]:
    return txn.connection.scalars(_PAGES_DUE, {"moment": txn.now}).all()


def _without_a_page(txn: Transaction) -> Sequence[UUID]:
    """Patients with an emergency that waits and has no page: reopened, or one that could not be paged at once."""
    whose = emergencies_without_a_page(txn).with_only_columns(CandidateEvent.patient_id)
    return txn.session.scalars(whose.distinct().order_by(CandidateEvent.patient_id)).all()


def _overdue(txn: Transaction) -> Sequence[UUID]:
    return [row.id for row in _due_by(txn, txn.now) if _steps_due(txn, row, _clocks_of(txn, row))]


def _due_by(txn: Transaction, moment: datetime) -> Sequence[Row[Any]]:
    return txn.connection.execute(_DUE, {"moment": moment}).all()


def _clocks_of(txn: Transaction, row: Row[Any]) -> Clocks:
    return rules_under(txn, row.protocol_version_id).clocks


def _left(row: CandidateEvent | Row[Any], clocks: Clocks) -> tuple[Step, ...]:
    return steps_left(Tier(row.tier), row.due_at, row.escalated_to, clocks)


def _steps_due(txn: Transaction, row: CandidateEvent | Row[Any], clocks: Clocks) -> list[PageStep]:
    if row.status != CandidateStatus.PROPOSED or is_snoozed(row.snoozed_until, txn.now):
        return []
    return [one.step for one in _left(row, clocks) if one.at <= txn.now]


def _clocks(txn: Transaction, patient_id: UUID) -> Clocks:
    return rules_for(txn, txn.session.get_one(Patient, patient_id)).clocks


# --- doing it ----------------------------------------------------------------------------------------------


def _repeating(page_id: UUID) -> Callable[[Transaction], bool]:
    def act(txn: Transaction) -> bool:
        page = txn.session.get_one(StaffPage, page_id)
        return repeat(txn, page_id, _clocks(txn, page.patient_id))

    return act


def _opening(patient_id: UUID) -> Callable[[Transaction], bool]:
    def act(txn: Transaction) -> bool:
        one_at_a_time_for(txn, patient_id)
        if patient_id not in _without_a_page(txn):
            return False
        waiting = select(CandidateEvent).where(CandidateEvent.patient_id == patient_id, needs_a_page(txn))
        candidates = txn.session.scalars(waiting.order_by(CandidateEvent.opened_at, CandidateEvent.id)).all()
        patient = txn.session.get_one(Patient, patient_id)
        return open_page(txn, patient, candidates, rules_for(txn, patient).clocks) is not None

    return act


def _escalating(candidate_id: UUID) -> Callable[[Transaction], bool]:
    def act(txn: Transaction) -> bool:
        candidate = txn.session.get_one(CandidateEvent, candidate_id)
        one_at_a_time_for(txn, candidate.patient_id)
        txn.session.refresh(candidate)
        steps = _steps_due(txn, candidate, _clocks(txn, candidate.patient_id))
        for step in steps:
            _go_on(txn, candidate, step)
        return bool(steps)

    return act


def _go_on(txn: Transaction, candidate: CandidateEvent, step: PageStep) -> None:
    candidate.escalated_to = step
    audit.record(txn, "candidate_event.escalated", candidate)
    txn.session.flush()
    members, as_meant = called_at(txn, candidate.site_id, step, can_be_written_to)
    for member in members:
        for way in WAYS[Tier(candidate.tier)]:
            if way == "email" or member.phone_sealed is not None:
                _write(txn, candidate, step, member, way)
    if not as_meant:
        open_item(
            txn,
            reason=WorkReason.NOBODY_TO_PAGE,
            key=f"nobody-to-escalate-to:{candidate.id}:{step}",
            site_id=candidate.site_id,
            patient_id=candidate.patient_id,
            due_at=txn.now,
        )


def _write(txn: Transaction, candidate: CandidateEvent, step: PageStep, member: StaffMember, way: str) -> None:
    # One that returned to the queue is due anew, or more urgent, and people hear of it anew: hence both in the key.
    since = f"{candidate.due_at:%Y%m%dT%H%M%SZ}"
    write_to_staff(
        txn,
        member.id,
        key=f"escalation:{candidate.id}:{candidate.tier}:{since}:{step}:{member.id}:{way}",
        template=f"escalated_{way}",
        patient_id=candidate.patient_id,
        site_id=candidate.site_id,
        values={"candidate": str(candidate.id), "tier": candidate.tier, "step": step},
    )

"""What happens when nobody takes note in time, whether or not anything new arrives.

Pages go out again until a person answers. What is due the same day goes to the investigators, then to the principal
investigators; what has waited in the queue past its hour is shown to the investigators. Any number of workers may
do this at once: each step is taken by one transaction of one of them.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from backend import audit
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.patients.turns import one_at_a_time_for
from backend.staff.models import StaffMember
from backend.terms import CandidateStatus, PageStep, Tier, WorkReason
from backend.triage.candidates import rules_for
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
            *(("escalated", _escalating(candidate.id)) for candidate in _overdue(txn)),
        ]
    done = Counter(_done(db, what, act) for what, act in due)
    del done[NOTHING]
    return dict(done)


def next_instant(txn: Transaction, *, after: datetime) -> datetime | None:
    """When something is due next unless a person acts: for whoever moves a demo's clock."""
    pages = select(func.min(StaffPage.next_at)).where(StaffPage.acknowledged_at.is_(None), StaffPage.next_at > after)
    moments = [txn.session.scalar(pages), *_moments_ahead(txn, after)]
    return min((moment for moment in moments if moment is not None), default=None)


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
    due = select(StaffPage.id).where(StaffPage.acknowledged_at.is_(None), StaffPage.next_at <= txn.now)
    return txn.session.scalars(due.order_by(StaffPage.next_at, StaffPage.id)).all()


def _without_a_page(txn: Transaction) -> Sequence[UUID]:
    """Patients with an emergency that waits and has no page: reopened, or one that could not be paged at once."""
    whose = emergencies_without_a_page(txn).with_only_columns(CandidateEvent.patient_id)
    return txn.session.scalars(whose.distinct().order_by(CandidateEvent.patient_id)).all()


def _overdue(txn: Transaction) -> Iterator[CandidateEvent]:
    for row in txn.session.scalars(_not_taken_note_of().where(CandidateEvent.due_at <= txn.now)).all():
        if _steps_due(txn, row):
            yield row


def _moments_ahead(txn: Transaction, after: datetime) -> Iterator[datetime]:
    """One query for those not yet due; for the few that have gone to an investigator, the step after that."""
    ahead = _not_taken_note_of().where(CandidateEvent.due_at > after).with_only_columns(func.min(CandidateEvent.due_at))
    first = txn.session.scalar(ahead.order_by(None))
    if first is not None:
        yield first
    for row in txn.session.scalars(_not_taken_note_of().where(CandidateEvent.due_at <= after)).all():
        yield from (one.at for one in _left(txn, row) if one.at > after)


def _not_taken_note_of() -> Select[CandidateEvent]:
    can_go_on = or_(
        CandidateEvent.escalated_to.is_(None),
        (CandidateEvent.tier == Tier.T2) & (CandidateEvent.escalated_to == PageStep.INVESTIGATOR),
    )
    return (
        select(CandidateEvent)
        .where(OPEN, CandidateEvent.tier.in_((Tier.T2, Tier.T3)))
        .where(CandidateEvent.status == CandidateStatus.PROPOSED, can_go_on)
        .order_by(CandidateEvent.due_at, CandidateEvent.id)
    )


def _left(txn: Transaction, row: CandidateEvent) -> tuple[Step, ...]:
    return steps_left(Tier(row.tier), row.due_at, row.escalated_to, _clocks(txn, row.patient_id))


def _steps_due(txn: Transaction, row: CandidateEvent) -> list[PageStep]:
    if row.status != CandidateStatus.PROPOSED or is_snoozed(row.snoozed_until, txn.now):
        return []
    return [one.step for one in _left(txn, row) if one.at <= txn.now]


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
        steps = _steps_due(txn, candidate)
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

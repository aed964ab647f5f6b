"""Calling a person to an emergency: opening a page, sending it out, and its end.

Rows first, then the effect: a page and the messages it calls for stand in one transaction with the report behind
them, and the dispatcher sends within seconds. A patient has one unanswered page at most. A further report joins it
and goes out at once, so nobody is paged twice in one interval, and the hours counted from the first report stand.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, not_, select, update

from backend import audit
from backend.db import Transaction, compare_and_set
from backend.errors import WrongDataKey
from backend.patients.life import is_dead
from backend.patients.models import ContactHold, Patient
from backend.patients.turns import one_at_a_time_for
from backend.sealing import unseal
from backend.staff.models import StaffMember
from backend.staff.roster import members_holding, on_call_at
from backend.terms import CandidateStatus, PageAnswer, PageStep, Role, Tier, WorkReason
from backend.triage import pages
from backend.triage.clocks import Clocks
from backend.triage.models import (
    OPEN,
    CandidateDecision,
    CandidateEvent,
    PagedCandidate,
    PagedPerson,
    StaffPage,
    snoozed_at,
)
from backend.triage.pages import Round
from backend.triage.staff_letters import write_to_staff
from backend.worklist.items import open_item
from notifications import numbers, opt_outs

# Whom a step means, and one after the other whom it means when those before can be reached by nothing.
Circle = tuple[Role, ...]
WHEN_NOBODY_IS_ON_CALL: tuple[Circle, ...] = (Role.COORDINATOR, Role.INVESTIGATOR), (Role.PRINCIPAL_INVESTIGATOR,)
CIRCLES: Mapping[PageStep, tuple[Circle, ...]] = {
    PageStep.INVESTIGATOR: ((Role.INVESTIGATOR,), (Role.PRINCIPAL_INVESTIGATOR,)),
    PageStep.PRINCIPAL_INVESTIGATOR: ((Role.PRINCIPAL_INVESTIGATOR,),),
}
# What a recorded death holds contact for.
DIED = "died"

# Asked by every decision and for every page, and so put together once.
_PAGE, _ABOUT = StaffPage.__table__.c, PagedCandidate.__table__.c
_UNANSWERED = (
    select(_PAGE.id)
    .where(_PAGE.patient_id == bindparam("patient_id"), _PAGE.acknowledged_at.is_(None))
    .order_by(_PAGE.opened_at, _PAGE.id)
    .limit(1)
)
_PAGED_ABOUT = select(_ABOUT.candidate_event_id).where(_ABOUT.page_id == bindparam("page_id"))
_REACHED = (
    select(PagedPerson)
    .where(PagedPerson.page_id == bindparam("page_id"))
    .order_by(PagedPerson.first_paged_at, PagedPerson.id)
)

Reaches = Callable[[Transaction, StaffMember], bool]

log = logging.getLogger(__name__)


def open_page(
    txn: Transaction,
    patient: Patient,
    candidates: Sequence[CandidateEvent],
    clocks: Clocks,
    *,
    report_id: UUID | None = None,
    inbound_message_id: UUID | None = None,
) -> StaffPage | None:
    """Page about these candidates of one report or text, once for all of them; None when there is none.

    An unanswered page of the patient takes them in instead: it goes out again at once, to everybody it has reached.
    """
    if not candidates:
        return None
    one_at_a_time_for(txn, patient.id)
    txn.session.flush()
    page = unanswered(txn, patient.id)
    if page is None:
        page = StaffPage(
            patient_id=patient.id,
            site_id=patient.site_id,
            report_id=report_id,
            inbound_message_id=inbound_message_id,
            opened_at=txn.now,
            renewed_at=txn.now,
            next_at=txn.now,
            rounds=0,
        )
        audit.record_insert(txn, "staff_page.opened", page)
    page.renewed_at = txn.now
    _take_in(txn, page, candidates)
    _go_out(txn, page, pages.round_now(as_it_stands(page), txn.now, clocks), is_news=True)
    return page


def repeat(txn: Transaction, page_id: UUID, clocks: Clocks) -> bool:
    """Send a page out again if it is time and nobody has acknowledged; whether it went out.

    Of two workers who try at once the second finds that it has gone out.
    """
    page = txn.session.get_one(StaffPage, page_id)
    one_at_a_time_for(txn, page.patient_id)
    txn.session.refresh(page)
    if page.acknowledged_at is None and not waiting_for(txn, page):
        # Somebody took note past this page, or the patient has died since: nobody need be woken again.
        _end_what_nobody_waits_for(txn, page)
        return False
    due = pages.round_due(as_it_stands(page), txn.now, clocks)
    if due is None:
        return False
    _go_out(txn, page, due, is_news=False)
    return True


def unanswered(txn: Transaction, patient_id: UUID) -> StaffPage | None:
    """The patient's page that waits for a person; there is never more than one."""
    waiting = txn.connection.scalar(_UNANSWERED, {"patient_id": patient_id})
    return None if waiting is None else txn.session.get_one(StaffPage, waiting)


def needs_a_page(txn: Transaction) -> ColumnElement[bool]:
    """Which candidates a person must be called to: emergencies nobody has taken note of or expects at this level.

    Not what was last reported before the patient's death was recorded. What is reported after it may show that the
    record is mistaken, and somebody is called.
    """
    not_snoozed = not_(snoozed_at(txn.now))
    died_since = exists().where(
        ContactHold.patient_id == CandidateEvent.patient_id,
        ContactHold.reason == DIED,
        ContactHold.lifted_at.is_(None),
        ContactHold.held_at >= CandidateEvent.last_reported_at,
    )
    waits = and_(CandidateEvent.tier == Tier.T1, CandidateEvent.status == CandidateStatus.PROPOSED)
    return and_(waits, not_snoozed, ~died_since)


def emergencies_without_a_page(txn: Transaction) -> Select[CandidateEvent]:
    """The emergencies to which a person must be called while no page goes out about them."""
    called = (
        select(PagedCandidate.candidate_event_id)
        .join(StaffPage, StaffPage.id == PagedCandidate.page_id)
        .where(StaffPage.acknowledged_at.is_(None))
    )
    return select(CandidateEvent).where(OPEN, needs_a_page(txn), CandidateEvent.id.not_in(called))


def waiting_for(txn: Transaction, page: StaffPage) -> Sequence[CandidateEvent]:
    """The emergencies of a page that nobody has taken note of yet, the first one first."""
    txn.session.flush()
    about = (
        select(CandidateEvent)
        .join(PagedCandidate, PagedCandidate.candidate_event_id == CandidateEvent.id)
        .where(PagedCandidate.page_id == page.id, needs_a_page(txn))
    )
    return txn.session.scalars(about.order_by(CandidateEvent.opened_at, CandidateEvent.id)).all()


def pages_of(txn: Transaction, candidate: CandidateEvent) -> list[tuple[StaffPage, Sequence[PagedPerson]]]:
    """The pages about a candidate and whom each has reached, the first one first."""
    about = (
        select(StaffPage)
        .join(PagedCandidate, PagedCandidate.page_id == StaffPage.id)
        .where(PagedCandidate.candidate_event_id == candidate.id)
        .order_by(StaffPage.opened_at, StaffPage.id)
    )
    return [(page, _reached(txn, page)) for page in txn.session.scalars(about).all()]


def settle_page_of(txn: Transaction, candidate: CandidateEvent) -> None:
    """A person has taken note of a candidate: if its page waits for no other, it is answered by that."""
    page = unanswered(txn, candidate.patient_id)
    if page is not None and not waiting_for(txn, page) and txn.actor.id is not None:
        end(txn, page, by=txn.actor.id, how=PageAnswer.CONSOLE)


def end(txn: Transaction, page: StaffPage, *, by: UUID | None, how: PageAnswer) -> bool:
    """It goes out no more, because of ``by``. False when somebody else was first; the page then says who.

    ``by`` is None only where a recorded death has ended it.
    """
    claim = update(StaffPage).where(StaffPage.id == page.id, StaffPage.acknowledged_at.is_(None))
    answered = {"acknowledged_at": txn.now, "acknowledged_by": by, "acknowledged_how": how}
    if not compare_and_set(txn, claim, **answered):
        txn.session.refresh(page)
        return False
    audit.record_written(txn, "staff_page.acknowledged" if by else "staff_page.ended", page, answered)
    return True


def as_it_stands(page: StaffPage) -> pages.Page:
    """The row, as the rules of when and whom read it."""
    return pages.Page(
        page.opened_at, page.renewed_at, page.next_at, page.rounds, is_acknowledged=page.acknowledged_at is not None
    )


def _take_in(txn: Transaction, page: StaffPage, candidates: Iterable[CandidateEvent]) -> None:
    known = set(txn.connection.scalars(_PAGED_ABOUT, {"page_id": page.id}))
    for candidate in candidates:
        if candidate.id not in known:
            row = PagedCandidate(
                page_id=page.id, candidate_event_id=candidate.id, patient_id=page.patient_id, site_id=page.site_id
            )
            audit.record_insert(txn, "staff_page.candidate_added", row)


def _go_out(txn: Transaction, page: StaffPage, this: Round, *, is_news: bool) -> None:
    """To everybody reached so far and whoever must be reached by now: a text each, a copy by e-mail of what is new.

    Repetitions ring the telephone. Six copies an hour would only bury the one mail with the link.
    """
    reached = {row.staff_id: row for row in _reached(txn, page)}
    knew = frozenset() if is_news else frozenset(reached)
    for step in this.steps:
        for member in _called(txn, page, step):
            if member.id not in reached:
                reached[member.id] = _reach(txn, page, member, step)
    page.rounds, page.next_at = this.number, this.next_at
    audit.record(txn, "staff_page.went_out", page)
    txn.session.flush()
    for row in reached.values():
        member = txn.session.get_one(StaffMember, row.staff_id)
        if member.deactivated_at is None:
            _write_to(txn, page, row, member, with_copy=row.staff_id not in knew)


def _reached(txn: Transaction, page: StaffPage) -> Sequence[PagedPerson]:
    return txn.session.scalars(_REACHED, {"page_id": page.id}).all()


def _reach(txn: Transaction, page: StaffPage, member: StaffMember, step: PageStep) -> PagedPerson:
    row = PagedPerson(
        page_id=page.id,
        staff_id=member.id,
        step=step,
        first_paged_at=txn.now,
        patient_id=page.patient_id,
        site_id=page.site_id,
    )
    audit.record_insert(txn, "staff_page.person_paged", row)
    return row


def called_at(txn: Transaction, site_id: UUID, step: PageStep, reaches: Reaches) -> tuple[Sequence[StaffMember], bool]:
    """Whom a step means at this hour, and whether any of them can be reached.

    A shift that has ended since hands over to the next. Where nobody can be reached, those further on are called at
    once, and the second value is False: a person must hear of it.
    """
    if step is PageStep.ON_CALL:
        called, further = list(on_call_at(txn, site_id, txn.now)), WHEN_NOBODY_IS_ON_CALL
    else:
        first, *others = CIRCLES[step]
        called, further = _holding(txn, site_id, first), tuple(others)
    as_meant = somebody = any(reaches(txn, member) for member in called)
    for roles in further:
        if somebody:
            break
        called = list(dict.fromkeys([*called, *_holding(txn, site_id, roles)]))
        somebody = any(reaches(txn, member) for member in called)
    return called, as_meant


def can_be_written_to(txn: Transaction, member: StaffMember) -> bool:
    """Whether there is a telephone that takes texts, or an e-mail address."""
    return _takes_texts(txn, member) or _opened(txn, member, "email_sealed") is not None


def _called(txn: Transaction, page: StaffPage, step: PageStep) -> Sequence[StaffMember]:
    """An e-mail wakes nobody: a step has reached somebody when a telephone rings."""
    called, as_meant = called_at(txn, page.site_id, step, _takes_texts)
    if not as_meant:
        open_item(
            txn,
            reason=WorkReason.NOBODY_TO_PAGE,
            key=f"nobody-to-page:{page.id}",
            site_id=page.site_id,
            patient_id=page.patient_id,
            due_at=txn.now,
        )
    return called


def _holding(txn: Transaction, site_id: UUID, roles: Iterable[Role]) -> list[StaffMember]:
    return list(dict.fromkeys(member for role in roles for member in members_holding(txn, site_id, role)))


def _write_to(txn: Transaction, page: StaffPage, person: PagedPerson, member: StaffMember, *, with_copy: bool) -> None:
    takes_texts = _takes_texts(txn, member)
    if takes_texts:
        _queue(txn, page, person, "sms")
    elif member.phone_sealed is not None:
        # The number said STOP, which is obeyed, or cannot be read. Neither must go unnoticed.
        is_readable = _opened(txn, member, "phone_sealed") is not None
        open_item(
            txn,
            reason=WorkReason.MESSAGES_STOPPED if is_readable else WorkReason.MESSAGE_NOT_DELIVERED,
            key=f"page-without-text:{page.id}:{member.id}",
            site_id=page.site_id,
            due_at=txn.now,
        )
    if with_copy or not takes_texts:
        _queue(txn, page, person, "email")


def _takes_texts(txn: Transaction, member: StaffMember) -> bool:
    number = _opened(txn, member, "phone_sealed")
    return number is not None and not opt_outs.seems_stopped(txn, number) and numbers.standing(txn, number) is None


def _opened(txn: Transaction, member: StaffMember, column: str) -> str | None:
    """None for what cannot be read, too: one damaged record must not keep the others from being called."""
    try:
        return unseal(txn, member, column)
    except WrongDataKey:
        log.error("a way to reach a member of staff cannot be read", extra={"staff_id": str(member.id)})
        return None


def _queue(txn: Transaction, page: StaffPage, person: PagedPerson, way: str) -> None:
    write_to_staff(
        txn,
        person.staff_id,
        key=f"page:{page.id}:{page.rounds}:{person.staff_id}:{way}",
        template=f"page_{way}",
        patient_id=page.patient_id,
        site_id=page.site_id,
        values={"page": str(page.id), "person": str(person.id), "round": str(page.rounds)},
    )


def _end_what_nobody_waits_for(txn: Transaction, page: StaffPage) -> None:
    if is_dead(txn.session.get_one(Patient, page.patient_id)):
        end(txn, page, by=None, how=PageAnswer.DEATH_RECORDED)
        return
    took_note = (
        select(CandidateDecision.decided_by)
        .join(PagedCandidate, PagedCandidate.candidate_event_id == CandidateDecision.candidate_event_id)
        .where(PagedCandidate.page_id == page.id, CandidateDecision.decided_by.is_not(None))
        .order_by(CandidateDecision.decided_at.desc())
    )
    by = txn.session.scalars(took_note.limit(1)).one_or_none()
    if by is not None:
        end(txn, page, by=by, how=PageAnswer.CONSOLE)

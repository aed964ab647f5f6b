"""Calls to emergencies: none is forgotten, and every answer says whose it was."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select

from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.models import Patient
from backend.terms import PageAnswer, PatientStatus, WorkReason
from backend.triage.candidates import rules_for
from backend.triage.models import CandidateEvent, PagedCandidate, PagedPerson, StaffPage
from backend.triage.pages import interval
from backend.triage.paging import as_it_stands, emergencies_without_a_page, needs_a_page
from backend.worklist.models import WorkItem

MARGIN = timedelta(minutes=1)

UNANSWERED = StaffPage.acknowledged_at.is_(None)
BY_DEATH = StaffPage.acknowledged_how == PageAnswer.DEATH_RECORDED
SAYS_WHO = or_(
    and_(StaffPage.acknowledged_by.is_not(None), StaffPage.acknowledged_how.is_not(None), ~BY_DEATH),
    and_(StaffPage.acknowledged_by.is_(None), BY_DEATH),
)
SAYS_NOBODY = and_(StaffPage.acknowledged_by.is_(None), StaffPage.acknowledged_how.is_(None))


def _about(page_id: object) -> ColumnElement[bool]:
    return exists().where(PagedCandidate.page_id == page_id, PagedCandidate.patient_id == StaffPage.patient_id)


def emergencies_nobody_is_called_to(txn: Transaction) -> Iterator[str]:
    """Emergencies that wait for a person while no page goes out about them."""
    which = emergencies_without_a_page(txn).with_only_columns(CandidateEvent.id)
    yield from map(str, txn.session.scalars(which))


def pages_about_nothing_that_waits(txn: Transaction) -> Iterator[str]:
    """Pages that go on waking people though somebody has taken note of everything."""
    waiting = (
        select(PagedCandidate.page_id)
        .join(CandidateEvent, CandidateEvent.id == PagedCandidate.candidate_event_id)
        .where(needs_a_page(txn))
    )
    # That of a patient who has died since ends when it would next go out.
    died = select(Patient.id).where(Patient.status == PatientStatus.DIED)
    idle = select(StaffPage.id).where(UNANSWERED, StaffPage.id.not_in(waiting), StaffPage.patient_id.not_in(died))
    yield from map(str, txn.session.scalars(idle))


def pages_put_off(txn: Transaction) -> Iterator[str]:
    """Unanswered pages that go out again later than the patient's protocol says."""
    for page in txn.session.scalars(select(StaffPage).where(UNANSWERED)):
        clocks = rules_for(txn, txn.session.get_one(Patient, page.patient_id)).clocks
        if page.next_at > txn.now + interval(as_it_stands(page), txn.now, clocks) + MARGIN:
            yield str(page.id)


INVARIANTS = (
    Invariant(
        "pages.emergencies",
        "Every emergency nobody has taken note of has a page that nobody has answered",
        emergencies_nobody_is_called_to,
    ),
    Invariant(
        "pages.settled",
        "No page goes out about what somebody has taken note of",
        pages_about_nothing_that_waits,
    ),
    Invariant(
        "pages.answered",
        "A page was answered by a person and in some way, or ended by a recorded death, or not at all",
        ids_of(lambda: select(StaffPage.id).where(or_(and_(UNANSWERED, ~SAYS_NOBODY), and_(~UNANSWERED, ~SAYS_WHO)))),
    ),
    Invariant(
        "pages.about",
        "Every page is about an emergency of its own patient",
        ids_of(lambda: select(StaffPage.id).where(~_about(StaffPage.id))),
    ),
    Invariant(
        "pages.people",
        "Every page has reached somebody, or is a task because nobody was there",
        ids_of(
            lambda: select(StaffPage.id).where(
                ~exists().where(PagedPerson.page_id == StaffPage.id),
                ~exists().where(
                    WorkItem.owner_id == StaffPage.patient_id, WorkItem.reason == WorkReason.NOBODY_TO_PAGE
                ),
            )
        ),
    ),
    Invariant(
        "pages.put_off",
        "No unanswered page is put off for longer than its protocol says",
        pages_put_off,
    ),
)

"""Calls to emergencies: none is forgotten, and every answer says whose it was."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select

from backend import clock
from backend.db import Transaction
from backend.fsck.invariant import Invariant, ids_of
from backend.terms import WorkReason
from backend.triage.models import OPEN, CandidateEvent, PagedCandidate, PagedPerson, StaffPage
from backend.triage.paging import needs_a_page
from backend.worklist.models import WorkItem

LONGEST_SILENCE = timedelta(hours=1)

UNANSWERED = StaffPage.acknowledged_at.is_(None)
SAYS_WHO = and_(StaffPage.acknowledged_by.is_not(None), StaffPage.acknowledged_how.is_not(None))
SAYS_NOBODY = and_(StaffPage.acknowledged_by.is_(None), StaffPage.acknowledged_how.is_(None))


def _about(page_id: object) -> ColumnElement[bool]:
    return exists().where(PagedCandidate.page_id == page_id, PagedCandidate.patient_id == StaffPage.patient_id)


def emergencies_nobody_is_called_to(txn: Transaction) -> Iterator[str]:
    """Emergencies that wait for a person while no page goes out about them."""
    called = select(PagedCandidate.candidate_event_id).join(StaffPage, StaffPage.id == PagedCandidate.page_id)
    waiting = select(CandidateEvent.id).where(
        OPEN, needs_a_page(txn), CandidateEvent.id.not_in(called.where(UNANSWERED))
    )
    yield from map(str, txn.session.scalars(waiting))


def pages_about_nothing_that_waits(txn: Transaction) -> Iterator[str]:
    """Pages that go on waking people though somebody has taken note of everything."""
    waiting = (
        select(PagedCandidate.page_id)
        .join(CandidateEvent, CandidateEvent.id == PagedCandidate.candidate_event_id)
        .where(needs_a_page(txn))
    )
    yield from map(str, txn.session.scalars(select(StaffPage.id).where(UNANSWERED, StaffPage.id.not_in(waiting))))


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
        "A page was answered by a person and in some way, or not at all",
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
        "No unanswered page is put off for more than an hour",
        ids_of(lambda: select(StaffPage.id).where(UNANSWERED, StaffPage.next_at > clock.now() + LONGEST_SILENCE)),
    ),
)

"""A person acknowledges a page, by its link or by a text: with it every emergency that it is about."""

from backend.db import Actor, Transaction
from backend.patients.turns import one_at_a_time_for
from backend.staff.members import roles_of
from backend.staff.models import StaffMember
from backend.staff.roster import care_team
from backend.terms import Originator, PageAnswer
from backend.triage.decisions import acknowledge
from backend.triage.models import StaffPage
from backend.triage.paging import end, waiting_for


def may_answer(txn: Transaction, page: StaffPage, staff: StaffMember) -> bool:
    """Whether this person looks after the patients of the page's site today, whichever way the answer comes."""
    return staff.id in care_team(txn, page.site_id, [staff.id])


def answer_page(txn: Transaction, page: StaffPage, staff: StaffMember, how: PageAnswer) -> bool:
    """Acknowledge the page and its emergencies in this person's name; False when somebody else was first.

    Of two at once one wins, and the page then says to the other who it was. Whoever has left the site's care team
    changes nothing (``may_answer``).
    """
    one_at_a_time_for(txn, page.patient_id)
    if not may_answer(txn, page, staff):
        return False
    acting = txn.acting_as(Actor(Originator.SITE, id=staff.id, roles=roles_of(txn, staff)))
    if not end(acting, page, by=staff.id, how=how):
        return False
    for candidate in waiting_for(acting, page):
        acknowledge(acting, candidate)
    return True

"""The page behind the address in a page's e-mail: what has happened, and one button that takes it on.

Nobody signs in here; whoever holds the address was sent it. Looking changes nothing, because mail scanners look too:
only the button does. A wrong address, and that of somebody who has left, show the same page that knows nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from backend import clock
from backend.api.requests import database_of
from backend.conversations import page_links
from backend.db import Transaction, system
from backend.patients.models import Patient
from backend.staff.members import name_of
from backend.staff.models import Site, StaffMember
from backend.terms import Language, PageAnswer
from backend.triage.models import PagedPerson, StaffPage
from backend.triage.page_answers import answer_page, may_answer
from backend.web.languages import page_language
from backend.web.pages import shown
from notifications.templates import spoken_date

blp = Blueprint("acknowledge", __name__, url_prefix="/console/pages")

READER = system("page link")


@dataclass(frozen=True)
class _Call:
    """A page, and the person it was sent to under this address."""

    page: StaffPage
    member: StaffMember


@blp.get("/<person_id>/<token>")
def call(person_id: str, token: str) -> Response:
    """Say what has happened and whether somebody has taken it on."""
    with database_of(current_app).reading(READER) as txn:
        found = _call(txn, person_id, token)
        return _as_it_stands(txn, found) if found else _nothing_here()


@blp.post("/<person_id>/<token>")
def take_on(person_id: str, token: str) -> Response:
    """Take it on in the name of whom the address was sent to; show who was first."""
    db = database_of(current_app)
    try:
        # A guess must not hold up whoever writes.
        with db.reading(READER) as txn:
            if _call(txn, person_id, token) is None:
                return _nothing_here()
        with db.transaction(READER) as txn:
            found = _call(txn, person_id, token)
            if found is None:
                return _nothing_here()
            answer_page(txn, found.page, found.member, PageAnswer.LINK)
            return _as_it_stands(txn, found)
    except SQLAlchemyError:
        # Whoever pressed must not believe that it worked. The address and the button are still good.
        current_app.logger.exception("a page could not be acknowledged")
        return _page("acknowledge_failed.html", 503)


def _call(txn: Transaction, person_id: str, token: str) -> _Call | None:
    person = txn.session.get(PagedPerson, _id(person_id)) if _id(person_id) else None
    if person is None or not page_links.is_right(txn, person.id, token):
        return None
    page, member = txn.session.get_one(StaffPage, person.page_id), txn.session.get_one(StaffMember, person.staff_id)
    return _Call(page, member) if may_answer(txn, page, member) else None


def _id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _as_it_stands(txn: Transaction, found: _Call) -> Response:
    page, zone = found.page, txn.session.get_one(Site, found.page.site_id).time_zone
    first = txn.session.get_one(StaffMember, page.acknowledged_by) if page.acknowledged_by else None
    return _page(
        "acknowledge.html",
        200,
        subject=txn.session.get_one(Patient, page.patient_id).subject_number,
        since=_spoken(page.opened_at, zone),
        answered_at=_spoken(page.acknowledged_at, zone) if page.acknowledged_at else None,
        is_theirs=first is not None and first.id == found.member.id,
        who=name_of(txn, first) if first else "",
    )


def _spoken(moment: datetime, zone: str) -> str:
    there, language = clock.local(moment, zone), Language(page_language())
    day = spoken_date(there.date(), language)
    return f"{day} {there:%H:%M}" if language is Language.CHINESE else f"{there:%H:%M}, {day}"


def _nothing_here() -> Response:
    return _page("acknowledge_unknown.html", 404)


def _page(template: str, status: int, **values: object) -> Response:
    answer = shown(template, **values)
    answer.status_code = status
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer

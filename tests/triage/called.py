"""People who can be called to an emergency, what is on their telephones, and patients who report one."""

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.db import Database, RoleAtSite, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.staff.members import create_member
from backend.staff.models import OnCallShift, StaffMember
from backend.terms import Role
from backend.triage.models import PagedPerson, StaffPage
from notifications.channels import Absent, Accepted, Envelope, Sighting, Sought
from notifications.models import Message
from tests import people
from tests.phone import Phone
from tests.sent import answers, report_body

API = "/api/v1"
TEST = system("test")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Called:
    """A member of staff with a telephone."""

    id: UUID
    phone: Phone

    @property
    def texts(self) -> list[str]:
        return self.phone.received


class Letterbox:
    """An e-mail gateway for tests: it keeps what it was given, and implements the same protocol as the others."""

    gateway = "letterbox"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def __init__(self) -> None:
        self.letters: list[Envelope] = []

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        self.letters.append(envelope)
        return Accepted(provider_id=f"letter-{attempt_id}", delivered=True)

    def find(self, _sought: Sought) -> Sighting:
        return Absent()


def with_email(work: Work) -> tuple[Work, Letterbox]:
    """The same jobs, with a way to send e-mail."""
    box = Letterbox()
    return replace(work, channels={**work.channels, "email": box}), box


def staff(work: Work, role: Role = Role.COORDINATOR, *, site: str = "site-01", language: str = "en") -> Called:
    """Somebody new on the staff."""
    number = f"+8613900{next(_numbers):06}"
    with work.db.transaction(TEST) as txn:
        made = create_member(
            txn,
            email=f"called.{number[1:]}@example.org",
            name="Somebody Called",
            password=people.PASSWORD,
            roles=[RoleAtSite(role, people.site_row(txn, site).id)],
            phone=number,
            language=language,
        )
        return Called(made.id, Phone(work, number))


def on_call(work: Work, member: Called, *, hours: float = 24, after: float = 0, site: str = "site-01") -> None:
    """Put somebody on call from now (or so many hours after) for so many hours."""
    with work.db.transaction(TEST) as txn:
        begins = txn.now + timedelta(hours=after)
        txn.session.add(
            OnCallShift(
                site_id=people.site_row(txn, site).id,
                staff_id=member.id,
                starts_at=begins,
                ends_at=begins + timedelta(hours=hours),
                entered_at=txn.now,
            )
        )


def reports(client: Any, headers: dict[str, str], **values: int) -> None:
    """A patient sends an ad-hoc report with these answers."""
    answer = client.post(f"{API}/me/reports", json=report_body(answers=answers(**values)), headers=headers)
    assert answer.status_code == 201, answer.text


def pages(db: Database) -> list[StaffPage]:
    """Every page there is, the first one first."""
    with db.reading(TEST) as txn:
        found = list(txn.session.scalars(select(StaffPage).order_by(StaffPage.opened_at, StaffPage.id)))
        txn.session.expunge_all()
        return found


def reached(db: Database, page: StaffPage) -> dict[UUID, str]:
    """Whom a page has reached, and at which step."""
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(PagedPerson).where(PagedPerson.page_id == page.id))
        return {row.staff_id: row.step for row in rows}


def the_page(db: Database) -> StaffPage:
    """The one there is."""
    (page,) = pages(db)
    return page


def messages(db: Database, **which: str) -> list[Message]:
    """Messages with these values."""
    with db.reading(TEST) as txn:
        found = list(txn.session.scalars(select(Message).filter_by(**which).order_by(Message.created_at)))
        txn.session.expunge_all()
        return found


def row_of(txn: Any, member: Called) -> StaffMember:
    """The member's row."""
    row: StaffMember = txn.session.get_one(StaffMember, member.id)
    return row


def patient_of(txn: Any, patient: Patient) -> Patient:
    """The patient's row."""
    row: Patient = txn.session.get_one(Patient, patient.id)
    return row

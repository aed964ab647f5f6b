"""Letters to the staff when no worker ticks, which no worker can send, and when one is back: once for each outage.

An outage is known by the last sign of life before it, so that any number of web processes speak of the same one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

import notifications
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.staff import roster
from backend.staff.models import Site, StaffMember, StaffRole
from backend.terms import MessageStatus, Recipient, Role, Urgency
from notifications.models import Message
from notifications.outbox import Letter

SILENT, BACK = "worker_silent_email", "worker_back_email"
LETTERS = (SILENT, BACK)
WATCHER = system("watch")
# Nobody wants to hear a day later that something stood still.
GOOD_FOR = timedelta(hours=12)
REMEMBERED_FOR = timedelta(days=30)


def tell_of_silence(db: Database, since: datetime) -> int:
    """Have those told who can do something about it; says how many letters that were not there before."""
    with db.transaction(WATCHER) as txn:
        return sum(_queue(txn, SILENT, since, member) for member in _to_be_told(txn))


def tell_of_return(db: Database) -> int:
    """Have those who were told of silence told that it is over; says how many letters that were not there before."""
    with db.transaction(WATCHER) as txn:
        told = _told_of_silence(txn)
        return sum(_queue(txn, BACK, since, member) for since, member in told)


def _queue(txn: Transaction, template: str, since: datetime, member: StaffMember) -> bool:
    moment = since.astimezone(UTC)
    letter = Letter(
        key=f"{template}:{moment.isoformat()}:{member.id}",
        template=template,
        recipient=Recipient.STAFF,
        send_at=txn.now,
        expires_at=txn.now + GOOD_FOR,
        urgency=Urgency.SAFETY,
        staff_id=member.id,
        site_id=member.home_site_id,
        values={"date": moment.date().isoformat(), "time": f"{moment:%H:%M}", "since": moment.isoformat()},
    )
    return notifications.queue(txn, letter) is not None


def _to_be_told(txn: Transaction) -> list[StaffMember]:
    """The administrators; and at each site with patients whoever is on call, or the investigators if nobody is."""
    administrators = (
        select(StaffMember)
        .join(StaffRole, StaffRole.staff_id == StaffMember.id)
        .where(StaffRole.role == Role.ADMINISTRATOR, StaffRole.ended_at.is_(None), StaffMember.deactivated_at.is_(None))
        .order_by(StaffMember.id)
    )
    sites = select(Site).where(Site.id.in_(select(Patient.site_id))).order_by(Site.code)
    found = list(txn.session.scalars(administrators))
    for site in txn.session.scalars(sites).all():
        found += roster.on_call_at(txn, site.id, txn.now) or _investigators(txn, site)
    return list(dict.fromkeys(found))


def _investigators(txn: Transaction, site: Site) -> list[StaffMember]:
    roles = (Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR)
    return [member for role in roles for member in roster.members_holding(txn, site.id, role)]


def _told_of_silence(txn: Transaction) -> Iterator[tuple[datetime, StaffMember]]:
    """Of which outage, and whom. A letter that nobody got needs no second one."""
    gone = (MessageStatus.SENDING, MessageStatus.IN_DOUBT, MessageStatus.SENT, MessageStatus.DELIVERED)
    letters = select(Message).where(
        Message.template == SILENT, Message.status.in_(gone), Message.created_at > txn.now - REMEMBERED_FOR
    )
    for letter in txn.session.scalars(letters.order_by(Message.created_at, Message.id)).all():
        yield (
            datetime.fromisoformat(letter.values["since"]),
            txn.session.get_one(StaffMember, letter.staff_id),
        )

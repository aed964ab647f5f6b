"""What a member of staff writes back to a page: a 1, and nothing else, takes the emergency on."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

import notifications
from backend.db import Transaction
from backend.staff.models import StaffMember
from backend.terms import MessageStatus, PageAnswer, Recipient, Urgency
from backend.triage.models import PagedPerson, StaffPage
from backend.triage.page_answers import answer_page, may_answer
from backend.triage.words import folded
from notifications import inbound
from notifications.models import InboundMessage, Message
from notifications.opt_outs import AROUND_A_WORD
from notifications.outbox import Letter

TAKE_IT_ON = "1"
# A second person who answers is told who was not first; days later the digit means something else.
STILL_ABOUT_IT = timedelta(hours=12)
REACHED = (MessageStatus.SENDING, MessageStatus.IN_DOUBT, MessageStatus.SENT, MessageStatus.DELIVERED)

_Paged = tuple[StaffPage, StaffMember]


def members_by_phone(txn: Transaction, number_index: str | None) -> Sequence[StaffMember]:
    """Everybody on the staff, still there, whose number this is."""
    if number_index is None:
        return ()
    found = select(StaffMember).where(StaffMember.phone_index == number_index, StaffMember.deactivated_at.is_(None))
    return txn.session.scalars(found.order_by(StaffMember.created_at, StaffMember.id)).all()


def take_answer(
    txn: Transaction, received: InboundMessage, members: Sequence[StaffMember], *, is_staff_only: bool
) -> bool:
    """Acknowledge the page that was last sent to this number, if the text is the digit and a page is open.

    Where the number is a patient's or a caregiver's too (not ``is_staff_only``), any other digit, and a 1 while no
    page is open, mean what they mean for them. False when the text is not for us to take.
    """
    if not members or folded(inbound.text_of(txn, received)).strip(AROUND_A_WORD) != TAKE_IT_ON:
        return False
    open_pages = _sent_to(txn, members, answered_since=None)
    if open_pages:
        _acknowledge(txn, received, *open_pages[0])
        return True
    recent = _sent_to(txn, members, answered_since=txn.now - STILL_ABOUT_IT) if is_staff_only else []
    if not recent or not _say(txn, received, *recent[0], "page_answered_reply"):
        return False
    inbound.mark_handled(txn, received, "page_answered", None, site_id=recent[0][0].site_id)
    return True


def _acknowledge(txn: Transaction, received: InboundMessage, page: StaffPage, member: StaffMember) -> None:
    was_first = answer_page(txn, page, member, PageAnswer.REPLY)
    _say(txn, received, page, member, "page_reply" if was_first else "page_answered_reply")
    inbound.mark_handled(txn, received, "page_answered", None, site_id=page.site_id)


def _say(txn: Transaction, received: InboundMessage, page: StaffPage, member: StaffMember, template: str) -> bool:
    """Confirm, once for each page and person, so that two machines never keep each other talking."""
    still_open = len(_sent_to(txn, [member], answered_since=None))
    letter = Letter(
        key=f"{template}:{page.id}:{member.id}",
        template=template,
        recipient=Recipient.STAFF,
        send_at=txn.now,
        urgency=Urgency.REPLY,
        patient_id=page.patient_id,
        site_id=page.site_id,
        staff_id=member.id,
        in_reply_to=received.id,
        values={"count": str(still_open)},
    )
    return notifications.queue(txn, letter) is not None


def _sent_to(txn: Transaction, members: Sequence[StaffMember], *, answered_since: datetime | None) -> list[_Paged]:
    """The pages that these people were texted, the last sent first: open ones, or those answered since then."""
    txn.session.flush()
    chosen = select(StaffPage, PagedPerson.staff_id).join(PagedPerson, PagedPerson.page_id == StaffPage.id)
    chosen = chosen.where(PagedPerson.staff_id.in_([member.id for member in members]))
    if answered_since is None:
        chosen = chosen.where(StaffPage.acknowledged_at.is_(None))
    else:
        chosen = chosen.where(StaffPage.acknowledged_at >= answered_since, StaffPage.acknowledged_by.is_not(None))
    by_id = {member.id: member for member in members}
    found = [(page, by_id[staff_id]) for page, staff_id in txn.session.execute(chosen)]
    theirs = [(page, member) for page, member in found if may_answer(txn, page, member)]
    sent_at = _last_texted(txn, [page for page, _ in theirs], by_id)
    texted = [(sent_at[one.id, member.id], one, member) for one, member in theirs if (one.id, member.id) in sent_at]
    texted.sort(key=lambda one: (one[0], str(one[1].id)), reverse=True)
    return [(page, member) for _, page, member in texted]


def _last_texted(
    txn: Transaction, pages: Sequence[StaffPage], staff_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], datetime]:
    """When a text about each page last went to each person, by both ids; absent where none has."""
    if not pages:
        return {}
    of_page = {f"page:{page.id}:": page.id for page in pages}
    about = func.substr(Message.key, 1, len(next(iter(of_page))))
    texts = (
        select(about, Message.staff_id, func.max(Message.send_at))
        # The patients first: their messages are found by an index, those of a member of staff are not.
        .where(Message.patient_id.in_({page.patient_id for page in pages}), Message.staff_id.in_(staff_ids))
        .where(Message.template == "page_sms", Message.status.in_(REACHED), about.in_(of_page))
        .group_by(about, Message.staff_id)
    )
    return {(of_page[prefix], staff_id): sent_at for prefix, staff_id, sent_at in txn.session.execute(texts)}

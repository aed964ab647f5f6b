"""When two machines have begun to answer each other: silence towards the number, and one mark in the inbox."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select

from backend.conversation_terms import WhyHere
from backend.db import Transaction, UTCDateTime
from backend.patients.models import Patient
from backend.terms import Urgency
from notifications import inbound, opt_outs
from notifications.models import InboundMessage, Message

MOST_REPLIES = 6
LOOP_WINDOW = timedelta(minutes=10)
# Said whatever else holds: to a number in a loop, while contact is held, after a withdrawal.
ALWAYS_SAID = frozenset({"danger_reply", "kind_reply"})
# What anybody is entitled to hear, as often as it is new; a machine that says STOP twice hears it once.
STOPPED = "stop_reply"
# No sign of two machines: the next question only follows a valid answer, and a letter a person has written.
COUNTS_FOR_NOTHING = ALWAYS_SAID | {"survey_question", "letter"}

# Asked before nearly every answer, and so put together once, of plain columns.
_MESSAGE, _TEXT = Message.__table__, InboundMessage.__table__
_AUTOMATIC = (
    select(func.count(_MESSAGE.c.id))
    .join(_TEXT, _TEXT.c.id == _MESSAGE.c.in_reply_to)
    .where(
        _TEXT.c.number_index == bindparam("number"),
        _MESSAGE.c.created_at > bindparam("since", type_=UTCDateTime()),
        _MESSAGE.c.urgency == Urgency.REPLY,
        _MESSAGE.c.template.not_in(sorted(COUNTS_FOR_NOTHING)),
    )
)


def is_a_loop(txn: Transaction, received: InboundMessage, template: str) -> bool:
    """Whether this answer would be one too many: more than six automatic ones in ten minutes with one number.

    Whoever stops the texts is told so in a loop too: the law of many countries asks for it.
    """
    if received.number_index is None or template in COUNTS_FOR_NOTHING:
        return False
    if template == STOPPED and opt_outs.is_stopped_by(txn, received.id):
        return False
    recent = {"number": received.number_index, "since": txn.now - LOOP_WINDOW}
    return (txn.connection.scalar(_AUTOMATIC, recent) or 0) >= MOST_REPLIES


def leave_in_silence(
    txn: Transaction, received: InboundMessage, patient: Patient | None, *, site_id: UUID | None = None
) -> None:
    """For a person to read, unanswered. A loop stands in the inbox once: whoever reads its first text sees the others.

    Only while that one waits; once somebody has dealt with it, the next text is a mark of its own. ``site_id``: of a
    number that is not one patient's.
    """
    owner, where = (patient.id, patient.site_id) if patient else (None, site_id)
    if _is_marked(txn, received):
        inbound.mark_handled(txn, received, WhyHere.LOOP, owner, site_id=where)
    else:
        inbound.leave_to_a_person(txn, received, patient_id=owner, site_id=where, why=WhyHere.LOOP)


def _is_marked(txn: Transaction, received: InboundMessage) -> bool:
    mark = select(InboundMessage.id).where(
        InboundMessage.number_index == received.number_index,
        InboundMessage.handled_at.is_(None),
        InboundMessage.handled_how == WhyHere.LOOP,
    )
    return txn.session.scalars(mark.limit(1)).first() is not None

"""Yes to the card of danger signs rings, also where the questionnaire that had asked has ended meanwhile.

Its day may be over at midnight, two minutes after the question left. Whoever then writes ``1`` has said that a sign is
there, and no other question may take that for an answer of its own.
"""

from sqlalchemy import Uuid, and_, bindparam, or_, select

from backend.conversation_terms import ConversationStatus
from backend.conversations import answers, asking, script, surveys
from backend.conversations.answers import Sender
from backend.conversations.models import Conversation
from backend.db import Transaction, UTCDateTime
from backend.indexes import word
from backend.terms import ChannelKind
from backend.triage.candidates import open_for_text
from notifications import inbound
from notifications.models import Attempt, InboundMessage, Message

_MESSAGE, _ATTEMPT, _ENDED = Message.__table__, Attempt.__table__, Conversation.__table__
# What was asked last, and the questionnaire that had asked it, if it was one and that has ended since.
_ASKED_LAST = (
    select(_MESSAGE.c.answered_at, _ENDED.c.id)
    .join(_ATTEMPT, _ATTEMPT.c.message_id == _MESSAGE.c.id)
    .outerjoin(
        _ENDED,
        and_(
            _ENDED.c.patient_id == _MESSAGE.c.patient_id,
            _ENDED.c.question_id == _MESSAGE.c.id,
            _ENDED.c.ended_at.is_not(None),
            _ENDED.c.status != word(ConversationStatus.REFUSED),
        ),
    )
    .where(
        # The try has its message's patient: said of both, the last of hundreds is found without reading the others.
        _ATTEMPT.c.patient_id == bindparam("patient"),
        _MESSAGE.c.patient_id == bindparam("patient"),
        _MESSAGE.c.recipient == bindparam("recipient"),
        _MESSAGE.c.caregiver_id.is_not_distinct_from(bindparam("caregiver", type_=Uuid())),
        _ATTEMPT.c.channel == word(ChannelKind.SMS),
        _ATTEMPT.c.started_at <= bindparam("written", type_=UTCDateTime()),
        or_(_ATTEMPT.c.template.in_(asking.PUTS_A_QUESTION), _MESSAGE.c.asks.is_not(None)),
    )
    .order_by(_ATTEMPT.c.started_at.desc())
    .limit(1)
)


def took(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text said yes to the card, and the card was the last thing that its writer was asked."""
    is_in_the_app = received.number_index is None or received.in_reply_to is not None
    if is_in_the_app or not answers.may_count(received, sender):
        return False
    if surveys.yes_or_no(inbound.text_of(txn, received)) != script.YES:
        return False
    if not _was_asked_for_the_card(txn, received, sender):
        return False
    open_for_text(txn, sender.patient, received.id)
    answers.answer(txn, received, sender, "danger_reply", "danger")
    return True


def _was_asked_for_the_card(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """By the last thing asked at this telephone before the text was written, of whatever kind, and not answered."""
    whose = {
        "patient": sender.patient.id,
        "recipient": sender.recipient,
        "caregiver": sender.caregiver.id if sender.caregiver else None,
        "written": received.received_at,
    }
    last = txn.connection.execute(_ASKED_LAST, whose).first()
    answered_at, survey_id = last or (None, None)
    if answered_at is not None or survey_id is None:
        return False
    return asking.next_of(txn, txn.session.get_one(Conversation, survey_id)) == script.CARD

"""Yes to the card of danger signs rings, also where the questionnaire that had asked has ended meanwhile.

Its day may be over at midnight, two minutes after the question left. Whoever then writes ``1`` has said that a sign is
there, and no other question may take that for an answer of its own.
"""

from sqlalchemy import or_, select

from backend.conversation_terms import ConversationStatus
from backend.conversations import answers, asking, script, surveys
from backend.conversations.answers import Sender
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.patients.turns import take_turn
from backend.terms import ChannelKind
from backend.triage.candidates import open_for_text
from notifications import inbound
from notifications.models import Attempt, InboundMessage, Message


def took(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text said yes to the card, and the card was the last thing that its writer was asked."""
    is_in_the_app = received.number_index is None or received.in_reply_to is not None
    if is_in_the_app or not answers.may_count(received, sender):
        return False
    if surveys.yes_or_no(inbound.text_of(txn, received)) != script.YES:
        return False
    take_turn(txn, sender.patient)
    if not _was_asked_for_the_card(txn, received, sender):
        return False
    open_for_text(txn, sender.patient, received.id)
    answers.answer(txn, received, sender, "danger_reply", "danger")
    return True


def _was_asked_for_the_card(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    question = _last_question(txn, received, sender)
    if question is None or question.answered_at is not None:
        return False
    ended = txn.session.scalars(
        select(Conversation).where(
            Conversation.patient_id == sender.patient.id,
            Conversation.question_id == question.id,
            Conversation.ended_at.is_not(None),
            Conversation.status != ConversationStatus.REFUSED,
        )
    ).first()
    return ended is not None and asking.next_of(txn, ended) == script.CARD


def _last_question(txn: Transaction, received: InboundMessage, sender: Sender) -> Message | None:
    """What was asked last at this telephone before the text was written, of whatever kind."""
    whose = sender.caregiver.id if sender.caregiver else None
    asked = (
        select(Message)
        .join(Attempt, Attempt.message_id == Message.id)
        .where(
            Message.patient_id == sender.patient.id,
            Message.recipient == sender.recipient,
            Message.caregiver_id.is_(None) if whose is None else Message.caregiver_id == whose,
            Attempt.channel == ChannelKind.SMS,
            Attempt.started_at <= received.received_at,
            or_(Attempt.template.in_(asking.PUTS_A_QUESTION), Message.asks.is_not(None)),
        )
    )
    return txn.session.scalars(asked.order_by(Attempt.started_at.desc()).limit(1)).first()

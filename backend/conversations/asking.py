"""Asking the next question: as an answer to a text, or in the stead of a prompt that goes by text message.

What a message asks is rendered when it leaves, from the conversation as it then stands: a question that has been
answered on the form meanwhile is not put any more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, update

import notifications
from backend.agenda.course import AgendaItem
from backend.conversation_terms import ConversationStatus
from backend.conversations import drafts, script, states
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.states import Happened
from backend.conversations.wording import text_of
from backend.db import Transaction
from backend.indexes import word
from backend.instruments.definition import instrument
from backend.terms import AttemptStatus, Recipient, Urgency
from notifications.models import Attempt, InboundMessage, Message
from notifications.outbox import Letter

QUESTION, AGAIN = "survey_question", "survey_again"
# Prompts that, by text message, ask the first question themselves; the words around it.
PROMPTS = {"report_due": "survey_due", "report_reminder": "survey_due", "safety_check_due": "survey_safety"}
DUE_OR_APP = "survey_due_or_app"
ASKS = frozenset({QUESTION, AGAIN})
# By one of these a question was put, whatever else was said to the number.
PUTS_A_QUESTION = [word(one) for one in sorted(ASKS | {*PROMPTS.values(), DUE_OR_APP})]
# Of what a message asks: which conversation, by id.
CONVERSATION = "conversation"
# So long nobody else speaks to a number whose question is open, and then it is taken to be left for later.
PATIENCE = timedelta(minutes=30)
RUNNING = (ConversationStatus.WAITING, ConversationStatus.ANSWERING)


class Put(NamedTuple):
    """What became of the message that puts a question: when it was settled, and when the question had been sent."""

    urgency: str
    settled_at: datetime | None
    sent_at: datetime | None

    @property
    def is_on_its_way(self) -> bool:
        """Whether nobody can have answered it yet."""
        return self.sent_at is None and self.settled_at is None

    @property
    def was_put(self) -> bool:
        """Whether the question was sent, or is on its way: something may have kept it from being put at all."""
        return self.sent_at is not None or self.is_on_its_way


class Question(NamedTuple):
    """What a conversation asks now, and of which form."""

    asked: str | None
    instrument: str
    instrument_version: int
    extent: str


# Asked before nearly every message, and so put together once, of plain columns.
_ROW = cast(Table, Message.__table__)
_ATTEMPT = Attempt.__table__.c
_SENT_AT = (
    select(func.max(_ATTEMPT.settled_at))
    .where(
        _ATTEMPT.message_id == _ROW.c.id,
        # It may have gone to the app in the end, which puts no question.
        _ATTEMPT.template.in_(PUTS_A_QUESTION),
        _ATTEMPT.status == word(AttemptStatus.ACCEPTED),
    )
    .scalar_subquery()
)
# The columns of ``Put``, of a message.
PUT = (_ROW.c.urgency, _ROW.c.settled_at, _SENT_AT)
_PUT = select(*PUT).where(_ROW.c.id == bindparam("id"))
_CONVERSATION = Conversation.__table__.c
_OPEN_QUESTION = select(*(_CONVERSATION[name] for name in Question._fields)).where(
    _CONVERSATION.id == bindparam("conversation"),
    _CONVERSATION.ended_at.is_(None),
    _CONVERSATION.question_id == bindparam("message"),
)
_ANSWERED = update(_ROW).where(_ROW.c.id == bindparam("question")).values(answered_at=bindparam("at"))


def ask(txn: Transaction, conversation: Conversation, question: str, received: InboundMessage, template: str) -> None:
    """Put this question to whoever wrote the text, as the answer to it."""
    asked = notifications.queue(
        txn,
        Letter(
            key=f"survey:{received.id}",
            template=template,
            recipient=Recipient.CAREGIVER if conversation.caregiver_id else Recipient.PATIENT,
            send_at=txn.now,
            urgency=Urgency.REPLY,
            patient_id=conversation.patient_id,
            site_id=conversation.site_id,
            caregiver_id=conversation.caregiver_id,
            in_reply_to=received.id,
            values={CONVERSATION: str(conversation.id)},
        ),
    )
    assert asked is not None, "One text is understood once."
    is_asked(conversation, question, asked, txn.now)
    txn.session.flush()


def closes_at(item: AgendaItem, now: datetime) -> datetime:
    """Until when it is asked: the end of its window, or of the time in which it may still come late."""
    return item.closes_at if now < item.closes_at else item.expires_at or item.closes_at


def next_of(
    txn: Transaction, conversation: Conversation, answers: Mapping[str, ConversationAnswer] | None = None
) -> str | None:
    """What it asks next; None when everything was asked. ``answers``: those there are, where they have been read."""
    if answers is None:
        answers = drafts.answers_of(txn, conversation) if conversation.first_answer_at else {}
    return script.next_question(drafts.instrument_of(txn, conversation), conversation.extent, drafts.values_of(answers))


def note_answered(txn: Transaction, conversation: Conversation) -> None:
    """Whoever has answered the open question needs not hear it another way."""
    if conversation.question_id is not None:
        txn.connection.execute(_ANSWERED, {"question": conversation.question_id, "at": txn.now})


def asked_by(txn: Transaction, message: Message) -> Question | None:
    """The open question that this message puts; None when its conversation has ended, or asks by another since."""
    whose = {"conversation": UUID(message.values[CONVERSATION]), "message": message.id}
    found = txn.connection.execute(_OPEN_QUESTION, whose).first()
    return None if found is None else Question._make(found)


def said_by(txn: Transaction, question: Question | Conversation, language: str) -> Mapping[str, str]:
    """What stands at the placeholder of the texts that ask."""
    assert question.asked is not None, "Only what is asked can be said."
    asks = instrument(txn, question.instrument, question.instrument_version)
    return {"question": text_of(asks, question.extent, question.asked, language)}


def silent_since(txn: Transaction, conversation: Conversation) -> datetime | None:
    """Since when nobody has answered: since the question arrived, or the last answer if that was later.

    None while a question is still on its way: nobody can have answered that. Where none ever arrived, since long ago.
    """
    return silence_after(conversation, _put(txn, conversation.question_id) if conversation.question_id else None)


def silence_after(conversation: Conversation, question: Put | None) -> datetime | None:
    """The same, once it is known what became of the open question; None for that where none is open. Pure."""
    if question is None:
        return conversation.last_heard_at or conversation.opened_at
    if question.is_on_its_way:
        return None
    long_ago = conversation.opened_at - PATIENCE
    return max((at for at in (question.sent_at, conversation.last_heard_at) if at), default=long_ago)


def busy_until(txn: Transaction, live: Sequence[Conversation], message: Message) -> datetime | None:
    """Until when a survey that is being answered by text keeps this message waiting; None when none does.

    A survey does not wait for itself. A prompt that nobody has answered keeps only other prompts waiting: two
    questionnaires at once would ask the same.
    """
    others = [one for one in live if one.status in RUNNING and one.question_id not in (None, message.id)]
    running = [one for one in others if message.template in PROMPTS or _is_being_answered(txn, one)]
    ends = [(silent_since(txn, one) or txn.now) + PATIENCE for one in running if one.caregiver_id is None]
    return max((end for end in ends if end > txn.now), default=None)


def _is_being_answered(txn: Transaction, conversation: Conversation) -> bool:
    """Somebody has answered, or has asked for the question."""
    if conversation.status != ConversationStatus.WAITING:
        return conversation.status == ConversationStatus.ANSWERING
    return conversation.question_id is not None and _put(txn, conversation.question_id).urgency == Urgency.REPLY


def _put(txn: Transaction, message_id: UUID) -> Put:
    return Put._make(txn.connection.execute(_PUT, {"id": message_id}).one())


def is_asked(conversation: Conversation, question: str, message: Message, now: datetime) -> None:
    """From now on this is the open question, put by this message."""
    happened = Happened.ASKED if conversation.first_answer_at is None else Happened.ASKED_ON
    conversation.status = states.after(conversation.status, happened)
    if conversation.asked != question or conversation.asked_since is None:
        conversation.asked_since = now
    conversation.asked, conversation.question_id = question, message.id

"""What a person is being asked just now, and how far each question has come: read in one look, for one text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, func, select

from backend.conversations import asking, endings
from backend.conversations.answers import Sender
from backend.conversations.asking import Put
from backend.conversations.models import Conversation
from backend.db import Transaction, UTCDateTime
from backend.indexes import whichever_index, word
from backend.terms import MessageStatus
from notifications.models import Attempt, InboundMessage, Message


@dataclass(frozen=True)
class OpenSurvey:
    """One that has not ended, and what became of its open question; without one, or before it left, there is less."""

    survey: Conversation
    question: Put | None
    # When the last try at sending the question began.
    begun_at: datetime | None
    # Whether it had left before the text was written: what was written earlier is no answer to it.
    was_asked_before: bool
    # When the last try began at asking anything else of this person that a digit answers, and has not answered yet.
    others_begun_at: datetime | None
    # Whether another report has answered the same item meanwhile.
    is_overtaken: bool

    @property
    def was_put(self) -> bool:
        """Whether its open question was sent, or is on its way."""
        return self.question is not None and self.question.was_put

    @property
    def is_the_newest(self) -> bool:
        """Whether nothing else that waits for an answer was asked after its open question."""
        return self.begun_at is None or self.others_begun_at is None or self.others_begun_at <= self.begun_at


_ROW, _MESSAGE, _ATTEMPT = Conversation.__table__.c, Message.__table__, Attempt.__table__.c
_BEGUN_AT = select(func.max(_ATTEMPT.started_at)).where(_ATTEMPT.message_id == _ROW.question_id).scalar_subquery()
_WAS_ASKED_BEFORE = exists().where(
    _ATTEMPT.patient_id == _ROW.patient_id,
    _ATTEMPT.template.in_(asking.PUTS_A_QUESTION),
    _ATTEMPT.started_at >= func.coalesce(_ROW.asked_since, _ROW.opened_at),
    _ATTEMPT.started_at <= bindparam("written", type_=UTCDateTime()),
)
# Of what ``notifications.outbox.open_questions`` gives, all together.
_OTHER = _MESSAGE.alias("other").c
_OTHERS_BEGUN_AT = (
    select(func.max(_ATTEMPT.started_at))
    .where(
        _ATTEMPT.message_id == _OTHER.id,
        _OTHER.patient_id == bindparam("patient"),
        _OTHER.recipient == bindparam("recipient"),
        _OTHER.asks.is_not(None),
        _OTHER.answered_at.is_(None),
        whichever_index(_OTHER.status.in_([word(MessageStatus.SENT), word(MessageStatus.DELIVERED)])),
    )
    .scalar_subquery()
)
_OPEN = (
    select(Conversation, _BEGUN_AT, _WAS_ASKED_BEFORE, _OTHERS_BEGUN_AT, endings.IS_OVERTAKEN, *asking.PUT)
    .outerjoin(_MESSAGE, _MESSAGE.c.id == Conversation.question_id)
    .where(Conversation.patient_id == bindparam("patient"), Conversation.ended_at.is_(None))
    .order_by(Conversation.opened_at.desc(), Conversation.id)
    .execution_options(populate_existing=True)
)


def open_surveys(txn: Transaction, received: InboundMessage, sender: Sender) -> Sequence[OpenSurvey]:
    """Those that whoever wrote this text answers, the one that was opened last first.

    As they are in the patient's turn, which the caller has taken: until this transaction ends they stay so.
    """
    whose = sender.caregiver.id if sender.caregiver else None
    about = {"patient": sender.patient.id, "recipient": sender.recipient, "written": received.received_at}
    # What this transaction has changed itself must be written before the rows are read anew.
    txn.session.flush()
    return [
        OpenSurvey(survey, Put._make(put) if survey.question_id else None, begun_at, before, others_begun_at, overtaken)
        for survey, begun_at, before, others_begun_at, overtaken, *put in txn.session.execute(_OPEN, about)
        if survey.caregiver_id == whose
    ]


def asked_last(surveys: Iterable[OpenSurvey]) -> OpenSurvey | None:
    """Of those that ask something, the one whose question began to leave last; one still to leave was asked last."""
    asked = [one for one in surveys if one.survey.asked is not None and one.question is not None]
    return max(asked, key=lambda one: (one.begun_at is None, one.begun_at or one.survey.opened_at), default=None)

"""Questionnaires that are answered one answer after another: none stays open for ever, and what ended was kept."""

from datetime import timedelta

from sqlalchemy import and_, or_, select

from backend import clock
from backend.conversation_terms import LIVE, ConversationStatus
from backend.conversations.models import Conversation
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.symptom_report import SymptomReport

# A tick ends it within a minute; whoever finds one this old found a server on which no worker ticks.
OPEN_FOR = timedelta(hours=1)
_was_filed = or_(
    Conversation.status.in_((ConversationStatus.COMPLETED, ConversationStatus.PARTIAL)),
    and_(Conversation.ended_at.is_not(None), Conversation.first_answer_at.is_not(None)),
)

INVARIANTS = (
    Invariant(
        "surveys.ended",
        "No questionnaire is still being asked an hour after its time has ended",
        ids_of(
            lambda: select(Conversation.id).where(
                Conversation.ended_at.is_(None), Conversation.closes_at < clock.now() - OPEN_FOR
            )
        ),
    ),
    Invariant(
        "surveys.filed",
        "Every questionnaire is being asked or has ended, and what was answered then stands in a report",
        ids_of(
            lambda: (
                select(Conversation.id)
                .outerjoin(
                    SymptomReport,
                    and_(
                        SymptomReport.patient_id == Conversation.patient_id,
                        SymptomReport.id == Conversation.report_id,
                    ),
                )
                .where(
                    or_(
                        Conversation.status.in_(LIVE) != Conversation.ended_at.is_(None),
                        and_(_was_filed, SymptomReport.id.is_(None)),
                    )
                )
            )
        ),
    ),
)

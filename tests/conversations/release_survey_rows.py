"""Every reason that a questionnaire by text message gives for waiting or silence, each with a near miss."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from backend import clock
from backend.conversations import asking, drafts
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.patients.models import Patient
from backend.terms import Urgency
from notifications.models import Attempt
from tests.conversations.release_world import Row, World, a_report_is_due, a_visit_is_ahead

SURVEY = "_about_a_survey"


def a_question_is_put(world: World) -> None:
    """The next question of a weekly questionnaire is about to leave."""
    conversation = world.do(_opened)
    values = {asking.CONVERSATION: str(conversation)}
    world.writes("survey:1", template=asking.QUESTION, urgency=Urgency.REPLY, values=values)
    world.change(Conversation, conversation, asked="temperature_c", status="waiting", question_id=world.message_id)
    world.kept["survey"] = conversation


def somebody_answers_by_text(world: World) -> None:
    """A visit is ahead, and half an hour ago a question had arrived."""
    a_visit_is_ahead(world)
    a_question_is_put(world)
    world.kept["attempt"] = world.do(lambda txn, ann: _accepted(txn, ann, world.message_id))
    world.takes("visit.m1@2027-03-25:-7d")


def _opened(txn: Transaction, ann: Patient) -> UUID:
    return drafts.open_conversation(
        txn,
        ann,
        drafts.Opening(
            instrument="weekly",
            version=1,
            agenda_key="weekly.w2",
            extent="full",
            language="en",
            closes_at=None,
        ),
    ).id


def _accepted(txn: Transaction, ann: Patient, message_id: UUID | None) -> UUID:
    attempt = Attempt(
        id=uuid4(), message_id=message_id, patient_id=ann.id, key_owner_id=ann.id, number=1, channel="sms",
        language="en", template=asking.QUESTION, template_version=1, status="accepted", started_at=txn.now,
        settled_at=txn.now - asking.PATIENCE, looks=0,
    )  # fmt: skip
    txn.session.add(attempt)
    return attempt.id


def _only_survey(world: World) -> UUID:
    found: UUID = world.do(lambda txn, _: txn.session.scalars(select(Conversation.id)).one())
    return found


def _arrived_a_second_later(world: World) -> None:
    later = clock.now() - asking.PATIENCE + timedelta(seconds=1)
    world.change(Attempt, world.kept["attempt"], settled_at=later)


ROWS = (
    Row(
        SURVEY,
        "suppress: asked_since",
        "send by sms",
        a_question_is_put,
        lambda world: world.change(Conversation, world.kept["survey"], ended_at=clock.now()),
    ),
    Row(SURVEY, "later: survey_runs", "send by sms", somebody_answers_by_text, _arrived_a_second_later),
    Row(
        "_by_text",
        "suppress: declined",
        "send by sms",
        a_report_is_due,
        lambda world: world.change(Conversation, _only_survey(world), status="refused", ended_at=clock.now()),
    ),
)

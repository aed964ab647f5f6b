"""Every reason for which the link to the plain form is not sent, with a near miss."""

from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.conversations.form_letters import CONVERSATION, LINK
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import seal
from backend.terms import Urgency
from notifications import inbound
from notifications.models import InboundMessage
from tests.conversations.release_survey_rows import a_question_is_put
from tests.conversations.release_world import Row, World

ABROAD = "+12025550123"
AT_HOME = "+8613800138099"


def a_link_was_asked_for(world: World) -> None:
    """From a number to which links may go."""

    def heard(txn: Transaction, ann: Patient) -> UUID:
        kept = inbound.keep(txn, inbound.ReceivedText("asks-for-a-link", ABROAD, "", "LINK"))
        assert kept is not None
        inbound.give_to(txn, kept, ann.id, site_id=ann.site_id)
        return kept.id

    a_question_is_put(world)
    world.kept["heard"] = world.do(heard)
    values = {CONVERSATION: str(world.kept["survey"])}
    answer = {"template": LINK, "urgency": Urgency.REPLY, "values": values, "in_reply_to": world.kept["heard"]}
    world.writes("reply:1", **answer)


def from_at_home(world: World) -> None:
    def act(txn: Transaction, _ann: Patient) -> None:
        heard = txn.session.scalars(select(InboundMessage).where(InboundMessage.id == world.kept["heard"])).one()
        heard.number_sealed = seal(txn, heard, "number_sealed", AT_HOME)

    world.do(act)


ROWS = (
    Row("with_its_link", "suppress: no_link_to_this_number", "send by sms", a_link_was_asked_for, from_at_home),
    Row(
        "with_its_link",
        "suppress: questionnaire_closed",
        "send by sms",
        a_link_was_asked_for,
        lambda world: world.change(Conversation, world.kept["survey"], status="refused", ended_at=clock.now()),
    ),
)

"""Every reason for which an answer to a text that nobody could place is not sent, with a near miss."""

from uuid import UUID

from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import seal
from backend.terms import Recipient, Urgency
from notifications import inbound
from notifications.models import InboundMessage, Message
from tests.conversations.release_world import Row, World


def a_stranger_is_answered(world: World) -> None:
    def heard(txn: Transaction, _ann: Patient) -> UUID:
        kept = inbound.keep(txn, inbound.ReceivedText("from-a-stranger", "+8613800138099", "", "who is this"))
        assert kept is not None
        return kept.id

    def worded(txn: Transaction, _ann: Patient) -> None:
        message = txn.session.get_one(Message, world.message_id)
        message.words_sealed = seal(txn, message, "words_sealed", "Please call us.")

    world.kept["heard"] = world.do(heard)
    to = {"recipient": Recipient.WRITER, "patient_id": None, "in_reply_to": world.kept["heard"]}
    world.writes("letter:1", template="letter", urgency=Urgency.REPLY, values={"language": "en"}, **to)
    world.do(worded)


ROWS = (
    Row(
        "release_to_writer",
        "suppress: nobody_to_write_to",
        "send by sms",
        a_stranger_is_answered,
        lambda world: world.change(InboundMessage, world.kept["heard"], number_sealed=None),
    ),
)

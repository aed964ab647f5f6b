"""Every reason for which a number that is a patient's no more is not told so, with a near miss."""

from sqlalchemy import select

from backend.db import Transaction
from backend.patients.changes import update_patient
from backend.patients.models import FormerNumber, Patient
from backend.sealing import seal
from notifications import numbers
from notifications.models import Message
from tests import people
from tests.conversations.release_world import Row, World

NEW_PHONE = "+8613800138077"


def a_number_was_changed(world: World) -> None:
    """Ann has another number; what is decided about is the notice to the one before."""
    world.do(lambda txn, ann: update_patient(txn, ann, {"phone": NEW_PHONE}, seen_version=ann.version))
    notice = select(Message.id).where(Message.template == "former_number_notice")
    world.message_id = world.do(lambda txn, _: txn.session.scalars(notice).one())
    world.kept["former"] = world.do(lambda txn, _: txn.session.scalars(select(FormerNumber.id)).one())


def it_is_malformed(world: World) -> None:
    def act(txn: Transaction, _ann: Patient) -> None:
        former = txn.session.get_one(FormerNumber, world.kept["former"])
        former.number_sealed = seal(txn, former, "number_sealed", "12")

    world.do(act)


def another_has_it(world: World) -> None:
    people.ben(world.work.db, phone=people.ANNS_PHONE, caregivers=())


ROWS = (
    Row(
        "number_to_tell",
        "suppress: no_number",
        "send by sms",
        a_number_was_changed,
        lambda world: world.change(FormerNumber, world.kept["former"], number_sealed=None),
    ),
    Row("number_to_tell", "suppress: used_again", "send by sms", a_number_was_changed, another_has_it),
    Row("number_to_tell", "suppress: takes_no_texts", "send by sms", a_number_was_changed, it_is_malformed),
    Row(
        "number_to_tell",
        "suppress: takes_no_texts",
        "send by sms",
        a_number_was_changed,
        lambda world: world.do(lambda txn, _: numbers.stop_by_word(txn, people.ANNS_PHONE)),
    ),
)

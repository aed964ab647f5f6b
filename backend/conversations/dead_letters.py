"""What the mailroom could not bring, made a person's task: every message that ends undelivered, never a silent row."""

import logging

from backend.db import Transaction
from backend.patients import contact
from backend.sealing import unseal
from backend.terms import Recipient, WorkReason
from backend.worklist import phone_checks
from backend.worklist.items import open_item
from notifications import numbers, opt_outs
from notifications.models import Attempt, Message

log = logging.getLogger(__name__)


def make_dead_letter_a_task(txn: Transaction, message: Message, attempt: Attempt | None) -> None:
    """The task that fits the message's reason: see to the telephone, reach the person another way, or find out."""
    match message.reason:
        case numbers.MALFORMED | numbers.OF_NO_USE | opt_outs.OPTED_OUT if message.recipient == Recipient.FORMER_NUMBER:
            # Nobody need see to a number that is not used any more.
            return
        case numbers.MALFORMED:
            phone_checks.ask_to_correct(txn, message)
        case numbers.OF_NO_USE if number := _number(txn, message, attempt):
            phone_checks.ask_to_check(txn, message, number)
        case opt_outs.OPTED_OUT if number := _number(txn, message, attempt):
            _say_that_it_is_stopped(txn, message, number)
        case _:
            undelivered(txn, message)


def _number(txn: Transaction, message: Message, attempt: Attempt | None) -> str | None:
    """Read only where it matters: that it cannot be read may be the very reason why nothing was brought."""
    return unseal(txn, attempt, "address_sealed") if attempt else contact.address_of(txn, message)


def undelivered(txn: Transaction, message: Message) -> None:
    """Somebody must bring it another way, or find out whether it arrived."""
    owner = phone_checks.owner_of(txn, message)
    if owner is None:
        log.error("a message to nobody's patient and nobody's site ended", extra={"message_id": str(message.id)})
        return
    site_id, _ = owner
    open_item(
        txn,
        reason=WorkReason.MESSAGE_NOT_DELIVERED,
        key=f"undelivered:{message.id}",
        site_id=site_id,
        patient_id=message.patient_id,
        due_at=txn.now,
    )


def _say_that_it_is_stopped(txn: Transaction, message: Message, number: str) -> None:
    """Once for each STOP that only the carrier heard, about each patient whom it leaves without texts."""
    stopped, owner = opt_outs.standing(txn, number), phone_checks.owner_of(txn, message)
    if stopped is None or owner is None:
        return
    sharing = [(one.site_id, one.id) for one in contact.patients_by_phone(txn, number)]
    # In one order always, so that two who tell of it never wait for each other.
    for site_id, patient_id in sorted({owner, *sharing}, key=str):
        open_item(
            txn,
            reason=WorkReason.MESSAGES_STOPPED,
            key=f"carrier-stopped:{stopped.id}",
            site_id=site_id,
            patient_id=patient_id,
            due_at=txn.now,
        )

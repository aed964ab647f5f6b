"""What became of an attempt: accepted, refused, tried again later, or given to a person. States only move forward."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from backend.db import Transaction
from backend.sealing import unseal
from backend.terms import AttemptStatus, MessageStatus
from notifications import breakers, numbers, opt_outs
from notifications.channels import Accepted, Refusal, Undeliverable
from notifications.models import Attempt, Message
from notifications.outbox import hold, let_go, postpone
from notifications.refusals import GiveUp, NextStep, ObeyTheCarrier, StopTheGateway, StopTheNumber, TryAgain, next_step

# The code of an attempt for which nobody called.
NEVER_SAID = "never_said"
# Behind the others, so that the next to find out whether a gateway is mended is another one.
BEHIND_THE_OTHERS = timedelta(minutes=2)

# Called with whatever must become a task for a person; the message's reason says why.
DeadLetter = Callable[[Transaction, Message, Attempt | None], None]


def settle(txn: Transaction, attempt_id: UUID, answer: Accepted) -> None:
    """The provider has it. A receipt may have said so first, or more: that it did not arrive, too."""
    message, attempt = hold_attempt(txn, attempt_id)
    accepted(txn, attempt, answer.provider_id)
    if attempt.refusal is None:
        advance(txn, message, MessageStatus.SENT)


def accepted(txn: Transaction, attempt: Attempt, provider_id: str) -> None:
    """The provider names its copy, by answer, receipt or listing: the attempt was accepted whatever we thought."""
    attempt.status = AttemptStatus.ACCEPTED
    attempt.provider_id = provider_id
    attempt.settled_at = attempt.settled_at or txn.now


def refuse(txn: Transaction, attempt_id: UUID, refusal: Undeliverable, on_dead_letter: DeadLetter) -> None:
    """The provider will not have it: do what its class asks for."""
    message, attempt = hold_attempt(txn, attempt_id)
    if not attempt.is_open:
        return
    attempt.status = AttemptStatus.REFUSED
    attempt.code, attempt.refusal = refusal.code, refusal.why
    attempt.settled_at = txn.now
    step = next_step(refusal.why, message.tries)
    if isinstance(step, StopTheGateway) and _was_refused_before(txn, message, attempt):
        # The gateway has worked for others since, so it is this message that is wrong.
        step = GiveUp()
    _see_to_the_way(txn, attempt, step)
    if message.status in (MessageStatus.SENDING, MessageStatus.IN_DOUBT):
        _take(txn, message, attempt, step, on_dead_letter)


def never_said(txn: Transaction, attempt_id: UUID) -> bool:
    """Whoever began it has not called, and will not: the message waits again. False when others ask after it."""
    message, attempt = hold_attempt(txn, attempt_id)
    if message.status != MessageStatus.SENDING or attempt.status != AttemptStatus.SENDING:
        return False
    attempt.status, attempt.code, attempt.settled_at = AttemptStatus.ABSENT, NEVER_SAID, txn.now
    message.status = MessageStatus.QUEUED
    let_go(message)
    return True


def fail(txn: Transaction, message: Message, attempt: Attempt, why: Refusal, on_dead_letter: DeadLetter) -> bool:
    """The provider took it and says later that it did not arrive: as if it had refused. Whether the message moved.

    It moves only if this attempt is its last: a newer one has its own fate.
    """
    attempt.refusal = why
    step = next_step(why, message.tries)
    if isinstance(step, StopTheGateway) and _was_refused_before(txn, message, attempt):
        step = GiveUp()
    _see_to_the_way(txn, attempt, step)
    is_waited_for = message.status in (MessageStatus.SENDING, MessageStatus.IN_DOUBT, MessageStatus.SENT)
    if not is_waited_for or attempt.number != _last_number(txn, message):
        return False
    _take(txn, message, attempt, step, on_dead_letter)
    return True


def _see_to_the_way(txn: Transaction, attempt: Attempt, step: NextStep) -> None:
    """What the refusal says of the gateway or the number holds for every message."""
    if isinstance(step, StopTheGateway):
        breakers.open_for(txn, attempt)
    elif isinstance(step, StopTheNumber | ObeyTheCarrier):
        number = unseal(txn, attempt, "address_sealed")
        if number is not None:
            keep = numbers.stop if isinstance(step, StopTheNumber) else opt_outs.obey_the_carrier
            keep(txn, number, attempt)


def _take(txn: Transaction, message: Message, attempt: Attempt, step: NextStep, on_dead_letter: DeadLetter) -> None:
    """The message's own next step."""
    code = attempt.code or ""
    match step:
        case TryAgain(after):
            message.tries += 1
            _wait_or_give_up(txn, message, attempt, after, on_dead_letter)
        case StopTheGateway():
            postpone(txn, message, txn.now + BEHIND_THE_OTHERS, breakers.STOPPED)
        case StopTheNumber() | ObeyTheCarrier():
            message.tries += 1
            # Asked again at once: whoever decides how it goes knows other ways, or none.
            reason = numbers.OF_NO_USE if isinstance(step, StopTheNumber) else opt_outs.OPTED_OUT
            postpone(txn, message, txn.now, reason)
            on_dead_letter(txn, message, attempt)
        case GiveUp():
            message.tries += 1
            _give_up(txn, message, attempt, code, on_dead_letter)


def stumble(txn: Transaction, message: Message, error: str, on_dead_letter: DeadLetter) -> None:
    """It could not even be prepared: behind the others, and after some times a person's task."""
    step = next_step(Refusal.TRANSIENT, message.tries)
    message.tries += 1
    message.reason = error
    if isinstance(step, TryAgain):
        postpone(txn, message, txn.now + step.after, error)
    else:
        _give_up(txn, message, None, error, on_dead_letter)


def _wait_or_give_up(
    txn: Transaction, message: Message, attempt: Attempt, after: timedelta, on_dead_letter: DeadLetter
) -> None:
    """What would come too late is a person's task now, while there may be time to telephone."""
    at = txn.now + after
    if message.expires_at is not None and at >= message.expires_at:
        _give_up(txn, message, attempt, attempt.code or "", on_dead_letter)
    else:
        postpone(txn, message, at, attempt.code or "")


def _give_up(
    txn: Transaction, message: Message, attempt: Attempt | None, reason: str, on_dead_letter: DeadLetter
) -> None:
    message.status = MessageStatus.FAILED
    message.reason = reason
    message.settled_at = txn.now
    let_go(message)
    on_dead_letter(txn, message, attempt)


def _was_refused_before(txn: Transaction, message: Message, attempt: Attempt) -> bool:
    """Whether this message was refused for the way's sake before the way took another again."""
    earlier = txn.session.scalar(
        select(func.max(Attempt.called_at)).where(
            Attempt.message_id == message.id,
            Attempt.id != attempt.id,
            Attempt.channel == attempt.channel,
            Attempt.refusal == Refusal.CONFIGURATION,
        )
    )
    return breakers.worked_since(txn, attempt.channel, earlier)


def _last_number(txn: Transaction, message: Message) -> int:
    return txn.session.scalar(select(func.max(Attempt.number)).where(Attempt.message_id == message.id)) or 0


_FORWARD = (
    MessageStatus.QUEUED,
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.IN_DOUBT,
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.DELIVERED,
)


def advance(txn: Transaction, message: Message, status: MessageStatus) -> bool:
    """Move a message forward on the provider's word; what is recalled or suppressed, or further on, stays.

    A message believed lost and queued again moves too: it has arrived, so it must not be said twice.
    """
    here = MessageStatus(message.status)
    if here not in _FORWARD or _FORWARD.index(here) >= _FORWARD.index(status):
        return False
    message.status = status
    message.reason = None
    message.settled_at = txn.now
    let_go(message)
    return True


def hold_attempt(txn: Transaction, attempt_id: UUID) -> tuple[Message, Attempt]:
    """An attempt and its message, both unchanged by others until this transaction ends."""
    message_id = txn.session.scalars(select(Attempt.message_id).where(Attempt.id == attempt_id)).one()
    message = hold(txn, message_id)
    return message, txn.session.get_one(Attempt, attempt_id, populate_existing=True)

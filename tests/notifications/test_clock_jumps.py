"""A clock that jumps six hours, either way: nothing is sent twice, and nothing waits for longer than the jump."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from backend import clock as the_clock
from backend.db import Transaction
from backend.terms import ChannelKind, MessageStatus
from notifications import Send, outbox
from notifications.channels import Accepted, Envelope, Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import Message
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom, text_to_ann

Move = Callable[[str], None]
NOON = "2027-03-01T12:00:00+08:00"
AN_HOUR = timedelta(hours=1)
SIX_HOURS = pytest.mark.parametrize("jump", [-6 * AN_HOUR, 6 * AN_HOUR], ids=["back", "ahead"])


def after(interval: timedelta) -> str:
    return (datetime.fromisoformat(NOON) + interval).isoformat()


@SIX_HOURS
def test_a_claim_whose_worker_died_is_free_again_at_once(mailroom: Mailroom, later: Move, jump: timedelta) -> None:
    later(NOON)
    mailroom.queue(send_at=the_clock.now() - 7 * AN_HOUR)
    with mailroom.db.transaction(TESTER) as txn:
        outbox.claim(txn, due_by=the_clock.now(), lease_seconds=90)

    later(after(jump))

    assert mailroom.dispatch() == {"sent": 1}


@SIX_HOURS
def test_a_jump_while_a_provider_answers_sends_nothing_twice(mailroom: Mailroom, later: Move, jump: timedelta) -> None:
    class Jumping(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            answer = super().send(envelope, attempt_id)
            later(after(jump))
            mailroom.reconcile()
            mailroom.dispatch()
            return answer

    later(NOON)
    mailroom.channels[ChannelKind.SMS] = Jumping(mailroom.db)
    message_id = mailroom.queue(send_at=the_clock.now() - 7 * AN_HOUR)

    assert mailroom.dispatch() == {"sent": 1}

    assert len(mailroom.phone()) == 1
    assert mailroom.message(message_id).status == MessageStatus.DELIVERED


@SIX_HOURS
def test_a_jump_before_a_worker_speaks_leaves_it_to_be_asked_after(
    mailroom: Mailroom, later: Move, jump: timedelta
) -> None:
    def jumping(txn: Transaction, message: Message) -> Send:
        later(after(jump))
        return text_to_ann(txn, message)

    later(NOON)
    mailroom.queue(send_at=the_clock.now() - 7 * AN_HOUR)

    assert mailroom.dispatch(jumping) == {"sent": 1}
    assert len(mailroom.phone()) == 1


@SIX_HOURS
def test_a_message_that_waits_to_be_tried_again_waits_no_longer_than_the_jump(
    mailroom: Mailroom, later: Move, jump: timedelta
) -> None:
    later(NOON)
    mailroom.channels[ChannelKind.SMS] = Simulator(
        mailroom.db, {ANNS_NUMBER: Undeliverable("30003", Refusal.TRANSIENT)}
    )
    mailroom.queue()
    mailroom.dispatch()
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db)

    later(after(jump))
    sent_at_once = mailroom.dispatch() == {"sent": 1}
    later(after(timedelta(minutes=2)))
    sent_later = mailroom.dispatch() == {"sent": 1}

    assert (sent_at_once, sent_later) == ((True, False) if jump > timedelta(0) else (False, True))
    assert len(mailroom.phone()) == 1


@SIX_HOURS
def test_a_demos_clock_moves_no_lease(mailroom: Mailroom, later: Move, jump: timedelta) -> None:
    later(NOON)
    mailroom.queue(send_at=the_clock.now() - 7 * AN_HOUR)
    with mailroom.db.transaction(TESTER) as txn:
        outbox.claim(txn, due_by=the_clock.now(), lease_seconds=90)

    the_clock.set_ahead(jump)
    try:
        assert mailroom.dispatch() == {}
    finally:
        the_clock.set_ahead(timedelta(0))

"""What a provider says later that it could not deliver: before its answer, after it, late, twice, in any order."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from backend.db import Transaction
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from notifications import Release, Send, breakers
from notifications.channels import Accepted, Envelope, Refusal
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, GatewayBreaker, Message, NumberStop, OptOut, Receipt
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from tests.notifications.conftest import TESTER, Mailroom, text_to_ann

Move = Callable[[str], None]
# One of each class; the last, of the gateway itself, because after it nothing goes that way.
CODES = ("30003", "30007", "30005", "21610", "20429", "63000", "30002")


def to_number(position: int) -> Release:
    """A telephone of its own, so that what is the matter with one is not with the next."""

    def release(txn: Transaction, message: Message) -> Send:
        send = text_to_ann(txn, message)
        return Send(send.channel, f"+861380013900{position}", send.language, send.values)

    return release


class Forwarding(Simulator):
    """Accepts, and says later what became of it."""

    taken = 0

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        self.taken += 1
        return Accepted(f"SM-{attempt_id}")


class SayingSoFirst(Forwarding):
    """Its receipt is faster than its answer."""

    def __init__(self, mailroom: Mailroom, code: str) -> None:
        super().__init__(mailroom.db)
        self.mailroom, self.code = mailroom, code

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        tell(self.mailroom, attempt_id, Said.FAILED, self.code)
        return super().send(envelope, attempt_id)


def tell(mailroom: Mailroom, attempt_id: UUID, said: Said, code: str | None = None, why: Refusal | None = None) -> bool:
    receipt = ReceiptFromProvider(attempt_id, said, f"SM-{attempt_id}", code, why)
    with mailroom.db.transaction(TESTER) as txn:
        return note_receipt(txn, receipt, mailroom.on_dead_letter)


def attempts(mailroom: Mailroom) -> list[Attempt]:
    with mailroom.db.reading(TESTER) as txn:
        rows = list(txn.session.scalars(select(Attempt).order_by(Attempt.called_at, Attempt.number)))
        txn.session.expunge_all()
        return rows


def count(mailroom: Mailroom, table: type) -> int:
    with mailroom.db.reading(TESTER) as txn:
        return len(list(txn.session.scalars(select(table))))


@pytest.fixture
def sent(mailroom: Mailroom) -> UUID:
    """One message that a provider has taken, to Ann."""
    mailroom.channels[ChannelKind.SMS] = Forwarding(mailroom.db)
    message_id = mailroom.queue()
    mailroom.dispatch()
    assert message_id is not None
    return message_id


def test_what_was_not_delivered_is_seen_to_like_what_was_refused(mailroom: Mailroom) -> None:
    mailroom.channels[ChannelKind.SMS] = Forwarding(mailroom.db)
    for position, code in enumerate(CODES):
        message_id = mailroom.queue(code)
        mailroom.dispatch(to_number(position))
        (attempt_id,) = (one.id for one in attempts(mailroom) if one.message_id == message_id)

        assert tell(mailroom, attempt_id, Said.FAILED, code)
        assert not tell(mailroom, attempt_id, Said.FAILED, code)

        message = mailroom.message(message_id)
        # What is wrong with our settings is nobody's message's fault.
        assert (message.status, message.tries) == (MessageStatus.QUEUED, 0 if code == "30002" else 1)
    assert [count(mailroom, table) for table in (NumberStop, OptOut, GatewayBreaker)] == [1, 1, 1]
    assert {attempt.status for attempt in attempts(mailroom)} == {AttemptStatus.ACCEPTED}
    assert {attempt.refusal for attempt in attempts(mailroom)} == set(Refusal) - {Refusal.FINAL}


def test_a_way_that_takes_everything_and_carries_nothing_stays_shut_until_something_arrives(
    mailroom: Mailroom, later: Move
) -> None:
    mailroom.channels[ChannelKind.SMS] = Forwarding(mailroom.db)
    letters = [mailroom.queue(f"letter {number}") for number in range(3)]
    found, ways = [], []
    for moment in ("08:00", "08:03", "08:06"):
        later(f"2027-03-01T{moment}:00+08:00")
        found.append(mailroom.dispatch())
        ways.append((stands_open(mailroom), mend(mailroom)))
        for one in attempts(mailroom):
            tell(mailroom, one.id, Said.FAILED, "30034")
    assert found == [{"sent": 3}, {"sent": 1, "held": 2}, {"sent": 1, "held": 2}]
    assert ways == [(False, 0), (True, 0), (True, 0)]

    later("2027-03-01T08:20:00+08:00")
    mailroom.dispatch()
    tell(mailroom, attempts(mailroom)[-1].id, Said.DELIVERED)

    assert (mend(mailroom), stands_open(mailroom)) == (1, False)
    later("2027-03-01T08:30:00+08:00")
    assert mailroom.dispatch() == {"sent": 2}
    assert {mailroom.message(one).tries for one in letters} == {0}
    assert mailroom.dead_letters == []


def test_where_nobody_tells_what_arrived_it_is_enough_that_nothing_bad_is_heard_for_a_while(
    mailroom: Mailroom, sent: UUID, later: Move
) -> None:
    tell(mailroom, attempts(mailroom)[0].id, Said.FAILED, "30034")
    later("2027-03-01T08:03:00+08:00")
    mailroom.dispatch()
    later("2027-03-01T08:12:00+08:00")
    too_soon = mend(mailroom)
    later("2027-03-01T08:13:00+08:00")

    assert (too_soon, mend(mailroom)) == (0, 1)


def test_a_message_that_alone_is_not_carried_once_the_way_works_for_others_is_a_persons_task(
    mailroom: Mailroom, sent: UUID, later: Move
) -> None:
    tell(mailroom, attempts(mailroom)[0].id, Said.FAILED, "30034")
    later("2027-03-01T08:01:30+08:00")
    mailroom.queue("another")
    mailroom.dispatch(to_number(1))
    tell(mailroom, attempts(mailroom)[-1].id, Said.DELIVERED)
    assert mend(mailroom) == 1

    later("2027-03-01T08:05:00+08:00")
    mailroom.dispatch()
    tell(mailroom, attempts(mailroom)[-1].id, Said.FAILED, "30034")

    assert mailroom.dead_letters == [(sent, "30034")]
    assert not stands_open(mailroom)


def mend(mailroom: Mailroom) -> int:
    with mailroom.db.transaction(TESTER) as txn:
        return breakers.mend(txn)


def stands_open(mailroom: Mailroom) -> bool:
    with mailroom.db.reading(TESTER) as txn:
        return bool(breakers.standing_open(txn))


def test_a_failure_told_before_the_providers_own_answer_is_not_undone_by_it(mailroom: Mailroom) -> None:
    for position, code in enumerate(CODES):
        mailroom.channels[ChannelKind.SMS] = SayingSoFirst(mailroom, code)
        message_id = mailroom.queue(code)

        mailroom.dispatch(to_number(position))

        assert mailroom.message(message_id).status == MessageStatus.QUEUED
    assert count(mailroom, Receipt) == len(CODES)


def test_a_late_delivery_of_the_first_attempt_recalls_the_second(mailroom: Mailroom, sent: UUID, later: Move) -> None:
    (first,) = attempts(mailroom)
    tell(mailroom, first.id, Said.FAILED, "30003")

    assert tell(mailroom, first.id, Said.DELIVERED)
    later("2027-03-01T09:00:00+08:00")

    assert mailroom.dispatch() == {}
    assert mailroom.message(sent).status == MessageStatus.DELIVERED
    assert len(attempts(mailroom)) == 1


def test_that_it_left_is_no_news_once_it_was_said_not_to_have_arrived(
    mailroom: Mailroom, sent: UUID, later: Move
) -> None:
    (first,) = attempts(mailroom)
    tell(mailroom, first.id, Said.FAILED, "30003")

    assert not tell(mailroom, first.id, Said.SENT)
    later("2027-03-01T09:00:00+08:00")

    assert mailroom.dispatch() == {"sent": 1}


def test_what_failed_is_said_again_under_an_attempt_of_its_own_and_in_the_end_by_a_person(
    mailroom: Mailroom, sent: UUID, later: Move
) -> None:
    for day in range(2, 7):
        tell(mailroom, attempts(mailroom)[-1].id, Said.FAILED, "30003")
        later(f"2027-03-{day:02}T08:00:00+08:00")
        mailroom.dispatch()

    assert len(attempts(mailroom)) == 5
    assert mailroom.message(sent).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(sent, "30003")]


def test_a_failure_of_an_older_attempt_does_not_move_what_a_newer_one_has_sent(
    mailroom: Mailroom, sent: UUID, later: Move
) -> None:
    (first,) = attempts(mailroom)
    tell(mailroom, first.id, Said.FAILED, "30003")
    later("2027-03-01T09:00:00+08:00")
    mailroom.dispatch()
    with mailroom.db.transaction(TESTER) as txn:
        # Its provider now says the same with another word, as some do.
        txn.session.execute(Receipt.__table__.delete())

    assert not tell(mailroom, first.id, Said.FAILED, "30008")

    assert mailroom.message(sent).status == MessageStatus.SENT


def test_what_was_delivered_stays_delivered_whatever_is_said_later(mailroom: Mailroom, sent: UUID) -> None:
    (attempt,) = attempts(mailroom)
    tell(mailroom, attempt.id, Said.DELIVERED)

    assert not tell(mailroom, attempt.id, Said.FAILED, "30005")

    assert mailroom.message(sent).status == MessageStatus.DELIVERED


def test_a_gateway_with_codes_of_its_own_says_their_class(mailroom: Mailroom, sent: UUID) -> None:
    (attempt,) = attempts(mailroom)

    assert tell(mailroom, attempt.id, Said.FAILED, "MOBILE_NOT_ON_SERVICE", Refusal.FINAL)

    assert mailroom.dead_letters == [(sent, "MOBILE_NOT_ON_SERVICE")]

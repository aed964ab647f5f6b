"""Claim, let go, decide, speak, settle."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.db import Transaction
from backend.sealing import unseal
from backend.terms import AttemptStatus, ChannelKind, Language, MessageStatus
from notifications import Later, Send, Suppress, cancel
from notifications.channels import (
    Absent,
    Accepted,
    CannotTell,
    Channel,
    Envelope,
    Refusal,
    Sighting,
    Sought,
    Undeliverable,
)
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, Message, Receipt
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from notifications.refusals import PATIENCE
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom, text_to_ann

MAX_TRIES = PATIENCE[Refusal.TRANSIENT].tries
Move = Callable[[str], None]


class Fragile:
    """A provider whose line breaks: it may or may not have taken what it was given."""

    gateway = "simulator"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def __init__(self, inner: Channel, *, takes_it: bool, sighting: Sighting | None = None) -> None:
        self.inner, self.takes_it, self.sighting = inner, takes_it, sighting

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        if self.takes_it:
            self.inner.send(envelope, attempt_id)
        raise TimeoutError("the line broke")

    def find(self, sought: Sought) -> Sighting:
        return self.sighting or self.inner.find(sought)


def only_attempt(mailroom: Mailroom) -> Attempt:
    with mailroom.db.reading(TESTER) as txn:
        attempt = txn.session.scalars(select(Attempt)).one()
        txn.session.expunge(attempt)
        return attempt


def test_a_due_message_reaches_its_phone_in_its_language(mailroom: Mailroom) -> None:
    message_id = mailroom.queue()

    counts = mailroom.dispatch(
        lambda _txn, _message: Send(
            ChannelKind.SMS, ANNS_NUMBER, Language.CHINESE, {"date": "2027-03-17", "phone": "+862012345678"}
        )
    )

    assert counts == {"sent": 1}
    (text,) = mailroom.phone()
    assert text.text.startswith("【")
    assert "3月17日(周三)" in text.text
    assert mailroom.message(message_id).status == MessageStatus.DELIVERED


def test_a_second_run_sends_nothing(mailroom: Mailroom) -> None:
    mailroom.queue()
    mailroom.dispatch()

    assert mailroom.dispatch() == {}
    assert len(mailroom.phone()) == 1


def test_a_message_in_the_app_keeps_its_words_sealed_under_the_patients_key(mailroom: Mailroom) -> None:
    mailroom.queue()

    mailroom.dispatch(
        lambda _t, _m: Send(ChannelKind.IN_APP, "", Language.ENGLISH, {"date": "2027-03-17", "phone": "1"})
    )

    with mailroom.db.reading(TESTER) as txn:
        attempt = txn.session.scalars(select(Attempt)).one()
        assert attempt.key_owner_id == mailroom.ann
        assert "Wed 17 March" in (unseal(txn, attempt, "body_sealed") or "")
        assert "Wed" not in (attempt.body_sealed or "")
    assert mailroom.phone() == []


def test_two_dispatchers_at_once_send_each_message_once(mailroom: Mailroom) -> None:
    for number in range(30):
        mailroom.queue(f"weekly.w{number}@2027-03-08:0d")
    ready = threading.Barrier(2)

    def run() -> None:
        ready.wait()
        mailroom.dispatch()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(mailroom.phone()) == 30
    assert mailroom.attempts() == 30


def test_a_message_cancelled_while_claimed_is_not_sent(mailroom: Mailroom) -> None:
    mailroom.queue("first")
    mailroom.queue("second")

    def cancelling_the_other(txn: Transaction, message: Message) -> Send:
        other = "second" if message.key == "first" else "first"
        cancel(txn, mailroom.ann, keys={other}, reason="died")
        return text_to_ann(txn, message)

    counts = mailroom.dispatch(cancelling_the_other)

    assert counts == {"sent": 1, "recalled": 1}
    assert len(mailroom.phone()) == 1


def test_no_transaction_is_open_while_the_provider_is_called(mailroom: Mailroom) -> None:
    in_use: list[int] = []

    class Watching(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            in_use.extend(one.pool.checkedout() for one in (mailroom.db.engine, mailroom.db.readers))  # type: ignore[attr-defined]
            return super().send(envelope, attempt_id)

    mailroom.channels[ChannelKind.SMS] = Watching(mailroom.db)
    mailroom.queue()

    mailroom.dispatch()

    assert in_use == [0, 0]


def test_a_message_put_off_is_asked_about_again_at_that_time(mailroom: Mailroom, later: Move) -> None:
    message_id = mailroom.queue()
    at = the_clock.now() + timedelta(hours=1)

    assert mailroom.dispatch(lambda _t, _m: Later(at, "quiet_hours")) == {"later": 1}
    assert mailroom.dispatch() == {}
    assert mailroom.message(message_id).reason == "quiet_hours"

    later("2027-03-01T09:00:00+08:00")
    assert mailroom.dispatch() == {"sent": 1}


def test_a_message_put_off_past_its_expiry_is_not_sent_at_all(mailroom: Mailroom) -> None:
    expires_at = the_clock.now() + timedelta(hours=1)
    message_id = mailroom.queue(expires_at=expires_at)

    assert mailroom.dispatch(lambda _t, _m: Later(expires_at, "quiet_hours")) == {"expired": 1}

    assert mailroom.message(message_id).status == MessageStatus.SUPPRESSED
    assert mailroom.message(message_id).reason == "expired"


def test_an_expired_message_is_never_sent(mailroom: Mailroom, later: Move) -> None:
    mailroom.queue(expires_at=the_clock.now() + timedelta(hours=1))
    later("2027-03-01T09:00:00+08:00")

    assert mailroom.dispatch() == {"expired": 1}
    assert mailroom.phone() == []


def test_a_suppressed_message_keeps_its_reason(mailroom: Mailroom) -> None:
    message_id = mailroom.queue()

    assert mailroom.dispatch(lambda _t, _m: Suppress("withdrawn")) == {"suppressed": 1}

    assert mailroom.message(message_id).reason == "withdrawn"
    assert mailroom.phone() == []


def test_a_poison_message_moves_on_and_the_others_are_sent(mailroom: Mailroom) -> None:
    mailroom.queue("poison", send_at=the_clock.now() - timedelta(minutes=1))
    mailroom.queue("fine")

    def poisoned(txn: Transaction, message: Message) -> Send:
        if message.key == "poison":
            raise RuntimeError("this row is broken")
        return text_to_ann(txn, message)

    assert mailroom.dispatch(poisoned) == {"stumbled": 1, "sent": 1}
    assert len(mailroom.phone()) == 1


def test_a_poison_message_ends_as_a_task_for_a_person(mailroom: Mailroom, later: Move) -> None:
    message_id = mailroom.queue(template="no_such_template")

    for day in range(2, 2 + MAX_TRIES):
        mailroom.dispatch()
        later(f"2027-03-{day:02}T08:00:00+08:00")

    assert mailroom.message(message_id).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(message_id, "KeyError")]
    assert mailroom.dispatch() == {}


def test_a_permanent_refusal_fails_at_once_and_becomes_a_task(mailroom: Mailroom) -> None:
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db, {ANNS_NUMBER: Undeliverable("21211", Refusal.FINAL)})
    message_id = mailroom.queue()

    assert mailroom.dispatch() == {"refused": 1}

    assert mailroom.message(message_id).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(message_id, "21211")]


def test_a_passing_refusal_is_tried_again_ever_more_slowly_and_then_given_to_a_person(
    mailroom: Mailroom, later: Move
) -> None:
    mailroom.channels[ChannelKind.SMS] = Simulator(
        mailroom.db, {ANNS_NUMBER: Undeliverable("30003", Refusal.TRANSIENT)}
    )
    message_id = mailroom.queue()

    mailroom.dispatch()
    assert mailroom.dispatch() == {}
    wait = mailroom.message(message_id).next_try_at - the_clock.now()
    assert timedelta(seconds=45) <= wait <= timedelta(seconds=75)
    for day in range(2, 1 + MAX_TRIES):
        later(f"2027-03-{day:02}T08:00:00+08:00")
        assert mailroom.dispatch() == {"refused": 1}

    assert mailroom.message(message_id).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(message_id, "30003")]
    assert mailroom.attempts() == MAX_TRIES


@pytest.mark.parametrize("takes_it", [True, False])
def test_what_is_in_doubt_is_looked_for_and_arrives_exactly_once(
    mailroom: Mailroom, later: Move, takes_it: bool
) -> None:
    simulator = mailroom.channels[ChannelKind.SMS]
    mailroom.channels[ChannelKind.SMS] = Fragile(simulator, takes_it=takes_it)
    message_id = mailroom.queue()
    assert mailroom.dispatch() == {"unknown": 1}
    assert mailroom.message(message_id).status == MessageStatus.SENDING
    assert mailroom.reconcile() == {}

    later("2027-03-01T08:02:00+08:00")
    assert mailroom.reconcile() == {"doubted": 1, "found" if takes_it else "absent": 1}
    mailroom.channels[ChannelKind.SMS] = simulator
    later("2027-03-01T08:03:00+08:00")
    mailroom.dispatch()

    assert len(mailroom.phone()) == 1
    assert mailroom.message(message_id).status == MessageStatus.DELIVERED


def test_absence_is_believed_only_after_as_many_looks_as_the_channel_asks_for(mailroom: Mailroom, later: Move) -> None:
    hesitant = Fragile(mailroom.channels[ChannelKind.SMS], takes_it=False, sighting=Absent())
    hesitant.looks_to_be_sure, hesitant.seconds_between_looks = 2, 60.0
    mailroom.channels[ChannelKind.SMS] = hesitant
    message_id = mailroom.queue()
    mailroom.dispatch()

    later("2027-03-01T08:02:00+08:00")
    assert mailroom.reconcile() == {"doubted": 1, "absent_so_far": 1}
    assert mailroom.reconcile() == {}
    later("2027-03-01T08:03:00+08:00")
    assert mailroom.reconcile() == {"absent": 1}

    assert mailroom.message(message_id).status == MessageStatus.QUEUED


def test_what_nobody_can_tell_waits_for_a_person_and_is_not_sent_again(mailroom: Mailroom, later: Move) -> None:
    mailroom.channels[ChannelKind.SMS] = Fragile(
        mailroom.channels[ChannelKind.SMS], takes_it=False, sighting=CannotTell()
    )
    message_id = mailroom.queue()
    mailroom.dispatch()
    later("2027-03-01T08:02:00+08:00")

    assert mailroom.reconcile() == {"doubted": 1, "for_a_person": 1}

    assert mailroom.reconcile() == {}
    assert mailroom.dispatch() == {}
    assert mailroom.message(message_id).status == MessageStatus.IN_DOUBT
    assert mailroom.dead_letters == [(message_id, None)]


def test_a_worker_held_up_past_its_lease_does_not_speak(mailroom: Mailroom, later: Move) -> None:
    message_id = mailroom.queue()

    def slow(txn: Transaction, message: Message) -> Send:
        return text_to_ann(txn, message)

    class Stopped(Simulator):
        """Never reached."""

    mailroom.channels[ChannelKind.SMS] = Stopped(mailroom.db)
    mailroom.settings = type(mailroom.settings)(**{**mailroom.settings.__dict__, "lease_seconds": 0.0})

    assert mailroom.dispatch(slow) == {"too_late": 1}

    assert mailroom.phone() == []
    later("2027-03-01T08:00:01+08:00")
    assert mailroom.reconcile() == {"doubted": 1, "absent": 1}
    assert mailroom.message(message_id).status == MessageStatus.QUEUED


def receipt(mailroom: Mailroom, attempt_id: UUID, said: Said) -> bool:
    with mailroom.db.transaction(TESTER) as txn:
        return note_receipt(txn, ReceiptFromProvider(attempt_id, said, "SM1", "30008"), mailroom.on_dead_letter)


def test_an_answer_that_comes_after_its_receipt_never_moves_a_message_back(mailroom: Mailroom) -> None:
    class ReceiptFirst(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            receipt(mailroom, attempt_id, Said.DELIVERED)
            return Accepted("SM1")

    mailroom.channels[ChannelKind.SMS] = ReceiptFirst(mailroom.db)
    message_id = mailroom.queue()

    mailroom.dispatch()

    assert mailroom.message(message_id).status == MessageStatus.DELIVERED


def test_receipts_may_come_twice_and_out_of_order(mailroom: Mailroom) -> None:
    message_id = mailroom.queue()
    mailroom.dispatch()
    attempt_id = only_attempt(mailroom).id

    assert not receipt(mailroom, attempt_id, Said.SENT)
    assert not receipt(mailroom, attempt_id, Said.FAILED)
    assert not receipt(mailroom, attempt_id, Said.FAILED)

    assert mailroom.message(message_id).status == MessageStatus.DELIVERED
    assert mailroom.dead_letters == []
    with mailroom.db.reading(TESTER) as txn:
        assert set(txn.session.scalars(select(Receipt.status))) == {"delivered", "sent", "failed"}


def test_a_receipt_for_an_attempt_nobody_made_changes_nothing(mailroom: Mailroom) -> None:
    assert not receipt(mailroom, UUID(int=7), Said.DELIVERED)


def test_a_receipt_for_an_attempt_believed_lost_stops_the_second_one(mailroom: Mailroom, later: Move) -> None:
    mailroom.channels[ChannelKind.SMS] = Fragile(mailroom.channels[ChannelKind.SMS], takes_it=False, sighting=Absent())
    message_id = mailroom.queue()
    mailroom.dispatch()
    later("2027-03-01T08:02:00+08:00")
    mailroom.reconcile()
    assert only_attempt(mailroom).status == AttemptStatus.ABSENT

    assert receipt(mailroom, only_attempt(mailroom).id, Said.DELIVERED)

    assert mailroom.dispatch() == {}
    assert mailroom.message(message_id).status == MessageStatus.DELIVERED


def test_a_message_the_provider_failed_to_deliver_waits_to_be_said_again(mailroom: Mailroom) -> None:
    class AcceptsOnly(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            return Accepted("SM1")

    mailroom.channels[ChannelKind.SMS] = AcceptsOnly(mailroom.db)
    message_id = mailroom.queue()
    mailroom.dispatch()

    assert receipt(mailroom, only_attempt(mailroom).id, Said.FAILED)

    assert mailroom.message(message_id).status == MessageStatus.QUEUED
    assert mailroom.dead_letters == []

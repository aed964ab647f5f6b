"""A gateway that refuses us as a whole: everything waits, one message now and then finds out, nothing is used up."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.terms import ChannelKind, MessageStatus
from notifications import Send, dispatcher
from notifications.channels import Accepted, Envelope, Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import GatewayBreaker, Message
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom, text_to_ann

Move = Callable[[str], None]
BENS_NUMBER = "+8613800138002"


class Locked(Simulator):
    """Refuses everybody until it is mended, and counts how often it was asked."""

    calls = 0
    mended = False

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        self.calls += 1
        if not self.mended:
            raise Undeliverable("20003", Refusal.CONFIGURATION)
        return super().send(envelope, attempt_id)


@pytest.fixture
def locked(mailroom: Mailroom) -> Locked:
    gateway = Locked(mailroom.db)
    mailroom.channels[ChannelKind.SMS] = gateway
    return gateway


def breaker(mailroom: Mailroom) -> GatewayBreaker:
    with mailroom.db.reading(TESTER) as txn:
        row = txn.session.scalars(select(GatewayBreaker)).one()
        txn.session.expunge(row)
        return row


def messages(mailroom: Mailroom) -> list[Message]:
    with mailroom.db.reading(TESTER) as txn:
        rows = list(txn.session.scalars(select(Message)))
        txn.session.expunge_all()
        return rows


def test_after_the_first_refusal_nothing_more_is_tried_and_no_message_has_used_up_a_try(
    mailroom: Mailroom, locked: Locked, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        mailroom.queue(f"weekly.w{number}")

    with caplog.at_level(logging.ERROR):
        assert mailroom.dispatch() == {"refused": 1, "held": 9}

    assert locked.calls == 1
    assert {(one.status, one.tries, one.reason) for one in messages(mailroom)} == {
        (MessageStatus.QUEUED, 0, "gateway_stopped")
    }
    assert [record.message for record in caplog.records].count(
        "a gateway refuses everything, so nothing is sent by it"
    ) == 1
    assert mailroom.dead_letters == []


def test_one_message_finds_out_after_ever_longer_pauses_and_the_first_success_lets_all_go(
    mailroom: Mailroom, locked: Locked, later: Move
) -> None:
    for number in range(5):
        mailroom.queue(f"weekly.w{number}")
    mailroom.dispatch()
    pauses = []
    for minute in ("02", "05", "10"):
        later(f"2027-03-01T08:{minute}:00+08:00")
        mailroom.dispatch()
        pauses.append((breaker(mailroom).next_probe_at - the_clock.wall()) / timedelta(minutes=1))
    assert (locked.calls, pauses) == (4, [2, 4, 8])

    locked.mended = True
    later("2027-03-01T08:20:00+08:00")
    mailroom.dispatch()
    later("2027-03-01T08:40:00+08:00")
    mailroom.dispatch()

    assert len(mailroom.phone()) == 5
    assert breaker(mailroom).opened_at is None
    assert {one.tries for one in messages(mailroom)} == {0}


def test_a_pause_is_never_longer_than_half_an_hour_and_no_try_is_ever_used_up(
    mailroom: Mailroom, locked: Locked, later: Move
) -> None:
    message_id = mailroom.queue()
    for hour in range(8, 24):
        later(f"2027-03-01T{hour:02}:00:00+08:00")
        mailroom.dispatch()

    assert locked.calls == 16
    assert breaker(mailroom).next_probe_at - the_clock.wall() == timedelta(minutes=30)
    assert (mailroom.message(message_id).status, mailroom.message(message_id).tries) == (MessageStatus.QUEUED, 0)


def test_other_ways_go_on_while_one_is_shut(mailroom: Mailroom, locked: Locked) -> None:
    mailroom.queue("first")
    mailroom.dispatch()
    mailroom.queue("second")

    in_app = Send(ChannelKind.IN_APP, "", text_to_ann(None, None).language, {"date": "2027-03-17", "phone": "1"})  # type: ignore[arg-type]
    assert mailroom.dispatch(lambda _t, _m: in_app) == {"sent": 1}


def test_a_message_that_alone_is_refused_again_once_the_way_works_for_others_is_a_persons_task(
    mailroom: Mailroom, later: Move
) -> None:
    mailroom.channels[ChannelKind.SMS] = Simulator(
        mailroom.db, {ANNS_NUMBER: Undeliverable("21408", Refusal.CONFIGURATION)}
    )
    bad, good = mailroom.queue("bad"), mailroom.queue("good", send_at=the_clock.now() + timedelta(seconds=30))

    def each_to_their_own(txn: object, message: Message) -> Send:
        send = text_to_ann(txn, message)  # type: ignore[arg-type]
        return send if message.key == "bad" else Send(send.channel, BENS_NUMBER, send.language, send.values)

    for minute in (0, 2, 4, 6, 8):
        later(f"2027-03-01T08:{minute:02}:00+08:00")
        mailroom.dispatch(each_to_their_own)

    assert mailroom.message(good).status == MessageStatus.DELIVERED
    assert mailroom.message(bad).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(bad, "21408")]
    assert breaker(mailroom).opened_at is None


def test_of_two_workers_at_once_one_finds_out_and_the_other_waits(
    mailroom: Mailroom, locked: Locked, later: Move
) -> None:
    for number in range(20):
        mailroom.queue(f"weekly.w{number}")
    mailroom.dispatch()
    later("2027-03-01T08:05:00+08:00")
    ready = threading.Barrier(2)

    def run() -> None:
        ready.wait()
        mailroom.dispatch()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert locked.calls == 2
    assert breaker(mailroom).refusals == 2


def test_a_clock_set_back_six_hours_keeps_no_way_shut_for_longer(
    mailroom: Mailroom, locked: Locked, later: Move
) -> None:
    mailroom.queue("first")
    mailroom.dispatch()
    locked.mended = True
    later("2027-03-01T02:00:00+08:00")
    mailroom.queue("second")

    assert mailroom.dispatch() == {"sent": 1}
    assert breaker(mailroom).opened_at is None


def test_what_another_worker_put_off_while_the_way_was_found_to_be_mended_goes_at_once(
    mailroom: Mailroom, locked: Locked, later: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile = []

    class Mended(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            if not meanwhile:
                meanwhile.append("another worker, while this one waits for the answer")
                meanwhile.append(mailroom.dispatch())
            return super().send(envelope, attempt_id)

    monkeypatch.setattr(dispatcher, "BATCH", 1)
    mailroom.queue("first", send_at=the_clock.now() - timedelta(minutes=1))
    mailroom.queue("second")
    mailroom.dispatch()
    later("2027-03-01T08:05:00+08:00")
    mailroom.channels[ChannelKind.SMS] = Mended(mailroom.db)

    assert mailroom.dispatch() == {"sent": 2}
    assert meanwhile[1:] == [{"held": 1}]
    assert len(mailroom.phone()) == 2


def test_after_the_clock_was_set_back_a_wrong_password_still_stops_the_way_and_uses_up_no_try(
    mailroom: Mailroom, locked: Locked, later: Move
) -> None:
    mailroom.queue("first")
    mailroom.dispatch()
    locked.mended = True
    later("2027-03-01T14:00:00+08:00")
    mailroom.dispatch()
    locked.mended = False
    later("2027-03-01T08:30:00+08:00")
    for number in range(5):
        mailroom.queue(f"weekly.w{number}")

    assert mailroom.dispatch() == {"refused": 1, "held": 4}
    later("2027-03-01T08:33:00+08:00")
    mailroom.dispatch()

    assert mailroom.dead_letters == []

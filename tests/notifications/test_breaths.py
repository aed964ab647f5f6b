"""Several messages in one breath keep what one message by itself keeps."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from backend import clock as the_clock
from backend.db import Transaction
from backend.sealing import keyring_of
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from notifications import Send, cancel, dispatcher, queue, speaking
from notifications.channels import Accepted, Envelope, Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, Message, OptOut
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from notifications.settling import hold_attempt
from tests.notifications.conftest import TESTER, Mailroom, letter_to, text_to_ann
from tests.notifications.rows import a_patient

SEVEN = range(7)


@dataclass
class Watched:
    """A provider that takes what it gets; it tells which breaths messages came in, and may do something instead."""

    mailroom: Mailroom
    gateway: str = "watched"
    looks_to_be_sure: int = 1
    seconds_between_looks: float = 0.0
    numbers: list[str] = field(default_factory=list)
    under_way: list[int] = field(default_factory=list)

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        with self.mailroom.db.reading(TESTER) as txn:
            begun = txn.session.scalars(select(Attempt.id).where(Attempt.status == AttemptStatus.SENDING)).all()
        self.under_way.append(len(begun))
        self.numbers.append(envelope.address)
        return self.instead(len(self.numbers), attempt_id) or Accepted(f"W{attempt_id}")

    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        """Something else than taking the message."""

    find = Simulator.find


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a breath is depends on what goes well, and not on how busy this machine is."""
    monkeypatch.setattr(dispatcher, "SECONDS_OF_A_BREATH", 600.0)
    monkeypatch.setattr(speaking, "LONGEST_BREATH", 20.0)


def number_of(turn: int) -> str:
    return f"+86138001380{turn:02}"


def to_each(_txn: Transaction, message: Message) -> Send:
    """Everybody has a number of their own."""
    send = text_to_ann(_txn, message)
    return Send(send.channel, number_of(message.values["turn"]), send.language, send.values)


@pytest.fixture
def people(mailroom: Mailroom) -> list[UUID]:
    """Seven patients with a message each, in this order."""
    with mailroom.db.transaction(TESTER) as txn:
        found = [a_patient(txn) for _ in SEVEN]
        for turn, patient_id in enumerate(found):
            send_at = the_clock.now() - timedelta(minutes=10 - turn)
            queue(txn, letter_to(patient_id, f"weekly.w{turn}", send_at=send_at, values={"turn": turn}))
    return found


def watched(mailroom: Mailroom, kind: type[Watched] = Watched) -> Watched:
    gateway = kind(mailroom)
    mailroom.channels[ChannelKind.SMS] = gateway  # type: ignore[assignment]
    return gateway


def standing(mailroom: Mailroom) -> list[tuple[str, str | None]]:
    """Status and reason of every message, by key."""
    with mailroom.db.reading(TESTER) as txn:
        found = txn.session.execute(select(Message.status, Message.reason).order_by(Message.key)).all()
    return [tuple(row) for row in found]


@pytest.mark.usefixtures("people")
def test_a_breath_is_four_times_as_long_as_the_last_one_and_holds_one_message_of_each_patient(
    mailroom: Mailroom,
) -> None:
    gateway = watched(mailroom)
    for number in range(2):
        mailroom.queue(f"zoe.{number}", values={"turn": 50 + number})

    assert mailroom.dispatch(to_each) == {"sent": 9}

    # One, four, and what is left; and of Ann's two messages the second by itself.
    assert gateway.under_way == [1, 4, 4, 4, 4, 3, 3, 3, 1]
    assert {status for status, _ in standing(mailroom)} == {MessageStatus.SENT}


@pytest.mark.usefixtures("people")
def test_a_number_that_said_stop_hears_nothing_of_a_breath_that_others_hear(mailroom: Mailroom) -> None:
    gateway = watched(mailroom)
    with mailroom.db.transaction(TESTER) as txn:
        index = keyring_of(txn).blind_index("phone", number_of(5))
        txn.session.add(OptOut(id=uuid4(), number_index=index, stopped_at=txn.now))

    assert mailroom.dispatch(to_each) == {"sent": 6, "suppressed": 1}

    assert number_of(5) not in gateway.numbers
    assert standing(mailroom)[5] == (MessageStatus.SUPPRESSED, "opted_out")


@pytest.mark.usefixtures("people")
def test_one_that_cannot_be_prepared_is_found_among_those_of_its_breath_and_stops_none_of_them(
    mailroom: Mailroom,
) -> None:
    gateway = watched(mailroom)

    def poisoned(txn: Transaction, message: Message) -> Send:
        if message.key == "weekly.w4":
            raise RuntimeError("this row is broken")
        return to_each(txn, message)

    assert mailroom.dispatch(poisoned) == {"sent": 6, "stumbled": 1}

    assert sorted(gateway.numbers) == [number_of(turn) for turn in SEVEN if turn != 4]
    assert standing(mailroom)[4] == (MessageStatus.QUEUED, "RuntimeError")


def test_what_deciding_about_one_recalls_is_not_said(mailroom: Mailroom, people: list[UUID]) -> None:
    gateway = watched(mailroom)

    def recalling(txn: Transaction, message: Message) -> Send:
        if message.key == "weekly.w4":
            for turn in (3, 6):
                cancel(txn, people[turn], reason="died")
        return to_each(txn, message)

    assert mailroom.dispatch(recalling) == {"sent": 5, "recalled": 2}

    assert len(gateway.numbers) == 5
    assert [standing(mailroom)[turn] for turn in (3, 6)] == [(MessageStatus.CANCELLED, "died")] * 2


@pytest.mark.usefixtures("people")
def test_what_another_holds_is_asked_for_alone_and_if_it_stays_held_is_put_off_without_a_try(
    mailroom: Mailroom,
) -> None:
    asked: list[str] = []

    def held(txn: Transaction, message: Message) -> Send | None:
        asked.append(message.key)
        if message.key != "weekly.w4":
            return to_each(txn, message)
        if asked.count("weekly.w4") == 1:
            return None
        raise OperationalError("SELECT", {}, LockNotAvailable("lock timeout"))

    watched(mailroom)

    assert mailroom.dispatch(held) == {"sent": 6, "busy": 1}

    assert asked.count("weekly.w4") == 2
    assert standing(mailroom)[4] == (MessageStatus.QUEUED, "busy")
    with mailroom.db.reading(TESTER) as txn:
        assert set(txn.session.scalars(select(Message.tries))) == {0}


class ShutsAtTheSecond(Watched):
    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        if call == 2:
            raise Undeliverable("20003", Refusal.CONFIGURATION)
        return None


@pytest.mark.usefixtures("people")
def test_what_a_breath_did_not_come_to_say_waits_and_nobody_has_to_be_asked_about_it(mailroom: Mailroom) -> None:
    gateway = watched(mailroom, ShutsAtTheSecond)

    assert mailroom.dispatch(to_each) == {"sent": 1, "refused": 1, "held": 5}

    assert len(gateway.numbers) == 2
    assert [status for status, _ in standing(mailroom)] == [MessageStatus.SENT] + [MessageStatus.QUEUED] * 6
    with mailroom.db.reading(TESTER) as txn:
        unsaid = select(Attempt.status).where(Attempt.code == "never_said")
        assert txn.session.scalars(unsaid).all() == [AttemptStatus.ABSENT] * 3
        assert AttemptStatus.SENDING not in txn.session.scalars(select(Attempt.status)).all()


class BreaksAtTheSecond(Watched):
    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        if call == 2:
            raise TimeoutError("the line broke")
        return None


@pytest.mark.usefixtures("people")
def test_a_line_that_breaks_leaves_one_message_in_doubt_and_the_rest_of_its_breath_is_said_later(
    mailroom: Mailroom,
) -> None:
    gateway = watched(mailroom, BreaksAtTheSecond)

    assert mailroom.dispatch(to_each) == {"sent": 6, "unknown": 1}

    assert len(gateway.numbers) == 7
    assert [status for status, _ in standing(mailroom)].count(MessageStatus.SENDING) == 1


class IsHeardOfFirst(Watched):
    """Of the third message it tells before its answer that it has arrived; the fourth is asked after meanwhile."""

    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        with self.mailroom.db.transaction(TESTER) as txn:
            if call == 3:
                receipt = ReceiptFromProvider(attempt_id, Said.DELIVERED, f"W{attempt_id}")
                assert note_receipt(txn, receipt, self.mailroom.on_dead_letter)
            if call == 4:
                message, attempt = hold_attempt(txn, attempt_id)
                message.status, attempt.status = MessageStatus.IN_DOUBT, AttemptStatus.IN_DOUBT
        return None


@pytest.mark.usefixtures("people")
def test_what_others_have_changed_while_a_breath_was_said_is_settled_by_itself(mailroom: Mailroom) -> None:
    watched(mailroom, IsHeardOfFirst)

    assert mailroom.dispatch(to_each, first_breath=7) == {"sent": 7}

    states = [status for status, _ in standing(mailroom)]
    assert states == [MessageStatus.SENT] * 2 + [MessageStatus.DELIVERED] + [MessageStatus.SENT] * 4
    with mailroom.db.reading(TESTER) as txn:
        attempts = txn.session.scalars(select(Attempt)).all()
        assert {(one.status, one.provider_id) for one in attempts} == {
            (AttemptStatus.ACCEPTED, f"W{one.id}") for one in attempts
        }


class TakesAtOnceOrLater(Watched):
    """Every second one it has delivered by the time it answers."""

    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        return Accepted(f"W{attempt_id}", delivered=call % 2 == 0)


@pytest.mark.usefixtures("people")
def test_of_one_breath_some_are_delivered_at_once_and_the_others_are_sent(mailroom: Mailroom) -> None:
    watched(mailroom, TakesAtOnceOrLater)

    assert mailroom.dispatch(to_each, first_breath=7) == {"sent": 7}

    states = [status for status, _ in standing(mailroom)]
    assert states == [MessageStatus.SENT, MessageStatus.DELIVERED] * 3 + [MessageStatus.SENT]


class SlowsDown(Watched):
    def instead(self, call: int, attempt_id: UUID) -> Accepted | None:
        if call == 2:
            time.sleep(0.3)
        return None


@pytest.mark.usefixtures("people")
def test_when_a_provider_slows_down_the_rest_of_a_breath_is_decided_about_anew(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "LONGEST_BREATH", 0.2)
    gateway = watched(mailroom, SlowsDown)

    assert mailroom.dispatch(to_each) == {"sent": 7}

    # The first of four took too long. What is left of the claim goes one by one, and those put back come after it.
    assert gateway.under_way == [1, 4, 1, 1, 3, 3, 3]

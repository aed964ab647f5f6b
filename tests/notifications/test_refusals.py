"""What each class of refusal leads to: as a pure rule, and in the mailroom, on both databases."""

import random
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.sealing import keyring_of
from backend.terms import AttemptStatus, ChannelKind, Language, MessageStatus
from notifications import Send, numbers, opt_outs
from notifications.channels import Accepted, Envelope, Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.filtering import filtered_templates
from notifications.inbound import ReceivedText, receive
from notifications.models import Attempt, GatewayBreaker, NumberStop, OptOut
from notifications.refusals import PATIENCE, GiveUp, ObeyTheCarrier, StopTheGateway, StopTheNumber, TryAgain, next_step
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom

Move = Callable[[str], None]


def waits(why: Refusal, chance: float = 0.5) -> list[timedelta]:
    """How long is waited after each try, until it is given up."""
    found = []
    while isinstance(step := next_step(why, len(found), chance=chance), TryAgain):
        found.append(step.after)
    assert step == GiveUp()
    return found


def test_a_class_that_trying_again_cannot_help_is_never_tried_again() -> None:
    for tries in (0, 1, 50):
        assert next_step(Refusal.CONFIGURATION, tries) == StopTheGateway()
        assert next_step(Refusal.NUMBER_OF_NO_USE, tries) == StopTheNumber()
        assert next_step(Refusal.OPTED_OUT, tries) == ObeyTheCarrier()
        assert next_step(Refusal.FINAL, tries) == GiveUp()


def test_the_others_are_tried_as_often_and_as_slowly_as_they_deserve() -> None:
    minutes = {why: [wait / timedelta(minutes=1) for wait in waits(why)] for why in PATIENCE}

    assert minutes[Refusal.TRANSIENT] == [1, 4, 16, 60]
    assert minutes[Refusal.FILTERED] == [60]
    assert minutes[Refusal.UNKNOWN] == [5, 20]
    assert minutes[Refusal.NOT_PROCESSED] == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]


def test_every_class_has_one_rule() -> None:
    assert all(next_step(why, 0) for why in Refusal)


def test_waits_are_spread_within_a_quarter_and_can_be_drawn_again_from_one_seed() -> None:
    draw = random.Random(7)
    drawn = [next_step(Refusal.TRANSIENT, 1, chance=draw.random()) for _ in range(200)]
    again = random.Random(7)

    assert drawn == [next_step(Refusal.TRANSIENT, 1, chance=again.random()) for _ in range(200)]
    seconds = [step.after.total_seconds() for step in drawn if isinstance(step, TryAgain)]
    assert 180 <= min(seconds) < 190
    assert 290 < max(seconds) <= 300


def refusing(mailroom: Mailroom, code: str, why: Refusal) -> None:
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db, {ANNS_NUMBER: Undeliverable(code, why)})


def rows_of(mailroom: Mailroom, table: type) -> list:
    with mailroom.db.reading(TESTER) as txn:
        rows = list(txn.session.scalars(select(table)))
        txn.session.expunge_all()
        return rows


@pytest.mark.parametrize(
    ("why", "tries"), [(Refusal.NOT_PROCESSED, 12), (Refusal.FILTERED, 2), (Refusal.UNKNOWN, 3)], ids=str
)
def test_a_class_is_tried_as_often_as_its_rule_says_and_then_a_persons_task(
    mailroom: Mailroom, later: Move, why: Refusal, tries: int
) -> None:
    refusing(mailroom, "90000", why)
    message_id = mailroom.queue()

    for day in range(1, tries + 1):
        later(f"2027-03-{day:02}T08:00:00+08:00")
        assert mailroom.dispatch() == {"refused": 1}

    assert mailroom.message(message_id).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(message_id, "90000")]
    assert mailroom.dispatch() == {}
    assert {attempt.refusal for attempt in rows_of(mailroom, Attempt)} == {why}


def test_a_retry_that_would_come_after_the_message_has_expired_is_a_persons_task_at_once(mailroom: Mailroom) -> None:
    refusing(mailroom, "30001", Refusal.TRANSIENT)
    message_id = mailroom.queue(expires_at=the_clock.now() + timedelta(seconds=30))

    mailroom.dispatch()

    assert mailroom.message(message_id).status == MessageStatus.FAILED
    assert mailroom.dead_letters == [(message_id, "30001")]


def test_a_number_of_no_use_is_stopped_and_told_of_once_and_nothing_more_is_sent_to_it(
    mailroom: Mailroom, later: Move
) -> None:
    refusing(mailroom, "21614", Refusal.NUMBER_OF_NO_USE)
    first = mailroom.queue("first")
    mailroom.dispatch()
    second = mailroom.queue("second")
    later("2027-03-01T08:00:05+08:00")

    assert mailroom.dispatch() == {"suppressed": 2}

    assert [mailroom.message(one).reason for one in (first, second)] == [numbers.OF_NO_USE] * 2
    assert mailroom.attempts() == 1
    assert len(rows_of(mailroom, NumberStop)) == 1
    assert {message_id for message_id, _ in mailroom.dead_letters} == {first, second}


def test_a_message_whose_number_is_of_no_use_goes_another_way_if_there_is_one(mailroom: Mailroom, later: Move) -> None:
    refusing(mailroom, "21614", Refusal.NUMBER_OF_NO_USE)
    message_id = mailroom.queue()
    mailroom.dispatch()
    later("2027-03-01T08:00:05+08:00")

    by_app = Send(ChannelKind.IN_APP, "", Language.ENGLISH, {"date": "2027-03-17", "phone": "1"})
    assert mailroom.dispatch(lambda _t, _m: by_app) == {"sent": 1}

    assert mailroom.message(message_id).channel == ChannelKind.IN_APP


def test_a_number_that_was_seen_to_is_tried_again(mailroom: Mailroom, later: Move) -> None:
    refusing(mailroom, "21614", Refusal.NUMBER_OF_NO_USE)
    mailroom.queue("first")
    mailroom.dispatch()
    with mailroom.db.transaction(TESTER) as txn:
        numbers.lift(txn, keyring_of(txn).blind_index("phone", ANNS_NUMBER), numbers.CHECKED)
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db)
    later("2027-03-01T08:00:05+08:00")

    assert mailroom.dispatch() == {"sent": 1}


def test_a_stop_that_only_the_carrier_heard_counts_as_ours_also_for_the_answer_to_a_stop(
    mailroom: Mailroom, later: Move
) -> None:
    refusing(mailroom, "21610", Refusal.OPTED_OUT)
    first, reply = mailroom.queue("first"), mailroom.queue("reply", template="stop_reply")
    mailroom.dispatch()
    later("2027-03-01T08:00:05+08:00")
    mailroom.dispatch()

    assert {mailroom.message(one).reason for one in (first, reply)} == {opt_outs.OPTED_OUT}
    assert {mailroom.message(one).status for one in (first, reply)} == {MessageStatus.SUPPRESSED}
    (stop,) = rows_of(mailroom, OptOut)
    assert (stop.stopped_by, stop.started_at) == (None, None)
    assert stop.refused_attempt is not None
    later("2027-03-02T08:00:00+08:00")
    assert mailroom.dispatch() == {}


def test_a_carriers_no_that_is_older_than_a_start_closes_no_number(mailroom: Mailroom, later: Move) -> None:
    class Late(Simulator):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            later("2027-03-01T08:00:05+08:00")
            receive(mailroom.db, ReceivedText("SM1", ANNS_NUMBER, "", "START"))
            raise Undeliverable("21610", Refusal.OPTED_OUT)

    mailroom.channels[ChannelKind.SMS] = Late(mailroom.db)
    message_id = mailroom.queue()
    mailroom.dispatch()
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db)
    later("2027-03-01T08:00:10+08:00")

    assert mailroom.dispatch() == {"sent": 1}

    assert mailroom.message(message_id).status == MessageStatus.DELIVERED
    assert rows_of(mailroom, OptOut) == []


def test_a_template_of_which_three_messages_were_filtered_is_known(mailroom: Mailroom) -> None:
    refusing(mailroom, "30007", Refusal.FILTERED)
    for number in range(2):
        mailroom.queue(f"weekly.w{number}")
    mailroom.dispatch()
    with mailroom.db.reading(TESTER) as txn:
        assert filtered_templates(txn) == []

    mailroom.queue("weekly.w9")
    mailroom.dispatch()

    with mailroom.db.reading(TESTER) as txn:
        (found,) = filtered_templates(txn)
    assert (found.template, found.messages) == ("visit_reminder", 3)


@pytest.mark.parametrize("number", ["13800138001", "+0613800138001", "+86 138 0013 8001", "+86138001380011234", ""])
def test_a_number_that_no_telephone_can_have_is_never_given_to_a_gateway(mailroom: Mailroom, number: str) -> None:
    message_id = mailroom.queue()
    send = Send(ChannelKind.SMS, number, Language.ENGLISH, {"date": "2027-03-17", "phone": "1"})

    assert mailroom.dispatch(lambda _t, _m: send) == {"suppressed": 1}

    assert mailroom.message(message_id).reason == numbers.MALFORMED
    assert mailroom.dead_letters == [(message_id, numbers.MALFORMED)]
    assert mailroom.attempts() == 0


def test_a_refused_attempt_keeps_its_code_and_its_class(mailroom: Mailroom) -> None:
    refusing(mailroom, "20003", Refusal.CONFIGURATION)
    mailroom.queue()
    mailroom.dispatch()

    (attempt,) = rows_of(mailroom, Attempt)
    assert (attempt.status, attempt.code, attempt.refusal) == (AttemptStatus.REFUSED, "20003", "configuration")
    assert len(rows_of(mailroom, GatewayBreaker)) == 1

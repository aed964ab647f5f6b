"""Doubt that does not end by itself: a provider that cannot be asked, a row that cannot be read, whose text it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from backend import clock as the_clock
from backend.terms import ChannelKind, MessageStatus
from notifications.channels import Absent, Accepted, Envelope, Sighting, Sought
from notifications.channels.simulator import Simulator
from notifications.models import Attempt
from notifications.reconciliation import CANNOT_BE_ASKED, FAILED_LOOKS_A_PERSON_IS_TOLD_OF
from tests.notifications.conftest import TESTER, Mailroom
from tests.notifications.rows import a_patient

Move = Callable[[str], None]


class Silent(Simulator):
    """Takes nothing and answers nothing, until it is told to."""

    looks_to_be_sure = 2
    seconds_between_looks = 60.0
    answers: Sighting | None = None

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.asked: list[Sought] = []

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        raise TimeoutError("nothing was heard")

    def find(self, sought: Sought) -> Sighting:
        self.asked.append(sought)
        if self.answers is None:
            raise TimeoutError("nothing was heard")
        return self.answers


@pytest.fixture
def silent(mailroom: Mailroom) -> Silent:
    gateway = Silent(mailroom.db)
    mailroom.channels[ChannelKind.SMS] = gateway
    return gateway


def attempt(mailroom: Mailroom) -> Attempt:
    with mailroom.db.reading(TESTER) as txn:
        row = txn.session.scalars(select(Attempt)).one()
        txn.session.expunge(row)
        return row


def look_again_and_again(mailroom: Mailroom, later: Move, minutes: int) -> None:
    begun = the_clock.wall()
    for minute in range(1, minutes + 1):
        later((begun + timedelta(minutes=minute)).isoformat())
        mailroom.reconcile()


def test_a_provider_that_cannot_be_asked_is_asked_ever_more_seldom_and_a_person_is_told_once(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    message_id = mailroom.queue()
    mailroom.dispatch()

    look_again_and_again(mailroom, later, 90)

    assert FAILED_LOOKS_A_PERSON_IS_TOLD_OF < len(silent.asked) < 20
    assert mailroom.dead_letters == [(message_id, None)]
    assert (mailroom.message(message_id).status, mailroom.message(message_id).reason) == (
        MessageStatus.IN_DOUBT,
        CANNOT_BE_ASKED,
    )


def test_what_a_person_was_told_of_is_still_looked_for_and_settled_when_the_provider_answers(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    message_id = mailroom.queue()
    mailroom.dispatch()
    look_again_and_again(mailroom, later, 60)

    silent.answers = Accepted("SM1")
    look_again_and_again(mailroom, later, 15)

    assert mailroom.message(message_id).status == MessageStatus.SENT


def test_an_attempt_whose_words_cannot_be_opened_holds_up_no_other_and_ends_with_a_person(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    message_id = mailroom.queue("broken")
    mailroom.dispatch()
    with mailroom.db.transaction(TESTER) as txn:
        txn.session.execute(update(Attempt).values(body_sealed="v1:not:a:seal"))
    silent.answers = Absent()
    other = mailroom.queue("fine")
    mailroom.dispatch()

    look_again_and_again(mailroom, later, 60)

    assert mailroom.message(other).reason == "never_arrived"
    assert mailroom.dead_letters == [(message_id, None)]


def test_two_looks_are_never_counted_as_two_when_the_clock_was_set_back_between_them(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    silent.answers = Absent()
    message_id = mailroom.queue()
    mailroom.dispatch()
    later("2027-03-01T08:02:00+08:00")
    assert mailroom.reconcile() == {"doubted": 1, "absent_so_far": 1}

    later("2027-03-01T02:02:00+08:00")
    assert mailroom.reconcile() == {"absent_so_far": 1}
    assert mailroom.reconcile() == {}
    assert attempt(mailroom).looks == 1
    later("2027-03-01T02:03:00+08:00")
    assert mailroom.reconcile() == {"absent": 1}

    assert mailroom.message(message_id).status == MessageStatus.QUEUED


def test_the_provider_is_told_of_every_text_that_is_known_to_be_anothers(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    sent = Simulator(mailroom.db)
    mailroom.channels[ChannelKind.SMS] = sent
    mailroom.queue("to ann before")
    mailroom.dispatch()
    with mailroom.db.transaction(TESTER) as txn:
        ben = a_patient(txn)
    later("2027-03-01T11:00:00+08:00")
    with_ben, mailroom.ann = mailroom.ann, ben
    mailroom.queue("to ben, who shares her telephone")
    mailroom.dispatch()
    mailroom.ann = with_ben
    with mailroom.db.reading(TESTER) as txn:
        known = set(txn.session.scalars(select(Attempt.provider_id)))
    mailroom.channels[ChannelKind.SMS] = silent
    mailroom.queue("in doubt")
    mailroom.dispatch()

    later("2027-03-01T11:03:00+08:00")
    mailroom.reconcile()

    assert set(silent.asked[0].others) == known
    assert len(known) == 2


def test_a_text_that_meanwhile_became_anothers_is_never_taken_for_the_one_that_is_looked_for(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    in_doubt = mailroom.queue("in doubt")
    mailroom.dispatch()
    later("2027-03-01T08:03:00+08:00")
    mailroom.channels[ChannelKind.SMS] = Simulator(mailroom.db)
    mailroom.queue("of a sister, in the same words")
    mailroom.dispatch()
    with mailroom.db.reading(TESTER) as txn:
        hers = txn.session.scalars(select(Attempt.provider_id).where(Attempt.provider_id.is_not(None))).one()
    mailroom.channels[ChannelKind.SMS] = silent

    silent.answers = Accepted(hers or "")
    assert mailroom.reconcile() == {"doubted": 1, "of_another": 1}
    silent.answers = Absent()
    look_again_and_again(mailroom, later, 2)

    assert mailroom.message(in_doubt).reason == "never_arrived"


def test_whoever_carries_texts_since_is_not_asked_about_what_another_may_have_taken(
    mailroom: Mailroom, silent: Silent, later: Move
) -> None:
    message_id = mailroom.queue("in doubt")
    mailroom.dispatch()
    successor = Silent(mailroom.db)
    successor.gateway, successor.answers = "another", Absent()
    mailroom.channels[ChannelKind.SMS] = successor

    look_again_and_again(mailroom, later, 5)

    assert successor.asked == []
    assert mailroom.dead_letters == [(message_id, None)]
    assert mailroom.message(message_id).status == MessageStatus.IN_DOUBT

"""A provider that keeps us waiting holds up one message, not everything behind it."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from backend import clock as the_clock
from backend.db import Transaction
from backend.terms import ChannelKind, MessageStatus, Urgency
from notifications import Send, queue, reconciliation
from notifications.channels import Accepted, Envelope, Sighting, Sought
from notifications.channels.simulator import Simulator
from notifications.models import Message
from tests.notifications.conftest import Mailroom, letter_to, text_to_ann

Move = Callable[[str], None]


class Slow(Simulator):
    """Answers after a while, and may be told what to do meanwhile."""

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        time.sleep(0.15)
        return super().send(envelope, attempt_id)

    def find(self, sought: Sought) -> Sighting:
        time.sleep(0.15)
        raise TimeoutError("nothing was heard")


def test_a_run_that_waits_for_its_provider_ends_and_leaves_the_rest_to_anybody(mailroom: Mailroom) -> None:
    mailroom.channels[ChannelKind.SMS] = Slow(mailroom.db)
    mailroom.settings = replace(mailroom.settings, lease_seconds=1.0)
    ids = [mailroom.queue(f"weekly.w{number}") for number in range(6)]

    sent = mailroom.dispatch()["sent"]

    assert sent in (1, 2)
    statuses = [mailroom.message(one).status for one in ids]
    assert statuses.count(MessageStatus.QUEUED) == 6 - sent


def test_an_emergency_does_not_wait_behind_a_batch_that_waits_for_its_provider(mailroom: Mailroom) -> None:
    mailroom.channels[ChannelKind.SMS] = Slow(mailroom.db)
    mailroom.settings = replace(mailroom.settings, lease_seconds=1.0)
    for number in range(6):
        mailroom.queue(f"weekly.w{number}")
    said: list[str] = []

    def noting(txn: Transaction, message: Message) -> Send:
        said.append(message.key)
        return text_to_ann(txn, message)

    def noting_an_emergency(txn: Transaction, message: Message) -> Send:
        if not said:
            queue(txn, letter_to(mailroom.ann, "page", urgency=Urgency.SAFETY))
        return noting(txn, message)

    mailroom.dispatch(noting_an_emergency)
    mailroom.dispatch(noting)

    assert said.index("page") <= 2


def test_a_provider_that_hangs_when_asked_keeps_no_other_job_waiting_for_all_of_its_doubts(
    mailroom: Mailroom, later: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Slow):
        def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
            raise TimeoutError("nothing was heard")

    monkeypatch.setattr(reconciliation, "SECONDS_IN_ONE_RUN", 0.2)
    mailroom.channels[ChannelKind.SMS] = Hanging(mailroom.db)
    for number in range(5):
        mailroom.queue(f"weekly.w{number}")
    mailroom.dispatch()
    later((the_clock.wall() + timedelta(minutes=3)).isoformat())

    assert mailroom.reconcile()["look_failed"] in (1, 2)
    assert mailroom.reconcile()["look_failed"] in (1, 2)

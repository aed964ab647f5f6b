"""A worker killed at any instant, and another started: every phone holds every message exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db import Database
from backend.terms import MessageStatus
from notifications import queue
from notifications.models import Attempt, Message, SimulatedText
from tests.notifications.conftest import TESTER, Mailroom, letter_to

MESSAGES = 40
KILLS = 14
LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class Workers:
    """Starts real worker processes, one after another, and kills them."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.notifications.worker_process", url],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, how: str) -> int:
        assert self.process.stdin
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        return int(self._line())

    def stop(self) -> None:
        self.process.communicate(timeout=30)

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


@pytest.fixture
def workers(db: Database) -> Iterator[Workers]:
    started = Workers(db.url)
    yield started
    started.stop()


def queue_to_phones(mailroom: Mailroom, count: int) -> None:
    with mailroom.db.transaction(TESTER) as txn:
        for number in range(count):
            values = {"number": f"+86138{number:08}"}
            queue(txn, letter_to(mailroom.ann, f"weekly.w{number}", send_at=LONG_AGO, values=values))


def texts_a_message(db: Database) -> Counter[str]:
    """How many texts lie on phones for each message, by key."""
    with db.reading(TESTER) as txn:
        return Counter(
            txn.session.scalars(
                select(Message.key)
                .join(Attempt, Attempt.message_id == Message.id)
                .join(SimulatedText, SimulatedText.attempt_id == Attempt.id)
            )
        )


def statuses(db: Database) -> set[str]:
    with db.reading(TESTER) as txn:
        return set(txn.session.scalars(select(Message.status)))


@pytest.mark.parametrize("moment", ["claimed", "begun", "accepted"])
def test_a_worker_killed_at_the_worst_moment_leaves_each_message_once(
    mailroom: Mailroom, workers: Workers, moment: str
) -> None:
    queue_to_phones(mailroom, 3)
    workers.start(moment)
    assert workers.ended() == -signal.SIGKILL
    assert statuses(mailroom.db) <= {MessageStatus.CLAIMED, MessageStatus.SENDING}

    workers.start("drain")

    assert workers.ended() == 0
    assert set(texts_a_message(mailroom.db).values()) == {1}
    assert len(texts_a_message(mailroom.db)) == 3
    assert statuses(mailroom.db) == {MessageStatus.DELIVERED}


def test_workers_killed_at_random_leave_each_message_once(mailroom: Mailroom, workers: Workers) -> None:
    queue_to_phones(mailroom, MESSAGES)

    for _ in range(KILLS):
        worker = workers.start("run")
        time.sleep(random.uniform(0.0, 0.15))
        os.kill(worker, signal.SIGKILL)
        assert workers.ended() == -signal.SIGKILL
    workers.start("drain")

    assert workers.ended() == 0
    assert len(texts_a_message(mailroom.db)) == MESSAGES
    assert set(texts_a_message(mailroom.db).values()) == {1}
    assert statuses(mailroom.db) == {MessageStatus.DELIVERED}

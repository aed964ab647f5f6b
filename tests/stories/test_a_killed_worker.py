"""The real worker process, killed in mid-dispatch and started again: each phone has each message exactly once."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from backend import clock as clocks
from backend.agenda import changes
from backend.db import Database, system
from backend.patients.models import Patient
from backend.sealing import unseal
from notifications.models import Message, SimulatedText
from tests import people
from tests.databases import KEYRING
from tests.processes import COMMAND, environment_for

PATIENTS = 24
KILLS = 4
SECONDS_TO_DRAIN = 60
SAID = "said by the worker"
TEST = system("test")


@contextmanager
def a_worker(db: Database, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``followup work``, killed at the end if it still runs."""
    hurried = environment_for(db.url, home, LEASE_SECONDS="0.5", TICK_SECONDS="0.1")
    with (home / SAID).open("wb") as said:
        process = subprocess.Popen([*COMMAND, "work"], env=hurried, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def enrol_and_confirm(db: Database, number: int) -> None:
    """A patient who must hear at once, whatever the hour, that the two infusion days begin tomorrow."""
    today = clocks.local_day(clocks.now(), "Asia/Shanghai")
    began = {"consented_on": today - timedelta(days=30), "randomised_on": today - timedelta(days=25)}
    patient = people.enrolled(db, replace(people.ANN, phone=f"+86138001390{number:02}", **began))
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, today - timedelta(days=14))
        changes.confirm_cycle(txn, row, 1)


def sent(db: Database) -> int:
    with db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count()).select_from(SimulatedText)) or 0


def unfinished(db: Database) -> int:
    with db.reading(TEST) as txn:
        waiting = Message.status.in_(("claimed", "sending", "in_doubt"))
        due = (Message.status == "queued") & (Message.next_try_at <= clocks.now())
        return txn.session.scalar(select(func.count(Message.id)).where(waiting | due)) or 0


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "the worker did not get there in time"
        time.sleep(0.03)


def test_a_worker_killed_in_mid_dispatch_leaves_each_phone_with_each_message_exactly_once(
    database_url: str, tmp_path: Path
) -> None:
    db = Database(database_url, KEYRING, threads=8)
    for number in range(PATIENTS):
        enrol_and_confirm(db, number)
    chance = random.Random(7)
    for kill in range(1, KILLS + 1):
        with a_worker(db, tmp_path) as worker:
            wait_until(lambda enough=kill * PATIENTS // (KILLS + 2): sent(db) >= enough, SECONDS_TO_DRAIN)
            time.sleep(chance.random() * 0.05)
            os.kill(worker.pid, signal.SIGKILL)

    with a_worker(db, tmp_path) as worker:
        wait_until(lambda: unfinished(db) == 0 and sent(db) >= PATIENTS, SECONDS_TO_DRAIN)
        # Those before it may have left it nothing to do; it can be told to end from when it says that it works.
        wait_until(lambda: b"working" in (tmp_path / SAID).read_bytes(), SECONDS_TO_DRAIN)
        worker.terminate()
        assert worker.wait(timeout=20) == 0

    with db.reading(TEST) as txn:
        texts = Counter(
            (row.number_index, unseal(txn, row, "text_sealed")) for row in txn.session.scalars(select(SimulatedText))
        )
    db.close()
    assert len({number for number, _ in texts}) == PATIENTS
    assert set(texts.values()) == {1}

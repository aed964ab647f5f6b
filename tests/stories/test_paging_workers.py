"""Real workers, two at once and killed at any moment: every round of every page reaches every telephone once."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from backend import clock as clocks
from backend.db import Database
from backend.jobs import work_of
from backend.patients.models import Patient
from backend.terms import Role
from backend.triage.candidates import open_for_text
from backend.triage.models import StaffPage
from notifications.models import Message
from tests import people
from tests.databases import KEYRING, settings_of
from tests.processes import COMMAND, environment_for
from tests.triage.called import TEST, on_call, staff

PAGES = 6
KILLS = 1
SECONDS_TO_DRAIN = 45


@contextmanager
def workers(db: Database, home: Path, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """``followup work``, so many times."""
    hurried = environment_for(db.url, home, LEASE_SECONDS="0.5", TICK_SECONDS="0.1")
    started = [subprocess.Popen([*COMMAND, "work"], env=hurried, stderr=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def half_an_hour_ago(db: Database) -> None:
    """That is when the first round went out; nobody has answered since, and no worker has ticked."""
    with db.transaction(TEST) as txn:
        for page in txn.session.scalars(select(StaffPage)):
            page.opened_at = clocks.now() - timedelta(minutes=31)
            page.next_at = clocks.now() - timedelta(minutes=21)


def an_emergency(db: Database, number: int) -> None:
    today = clocks.local_day(clocks.now(), "Asia/Shanghai")
    began = {"consented_on": today - timedelta(days=30), "randomised_on": today - timedelta(days=25)}
    patient = people.ann(db, phone=f"+86138001390{number:02}", **began)
    with db.transaction(TEST) as txn:
        open_for_text(txn, txn.session.get_one(Patient, patient.id), uuid4())


def rounds(db: Database) -> set[int]:
    with db.reading(TEST) as txn:
        return set(txn.session.scalars(select(StaffPage.rounds)))


def still_being_sent(db: Database) -> bool:
    with db.reading(TEST) as txn:
        waiting = Message.status.in_(("queued", "claimed", "sending", "in_doubt"))
        return (
            txn.session.scalar(select(Message.id).where(waiting, Message.template == "page_sms").limit(1)) is not None
        )


def wait_until_all_have_gone_out(db: Database) -> None:
    deadline = time.monotonic() + SECONDS_TO_DRAIN
    while rounds(db) != {2} or still_being_sent(db):
        assert time.monotonic() < deadline, "the workers did not get there in time"
        time.sleep(0.05)


def test_two_workers_killed_again_and_again_page_everybody_exactly_once_a_round(
    database_url: str, tmp_path: Path
) -> None:
    db = Database(database_url, KEYRING, threads=8)
    work = work_of(db, settings_of(database_url, tmp_path))
    lin, physician = staff(work), staff(work, Role.INVESTIGATOR)
    on_call(work, lin)
    for number in range(PAGES):
        an_emergency(db, number)
    work.dispatch()
    half_an_hour_ago(db)
    chance = random.Random(7)
    for _ in range(KILLS):
        with workers(db, tmp_path, 2) as (one, _other):
            deadline = time.monotonic() + SECONDS_TO_DRAIN
            while 2 not in rounds(db) and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.05)
            os.kill(one.pid, signal.SIGKILL)

    with workers(db, tmp_path, 2):
        wait_until_all_have_gone_out(db)

    assert set(Counter(lin.texts).values()) == {2}
    assert set(Counter(physician.texts).values()) == {1}
    assert (len(lin.texts), len(physician.texts)) == (2 * PAGES, PAGES)
    db.close()

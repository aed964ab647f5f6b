"""A new master key: wrapped anew under load, killed in the middle, and the old one then opens nothing."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend import key_rotation
from backend.app import create_app
from backend.audit import AuditEvent
from backend.config import Settings
from backend.db import Database
from backend.errors import WrongDataKey
from backend.patients.forgetting import forget
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Patient
from backend.sealing import DataKey, is_forgotten
from backend.terms import ForgettingReason, PatientStatus
from tests import people
from tests.canaries import refuse_leaks
from tests.databases import MASTER_KEY
from tests.keys.life import API, TEST
from tests.keys.rows import BOTH, NEW, NEW_ONLY, OLD_ONLY, many_keys, standing
from tests.processes import COMMAND, done, environment_for

KEYS = 400
KILLS = 2


@contextmanager
def opened(db: Database, keyring: object) -> Iterator[Database]:
    other = Database(db.url, keyring, threads=8)
    try:
        yield other
    finally:
        other.close()


def names_by(db: Database, keyring: object) -> set[str | None]:
    """The patients by name, as a process with these keys reads them."""
    with opened(db, keyring) as other, other.reading(TEST) as txn:
        return {identifiers_of(txn, one).name for one in txn.session.scalars(select(Patient))}


def test_a_rotation_killed_again_and_again_and_then_finished_leaves_the_new_key_alone_in_use(
    db: Database, tmp_path: Path
) -> None:
    people.ann(db)
    many_keys(db, KEYS)
    environment = environment_for(db.url, tmp_path, DATA_KEYS=f"{NEW},{MASTER_KEY}")
    for kill in range(1, KILLS + 1):
        kill_when(db, environment, at_least=kill * KEYS // (KILLS + 2))
    assert set(standing(db)) == {"old", "new"}

    finished = done(environment, "keys", "rotate")

    assert finished.returncode == 0, finished.stderr
    assert "every other key may be taken out of FOLLOWUP_DATA_KEYS now" in finished.stdout
    assert set(standing(db)) == {"new"}
    assert names_by(db, NEW_ONLY) == {"Ann Zhang"}
    with pytest.raises(WrongDataKey):
        names_by(db, OLD_ONLY)
    assert "wrapped anew 0" in done(environment, "keys", "rotate").stdout
    with db.reading(TEST) as txn:
        noted = select(func.count()).where(AuditEvent.verb == key_rotation.REWRAPPED)
        assert txn.session.scalar(noted) == sum(standing(db).values())
    refuse_leaks(finished.stdout + finished.stderr)


def kill_when(db: Database, environment: dict[str, str], *, at_least: int) -> None:
    """Start a rotation, and kill it as soon as this many keys are wrapped anew."""
    command = [*COMMAND, "keys", "rotate"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and standing(db)["new"] < at_least:
            time.sleep(0.001)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_people_enrol_and_read_all_the_while_and_nothing_fails(settings: Settings, db: Database) -> None:
    many_keys(db, KEYS // 3)
    ann, coordinator = people.ann(db), people.coordinator(db)
    failed, went_well, stop = list[str](), set[int](), threading.Event()
    with opened(db, BOTH) as both:
        app = create_app(settings, both)

        def work(number: int) -> None:
            while not stop.is_set():
                body = people.enrolment_body(phone=f"+86138001391{number:02}")
                calls = [("GET", f"{API}/patients/{ann.id}", None), ("POST", f"{API}/patients", body)]
                for method, path, sent in calls:
                    answer = app.test_client().open(path, method=method, json=sent, headers=coordinator.headers)
                    if answer.status_code in (200, 201):
                        went_well.add(answer.status_code)
                    # A busy database is tried again, as by any client; it is no failure of the keys.
                    elif answer.status_code != 503 or answer.json["code"] != "database_busy":
                        failed.append(answer.text)

        workers = [threading.Thread(target=work, args=[number]) for number in range(3)]
        for worker in workers:
            worker.start()
        rotated = key_rotation.rotate(both)
        stop.set()
        for worker in workers:
            worker.join()
    assert failed == []
    assert went_well == {200, 201}
    assert rotated.still_needed == {}
    assert names_by(db, NEW_ONLY) == {"Ann Zhang"}


def test_a_key_shredded_meanwhile_stays_shredded(db: Database) -> None:
    ann = people.ann(db)
    many_keys(db, 3)
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        row.status = PatientStatus.DIED
        txn.session.flush()
        forget(txn, row, ForgettingReason.RETENTION_ENDED)

    with opened(db, BOTH) as both:
        rotated = key_rotation.rotate(both)

    assert rotated.forgotten == 1
    with db.reading(TEST) as txn:
        assert is_forgotten(txn, ann.id)
        assert txn.session.get_one(DataKey, ann.id).wrapped == ""


def test_an_altered_key_is_counted_left_alone_and_does_not_stop_the_others(db: Database) -> None:
    ann = people.ann(db)
    many_keys(db, 3)
    with db.transaction(TEST) as txn:
        txn.session.get_one(DataKey, ann.id).wrapped = "altered"

    with opened(db, BOTH) as both:
        rotated = key_rotation.rotate(both)

    assert (rotated.unopened, rotated.still_needed) == (1, {OLD_ONLY.newest: 1})
    assert standing(db)["new"] == rotated.rewrapped > 3


def test_no_wrapped_key_stands_in_the_trail(db: Database) -> None:
    people.ann(db)
    with opened(db, BOTH) as both:
        key_rotation.rotate(both)

    with db.reading(TEST) as txn:
        noted = txn.session.query(AuditEvent).filter_by(verb=key_rotation.REWRAPPED).all()
        assert {(one.field, one.old, one.new) for one in noted} == {("master_key", OLD_ONLY.newest, NEW_ONLY.newest)}


def test_the_list_says_which_key_wraps_how_much_and_which_is_missing(db: Database, tmp_path: Path) -> None:
    many_keys(db, 5)
    wrapped = standing(db)["old"]

    listed = done(environment_for(db.url, tmp_path, DATA_KEYS=NEW), "keys", "list").stdout

    assert listed.splitlines() == [
        f"{NEW_ONLY.newest}  newest  wraps 0",
        f"{OLD_ONLY.newest}  MISSING  wraps {wrapped}",
    ]

"""What is said outside the database: lines that nobody else can write, and a command that reads them."""

import signal
import subprocess
import threading
import time
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.audit_checkpoints import FILE_NAME, SAID_WITHIN, read_checkpoints, write_checkpoints
from backend.audit_seals import AuditChain
from backend.audit_verification import verify
from backend.cli import commands
from backend.db import Database, system
from backend.jobs import SECONDS_BETWEEN_CHECKPOINTS
from backend.sealing import Keyring
from tests.audit.trail import Vandal, entry_at, sealed
from tests.databases import INDEX_KEY, KEYRING, MASTER_KEY
from tests.processes import COMMAND


def followup(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(commands, words, env=environment)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_lines_are_added_and_each_says_how_far_a_chain_had_come(db, tmp_path):
    assert write_checkpoints(db, tmp_path) == {"checkpoints": 0}
    total = sealed(db)

    for _ in range(2):
        assert write_checkpoints(db, tmp_path) == {"checkpoints": 4}

    said = read_checkpoints(tmp_path / FILE_NAME, KEYRING)
    assert [len(said.lines), said.forged, said.torn] == [8, (), False]
    assert sum(line.seq for line in said.lines[:4]) == total
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_torn_line_is_said_and_spoils_neither_those_before_nor_those_after(db, tmp_path):
    sealed(db)
    write_checkpoints(db, tmp_path)
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-30])
    assert [len(read_checkpoints(file, KEYRING).lines), read_checkpoints(file, KEYRING).torn] == [3, True]

    write_checkpoints(db, tmp_path)

    said = read_checkpoints(file, KEYRING)
    assert [len(said.lines), said.forged, said.torn] == [7, (), True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("gone", [1, 3, 5])
def test_a_line_taken_out_shows_in_the_one_behind_it_also_where_one_is_torn(db, tmp_path, gone):
    sealed(db)
    file = tmp_path / FILE_NAME
    write_checkpoints(db, tmp_path)
    file.write_bytes(file.read_bytes()[:-30])
    for _ in range(2):
        write_checkpoints(db, tmp_path)
    whole = file.read_bytes().splitlines(keepends=True)
    assert read_checkpoints(file, KEYRING).gaps == ()

    file.write_bytes(b"".join(whole[: gone - 1] + whole[gone:]))

    assert read_checkpoints(file, KEYRING).gaps == ({1: 1, 3: 4, 5: 5}[gone],)
    (found,) = verify(db, checkpoints=file).defects
    assert "taken out of the checkpoint file" in str(found)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_workers_that_write_at_once_leave_no_gap(db, tmp_path):
    sealed(db)
    writers = [threading.Thread(target=lambda: [write_checkpoints(db, tmp_path) for _ in range(20)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    said = read_checkpoints(tmp_path / FILE_NAME, KEYRING)
    assert (len(said.lines), said.forged, said.gaps) == (4 * 20 * 4, (), ())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("left", [None, b""], ids=["deleted", "emptied"])
def test_the_command_says_that_the_checkpoints_are_gone_and_where_else_they_may_be(
    db, environment, tmp_path, clock, left
):
    sealed(db)
    write_checkpoints(db, tmp_path)
    file = tmp_path / FILE_NAME
    moved = file.rename(tmp_path / "elsewhere.jsonl")
    if left is not None:
        file.write_bytes(left)
    clock.move_to("2027-03-01T08:31:00+08:00")

    gone = followup(environment, "audit", "verify")
    named = followup(environment, "audit", "verify", "--checkpoints", str(moved))

    assert (gone.exit_code, named.exit_code) == (1, 0)
    assert "--checkpoints FILE" in gone.stdout
    assert "the trail is whole" not in gone.stdout


def test_a_missing_file_is_a_defect_after_two_turns_of_the_timetable():
    assert SAID_WITHIN.total_seconds() == 2 * SECONDS_BETWEEN_CHECKPOINTS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("harm", ["another key", "a number", "no JSON", "a list", "a field more", "no bytes of text"])
def test_a_line_that_is_not_ours_is_no_checkpoint(db, tmp_path, harm):
    sealed(db)
    write_checkpoints(db, tmp_path)
    file = tmp_path / FILE_NAME
    keyring = Keyring((MASTER_KEY,), INDEX_KEY, "another secret key" * 3) if harm == "another key" else KEYRING
    first, *rest = file.read_bytes().splitlines(keepends=True)
    spoilt = {
        "a number": first.replace(b'"seq":', b'"seq":1'),
        "no JSON": b"{\n",
        "a list": b"[1]\n",
        "a field more": first.replace(b"{", b'{"x":1,'),
        "no bytes of text": b"\xff\xfe\n",
    }
    file.write_bytes(b"".join([spoilt.get(harm, first), *rest]))

    assert read_checkpoints(file, keyring).forged == ((1, 2, 3, 4) if harm == "another key" else (1,))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_says_what_it_verified_and_names_the_first_bad_entry(db, environment, tmp_path):
    with db.transaction(system("test")) as txn:
        of_no_site = {"record_type": "x", "record_id": "x", "originator": "system", "actor_name": "", "request_id": ""}
        txn.session.add(AuditEvent(at=txn.now - timedelta(minutes=2), verb="x.y", **of_no_site))
    late = followup(environment, "audit", "verify")
    assert late.exit_code == 1
    assert "is a worker running?" in late.stdout

    total = sealed(db)
    whole = followup(environment, "audit", "verify")
    assert (whole.exit_code, whole.stdout.splitlines()[-1]) == (0, "the trail is whole")
    assert f"{total} entries in 4 chains" in whole.stdout
    assert "no checkpoints" in whole.stdout

    write_checkpoints(db, tmp_path)
    bad = entry_at(db, 9)
    Vandal(db).run("UPDATE audit_event SET verb = 'x' WHERE id = :i", i=bad)
    broken = followup(environment, "audit", "verify")
    assert broken.exit_code == 1
    assert f"BAD chain study, seq 9, entry {bad}: altered" in broken.stdout
    assert "held against 4 checkpoints" in broken.stdout
    assert followup(environment, "audit", "verify", "--site", "site-01").exit_code == 0
    assert followup(environment, "audit", "verify", "--site", "site-99").exit_code == 1
    assert followup(environment, "audit", "verify", "--checkpoints", "nowhere").exit_code == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_seals_within_seconds_and_says_so_outside_when_it_is_stopped(db, environment, tmp_path):
    worker = subprocess.Popen([*COMMAND, "work"], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (done := chain_lengths(db)) and time.monotonic() < deadline:
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(40) == 0
    finally:
        worker.kill()
        worker.wait()

    last = {line.chain: line.seq for line in read_checkpoints(tmp_path / FILE_NAME, KEYRING).lines}
    assert done
    assert last == chain_lengths(db)


def chain_lengths(db: Database) -> dict[str, int]:
    with db.reading(system("test")) as txn:
        return {head.chain: head.seq for head in txn.session.scalars(select(AuditChain))}

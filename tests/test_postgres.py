"""The tests' own server leaves nothing behind, and refuses strangers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres import PostgresServer, start_or_skip

ROOT = Path(__file__).resolve().parent.parent
A_PROCESS_THAT_DIES = """
import time
from tests.postgres import PostgresServer, find_binaries
server = PostgresServer(find_binaries()).start()
print(server.url(), server.folder, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with start_or_skip() as started:
        yield started


def test_a_copy_of_a_template_has_its_tables_and_goes_its_own_way(server: PostgresServer) -> None:
    server.create_database("template_of_visits")
    with connect(server.url("template_of_visits")) as template:
        template.execute("CREATE TABLE visits (id integer)")

    server.create_database("copy_of_visits", template="template_of_visits")
    with connect(server.url("copy_of_visits")) as copy:
        copy.execute("INSERT INTO visits VALUES (1)")

    with connect(server.url("template_of_visits")) as template:
        assert template.execute("SELECT count(*) FROM visits").fetchone() == (0,)


def test_a_database_is_dropped_even_while_someone_is_connected(server: PostgresServer) -> None:
    server.create_database("short_lived")

    with connect(server.url("short_lived")):
        server.drop_database("short_lived")

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(server.url("short_lived"))


def test_without_the_password_nobody_gets_in(server: PostgresServer) -> None:
    account, _, rest = server.url().partition("@")
    guessed = f"{account.rpartition(':')[0]}:guess@{rest}"

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(guessed)


def test_committed_rows_are_there_again_after_a_crash() -> None:
    with start_or_skip() as server:
        with connect(server.url()) as session:
            session.execute("CREATE TABLE kept (id integer)")
            session.execute("INSERT INTO kept VALUES (7)")

        server.crash()
        server.start()

        with connect(server.url()) as session:
            assert session.execute("SELECT id FROM kept").fetchall() == [(7,)]


@pytest.mark.usefixtures("server")
def test_a_killed_test_process_leaves_neither_a_server_nor_its_data() -> None:
    process = subprocess.Popen([sys.executable, "-c", A_PROCESS_THAT_DIES], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        url, folder = process.stdout.readline().split()

        os.kill(process.pid, signal.SIGKILL)

    wait_until_gone(Path(folder))
    with pytest.raises(psycopg.OperationalError):
        connect(url)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} is still there"
        time.sleep(0.02)

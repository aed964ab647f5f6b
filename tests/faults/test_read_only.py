"""A database that can only be read for a while: reads go on, writes are refused, and both go on by themselves."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from backend.db import Database
from tests import people
from tests.databases import KEYRING, Databases
from tests.faults import stored
from tests.faults.serving import Serving, a_patient, report

REPORTS, AGENDA = "/api/v1/me/reports", "/api/v1/me/agenda"
# Connections of before are found to read only, one at a time, and are replaced: a phone may have to try again.
MOST_TRIES = 10
# Root may write where nobody may. This process gives that right up (CAP_DAC_OVERRIDE) before it becomes ours.
WITHOUT_ROOTS_RIGHTS = (
    sys.executable,
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0);"
    "os.execv(sys.executable, [sys.executable, '-c', 'from backend.cli import main; main()', *sys.argv[1:]])",
)


def tried_until_kept(server: Serving, body: dict[str, Any], who: people.Person) -> list[int]:
    """What each try was answered, as a phone tries."""
    heard: list[int] = []
    while 201 not in heard and len(heard) < MOST_TRIES:
        heard.append(server.call("POST", REPORTS, body, who.headers).status)
    return heard


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """The folder and everything in it, as after a mistake of an administrator."""
    paths = [file.parent, *file.parent.iterdir()]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_sqlite_that_may_only_be_read_refuses_writes_and_recovers_alone(databases: Databases, tmp_path: Path) -> None:
    file = tmp_path / "database" / "followup.sqlite"
    file.parent.mkdir()
    shutil.move(databases.fresh_url("sqlite").removeprefix("sqlite:///"), file)
    db = Database(f"sqlite:///{file}", KEYRING)
    ann, body = people.phone_of(db, a_patient(db)), report()
    # Somebody else has the database open, so its log is there to be read.
    with closing(sqlite3.connect(file)) as other, Serving(db.url, tmp_path, command=WITHOUT_ROOTS_RIGHTS) as server:
        other.execute("SELECT count(*) FROM patient").fetchone()
        server.kill()
        with read_only(file):
            server.start()
            refused = server.call("POST", REPORTS, body, ann.headers)
            read = [server.call("GET", path, headers=ann.headers).status for path in (AGENDA, REPORTS, "/readyz")]
            kept = stored.reports(db)
        again = tried_until_kept(server, body, ann)

    assert refused.is_busy
    assert (read, kept) == ([200, 200, 200], {})
    assert again[-1] == 201
    assert (stored.reports(db), stored.halves(db)) == ({body["id"]: 1}, [])
    db.close()


def set_read_only(server_url: str, name: str, value: str) -> None:
    """For every session that begins from now on; those that are there are ended, as a failover would."""
    with psycopg.connect(server_url.replace("+psycopg", ""), autocommit=True) as connection:
        setting = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        connection.execute(setting.format(sql.Identifier(name), sql.Literal(value)))
        if value == "on":
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ended, [name])


def test_postgres_that_may_only_be_read_refuses_writes_and_recovers_alone(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh_url("postgres")
    name = url.rsplit("/", 1)[1]
    db = Database(url, KEYRING)
    ann, body = people.phone_of(db, a_patient(db)), report()
    with Serving(url, tmp_path) as server:
        set_read_only(databases.server.url(), name, "on")
        refused = server.call("POST", REPORTS, body, ann.headers)
        read = [server.call("GET", path, headers=ann.headers).status for path in (AGENDA, REPORTS, "/readyz")]
        kept = stored.reports(db)
        set_read_only(databases.server.url(), name, "off")
        again = tried_until_kept(server, body, ann)

    assert refused.is_busy
    assert (read, kept) == ([200, 200, 200], {})
    assert again[-1] == 201
    assert (stored.reports(db), stored.halves(db)) == ({body["id"]: 1}, [])
    db.close()
    databases.drop(url)

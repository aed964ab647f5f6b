"""The schema is upgraded by one at a time, wholly or not at all."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from backend import migrations
from backend.db import Database
from backend.errors import DatabaseBusy
from backend.migrations import refuse_other_schema, upgrade
from backend.tables import metadata
from tests.databases import KEYRING, KINDS, Databases
from tests.processes import COMMAND, environment_for

# Dies as the fourth step is about to be noted, with most tables made.
UPGRADE_AND_DIE = """
import os, signal, sys
from sqlalchemy import event
from backend.db import Database
from backend.migrations import upgrade
from tests.databases import KEYRING

def die(_connection, _cursor, statement, parameters, *_):
    if statement.startswith("UPDATE alembic_version") and "0004" in statement + str(parameters):
        os.kill(os.getpid(), signal.SIGKILL)

db = Database(sys.argv[1], KEYRING)
event.listen(db.engine, "before_cursor_execute", die)
upgrade(db)
"""


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    name = "upgraded"
    databases.server.create_database(name)
    yield databases.server.url(name)
    databases.server.drop_database(name)


def is_whole(url: str) -> bool:
    """Whether the schema is the one of this version, to the last column."""
    db = Database(url, KEYRING)
    refuse_other_schema(db)
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    db.close()
    return differences == []


def test_two_upgrades_at_once_are_one_upgrade(empty_url: str, tmp_path: Path) -> None:
    both = [
        subprocess.Popen([*COMMAND, "db", "upgrade"], env=environment_for(empty_url, tmp_path), stderr=subprocess.PIPE)
        for _ in range(2)
    ]

    said = [one.communicate(timeout=60)[1] for one in both]

    # On a file that is not there yet, SQLite may tell the second at once that it comes too early.
    assert 0 in {one.returncode for one in both}
    assert all(one.returncode == 0 or b"run this again" in words for one, words in zip(both, said, strict=True)), said
    assert is_whole(empty_url)


def test_an_upgrade_killed_in_the_middle_leaves_nothing_and_can_be_run_again(empty_url: str) -> None:
    died = subprocess.run([sys.executable, "-c", UPGRADE_AND_DIE, empty_url], timeout=60, check=False)
    db = Database(empty_url, KEYRING)
    left = inspect(db.engine).get_table_names()
    upgrade(db)
    db.close()

    assert (died.returncode, left) == (-9, [])
    assert is_whole(empty_url)


@contextmanager
def another_upgrade(url: str) -> Iterator[None]:
    """Somebody who began one and does not come to an end."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
        return
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [migrations.UPGRADE_LOCK])
        yield


def test_an_upgrade_that_waited_too_long_for_another_says_so(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "SECONDS_TO_WAIT_FOR_ANOTHER", 1)
    db = Database(empty_url, KEYRING)

    with another_upgrade(empty_url), pytest.raises(DatabaseBusy, match="another upgrade"):
        upgrade(db)

    db.close()

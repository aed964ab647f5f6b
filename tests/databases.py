"""Databases for tests: made once per kind and then copied, so that every test has a real one of its own.

A test's commits are real commits. Nothing is rolled back behind the product's back, and threads, processes
and kills work as they do in life.
"""

import itertools
import shutil
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from backend.config import Mode, Settings, SmsGateway
from backend.db import Database, system
from backend.migrations import upgrade
from backend.sealing import Keyring
from seeds.load import load_study
from tests import postgres

KINDS = ("sqlite", "postgres")
MASTER_KEY = "a master key that only the tests use"
INDEX_KEY = "an index key that only the tests use"
SECRET_KEY = "a secret key that only the tests use"
SEEDED = datetime(2026, 2, 1, tzinfo=UTC)
KEYRING = Keyring((MASTER_KEY,), INDEX_KEY, SECRET_KEY)


def settings_of(database_url: str, home: Path) -> Settings:
    """Settings of a process on this database, with the keys of its template."""
    return Settings(
        mode=Mode.TEST,
        home=home,
        database_url=database_url,
        public_url="http://127.0.0.1:8000",
        secret_key=SECRET_KEY,
        data_keys=(MASTER_KEY,),
        index_key=INDEX_KEY,
        sms_gateway=SmsGateway.SIMULATOR,
        smtp_url=None,
        tick_seconds=2.0,
        lease_seconds=90.0,
        threads=4,
        trusted_proxies=0,
        metrics_token="",
        heartbeat_url="",
    )


class Databases:
    """Hands out fresh copies of a migrated database with the study loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)
        self._template: Path | None = None
        self._server: postgres.PostgresServer | None = None

    def fresh_url(self, kind: str) -> str:
        """The address of a new copy."""
        return self._fresh_sqlite() if kind == "sqlite" else self._fresh_postgres()

    def drop(self, url: str) -> None:
        """Forget a copy."""
        if url.startswith("sqlite"):
            # Who was killed left its log and its index behind.
            for ending in ("", "-wal", "-shm"):
                Path(url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)
        elif self._server:
            self._server.drop_database(url.rsplit("/", 1)[1])

    def close(self) -> None:
        """Stop the server, if one was needed."""
        if self._server:
            self._server.stop()

    @property
    def server(self) -> postgres.PostgresServer:
        """The PostgreSQL of this test process, started when first asked for."""
        if self._server is None:
            self._server = postgres.start_or_skip()
            self._server.create_database("template_study")
            prepare(self._server.url("template_study"))
        return self._server

    def _fresh_sqlite(self) -> str:
        if self._template is None:
            self._template = self.folder / "template.sqlite"
            prepare(f"sqlite:///{self._template}")
        copy = self.folder / f"test{next(self.numbers)}.sqlite"
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"

    def _fresh_postgres(self) -> str:
        name = f"test{next(self.numbers)}"
        self.server.create_database(name, template="template_study")
        return self.server.url(name)


def prepare(url: str) -> None:
    """Migrate an empty database and load the study into it."""
    db = Database(url, KEYRING)
    upgrade(db)
    # Before whatever a test's clock says, as in life: an entry dated before an earlier one is a finding.
    with time_machine.travel(SEEDED), db.transaction(system("seed")) as txn:
        load_study(txn)
    # The last connection to go folds SQLite's log into the one file that is copied.
    db.close()

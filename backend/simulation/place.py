"""Where a simulation happens: a database that is thrown away, with keys that nobody keeps."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from backend import demo_clock
from backend.audit_checkpoints import FILE_NAME
from backend.config import Mode, Settings, SmsGateway
from backend.db import Database
from backend.migrations import upgrade
from backend.opening import open_database
from seeds.demo.home import in_a_hurry, refuse_foreign, wipe

SQLITE, FILE = "sqlite", "simulation.sqlite"


@contextmanager
def a_place(database: str, home: Path | None) -> Iterator[Settings]:
    """Settings of a simulation. ``database`` is ``sqlite`` or an address; without a ``home`` all of it is deleted.

    Raises ``NotADemo`` before anything is touched when the address holds something that is not a demo's.
    """
    with TemporaryDirectory(prefix="followup-simulation-", ignore_cleanup_errors=True) as folder:
        yield _settings(database, _made(home or Path(folder)))


@contextmanager
def an_empty_database(settings: Settings) -> Iterator[Database]:
    """A fresh one, migrated and marked as a demo's, so that no production server ever starts on it."""
    _make_room(settings)
    with _opened(settings) as db:
        upgrade(db)
        with db.transaction(demo_clock.DEMO) as txn:
            demo_clock.keep(txn)
        yield db


@contextmanager
def a_copy(original: Settings, home: Path) -> Iterator[tuple[Settings, Database]]:
    """A place like one on SQLite whose database is closed: the same content, so the same keys.

    Raises ``NotADemo`` before anything is touched when there is something that is not a demo's.
    """
    where = _made(home)
    settings = replace(original, home=where, database_url=_address(SQLITE, where))
    _make_room(settings)
    copyfile(original.home / FILE, where / FILE)
    with _opened(settings) as db:
        yield settings, db


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    db = in_a_hurry(open_database(settings))
    try:
        yield db
    finally:
        db.close()


def _make_room(settings: Settings) -> None:
    refuse_foreign(settings)
    wipe(settings)
    # What was said of the last one's audit trail is not true of this one's.
    (settings.home / FILE_NAME).unlink(missing_ok=True)


def _made(folder: Path) -> Path:
    where = folder.expanduser().resolve()
    where.mkdir(parents=True, exist_ok=True)
    return where


def _address(database: str, home: Path) -> str:
    return f"sqlite:///{home / FILE}" if database == SQLITE else database


def _settings(database: str, home: Path) -> Settings:
    return Settings(
        mode=Mode.DEMO,
        home=home,
        database_url=_address(database, home),
        public_url="http://127.0.0.1:8000",
        secret_key=secrets.token_urlsafe(48),
        data_keys=(secrets.token_urlsafe(48),),
        index_key=secrets.token_urlsafe(48),
        # Nobody real is ever written to from here.
        sms_gateway=SmsGateway.SIMULATOR,
        smtp_url=None,
        tick_seconds=2.0,
        lease_seconds=90.0,
        threads=1,
        trusted_proxies=0,
        metrics_token="",
        heartbeat_url="",
    )

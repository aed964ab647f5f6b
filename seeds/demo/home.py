"""The demo's place: a database that may be thrown away, made anew at every start, and the file that describes it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from backend import clock, demo_clock
from backend.audit_checkpoints import FILE_NAME
from backend.config import Settings
from backend.db import Database
from backend.errors import DatabaseBusy, NotADemo
from backend.jobs import work_of
from backend.migrations import upgrade
from backend.opening import open_database
from seeds.demo.past import Company, Past, Progress
from seeds.demo.people import Staff
from seeds.demo.script import Invented

DESCRIPTION = "demo.json"
# What is read again and again while months go by stays in memory.
IN_A_HURRY = ("synchronous = OFF", "cache_size = -65536", "temp_store = MEMORY", "wal_autocheckpoint = 8000")


@dataclass(frozen=True)
class Demo:
    """A demo that is ready to be served."""

    settings: Settings
    staff: Staff
    patients: Sequence[Invented]

    def described(self) -> dict[str, Any]:
        """What programs need to use it: the content of ``demo.json``."""
        staff = [
            {name: str(getattr(one, name)) for name in ("email", "password", "role", "site")}
            for one in self.staff.members
        ]
        return {
            "base_url": self.settings.public_url,
            "staff": staff,
            # Whoever died has no code that signs a phone in, and is for the staff to find.
            "patients": [_described(one) for one in self.patients if one.activation_code],
        }


def _described(one: Invented) -> dict[str, Any]:
    said = {name: one.says[name] for name in ("birth_year", "phone", "arm", "site")}
    return {
        "id": str(one.id),
        "subject_number": one.subject_number,
        "activation_code": one.activation_code,
        **said,
    }


def make_demo(
    settings: Settings,
    *,
    now: datetime | None,
    progress: Progress,
    gather: Callable[[datetime], Company] | None = None,
) -> Demo:
    """A fresh demo whose clock says ``now`` when it is done, or the real time.

    ``gather`` makes the further patients who live until that moment; without it those of the script are alone.
    Raises ``NotADemo`` before anything is touched when the place holds something that is not a demo's.
    """
    for folder in filter(None, (settings.home, _folder_of_sqlite(settings))):
        folder.mkdir(parents=True, exist_ok=True)
    refuse_foreign(settings)
    # Whoever waits for the file must not find the last demo's.
    (settings.home / DESCRIPTION).unlink(missing_ok=True)
    # What was said of the last demo's audit trail is not true of this one's.
    (settings.home / FILE_NAME).unlink(missing_ok=True)
    wipe(settings)
    db = in_a_hurry(open_database(settings))
    try:
        upgrade(db)
        _mark(db)
        begins_at = now or clock.now()
        staff, patients = Past(work_of(db, settings), begins_at, gather(begins_at) if gather else None).build(progress)
        clock.stand_at(None)
        clock.set_ahead(now - clock.wall() if now else timedelta(0))
        _mark(db)
    finally:
        # Whatever went wrong, time goes on.
        clock.stand_at(None)
        db.close()
    return Demo(settings, staff, patients)


def describe(demo: Demo) -> Path:
    """Write ``demo.json``, whole or not at all: its appearance says that the demo can be used."""
    place = demo.settings.home / DESCRIPTION
    draft = place.with_suffix(".draft")
    draft.write_text(json.dumps(demo.described(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    draft.replace(place)
    return place


def refuse_foreign(settings: Settings) -> None:
    """Raise ``NotADemo`` when the database holds anything and is not marked as a demo's."""
    file = _sqlite_file(settings)
    if file and not file.exists():
        return
    db = open_database(settings)
    try:
        is_foreign = bool(inspect(db.engine).get_table_names()) and not demo_clock.is_demo(db)
    except DBAPIError as unreadable:
        if file is None:
            raise DatabaseBusy("The database cannot be reached.") from unreadable
        is_foreign = True
    finally:
        db.close()
    if is_foreign:
        raise NotADemo(f"{file or 'The database'} holds something that is not a demo, so nothing was touched.")


def wipe(settings: Settings) -> None:
    """Throw the last demo away."""
    file = _sqlite_file(settings)
    if file is None:
        _drop_everything(open_database(settings))
        return
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _drop_everything(db: Database) -> None:
    quoted = db.engine.dialect.identifier_preparer.quote
    try:
        with db.engine.begin() as connection:
            for table in inspect(connection).get_table_names():
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {quoted(table)} CASCADE")
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS refuse_change()")
    except DBAPIError as failure:
        raise DatabaseBusy("The last demo is still in use; stop it first.") from failure
    finally:
        db.close()


def _mark(db: Database) -> None:
    """Only a demo has this row."""
    with db.transaction(demo_clock.DEMO) as txn:
        demo_clock.keep(txn)


def _sqlite_file(settings: Settings) -> Path | None:
    database = make_url(settings.database_url).database
    return Path(database) if settings.is_sqlite and database else None


def _folder_of_sqlite(settings: Settings) -> Path | None:
    file = _sqlite_file(settings)
    return file.parent if file else None


def in_a_hurry(db: Database) -> Database:
    """Commits need not survive a power cut while this is being made: it would be made anew."""
    said = [f"PRAGMA {pragma}" for pragma in IN_A_HURRY] if db.is_sqlite else ["SET synchronous_commit = off"]

    def hasten(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Outside a transaction: undone with another, the setting would be too.
        with _at_once(connection, db):
            cursor = connection.cursor()
            for statement in said:
                cursor.execute(statement)
            cursor.close()

    # Those who read have connections of their own on SQLite, and share them on PostgreSQL.
    for pool in {db.engine.pool, db.readers.pool}:
        event.listen(pool, "connect", hasten)
    return db


@contextmanager
def _at_once(connection: Any, db: Database) -> Iterator[None]:
    """PostgreSQL's driver begins a transaction for whatever is said, unless told not to; SQLite's does not."""
    if not db.is_sqlite:
        connection.autocommit = True
    yield
    if not db.is_sqlite:
        connection.autocommit = False

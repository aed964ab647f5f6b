"""Putting a backup back: into an empty place, in one transaction, safe before anybody can see it.

On SQLite everything is built beside the database and renamed into place at the end; on PostgreSQL nothing is
there until the one commit. Whoever is killed in the middle leaves nothing that a server would start on.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.engine import make_url

from backend.audit_checkpoints import FILE_NAME
from backend.backups.aftermath import Aftermath, make_safe
from backend.backups.archive import Archive, keep_folder, opened, stamp
from backend.backups.make import Progress, counting, tables
from backend.backups.rows import load
from backend.config import Settings
from backend.db import Database, lift_time_limits, system
from backend.errors import BadBackup, NotEmpty
from backend.migrations import is_ours, upgrade_within
from backend.sealing import Keyring, keep_key_checks, refuse_wrong_keys
from backend.tables import metadata

OPERATOR = system("restore")
BESIDE = ".restoring-"


@dataclass(frozen=True)
class Restored:
    """What was put back, what became of it, and where the database before it is kept."""

    made_at: datetime
    aftermath: Aftermath
    kept_aside: Path | None


def restore(settings: Settings, place: Path, *, replace: bool, rest: timedelta, progress: Progress) -> Restored:
    """Put the backup at ``place`` where the settings say the database is.

    ``rest`` is how long nothing is sent to patients afterwards (``aftermath``); ``replace`` moves an SQLite file
    that is there aside. Raises ``NotEmpty`` where there is a database already, ``BadBackup`` for a file that is
    damaged, altered or newer than this program, and ``WrongDataKey`` and its like for other keys.
    """
    keyring = Keyring(settings.data_keys, settings.index_key, settings.secret_key)
    settings.home.mkdir(parents=True, exist_ok=True)
    with opened(place, keyring) as archive:
        if not is_ours(archive.manifest["schema"]):
            raise BadBackup(f"A newer version of this program made it ({archive.manifest['schema']}); use that one.")
        fill = _Fill(archive, keyring, rest, progress)
        if settings.is_sqlite:
            return _into_a_file(settings, fill, replace=replace)
        db = Database(settings.database_url, keyring)
        try:
            with _checkpoints_of(settings, archive):
                aftermath = fill.into(db)
        finally:
            db.close()
        return Restored(fill.made_at, aftermath, None)


@dataclass(frozen=True)
class _Fill:
    """Everything that is needed to fill an empty database."""

    archive: Archive
    keyring: Keyring
    rest: timedelta
    progress: Progress

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.archive.manifest["made_at"])

    def into(self, db: Database) -> Aftermath:
        """Schema, rows, the later steps of the schema, and what must be true before anything starts: one commit."""
        with db.transaction(OPERATOR) as txn:
            lift_time_limits(txn)
            connection = txn.session.connection()
            if inspect(connection).get_table_names():
                raise NotEmpty("The database is not empty. Make an empty one, and restore into that.")
            upgrade_within(connection, to=self.archive.manifest["schema"])
            self._rows(connection)
            upgrade_within(connection)
            keep_key_checks(connection, self.keyring)
            refuse_wrong_keys(txn)
            return make_safe(txn, made_at=self.made_at, rest=self.rest)

    def _rows(self, connection: Connection) -> None:
        columns = self.archive.manifest["columns"]
        unknown = columns.keys() - metadata.tables.keys()
        if unknown:
            raise BadBackup(f"It has tables that this version does not know: {', '.join(sorted(unknown))}.")
        tick = counting(sum(self.archive.manifest["rows"].values()), self.progress)
        for table in tables():
            if table.name in columns:
                load(connection, table, columns[table.name], self.archive.lines(f"{table.name}.jsonl"), tick)
                _number_on(connection, table)


def _number_on(connection: Connection, table: Table) -> None:
    """Rows came with their numbers, so the counter that gives the next one must be told."""
    column = table.autoincrement_column
    if column is not None and connection.dialect.name == "postgresql":
        counter = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
        connection.execute(
            text(f"SELECT setval({counter}, COALESCE((SELECT max({column.name}) FROM {table.name}), 0) + 1, false)")
        )


def _into_a_file(settings: Settings, fill: _Fill, *, replace: bool) -> Restored:
    file = Path(make_url(settings.database_url).database or "")
    _refuse_to_overwrite(file, replace=replace)
    draft = file.with_name(f"{file.name}{BESIDE}{os.getpid()}")
    _sweep(file)
    # Made before SQLite opens it, so that it is never readable by others.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        db = Database(f"sqlite:///{draft}", fill.keyring)
        try:
            aftermath = fill.into(db)
        finally:
            # The last connection to go folds SQLite's log into the one file that is renamed.
            db.close()
        with _checkpoints_of(settings, fill.archive):
            aside = _move_aside(file)
            draft.rename(file)
            keep_folder(file.parent)
    finally:
        _sweep(file)
    return Restored(fill.made_at, aftermath, aside)


def _refuse_to_overwrite(file: Path, *, replace: bool) -> None:
    if not file.exists():
        return
    if not replace:
        raise NotEmpty(f"{file} is there already. With --replace it is moved aside and kept.")
    connection = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        # Only whoever is alone with the file may take it out of WAL mode; its log is folded into it on the way.
        alone = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
    except sqlite3.OperationalError:
        alone = False
    except sqlite3.DatabaseError:
        # It is no database any more, which may be the very reason for restoring one.
        alone = True
    finally:
        connection.close()
    if not alone:
        raise NotEmpty(f"{file} is in use. Stop every `followup serve` and `followup work` first.")


def _move_aside(file: Path) -> Path | None:
    if not file.exists():
        return None
    aside = file.with_name(f"{file.name}.before-{stamp()}")
    for suffix in ("-wal", "-shm"):
        log = file.with_name(file.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    file.rename(aside)
    return aside


def _sweep(file: Path) -> None:
    """What a restore that was killed has left."""
    for left in file.parent.glob(f"{file.name}{BESIDE}*"):
        left.unlink()


@contextmanager
def _checkpoints_of(settings: Settings, archive: Archive) -> Iterator[None]:
    """The checkpoints that belong to the rows, in place once they are; those before them are kept aside."""
    kept = settings.home / FILE_NAME
    draft = kept.with_name(f"{FILE_NAME}{BESIDE}{os.getpid()}")
    lines = list(archive.lines(FILE_NAME))
    draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    try:
        yield
        if kept.exists():
            kept.rename(kept.with_name(f"{FILE_NAME}.before-{stamp()}"))
        if lines:
            draft.rename(kept)
    finally:
        draft.unlink(missing_ok=True)

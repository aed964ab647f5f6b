"""Making a backup while everybody works: one moment of the database, copied table by table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Table, func, select

from backend import clock
from backend.audit_checkpoints import FILE_NAME
from backend.audit_seals import AuditChain
from backend.backups.archive import appearing_whole, stamp
from backend.backups.rows import lines_of
from backend.backups.trace import BACKED_UP, leave_trace
from backend.config import Settings
from backend.db import Database, Transaction, system
from backend.errors import BadBackup
from backend.fsck import see_one_moment
from backend.fsck.schema import broken_references, damaged_pages
from backend.migrations import newest_schema
from backend.sealing import keyring_of
from backend.tables import metadata

OPERATOR = system("backup")

# Counts of attempts and workers' beats are of the running server, and mean nothing in another.
LEFT_OUT = frozenset({"attempt_count", "worker_heartbeat"})
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """A backup that is on the disk."""

    place: Path
    rows: int
    bytes: int


def tables() -> list[Table]:
    """Every table that belongs into a backup, those that others refer to first."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def make(db: Database, settings: Settings, place: Path, progress: Progress) -> Made:
    """Write a backup to ``place``, a file that is not there yet or a folder, and leave a trace in the audit trail.

    Raises ``BadBackup`` when the name is taken, the schema is another version's, or the database is damaged: a
    copy of that would only look like a backup.
    """
    place = _file_in(place)
    # Read before the rows, so that no checkpoint speaks of an entry that the rows do not hold yet.
    checkpoints = _lines(settings.home / FILE_NAME)
    with db.reading(OPERATOR) as txn, appearing_whole(place) as writer:
        see_one_moment(txn)
        said = _describe(txn)
        total = sum(said["rows"].values())
        tick = counting(total, progress)
        for table in tables():
            writer.add_lines(f"{table.name}.jsonl", lines_of(txn.session.connection(), table, tick))
        writer.add_lines(FILE_NAME, checkpoints)
        manifest = writer.close_with(said, keyring_of(txn))
        _refuse_damage(txn)
    with db.transaction(OPERATOR) as txn:
        leave_trace(txn, BACKED_UP, manifest["made_at"])
    return Made(place, total, place.stat().st_size)


def _file_in(place: Path) -> Path:
    if not place.is_dir():
        return place
    return place / f"followup-{stamp()}.backup"


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _describe(txn: Transaction) -> dict[str, Any]:
    """What the manifest says of the whole, counted in the same moment of the database as the rows are copied."""
    connection = txn.session.connection()
    schema = MigrationContext.configure(connection).get_current_revision()
    if schema != newest_schema():
        raise BadBackup(f"The schema is at {schema}; only the program of that version can make a backup of it.")
    rows = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables()}
    heads = select(AuditChain.chain, AuditChain.seq, AuditChain.hash).order_by(AuditChain.chain)
    return {
        "made_at": clock.wall().isoformat(),
        "program": version("followup"),
        "schema": schema,
        "rows": rows,
        "columns": {table.name: [column.name for column in table.columns] for table in tables()},
        "audit_heads": [list(row) for row in connection.execute(heads)],
    }


def counting(total: int, progress: Progress) -> Callable[[int], None]:
    """What is told how many more are done, and tells ``progress`` how many are by now, and of how many."""
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return tick


def _refuse_damage(txn: Transaction) -> None:
    found: Iterator[str] = (said for look in (damaged_pages, broken_references) for said in look(txn))
    first = next(found, None)
    if first is not None:
        raise BadBackup(f"The database is damaged ({first}), and no backup was made. Keep the earlier ones.")

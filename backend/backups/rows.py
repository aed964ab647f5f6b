"""Rows as lines of JSON and back, exactly: the audit trail is hashed over what is stored."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Table, Uuid, insert, select
from sqlalchemy.types import Date, Time

from backend.db import UTCDateTime
from backend.errors import BadBackup

BATCH = 1_000


def lines_of(connection: Connection, table: Table, tick: Callable[[int], None]) -> Iterator[str]:
    """Every row of the table, in the order of its columns, a batch in memory at a time."""
    found = connection.execute(select(table), execution_options={"stream_results": True, "max_row_buffer": BATCH})
    for batch in found.partitions(BATCH):
        for row in batch:
            yield json.dumps(list(row), ensure_ascii=False, separators=(",", ":"), default=_as_text)
        tick(len(batch))


def load(
    connection: Connection, table: Table, columns: Sequence[str], lines: Iterator[str], tick: Callable[[int], None]
) -> None:
    """Put the rows back, a batch at a time. Raises ``BadBackup`` for columns that this program does not have."""
    unknown = [name for name in columns if name not in table.columns]
    if unknown:
        raise BadBackup(f"It has columns of {table.name} that this version does not know: {', '.join(unknown)}.")
    readers = [_reader(table.columns[name]) for name in columns]
    batch: list[dict[str, Any]] = []
    for line in lines:
        values = json.loads(line)
        read = (
            reader(value) if reader and value is not None else value
            for reader, value in zip(readers, values, strict=True)
        )
        batch.append(dict(zip(columns, read, strict=True)))
        if len(batch) == BATCH:
            _insert(connection, table, batch, tick)
            batch = []
    if batch:
        _insert(connection, table, batch, tick)


def _insert(connection: Connection, table: Table, batch: list[dict[str, Any]], tick: Callable[[int], None]) -> None:
    connection.execute(insert(table), batch)
    tick(len(batch))


def _as_text(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"A {type(value).__name__} cannot be kept in a backup.")


def _reader(column: Column[Any]) -> Callable[[str], object] | None:
    match column.type:
        case Uuid():
            return UUID
        case UTCDateTime():
            return datetime.fromisoformat
        case Date():
            return date.fromisoformat
        case Time():
            return time.fromisoformat
    return None

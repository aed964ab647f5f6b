"""How fast messages are planned: ``do.py bench plan --database postgres --patients 10000``.

The planner's own job fills the outbox of a whole study up to its horizon; then as many rows of the same columns are
put into an equal table, with nothing decided about them, in one bulk insert. The job also runs a second time, as it
does every few minutes of a trial, and finds everything planned.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, func, insert, select

from backend import clock
from backend.db import Base, Database, lift_time_limits
from backend.jobs import Work
from notifications.dispatcher import Counts
from notifications.models import Message
from notifications.templates import load_templates
from tests.bench.plan_ground import BENCH, NOW, make_patients
from tests.bench.submit import in_memory
from tests.databases import KEYRING, KINDS, Databases, settings_of

PATIENTS = 10_000
AT_ONCE = 10_000
SLICES = 3


@dataclass(frozen=True)
class Measured:
    """Seconds of the job on an empty outbox, of the bare inserts, and of the job when nothing is to be done."""

    patients: int
    rows: int
    planning: float
    bare: Sequence[float]
    again: float

    @property
    def usual_bare(self) -> float:
        """The middle one of the bare inserts."""
        return sorted(self.bare)[len(self.bare) // 2]

    @property
    def ratio(self) -> float:
        """Which part of a bare insert's rate planning reaches."""
        return self.usual_bare / self.planning


def bench_plan(words: Sequence[str]) -> None:
    """Make a study, plan it, and print how long that took."""
    parser = argparse.ArgumentParser(prog="do.py bench plan")
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--folder", type=Path, default=in_memory(), help="where SQLite's database stands meanwhile")
    wanted = parser.parse_args(words)
    for kind in KINDS if wanted.database == "both" else [wanted.database]:
        with (
            tempfile.TemporaryDirectory(prefix="followup-bench-", dir=wanted.folder) as folder,
            closing(Databases(Path(folder))) as made,
        ):
            measured = measure(made.fresh_url(kind), Path(folder), wanted.patients)
        print("\n".join(lines(kind, measured)), flush=True)


def measure(url: str, folder: Path, patients: int) -> Measured:
    """All of it on an empty study's database at this address."""
    with closing(Database(url, KEYRING)) as db:
        make_patients(db, patients, _tell)
        _tell_the_planner(db)
        work = Work(db, settings_of(url, folder), {}, load_templates())
        clock.move_to(NOW)
        try:
            planning, first = _timed_plan(work)
            again, second = _timed_plan(work)
        finally:
            clock.set_ahead(timedelta(0))
        rows = _rows(db)
        assert first["queued"] == len(rows), "The job queued another number of messages than there are."
        assert not any(second.values()), f"Nothing has changed, and yet: {second}"
        _tell(f"{len(rows):,} messages planned")
        return Measured(patients, len(rows), planning, _bare(db, rows), again)


def lines(kind: str, measured: Measured) -> Iterator[str]:
    """What is printed."""
    rows, bare = measured.rows, measured.usual_bare
    yield f"{kind}: {measured.patients:,} patients, {rows:,} messages within the horizon"
    yield f"{kind}: planned in   {measured.planning:7.2f} s: {rows / measured.planning:9,.0f} rows/s"
    yield f"{kind}: bare inserts {bare:7.2f} s: {rows / bare:9,.0f} rows/s (the middle one of {len(measured.bare)})"
    spread = f"{min(measured.bare) / measured.planning:.3f} to {max(measured.bare) / measured.planning:.3f}"
    yield f"{kind}: ratio {measured.ratio:.3f} ({spread}): planned rows/s over bare rows/s"
    each = measured.again / measured.patients * 1000
    yield f"{kind}: planned again with nothing to do in {measured.again:.2f} s, {each:.2f} ms a patient"


def _timed_plan(work: Work) -> tuple[float, Counts]:
    begun = time.perf_counter()
    counts = work.plan()
    return time.perf_counter() - begun, counts


def _rows(db: Database) -> list[dict[str, Any]]:
    """What was planned, as it is stored."""
    with db.reading(BENCH) as txn:
        lift_time_limits(txn)
        return [dict(row._mapping) for row in txn.connection.execute(select(Message.__table__))]


def _bare(db: Database, rows: Sequence[dict[str, Any]]) -> list[float]:
    """Seconds that the same rows take, each time into an equal table that is empty."""
    table = _equal_table()
    took = []
    for _ in range(SLICES):
        table.create(db.engine)
        begun = time.perf_counter()
        with db.transaction(BENCH) as txn:
            lift_time_limits(txn)
            for first in range(0, len(rows), AT_ONCE):
                txn.connection.execute(insert(table), rows[first : first + AT_ONCE])
        took.append(time.perf_counter() - begun)
        with db.reading(BENCH) as txn:
            assert txn.connection.scalar(select(func.count()).select_from(table)) == len(rows)
        table.drop(db.engine)
    return took


def _equal_table() -> Table:
    """The outbox under another name: the same columns, keys and indexes."""
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        if table.name != Message.__tablename__:
            table.to_metadata(metadata)
    equal = Base.metadata.tables[Message.__tablename__].to_metadata(metadata, name="bare_message")
    # The names of indexes, and a primary key is one, are the whole schema's.
    for named in (*equal.indexes, equal.primary_key):
        named.name = f"bare_{named.name}"
    return equal


def _tell_the_planner(db: Database) -> None:
    """Of the rows that were made, as housekeeping would within a minute."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _tell(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)

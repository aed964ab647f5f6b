"""How fast a page of the queue is read, the first one and one deep in it: ``do.py bench queue --rows 1000000``.

The candidates are made up; the pages are read by the function that the API calls, each in a transaction of its own,
first and deep ones in turn, so that whatever else the machine does slows both alike.
"""

import argparse
import itertools
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import time_machine
from sqlalchemy import ColumnElement, func, insert, select, text, true

from backend.db import Database, Transaction, lift_time_limits, system
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.triage.models import OPEN, CandidateEvent
from backend.triage.queue import Page, Place, queue
from tests import people
from tests.bench.audit import a_database, timed
from tests.databases import KINDS
from tests.triage.rows import columns

BENCH = system("bench")
BEGUN = datetime(2027, 3, 1, tzinfo=UTC)
SITES = ("site-01", "site-02", "site-03")
# So many are made one by one; the others are copies of them, each later by some seconds.
MADE = 2_500
PLACES = 200
SAMPLES = 2_000
GATE = 1.2
STANDING: Sequence[tuple[str, str]] = (
    *[("T3", "acknowledged")] * 7,
    *[("T3", "proposed")] * 4,
    *[("T2", "acknowledged")] * 4,
    *[("T2", "proposed")] * 2,
    ("T1", "acknowledged"),
    ("T3", "needs_info"),
    ("T3", "dismissed"),
    ("T2", "confirmed"),
)
# What differs from the row that is copied, in each database's own words. SQLite keeps moments as text.
COPIED: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "id": "lower(hex(randomblob(16)))",
        "due_at": "strftime('%Y-%m-%d %H:%M:%f', due_at, '+' || copy.number || ' seconds') || '000'",
        "numbers": "WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number+1 FROM copy WHERE number < :most)",
    },
    "postgresql": {
        "id": "gen_random_uuid()",
        "due_at": "due_at + copy.number * interval '1 second'",
        "numbers": "WITH copy(number) AS (SELECT generate_series(1, :most))",
    },
}


@dataclass(frozen=True)
class Seconds:
    """How long first pages and deep ones took."""

    first: Sequence[float]
    deep: Sequence[float]

    def percentile(self, which: Sequence[float], percent: int) -> float:
        """The time that so many of a hundred pages took at most."""
        return sorted(which)[min(len(which) - 1, len(which) * percent // 100)]

    @property
    def ratio(self) -> float:
        """The p99 of a deep page over the p99 of the first one."""
        return self.percentile(self.deep, 99) / self.percentile(self.first, 99)

    def __str__(self) -> str:
        """Milliseconds, for a person."""
        both = {"first page": self.first, "deep page": self.deep}
        told = [
            f"{name} p50 {self.percentile(each, 50) * 1000:.2f} ms, p99 {self.percentile(each, 99) * 1000:.2f} ms"
            for name, each in both.items()
        ]
        return f"{'; '.join(told)}; p99 deep / p99 first = {self.ratio:.2f}"


def bench_queue(words: Sequence[str]) -> None:
    """Fill a queue, read it, print how long that took; ends with an error above the gate."""
    parser = argparse.ArgumentParser(prog="do.py bench queue")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--no-gate", action="store_true", help="measure only")
    wanted = parser.parse_args(words)
    measured = {}
    for kind in KINDS if wanted.database == "both" else [wanted.database]:
        with a_database(kind) as db:
            seconds = timed(lambda: fill(db, wanted.rows))
            print(f"{kind}: {wanted.rows:,} candidates made in {seconds:.1f} s", flush=True)
            for whose, visible in views(db).items():
                measured[f"{kind}, {whose}"] = measure(db, visible, wanted.samples)
                print(f"{kind}, {whose}: {measured[f'{kind}, {whose}']}", flush=True)
    slow = [name for name, found in measured.items() if found.ratio > GATE]
    if slow and not wanted.no_gate:
        sys.exit(f"Deep pages are more than {GATE} times as slow as the first one: {'; '.join(slow)}.")


def fill(db: Database, rows: int) -> None:
    """So many candidates of a few patients at three sites, nine of ten open, a few of those snoozed."""
    with time_machine.travel(BEGUN):
        patients = [people.ann(db, site, phone=None) for site in SITES for _ in range(2)]
    made = min(rows, MADE)
    with db.transaction(BENCH) as txn:
        lift_time_limits(txn)
        txn.session.execute(insert(CandidateEvent), [candidate(number, patients) for number in range(made)])
        copies = rows // made - 1
        if copies:
            txn.session.execute(text(copying(txn)), {"most": copies})
    if not db.is_sqlite:
        # As its housekeeping would within a minute.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE candidate_event"))


def candidate(number: int, patients: Sequence[Patient]) -> dict[str, Any]:
    """One made-up candidate. They come in no order, as in life."""
    chance = random.Random(number)
    tier, status = STANDING[number % len(STANDING)]
    whose, due_at = patients[number % len(patients)], BEGUN + timedelta(seconds=chance.randrange(400 * 86_400))
    level = {"tier": tier, "composite": chance.randrange(4), "grade": None}
    is_expected = status == "acknowledged" and tier != "T1" and number % 13 == 0
    return columns(
        whose,
        id=uuid4(),
        tier=tier,
        status=status,
        due_at=due_at,
        worst=level,
        latest=level,
        needs_review=number % 50 == 0,
        report_count=1 + number % 9,
        snoozed_until=BEGUN + timedelta(days=36_500) if is_expected else None,
        snoozed_level=level if is_expected else None,
    )


def copying(txn: Transaction) -> str:
    """The statement that makes ``:most`` copies of every row there is."""
    own = COPIED[txn.session.get_bind().dialect.name]
    names = [column.key for column in CandidateEvent.__table__.columns]
    values = [own.get(name, name) for name in names]
    # PostgreSQL wants the rows' names first and SQLite takes them there as well.
    into = f"INSERT INTO candidate_event ({', '.join(names)})"
    return f"{into} {own['numbers']} SELECT {', '.join(values)} FROM candidate_event CROSS JOIN copy"


def views(db: Database) -> dict[str, ColumnElement[bool]]:
    """Whose queue: that of all sites, and that of one."""
    with db.reading(BENCH) as txn:
        site = txn.session.scalars(select(Site.id).where(Site.code == SITES[0])).one()
    return {"all sites": true(), "one site": CandidateEvent.site_id.in_([site])}


def measure(db: Database, visible: ColumnElement[bool], samples: int) -> Seconds:
    """Read first and deep pages in turn."""
    places = deep_places(db, visible)
    first: list[float] = []
    deep: list[float] = []
    # Connections, statements and plans are made before anything counts.
    for place in itertools.islice(itertools.cycle(places), 30):
        page(db, visible, None), page(db, visible, place)
    for number in range(samples):
        # Each comes first as often as the other, and what it leaves in the processor's memory favours neither.
        turns: list[Callable[[], None]] = [
            lambda: first.append(timed(lambda: page(db, visible, None))),
            lambda: deep.append(timed(lambda: page(db, visible, places[number % len(places)]))),  # noqa: B023
        ]
        for turn in turns if number % 2 else reversed(turns):
            turn()
    return Seconds(first, deep)


def page(db: Database, visible: ColumnElement[bool], after: Place | None) -> Page:
    """One page, as a request reads it."""
    with db.reading(BENCH) as txn:
        return queue(txn, visible, after=after)


def deep_places(db: Database, visible: ColumnElement[bool]) -> list[Place]:
    """Places all over the further half of the queue, in no order."""
    key = (CandidateEvent.tier, CandidateEvent.due_at, CandidateEvent.id)
    ranked = select(*key, func.row_number().over(order_by=key).label("rank")).where(visible, OPEN).subquery()
    with db.reading(BENCH) as txn:
        lift_time_limits(txn)
        many = txn.session.scalar(select(func.count()).select_from(ranked)) or 0
        step = max(1, many // 2 // PLACES)
        wanted = select(ranked.c.tier, ranked.c.due_at, ranked.c.id).where(
            ranked.c.rank > many // 2, ranked.c.rank <= many - 60, ranked.c.rank % step == 0
        )
        places = [(str(row.tier), row.due_at, UUID(str(row.id))) for row in txn.session.execute(wanted)]
    random.Random(1).shuffle(places)
    return places

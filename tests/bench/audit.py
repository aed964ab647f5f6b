"""How fast the audit trail is sealed and verified: ``do.py bench audit --entries 1000000 --database postgres``.

The entries are made up, as long as real ones; everything after that is the code that runs in a trial.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from backend.audit import AuditEvent
from backend.audit_seals import Sealer
from backend.audit_verification import verify
from backend.db import Database, system
from backend.staff.models import Site
from tests.databases import KEYRING, KINDS, Databases

BATCH = 20_000
BEGUN = datetime(2027, 3, 1, tzinfo=UTC)
# (verb, table, field, old, new): what a trial mostly writes. The fourth is a sealed number, the fifth a report.
TYPICAL: Sequence[tuple[str, str, str, str | None, str | None]] = (
    ("agenda.replied", "agenda_fact", "reply", None, "coming"),
    ("infusion.confirmed", "treatment_cycle", "day_1_on", "2027-03-17", "2027-03-18"),
    ("report.submitted", "symptom_report", "completed_at", None, "2027-03-01T01:01:44+00:00"),
    ("patient.changed", "patient", "phone_sealed", "Qk3vN1" * 12, "pL0zR8" * 12),
    ("report.submitted", "symptom_report", "answers", None, '[{"item":"nausea.frequency","value":3},' * 6 + "]"),
    ("candidate.acknowledged", "candidate_event", "status", "proposed", "acknowledged"),
)


def bench_audit(words: Sequence[str]) -> None:
    """Make a trail, seal it, verify it; print how long each took."""
    parser = argparse.ArgumentParser(prog="do.py bench audit")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    wanted = parser.parse_args(words)
    for kind in KINDS if wanted.database == "both" else [wanted.database]:
        with a_database(kind) as db:
            seconds = timed(lambda: fill(db, wanted.entries))
            print(f"{kind}: {wanted.entries} entries made in {seconds:.1f} s", flush=True)
            measure(db, kind)


def measure(db: Database, kind: str) -> None:
    """Seal all there is, verify it, and stop with an error unless it is whole."""
    sealed: list[int] = []
    seconds = timed(lambda: sealed.append(Sealer(db).seal_waiting()["sealed"]))
    print(f"{kind}: sealed {sealed[0]} entries in {seconds:.2f} s: {sealed[0] / seconds:,.0f} entries/s", flush=True)
    for processes in (1, 0):
        begun = time.perf_counter()
        verdict = verify(db, processes=processes or None)
        seconds = time.perf_counter() - begun
        assert verdict.is_sound, verdict
        assert verdict.entries == sealed[0]
        how = "in one process" if processes else "as `followup audit verify` does"
        rate = verdict.entries / seconds
        print(f"{kind}: verified {verdict.entries} entries in {seconds:.2f} s {how}: {rate:,.0f} entries/s", flush=True)


def fill(db: Database, entries: int) -> None:
    """So many entries, of all sites in turn."""
    with db.reading(system("bench")) as txn:
        sites: list[UUID | None] = [*txn.session.scalars(select(Site.id)), None]
    for first in range(0, entries, BATCH):
        with db.transaction(system("bench")) as txn:
            rows = [entry(number, sites) for number in range(first, min(first + BATCH, entries))]
            txn.session.execute(insert(AuditEvent), rows)


def entry(number: int, sites: Sequence[UUID | None]) -> dict[str, Any]:
    """One made-up entry."""
    verb, table, field, old, new = TYPICAL[number % len(TYPICAL)]
    # Sites follow each other in runs, as acts with many fields do.
    site_id = sites[number // 8 % len(sites)]
    return {
        "at": BEGUN + timedelta(seconds=number, microseconds=number * 7919 % 1_000_000),
        "verb": verb,
        "originator": "patient" if number % 3 else "site",
        "actor_id": UUID(int=number % 400 + 1),
        "actor_name": "" if number % 3 == 0 else f"02-{number % 400:04}",
        "role": None if number % 3 else "coordinator",
        "site_id": site_id,
        "patient_id": site_id and UUID(int=number % 300 + 1000),
        "record_type": table,
        "record_id": str(UUID(int=number)),
        "field": field,
        "old": old,
        "new": new,
        "reason": "donor was ill" if number % 50 == 0 else None,
        "reason_sealed": None,
        "request_id": f"{number // 6:016x}",
    }


def timed(act: Any) -> float:
    """Seconds it took."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


@contextmanager
def a_database(kind: str) -> Iterator[Database]:
    """A database with the study loaded, gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        made = Databases(Path(folder))
        db = Database(made.fresh_url(kind), KEYRING)
        try:
            yield db
        finally:
            db.close()
            made.close()

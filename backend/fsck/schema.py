"""The database itself: the tables this program expects, their references, and the triggers that keep history."""

from collections.abc import Iterator
from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from backend.db import Transaction
from backend.fsck.invariant import Invariant
from backend.tables import metadata

APPEND_ONLY = (
    *import_module("backend.migrations.versions.0005_append_only").TABLES,
    "audit_seal",
    "voided_evidence",
    *import_module("backend.migrations.versions.0013_adverse_events").APPEND_ONLY,
    *import_module("backend.migrations.versions.0015_contact_attempts").APPEND_ONLY,
    *import_module("backend.migrations.versions.0016_conversations").APPEND_ONLY,
)
ACTS = {"sqlite": ("update", "delete"), "postgresql": ("update", "delete", "truncate")}
STANDING_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    # One that is switched off guards nothing.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
}
UNCHECKED_REFERENCES = "SELECT conrelid::regclass || ' ' || conname FROM pg_constraint WHERE NOT convalidated"
SILENCED_REFERENCES = (
    "SELECT DISTINCT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE tgisinternal AND tgenabled = 'D'"
)


def differing_from_the_models(txn: Transaction) -> Iterator[str]:
    """What a migration would have to change; each as the table or column it is about."""
    context = MigrationContext.configure(txn.session.connection(), opts={"compare_type": True})
    for difference in compare_metadata(context, metadata):
        steps = difference if isinstance(difference, list) else [difference]
        for step in steps:
            yield " ".join(str(getattr(part, "name", part)) for part in step[:4] if part is not None)


def missing_triggers(txn: Transaction) -> Iterator[str]:
    """Append-only tables that somebody has opened to change."""
    kind = txn.session.get_bind().dialect.name
    standing = set(txn.session.scalars(text(STANDING_TRIGGERS[kind])))
    for table in APPEND_ONLY:
        for act in ACTS[kind]:
            if f"{table}_no_{act}" not in standing:
                yield f"{table}_no_{act}"


def broken_references(txn: Transaction) -> Iterator[str]:
    """Rows that point at nothing; on PostgreSQL, references that are not (any longer) enforced."""
    if not txn.database.is_sqlite:
        for query in (UNCHECKED_REFERENCES, SILENCED_REFERENCES):
            yield from txn.session.scalars(text(query))
        return
    for table, row, parent, _ in txn.session.execute(text("PRAGMA foreign_key_check")):
        yield f"{table} row {row} -> {parent}"


def damaged_pages(txn: Transaction) -> Iterator[str]:
    """What SQLite finds wrong with its own file. PostgreSQL has checksums and ``pg_amcheck`` for that."""
    if txn.database.is_sqlite:
        for said in txn.session.scalars(text("PRAGMA quick_check(5)")):
            if said != "ok":
                # Its words quote nothing but page and index names.
                yield str(said)


INVARIANTS = (
    Invariant("schema.file", "The database's file is whole", damaged_pages),
    Invariant("schema.models", "The tables are those this program was written for", differing_from_the_models),
    Invariant("schema.append_only", "What may only be added to is guarded by its triggers", missing_triggers),
    Invariant("schema.references", "Every reference leads to a row", broken_references),
)

"""A sealed trail, and somebody with the database's password who means no good."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from backend.audit import AuditEvent
from backend.audit_checkpoints import FILE_NAME
from backend.audit_defects import Defect
from backend.audit_seals import AuditSeal, Sealer
from backend.audit_text import SEALED_COLUMNS
from backend.audit_verification import verify
from backend.db import Database, system

CHAIN = "study"


def sealed(db: Database) -> int:
    """Seal what waits; says how many."""
    return Sealer(db).seal_waiting()["sealed"]


def only_defect(db: Database, home: Path | None = None) -> Defect:
    """What verifying names, which must be one thing in one chain."""
    (found,) = verify(db, checkpoints=home / FILE_NAME if home else None).defects
    return found


def entry_at(db: Database, seq: int, chain: str = CHAIN) -> int:
    """The id of the entry sealed at this place."""
    with db.reading(system("test")) as txn:
        found = select(AuditSeal.entry_id).where(AuditSeal.chain == chain, AuditSeal.seq == seq)
        return txn.session.scalars(found).one()


def length(db: Database, chain: str = CHAIN) -> int:
    """How many entries the chain has."""
    with db.reading(system("test")) as txn:
        return len(txn.session.scalars(select(AuditSeal.seq).where(AuditSeal.chain == chain)).all())


def rendered(entry: AuditEvent) -> bytes:
    """The text of an entry as plain Python writes it."""

    def one(name: str, kind: str) -> str | None:
        value = getattr(entry, name)
        if value is None:
            return None
        if kind == "instant":
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        return str(value.hex) if kind == "uuid" else str(value)

    fields = [one(name, kind) for name, kind in SEALED_COLUMNS.items()]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Vandal:
    """Writes whatever it likes: the triggers are out of its way."""

    def __init__(self, db: Database) -> None:
        self.db = db
        for table in ("audit_event", "audit_seal"):
            if not db.is_sqlite:
                self.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                continue
            self.run(f"DROP TRIGGER {table}_no_update")
            self.run(f"DROP TRIGGER {table}_no_delete")

    def run(self, statement: str, **values: Any) -> None:
        """One statement, committed."""
        with self.db.engine.begin() as connection:
            connection.execute(text(statement), values)

    def read(self, statement: str, **values: Any) -> Any:
        """The one value it gives."""
        with self.db.engine.begin() as connection:
            return connection.execute(text(statement), values).scalar_one()

    def renumber(self, above: int, by: int) -> None:
        """Move the seals above a place, in two steps because a place is taken once."""
        self.run("UPDATE audit_seal SET seq = seq + 1000000 WHERE chain = :c AND seq > :a", c=CHAIN, a=above)
        self.run("UPDATE audit_seal SET seq = seq - 1000000 + :b WHERE chain = :c AND seq > 1000000", b=by, c=CHAIN)

    def reset_head(self) -> None:
        """Make the head say what the last seal says."""
        last = "FROM audit_seal s WHERE s.chain = audit_chain.chain ORDER BY s.seq DESC LIMIT 1"
        self.run(f"UPDATE audit_chain SET seq = (SELECT s.seq {last}), hash = (SELECT s.hash {last})")

    def swap(self, table: str, column: str, one: int, other: int, *, key: str) -> None:
        """Exchange what two rows hold in a column."""
        of = f"SELECT {column} FROM {table} WHERE {key} = :k"
        mine, others = self.read(of, k=one), self.read(of, k=other)
        self.run(f"UPDATE {table} SET {column} = :v WHERE {key} = :k", v=others, k=one)
        self.run(f"UPDATE {table} SET {column} = :v WHERE {key} = :k", v=mine, k=other)

"""The audit trail sealed into hash chains: one a site, and one for what belongs to no site.

Seals are rows of their own, so that nothing that is sealed is ever updated. Whoever holds a chain's head row adds to
the chain; a request never does, so that no request waits for another one's entries.
"""

import logging
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Table,
    and_,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from backend import clock
from backend.audit import AuditEvent
from backend.audit_text import GENESIS, entry_text, link
from backend.db import Base, Database, Transaction, system

log = logging.getLogger(__name__)

STUDY_CHAIN = "study"
BIG = BigInteger().with_variant(Integer, "sqlite")
SEALER = system("sealer")
# One transaction's worth: a few hundredths of a second, which is what SQLite's other writers wait.
SEALS_AT_ONCE = 2_000
# One query's worth: of the whole trail, a piece at a time, so that no query outlives its limit.
ENTRIES_LOOKED_AT = 50_000
# On PostgreSQL an entry may appear after others with higher ids; no transaction of ours stays open this long.
SETTLES_AFTER = timedelta(minutes=15)
BETWEEN_FULL_LOOKS = timedelta(hours=1)
# Workers seal every few seconds; what still waits after this is for a person.
SEALED_WITHIN = timedelta(minutes=1)


class AuditChain(Base):
    """The head of a chain: whoever holds this row may add to the chain."""

    __tablename__ = "audit_chain"

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BIG)
    hash: Mapped[str]


class AuditSeal(Base):
    """One entry's place in its chain, and when (real time) it got it. Triggers refuse to change or delete it."""

    __tablename__ = "audit_seal"

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BIG, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BIG, unique=True)
    sealed_at: Mapped[datetime]
    hash: Mapped[str]


_SEAL = AuditSeal.__table__
assert isinstance(_SEAL, Table)
# Of plain rows, and many of them: the session would look through each.
_INSERT = insert(_SEAL).inline()
IS_UNSEALED = ~select(AuditSeal.entry_id).where(AuditSeal.entry_id == AuditEvent.id).exists()


class Sealer:
    """Seals what waits. Any number may run beside each other, in any number of processes.

    Each remembers how far it has seen everything settled, so that a tick looks at the last minutes and not at the
    whole trail; at its start and once an hour it looks at all of it.
    """

    def __init__(self, db: Database) -> None:
        """Begin with a full look."""
        self._db = db
        self._settled = 0
        self._seen: deque[tuple[datetime, int]] = deque()
        self._looked_at_all: datetime | None = None
        # On SQLite one writes after the other, and nothing ever appears below what a look has seen.
        self._settles_after = timedelta(0) if db.is_sqlite else SETTLES_AFTER

    def seal_waiting(self) -> dict[str, int]:
        """Seal every entry that can be seen now and that nobody else is about to seal; says how many."""
        begun = clock.wall()
        full = self._looked_at_all is None or begun - self._looked_at_all >= BETWEEN_FULL_LOOKS
        after, sealed, complete = 0 if full else self._settled, 0, True
        top = self._top()
        while after < top:
            upto = after + ENTRIES_LOOKED_AT
            for site_id in self._sites_waiting(after, upto):
                done, finished = self._seal_site(site_id, after, upto)
                sealed, complete = sealed + done, complete and finished
            after = upto
        if complete:
            self._remember(begun, top, full)
        return {"sealed": sealed}

    def _top(self) -> int:
        with self._db.reading(SEALER) as txn:
            return txn.session.scalar(select(func.max(AuditEvent.id))) or 0

    def _sites_waiting(self, after: int, upto: int) -> list[UUID | None]:
        waiting = select(AuditEvent.site_id).where(_between(after, upto), IS_UNSEALED).distinct()
        with self._db.reading(SEALER) as txn:
            return list(txn.session.scalars(waiting))

    def _seal_site(self, site_id: UUID | None, after: int, upto: int) -> tuple[int, bool]:
        """(how many were sealed, whether none was left to somebody else)"""
        sealed = 0
        while True:
            try:
                with self._db.transaction(SEALER) as txn:
                    done = seal_some(txn, site_id, after, upto)
            except IntegrityError:
                # Only somebody who moved the head by hand makes a place be taken twice. The other chains go on, these
                # entries stay unsealed, and that is what `fsck` and `audit verify` report.
                log.exception("an audit chain cannot go on from its head", extra={"chain": chain_of(site_id)})
                return sealed, False
            if done is None:
                return sealed, False
            sealed += done
            if done < SEALS_AT_ONCE:
                return sealed, True

    def _remember(self, begun: datetime, top: int, full: bool) -> None:
        if full:
            self._looked_at_all = begun
        self._seen.append((begun, top))
        while self._seen and self._seen[0][0] <= begun - self._settles_after:
            self._settled = self._seen.popleft()[1]


def seal_some(txn: Transaction, site_id: UUID | None, after: int, upto: int) -> int | None:
    """Seal up to ``SEALS_AT_ONCE`` entries of the site with ids above ``after`` and up to ``upto``.

    Says how many; None when somebody else is adding to this chain at this moment, who will see them too.
    """
    head = _take_head(txn, chain_of(site_id))
    if head is None:
        return None
    seals = list(_seals(txn, head, site_id, _between(after, upto)))
    if seals:
        txn.connection.execute(_INSERT, seals)
        head.seq, head.hash = seals[-1]["seq"], seals[-1]["hash"]
        txn.session.flush()
    return len(seals)


def chain_of(site_id: UUID | None) -> str:
    """The name of the chain in which a site's entries, or those of no site, are sealed."""
    return STUDY_CHAIN if site_id is None else str(site_id)


def of_chain(chain: str | None) -> ColumnElement[bool]:
    """Which entries belong to the chain; without a name, all."""
    if chain is None:
        return true()
    return AuditEvent.site_id == (None if chain == STUDY_CHAIN else UUID(chain))


def unsealed_for(txn: Transaction, older_than: timedelta, chain: str | None = None) -> list[int]:
    """The ids of entries that have waited for a seal longer than this, in order; for `fsck` and `audit verify`.

    An entry bears trial time, which a demo moves, so its own time counts only where it is past on both clocks; or
    else an entry that came later was sealed, in real time, longer ago than this.
    """
    limit = clock.wall() - older_than
    overtaken = select(func.max(AuditSeal.entry_id)).where(AuditSeal.sealed_at < limit).scalar_subquery()
    old = AuditEvent.at < min(limit, clock.now() - older_than)
    waiting = select(AuditEvent.id).where(of_chain(chain), IS_UNSEALED, or_(old, AuditEvent.id < overtaken))
    return list(txn.session.scalars(waiting.order_by(AuditEvent.id)))


def _take_head(txn: Transaction, chain: str) -> AuditChain | None:
    """The head, held until this transaction ends; on SQLite the whole database is. None while another holds it."""
    held = select(AuditChain).where(AuditChain.chain == chain).with_for_update(skip_locked=True)
    head = txn.session.scalar(held)
    # Asked without a lock, because to insert beside a row that is held waits for its holder.
    if head is not None or txn.session.scalar(select(AuditChain.seq).where(AuditChain.chain == chain)) is not None:
        return head
    # Two may begin the same chain at once: the second waits here for the first, and then finds its row.
    begin = text("INSERT INTO audit_chain (chain, seq, hash) VALUES (:chain, 0, :hash) ON CONFLICT DO NOTHING")
    txn.session.execute(begin, {"chain": chain, "hash": GENESIS})
    return txn.session.scalar(held)


def _seals(
    txn: Transaction, head: AuditChain, site_id: UUID | None, among: ColumnElement[bool]
) -> Iterator[dict[str, Any]]:
    # A statement of its own after the head is held: only so does it see what the last holder has sealed.
    is_sqlite = txn.database.is_sqlite
    stored_text: ColumnElement[bytes] = literal_column(entry_text("audit_event", is_sqlite=is_sqlite))
    waiting = (
        select(AuditEvent.id, stored_text)
        .where(AuditEvent.site_id == site_id, among, IS_UNSEALED)
        .order_by(AuditEvent.id)
    )
    sealed_at = clock.wall()
    chain, at, previous = head.chain.encode(), f"{sealed_at:%Y-%m-%d %H:%M:%S.%f}".encode(), head.hash
    entries = txn.connection.execute(waiting.limit(SEALS_AT_ONCE))
    for seq, (entry_id, stored) in enumerate(entries, start=head.seq + 1):
        previous = link(previous.encode(), seq, chain, at, bytes(stored))
        yield {"chain": head.chain, "seq": seq, "entry_id": entry_id, "sealed_at": sealed_at, "hash": previous}


def _between(after: int, upto: int) -> ColumnElement[bool]:
    return and_(AuditEvent.id > after, AuditEvent.id <= upto)

"""Verifying the trail: every chain from its first seal to its head, and against what was said outside the database.

``followup audit verify`` and ``fsck`` ask here. Whoever can write to the database can make a chain whole again after
cutting or rewriting it; only the checkpoint file shows that (see ``audit_checkpoints``).
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Interval, func, literal, select, true, union_all
from sqlalchemy.engine import make_url

from backend import clock
from backend.audit import AuditEvent
from backend.audit_checkpoints import PUT_BACK, SAID_WITHIN, Checkpoint, Checkpoints, read_checkpoints
from backend.audit_defects import Defect, Wrong, explain
from backend.audit_seals import SEALED_WITHIN, SETTLES_AFTER, AuditChain, AuditSeal, of_chain, unsealed_for
from backend.audit_walk import OpenTrail, Piece, Trail, first_break, walk_beside
from backend.db import Database, Transaction, lift_time_limits, system
from backend.demo_clock import ONLY_ROW, DemoClock
from backend.sealing import keyring_of

VERIFIER = system("audit verification")
LINKS_IN_A_PIECE = 100_000
# A process of its own takes a second to start; below this it is not worth it.
WORTH_PROCESSES = 300_000


@dataclass(frozen=True)
class Verdict:
    """What verifying found.

    ``overdue`` are the entries without a seal for over a minute, ``backdated`` those dated long before an entry that
    was sealed earlier. ``checkpoints`` is None when nobody asked for them.
    """

    entries: int
    chains: int
    unsealed: int
    overdue: tuple[int, ...]
    backdated: tuple[int, ...]
    defects: tuple[Defect, ...]
    checkpoints: Checkpoints | None

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong, nothing waits too long, and nothing looks as if it had been put in later."""
        return not self.defects and not self.overdue and not self.backdated


@dataclass(frozen=True)
class Extent:
    """A chain as its rows have it: the lowest and the highest seal, and the head (0 and empty: there is none)."""

    chain: str
    lowest: int
    last: int
    head_seq: int
    head_hash: str


def verify(
    db: Database,
    *,
    checkpoints: Path | None = None,
    chain: str | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    processes: int | None = None,
) -> Verdict:
    """Check every link of every chain, or of one; of each chain the first defect is named.

    ``progress`` is told how many entries are done, and of how many. ``processes`` says how many pieces are checked
    at once; without it, as many as there are cores once the trail is long. Without ``checkpoints`` neither a cut nor
    a rewritten chain can be told from a whole one; a file that is named and holds nothing, or is not there, is a
    defect as soon as the trail is old enough to have one.
    """
    with db.reading(VERIFIER) as txn:
        lift_time_limits(txn)
        trail = _trail_of(db)
        extents = [one for one in _extents(txn) if chain in (None, one.chain)]
        pieces = list(_pieces(trail, extents))
        # Other processes begin now, and are waited for when everything else has been looked at.
        places = _walked(pieces, processes)
        unsealed = _unsealed(txn, chain)
        overdue = unsealed_for(txn, SEALED_WITHIN, chain) if unsealed else []
        out_of_time = backdated(txn, chain)
        said = None if checkpoints is None else read_checkpoints(checkpoints, keyring_of(txn))
        about_the_file = [] if said is None else list(_file_defects(txn, said))
    breaks = _breaks(pieces, places, progress)
    with trail.opened() as opened:
        found = {one.chain: _first_of_chain(opened, one, breaks.get(one.chain), said) for one in extents}
        for gone in _unknown_chains(extents, said, chain):
            found.setdefault(gone.chain, gone)
    defects = [defect for _, defect in sorted(found.items()) if defect]
    entries = sum(one.last for one in extents)
    found_wrong = (*defects, *about_the_file)
    return Verdict(entries, len(extents), unsealed, tuple(overdue), tuple(out_of_time), found_wrong, said)


def backdated(txn: Transaction, chain: str | None = None) -> list[int]:
    """The ids of entries dated more than a quarter of an hour before one that was sealed earlier, in order.

    Entries are sealed in the order in which they can be seen, and no transaction lives that long: what bears an older
    time was put in behind our back and sealed in good faith, or this machine's clock was set back. A demo's clock is
    moved while its other processes still work at the time before, so there this says nothing.
    """
    if txn.session.get(DemoClock, ONLY_ROW) is not None:
        return []
    only = true() if chain is None else AuditSeal.chain == chain
    latest = func.max(AuditEvent.at).over(partition_by=AuditSeal.chain, order_by=AuditSeal.seq, rows=(None, -1))
    entries = (
        select(AuditEvent.id, AuditEvent.at, latest.label("latest"))
        .join(AuditSeal, AuditSeal.entry_id == AuditEvent.id)
        .where(only)
        .subquery()
    )
    is_sqlite = txn.database.is_sqlite
    old = entries.c.at < _settled_before(entries.c.latest, is_sqlite=is_sqlite)
    # Most entries are the latest of their chain, and the first comparison is the cheap one.
    wanted = select(entries.c.id).where(entries.c.at < entries.c.latest, old).order_by(entries.c.id)
    return list(txn.session.scalars(wanted))


def _settled_before(latest: ColumnElement[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    if not is_sqlite:
        return latest - literal(SETTLES_AFTER, Interval)
    earlier = func.strftime("%Y-%m-%d %H:%M:%f", latest, f"-{SETTLES_AFTER.seconds} seconds")
    # SQLite keeps any text in any column. One that is no time must not hide what comes after it.
    return func.coalesce(earlier, latest)


def _extents(txn: Transaction) -> list[Extent]:
    # One statement, so that what is sealed meanwhile is either wholly in it or not at all.
    seals = select(
        AuditSeal.chain,
        func.min(AuditSeal.seq).label("lowest"),
        func.max(AuditSeal.seq).label("last"),
        literal(0).label("head_seq"),
        literal("").label("head_hash"),
    ).group_by(AuditSeal.chain)
    heads = select(AuditChain.chain, literal(1), literal(0), AuditChain.seq, AuditChain.hash)
    both = union_all(seals, heads).subquery()
    columns = (func.min(both.c.lowest), func.max(both.c.last), func.max(both.c.head_seq), func.max(both.c.head_hash))
    rows = txn.session.execute(select(both.c.chain, *columns).group_by(both.c.chain).order_by(both.c.chain))
    return [Extent(*row) for row in rows]


def _unsealed(txn: Transaction, chain: str | None) -> int:
    """How many wait; the difference of two counts, because asking each entry takes as long as verifying it."""
    entries = select(func.count()).select_from(AuditEvent).where(of_chain(chain))
    seals = select(func.count()).select_from(AuditSeal)
    if chain is not None:
        seals = seals.where(AuditSeal.chain == chain)
    return txn.session.scalar(select(entries.scalar_subquery() - seals.scalar_subquery())) or 0


def _trail_of(db: Database) -> Trail:
    url = make_url(db.url)
    if db.is_sqlite:
        return Trail(is_sqlite=True, address=url.database or "")
    return Trail(is_sqlite=False, address=url.set(drivername="postgresql").render_as_string(hide_password=False))


def _pieces(trail: Trail, extents: Iterable[Extent]) -> Iterator[Piece]:
    for one in extents:
        for first in range(1, one.last + 1, LINKS_IN_A_PIECE):
            yield Piece(trail, one.chain, first, min(first + LINKS_IN_A_PIECE - 1, one.last))


def _breaks(
    pieces: Sequence[Piece], places: Iterable[int | None], progress: Callable[[int, int], None]
) -> dict[str, int]:
    """The first place of each chain that does not hold."""
    total, done = sum(piece.last - piece.first + 1 for piece in pieces), 0
    broken: dict[str, list[int]] = defaultdict(list)
    for piece, place in zip(pieces, places, strict=True):
        done += piece.last - piece.first + 1
        progress(done, total)
        if place is not None:
            broken[piece.chain].append(place)
    return {chain: min(places) for chain, places in broken.items()}


def _walked(pieces: Sequence[Piece], processes: int | None) -> Iterable[int | None]:
    """For each piece, in order, the place of its first link that does not hold."""
    total = sum(piece.last - piece.first + 1 for piece in pieces)
    wanted = processes or ((os.cpu_count() or 1) if total >= WORTH_PROCESSES else 1)
    return walk_beside(pieces, wanted) if wanted > 1 else map(first_break, pieces)


def _first_of_chain(trail: OpenTrail, extent: Extent, broken_at: int | None, said: Checkpoints | None) -> Defect | None:
    if extent.lowest < 1:
        stray = trail.one(extent.chain, extent.lowest)
        entry_id = stray.entry_id if stray else None
        return Defect(extent.chain, extent.lowest, entry_id, Wrong.INSERTED, "a seal before the first one.")
    if broken_at is not None:
        return explain(trail, extent.chain, broken_at, last=extent.last, head_hash=extent.head_hash)
    return _head_defect(trail, extent) or _checkpoint_defect(trail, extent, said)


def _head_defect(trail: OpenTrail, extent: Extent) -> Defect | None:
    last = trail.one(extent.chain, extent.last)
    entry_id, stored = (last.entry_id, last.hash) if last else (None, trail.hash_before(extent.chain, 1))
    if extent.head_seq > extent.last:
        words = f"the trail was cut after seq {extent.last}: its head stands at {extent.head_seq}."
        return Defect(extent.chain, extent.last + 1, None, Wrong.CUT, words)
    if extent.head_seq < extent.last:
        words = f"the chain's head stands at {extent.head_seq}: seals came after it that it does not know."
        return Defect(extent.chain, extent.last, entry_id, Wrong.INSERTED, words)
    if extent.head_hash.encode() != stored:
        return Defect(extent.chain, extent.last, entry_id, Wrong.ALTERED, "the chain's head was changed.")
    return None


def _checkpoint_defect(trail: OpenTrail, extent: Extent, said: Checkpoints | None) -> Defect | None:
    """The lowest checkpoint that the chain no longer agrees with; what lies above the one before it is in doubt."""
    lines = {(one.seq, one.hash): one for one in reversed(said.lines if said else ()) if one.chain == extent.chain}
    agreed = 0
    for (seq, stored), line in sorted(lines.items()):
        if seq > extent.last:
            return _cut(extent.chain, extent.last, line)
        found = trail.one(extent.chain, seq)
        if found is None or found.hash != stored.encode():
            words = f"rewritten since the checkpoint of {line.at}, from some entry after seq {agreed} on."
            entry_id = found.entry_id if found else None
            return Defect(extent.chain, seq, entry_id, Wrong.REWRITTEN, words)
        agreed = seq
    return None


def _cut(chain: str, last: int, line: Checkpoint) -> Defect:
    words = f"the trail was cut after seq {last}: the checkpoint of {line.at} knows seq {line.seq}."
    return Defect(chain, last + 1, None, Wrong.CUT, words)


def _unknown_chains(extents: Iterable[Extent], said: Checkpoints | None, only: str | None) -> Iterator[Defect]:
    """Chains that a checkpoint knows and the database does not."""
    there = {one.chain for one in extents}
    for line in said.lines if said else ():
        if line.chain not in there and only in (None, line.chain):
            yield _cut(line.chain, 0, line)


def _file_defects(txn: Transaction, said: Checkpoints) -> Iterator[Defect]:
    """What is wrong with the file of checkpoints itself."""
    for number in said.forged:
        words = f"line {number} of the checkpoint file was not written by this server, or was changed."
        yield Defect("", 0, None, Wrong.FORGED, words)
    for number in said.gaps:
        words = f"lines were taken out of the checkpoint file before line {number}."
        yield Defect("", 0, None, Wrong.MISSING, words)
    if not said.lines and not said.forged and _should_have_been_said(txn):
        words = (
            "the checkpoint file is gone or empty, though workers have sealed for over half an hour. "
            "If they keep it elsewhere: followup audit verify --checkpoints FILE."
        )
        yield Defect("", 0, None, Wrong.MISSING, words)


def _should_have_been_said(txn: Transaction) -> bool:
    """Whether a seal was made here, since the last restore, so long ago that a checkpoint must have followed."""
    restored = select(func.coalesce(func.max(AuditEvent.id), 0)).where(AuditEvent.verb == PUT_BACK).scalar_subquery()
    long_ago = clock.wall() - SAID_WITHIN
    old = select(AuditSeal.entry_id).where(AuditSeal.sealed_at < long_ago, AuditSeal.entry_id >= restored)
    return txn.session.scalar(old.limit(1)) is not None

"""Walking a chain link by link, as fast as the machine goes: several pieces at once, each in a process of its own.

A link is checked against the hash stored before it, so a long chain can be cut into pieces that are checked in any
order. Reads with the drivers themselves, in bytes: what was tampered with need not be valid text any more.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from backend.audit_text import GENESIS, SEALED_COLUMNS, entry_text, instant_text, link

ROWS_AT_ONCE = 2_000
BETWEEN = "s.chain = ? AND s.seq BETWEEN ? AND ? ORDER BY s.seq"


@dataclass(frozen=True)
class Link:
    """One seal as it is stored, and the text of its entry; ``found`` says whether there is such an entry."""

    seq: int
    entry_id: int
    sealed_at: bytes
    hash: bytes
    found: bool
    text: bytes


@dataclass(frozen=True)
class Trail:
    """Where the trail is kept: a file of SQLite, or an address of PostgreSQL."""

    is_sqlite: bool
    # PostgreSQL's holds the password.
    address: str = field(repr=False)

    @contextmanager
    def opened(self) -> Iterator["OpenTrail"]:
        """A connection that only reads, closed at the end."""
        connection = _open_sqlite(self.address) if self.is_sqlite else _open_postgres(self.address)
        try:
            yield OpenTrail(self.is_sqlite, connection)
        finally:
            connection.close()


@dataclass(frozen=True)
class Piece:
    """The links ``first`` to ``last`` of a chain, both included."""

    trail: Trail
    chain: str
    first: int
    last: int


def first_break(piece: Piece) -> int | None:
    """The place of the first link of the piece that does not hold, if any."""
    with piece.trail.opened() as trail:
        return trail.first_break(piece.chain, piece.first, piece.last)


def walk_beside(pieces: Sequence[Piece], processes: int) -> Iterator[int | None]:
    """As ``first_break`` for each piece, in order, by so many processes, which begin at once.

    Each starts with nothing but this module, so it takes a fraction of the time of one that starts as its parent
    did, and inherits no connection. Raises ``RuntimeError`` when one of them fails.
    """
    command = [sys.executable, "-m", __name__]
    walkers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(processes)]
    for number, walker in enumerate(walkers):
        assert walker.stdin
        # By the pipe and not by the command line: an address may hold a password.
        walker.stdin.writelines(json.dumps(asdict(piece)).encode() + b"\n" for piece in pieces[number::processes])
        walker.stdin.close()
    return _heard(walkers, len(pieces))


def _heard(walkers: "Sequence[subprocess.Popen[bytes]]", pieces: int) -> Iterator[int | None]:
    try:
        for number in range(pieces):
            told = walkers[number % len(walkers)].stdout
            assert told
            line = told.readline()
            if not line:
                raise RuntimeError("A process that verified a part of the audit trail failed.")
            yield json.loads(line)
    finally:
        for walker in walkers:
            assert walker.stdout
            walker.stdout.close()
            walker.wait()


def _walk_as_told() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        place = first_break(Piece(**(told | {"trail": Trail(**told["trail"])})))
        sys.stdout.write(f"{json.dumps(place)}\n")
        sys.stdout.flush()


class OpenTrail:
    """Reads links over one connection."""

    def __init__(self, is_sqlite: bool, connection: Any) -> None:
        """``connection`` is the driver's own."""
        self._is_sqlite = is_sqlite
        self._connection = connection
        self._text = entry_text("e", is_sqlite=is_sqlite)
        self._sealed_at = instant_text("s.sealed_at", is_sqlite=is_sqlite)

    def first_break(self, chain: str, first: int, last: int) -> int | None:
        """The place of the first link that does not hold."""
        try:
            return self._first_break(chain, first, last, self._text)
        except sqlite3.OperationalError as unreadable:
            # SQLite lets anything be written into any column; JSON does not hold a BLOB.
            if not self._is_sqlite or "JSON" not in str(unreadable):
                raise
            return self._first_break(chain, first, last, self._text_or_nothing())

    def _first_break(self, chain: str, first: int, last: int, text: str) -> int | None:
        """The very loop that decides the speed."""
        name, previous, expected = chain.encode(), self.hash_before(chain, first), first
        columns = f"s.seq, {self._bytes('s.hash')}, {self._bytes(self._sealed_at)}, {text}"
        for seq, stored, sealed_at, words in self._rows(columns, BETWEEN, (chain, first, last)):
            if seq != expected or link(previous, seq, name, sealed_at, words).encode() != stored:
                return expected
            previous, expected = stored, expected + 1
        return expected if expected <= last else None

    def links(self, chain: str, first: int, last: int) -> Iterator[Link]:
        """Those that are there, in order. An entry that cannot be read as text counts as an empty one."""
        columns = f"s.seq, s.entry_id, {self._bytes(self._sealed_at)}, {self._bytes('s.hash')}, e.id IS NOT NULL"
        columns = f"{columns}, {self._text_or_nothing()}"
        for seq, entry_id, sealed_at, stored, found, text in self._rows(columns, BETWEEN, (chain, first, last)):
            yield Link(seq, entry_id, sealed_at, stored, bool(found), text)

    def one(self, chain: str, seq: int) -> Link | None:
        """The link at this place."""
        return next(self.links(chain, seq, seq), None)

    def hash_before(self, chain: str, seq: int) -> bytes:
        """What the link at this place was tied to."""
        if seq == 1:
            return GENESIS.encode()
        where = "s.chain = ? AND s.seq = ?"
        found = next(iter(self._rows(self._bytes("s.hash"), where, (chain, seq - 1))), None)
        return b"" if found is None else bytes(found[0])

    def _text_or_nothing(self) -> str:
        """The text of an entry, empty where SQLite was made to keep what is no text."""
        if not self._is_sqlite:
            return self._text
        blobs = " OR ".join(f"typeof(e.{name}) = 'blob'" for name in SEALED_COLUMNS)
        return f"CASE WHEN {blobs} THEN x'' ELSE {self._text} END"

    def _bytes(self, expression: str) -> str:
        # SQLite's connection gives every text as bytes already.
        return expression if self._is_sqlite else f"convert_to({expression}, 'UTF8')"

    def _rows(self, columns: str, where: str, values: Sequence[object]) -> Iterator[Any]:
        statement = f"SELECT {columns} FROM audit_seal s LEFT JOIN audit_event e ON e.id = s.entry_id WHERE {where}"
        if self._is_sqlite:
            yield from self._connection.execute(statement, values)
            return
        with self._connection.transaction(), psycopg.ServerCursor(self._connection, "links") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(statement.replace("?", "%s"), values, binary=True)
            yield from cursor


def _open_sqlite(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    connection.text_factory = bytes
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open_postgres(address: str) -> psycopg.Connection[Any]:
    # No statement limit: whoever asks for the whole trail wants the whole trail.
    connection = psycopg.connect(address, options="-c timezone=UTC -c default_transaction_read_only=on")
    connection.autocommit = True
    return connection


if __name__ == "__main__":
    _walk_as_told()

"""Checkpoints: how far each chain had come, said outside the database, under a key the database does not hold.

Whoever can write to the database can cut the end off a chain, or write a chain anew from the first entry, and leave
it whole. Only what was said elsewhere shows it: a line of JSON a chain, appended to a file of the home folder.
"""

import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import select

from backend import clock
from backend.audit_seals import AuditChain
from backend.db import Database, canonical_json, system
from backend.sealing import Keyring, keyring_of

# Ends what a machine that stopped left half-written: a line that says nothing and hides nothing after it.
TORN = b" (torn)"
FILE_NAME = "audit-checkpoints.jsonl"
NOTARY = system("audit checkpoint")


@dataclass(frozen=True)
class Checkpoint:
    """At ``at`` (real time) the chain had ``seq`` seals, the last with ``hash``; ``mac`` proves that we said so."""

    chain: str
    seq: int
    hash: str
    at: str
    mac: str = ""


@dataclass(frozen=True)
class Checkpoints:
    """What a file says: the lines that are ours, the numbers of those that are not, whether one is torn."""

    lines: tuple[Checkpoint, ...]
    forged: tuple[int, ...]
    torn: bool


def write_checkpoints(db: Database, home: Path) -> dict[str, int]:
    """Append where every chain stands and wait until the disk has it; says how many lines."""
    with db.reading(NOTARY) as txn:
        heads = txn.session.execute(
            select(AuditChain.chain, AuditChain.seq, AuditChain.hash).where(AuditChain.seq > 0).order_by("chain")
        )
        at, keyring = clock.wall().isoformat(), keyring_of(txn)
        said = [_signed(Checkpoint(chain, seq, stored, at), keyring) for chain, seq, stored in heads]
    if said:
        _append(home / FILE_NAME, [canonical_json(asdict(one)) for one in said])
    return {"checkpoints": len(said)}


def read_checkpoints(path: Path, keyring: Keyring) -> Checkpoints:
    """What the file says. A last line without its end was being written when the machine stopped: it is let go."""
    *whole, last = path.read_bytes().split(b"\n")
    torn = bool(last) or any(line.endswith(TORN) for line in whole)
    understood = {
        number: _understood(line, keyring) for number, line in enumerate(whole, start=1) if not line.endswith(TORN)
    }
    lines = tuple(found for found in understood.values() if found is not None)
    return Checkpoints(lines, tuple(number for number, found in understood.items() if found is None), torn)


def _append(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # In one write, so that two processes do not write into each other's lines.
        os.write(file, b"".join(_after_a_torn_line(file)) + "".join(f"{line}\n" for line in lines).encode())
        os.fsync(file)
    finally:
        os.close(file)


def _after_a_torn_line(file: int) -> Iterator[bytes]:
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        yield TORN + b"\n"


def _understood(line: bytes, keyring: Keyring) -> Checkpoint | None:
    try:
        found = Checkpoint(**json.loads(line))
        ours = hmac.compare_digest(_signed(found, keyring).mac, found.mac)
    except (ValueError, TypeError):
        return None
    return found if ours else None


def _signed(said: Checkpoint, keyring: Keyring) -> Checkpoint:
    bare = canonical_json(asdict(replace(said, mac="")))
    return replace(said, mac=keyring.fingerprint("audit checkpoint", bare))

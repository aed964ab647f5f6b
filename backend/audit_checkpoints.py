"""Checkpoints: how far each chain had come, said outside the database, under a key the database does not hold.

Whoever can write to the database can cut the end off a chain, or write a chain anew from the first entry, and leave
it whole. Only what was said elsewhere shows it: a line of JSON a chain, appended to a file of the home folder. Each
line holds the proof of the line before it, so that none can be taken out of the middle.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
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
# Two turns of the timetable: a seal that is older than this and no checkpoint at all means that the file is gone.
SAID_WITHIN = timedelta(minutes=30)
# The end of the file in which its last line is looked for; a line has some 250 bytes.
TAIL = 65_536
# What a restore writes on the trail. The seals before it came with the backup, the file perhaps did not.
PUT_BACK = "database.restored"


@dataclass(frozen=True)
class Checkpoint:
    """At ``at`` (real time) the chain had ``seq`` seals, the last with ``hash``; ``mac`` proves that we said so.

    ``after`` is the ``mac`` of the line before; empty in the first line of a file.
    """

    chain: str
    seq: int
    hash: str
    at: str
    after: str = ""
    mac: str = ""


@dataclass(frozen=True)
class Checkpoints:
    """What a file says: the lines that are ours, the numbers of those that are not, whether one is torn.

    ``gaps`` are the numbers of the lines before which others were taken out.
    """

    lines: tuple[Checkpoint, ...]
    forged: tuple[int, ...]
    torn: bool
    gaps: tuple[int, ...]


def write_checkpoints(db: Database, home: Path) -> dict[str, int]:
    """Append where every chain stands and wait until the disk has it; says how many lines."""
    with db.reading(NOTARY) as txn:
        heads = txn.session.execute(
            select(AuditChain.chain, AuditChain.seq, AuditChain.hash).where(AuditChain.seq > 0).order_by("chain")
        )
        at, keyring = clock.wall().isoformat(), keyring_of(txn)
        said = [Checkpoint(chain, seq, stored, at) for chain, seq, stored in heads]
    if said:
        _append(home / FILE_NAME, said, keyring)
    return {"checkpoints": len(said)}


def read_checkpoints(path: Path, keyring: Keyring) -> Checkpoints:
    """What the file says; nothing when there is no such file.

    A last line without its end was being written when the machine stopped: it is let go.
    """
    if not path.exists():
        return Checkpoints((), (), torn=False, gaps=())
    *whole, last = path.read_bytes().split(b"\n")
    torn = bool(last) or any(line.endswith(TORN) for line in whole)
    understood = {
        number: _understood(line, keyring) for number, line in enumerate(whole, start=1) if not line.endswith(TORN)
    }
    lines = tuple(found for found in understood.values() if found is not None)
    forged = tuple(number for number, found in understood.items() if found is None)
    return Checkpoints(lines, forged, torn, tuple(_gaps(understood)))


def _gaps(understood: Mapping[int, Checkpoint | None]) -> Iterator[int]:
    before: str | None = ""
    for number, line in understood.items():
        # A line that is not ours is named by itself; whether more are gone beside it cannot be told.
        if line is not None and before is not None and line.after != before:
            yield number
        before = None if line is None else line.mac


def _append(path: Path, said: Sequence[Checkpoint], keyring: Keyring) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # Held until it is closed: two workers at once would both go on from the same line.
        fcntl.flock(file, fcntl.LOCK_EX)
        tail = os.pread(file, TAIL, max(0, os.fstat(file).st_size - TAIL))
        ended = b"" if tail.endswith(b"\n") or not tail else TORN + b"\n"
        lines = _tied(said, _last_mac(tail, keyring), keyring)
        os.write(file, ended + "".join(f"{line}\n" for line in lines).encode())
        os.fsync(file)
    finally:
        os.close(file)


def _last_mac(tail: bytes, keyring: Keyring) -> str:
    """The proof of the last line that is ours; empty when there is none."""
    *whole, _ = tail.split(b"\n")
    ours = (_understood(line, keyring) for line in reversed(whole))
    return next((line.mac for line in ours if line is not None), "")


def _tied(said: Sequence[Checkpoint], before: str, keyring: Keyring) -> Iterator[str]:
    for one in said:
        line = _signed(replace(one, after=before), keyring)
        before = line.mac
        yield canonical_json(asdict(line))


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

"""Seed content becomes a new immutable version, or nothing when nothing has changed.

A version number counts per instrument and database; the content's hash is what names it everywhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select

from backend import audit
from backend.db import Transaction, canonical_json
from backend.instruments.models import InstrumentVersion, TerminologyVersion

Version = TypeVar("Version", InstrumentVersion, TerminologyVersion)


@dataclass(frozen=True)
class Loaded:
    """What loading did: the version that now holds the content, and whether it is new."""

    name: str
    version: int
    is_new: bool


def load_instruments(txn: Transaction, contents: Iterable[Mapping[str, Any]]) -> list[Loaded]:
    """Add a version of each instrument whose content differs from its newest one."""
    return [_load(txn, InstrumentVersion, "instrument.loaded", dict(content)) for content in contents]


def load_terminology(txn: Transaction, content: Mapping[str, Any]) -> Loaded:
    """Add a version of the terminology when its content differs from the newest one."""
    return _load(txn, TerminologyVersion, "terminology.loaded", dict(content))


def _load(txn: Transaction, kind: type[Version], verb: str, content: dict[str, Any]) -> Loaded:
    name = content["name"]
    digest = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    newest = txn.session.scalar(select(kind).where(kind.name == name).order_by(kind.version.desc()).limit(1))
    if newest is not None and newest.content_hash == digest:
        return Loaded(name, newest.version, is_new=False)
    version = newest.version + 1 if newest is not None else 1
    row = kind(name=name, version=version, content=content, content_hash=digest, loaded_at=txn.now)
    audit.record(txn, verb, row)
    txn.session.flush()
    return Loaded(name, version, is_new=True)

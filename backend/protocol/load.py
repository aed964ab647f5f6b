"""From a protocol's content to a version, and from a version to the protocol."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.db import Transaction, canonical_json
from backend.errors import NotFound, StudyNotLoaded
from backend.protocol.definition import Protocol
from backend.protocol.models import ProtocolVersion

PROTOCOLS_KEPT = 64

# Versions never change, so a protocol is read once a process. The lock is for threads that fill it together.
_read: dict[UUID, Protocol] = {}
_reading = threading.Lock()


@dataclass(frozen=True)
class Loaded:
    """What became of a content that was offered."""

    version: ProtocolVersion
    is_new: bool


def load_protocol(txn: Transaction, content: Mapping[str, Any]) -> Loaded:
    """Add a version of the study's protocol, unless its newest one already says exactly this."""
    newest = _newest(txn, content["study"])
    content_hash = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    if newest and newest.content_hash == content_hash:
        return Loaded(newest, is_new=False)
    version = ProtocolVersion(
        study=content["study"],
        version=newest.version + 1 if newest else 1,
        content=dict(content),
        content_hash=content_hash,
        loaded_at=txn.now,
    )
    audit.record(txn, "protocol.loaded", version)
    txn.session.flush()
    return Loaded(version, is_new=True)


def current_version(txn: Transaction) -> ProtocolVersion:
    """The version new patients enter: the newest of the study loaded last. Raises ``StudyNotLoaded``."""
    order = (ProtocolVersion.loaded_at.desc(), ProtocolVersion.version.desc())
    version = txn.session.scalars(select(ProtocolVersion).order_by(*order).limit(1)).one_or_none()
    if version is None:
        raise StudyNotLoaded()
    return version


def current_protocol(txn: Transaction) -> Protocol:
    """What new patients enter. Raises ``StudyNotLoaded``."""
    return protocol_of(txn, current_version(txn).id)


def protocol_of(txn: Transaction, version_id: UUID) -> Protocol:
    """The protocol a patient is under. Raises ``NotFound`` for an id that no version has."""
    known = _read.get(version_id)
    if known:
        return known
    version = txn.session.get(ProtocolVersion, version_id)
    if version is None:
        raise NotFound()
    protocol = Protocol.from_content(version.content)
    with _reading:
        if len(_read) >= PROTOCOLS_KEPT:
            _read.clear()
        return _read.setdefault(version_id, protocol)


def arms_ever(txn: Transaction) -> frozenset[str]:
    """Every arm that some version of the protocol has, or had: what a patient's arm can be."""
    versions = txn.session.scalars(select(ProtocolVersion.id)).all()
    return frozenset(arm for version_id in versions for arm in protocol_of(txn, version_id).arms)


def _newest(txn: Transaction, study: str) -> ProtocolVersion | None:
    of_study = select(ProtocolVersion).where(ProtocolVersion.study == study)
    return txn.session.scalars(of_study.order_by(ProtocolVersion.version.desc()).limit(1)).one_or_none()

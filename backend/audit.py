"""The audit trail: append-only, one entry per changed field, in the transaction of the change.

Database triggers refuse to change or delete an entry. Values are kept as the text that was stored: a sealed
column leaves its ciphertext, which opens with the record's own key and place, and with nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, Table, insert, inspect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from backend.db import Actor, Base, Transaction, as_updated, canonical_json, insert_now, update_now
from backend.sealing import Sealable, seal, unseal
from backend.terms import Originator, Role

REASON = "audit_reason"
WAITING = "audit_entries_waiting"
# A field, and what it said and says as stored text.
Change = tuple[str, str | None, str | None]


class AuditEvent(Base):
    """Who changed or saw what, when, from what to what, and why."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_patient_id_id", "patient_id", "id"),
        Index("ix_audit_event_site_id_id", "site_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    verb: Mapped[str]
    originator: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    role: Mapped[str | None]
    site_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    record_type: Mapped[str]
    record_id: Mapped[str]
    field: Mapped[str | None]
    old: Mapped[str | None]
    new: Mapped[str | None]
    reason: Mapped[str | None]
    reason_sealed: Mapped[str | None]
    request_id: Mapped[str]


_TABLE = AuditEvent.__table__
assert isinstance(_TABLE, Table)
# The entries of one act are written together and at once. Nobody reads their numbers back, so one statement does.
_INSERT = insert(_TABLE).inline()


def record(txn: Transaction, verb: str, row: Base, *, reason: str | None = None, words: str | None = None) -> None:
    """Write down what this act changes in ``row``: every field of a new row, every changed field of an old one.

    Call it after the attributes are set and before the flush, when the row still knows what it was.
    ``verb`` is in the past: ``visit.rescheduled``. ``reason`` is one of ours; what a person wrote as a reason
    may name somebody, comes in ``words`` and is sealed like the row's own identifiers. Raises ``ValueError``
    when nothing has changed, because an act that changes nothing is a mistake in the caller.
    """
    sealed = None
    if words is not None:
        assert isinstance(row, Sealable), "Only a row with a key of its own can keep what a person wrote."
        sealed = seal(txn, row, REASON, words)
    _write(txn, _entries(verb, row, _entry(txn, verb, row, reason) | {"reason_sealed": sealed}, _changes(row)))
    txn.session.add(row)


def record_insert(txn: Transaction, verb: str, row: Base) -> None:
    """As ``record`` for a new row that waits for no flush: it is written at once (``insert_now``)."""
    record_new(txn, verb, row)
    insert_now(txn, row)


def record_new(txn: Transaction, verb: str, row: Base) -> None:
    """As ``record`` for a new row that the caller writes (``insert_now``), with what another act sets first."""
    _write(txn, _entries(verb, row, _entry(txn, verb, row, None), _changes(row)))


def record_update(txn: Transaction, verb: str, row: Base, **values: Any) -> None:
    """As ``record`` for an old row in which these values change; they are written at once, past the flush."""
    _write(txn, _entries(verb, row, _entry(txn, verb, row, None), _differences(row, values)))
    update_now(txn, row, values)


def record_written(txn: Transaction, verb: str, row: Base, values: Mapping[str, Any]) -> None:
    """As ``record`` for what a statement has just changed in an old row, which says so itself from now on."""
    _write(txn, _entries(verb, row, _entry(txn, verb, row, None), _differences(row, values)))
    as_updated(row, values)


@contextmanager
def together(txn: Transaction) -> Iterator[None]:
    """What is recorded and noted until the end of the block is written there, in that order, in one go.

    For an act of many parts, each of which records itself. An error leaves nothing, like everything it has done. Of an
    act within an act the outer one writes.
    """
    if WAITING in txn.notes:
        yield
        return
    waiting = txn.notes[WAITING] = []
    try:
        yield
    finally:
        del txn.notes[WAITING]
    if waiting:
        txn.connection.execute(_INSERT, waiting)


@contextmanager
def attempt(txn: Transaction) -> Iterator[None]:
    """A part of an act that may fail by itself: an error takes back what it has done, and what it has recorded."""
    waiting: list[dict[str, Any]] = txn.notes.get(WAITING, [])
    before = len(waiting)
    try:
        with txn.savepoint():
            yield
    except BaseException:
        del waiting[before:]
        # Of rows that a statement has changed, not a flush, the session does not know that they are as before again.
        txn.session.expire_all()
        raise


def reason_of(txn: Transaction, event: AuditEvent) -> str | None:
    """Why it was done: our word, or what the person wrote; None once the patient is forgotten."""
    if event.reason_sealed is None or event.patient_id is None:
        return event.reason
    return unseal(txn, _Kept(event.record_type, event.record_id, event.patient_id, event.reason_sealed), REASON)


def note(txn: Transaction, verb: str, row: Base, *, reason: str | None = None) -> None:
    """Write down an act that changes no field: a record read, a file exported, a sign-in refused."""
    _write(txn, [_entry(txn, verb, row, reason)])


@dataclass(frozen=True)
class _Kept:
    """What a reason was bound to when it was sealed."""

    __tablename__: str
    row_id: str
    key_owner_id: UUID
    audit_reason: str


def _write(txn: Transaction, entries: list[dict[str, Any]]) -> None:
    waiting: list[dict[str, Any]] | None = txn.notes.get(WAITING)
    if waiting is None:
        txn.connection.execute(_INSERT, entries)
    else:
        waiting += entries


def _entries(verb: str, row: Base, entry: dict[str, Any], changed: Iterable[Change]) -> list[dict[str, Any]]:
    changes = [entry | {"field": name, "old": old, "new": new} for name, old, new in changed]
    if not changes:
        raise ValueError(f"{verb}: {type(row).__name__} has no unsaved change; record before the flush.")
    return changes


def _entry(txn: Transaction, verb: str, row: Base, reason: str | None) -> dict[str, Any]:
    """What all entries of an act have in common, and no field yet."""
    site_id = getattr(row, "site_id", None)
    if row.__tablename__ == "site":
        site_id = getattr(row, "id", None)
    patient_id = getattr(row, "id", None) if row.__tablename__ == "patient" else getattr(row, "patient_id", None)
    return {
        "at": txn.now,
        "verb": verb,
        "originator": txn.actor.originator,
        "actor_id": txn.actor.id,
        "actor_name": txn.actor.name,
        "role": _role_of(txn.actor, site_id),
        "site_id": site_id,
        "patient_id": patient_id,
        "record_type": row.__tablename__,
        "record_id": row.row_id,
        "field": None,
        "old": None,
        "new": None,
        "reason": reason,
        "reason_sealed": None,
        "request_id": txn.request_id,
    }


# Each entry names its record, and whose it is; as fields of a new record they would be said twice.
_SAID_OF_THE_RECORD = frozenset({"id", "patient_id", "site_id"})
_STAFF = frozenset({Originator.SITE, Originator.SITE_ON_BEHALF})


def _role_of(actor: Actor, site_id: UUID | None) -> Role | None:
    """As what staff act: the role that counts at the record's site; for a record of no site, the first they hold."""
    if actor.originator not in _STAFF:
        return None
    if site_id is None and actor.roles:
        return actor.role_at(None) or actor.roles[0].role
    return actor.role_at(site_id)


def _changes(row: Base) -> Iterator[Change]:
    """In the order of the table's columns."""
    state = inspect(row)
    fields = _audited(type(row))
    if not state.has_identity:
        said = ((field, _text(state.dict.get(field))) for field in fields if field not in _SAID_OF_THE_RECORD)
        yield from ((field, None, new) for field, new in said if new is not None)
        return
    for field in fields:
        if field not in state.committed_state:
            continue
        history = get_history(row, field, PASSIVE_NO_INITIALIZE)
        if not history.added:
            continue
        new = _text(history.added[0])
        old = _text(history.deleted[0]) if history.deleted else None
        if new != old:
            yield field, old, new


def _differences(row: Base, values: Mapping[str, Any]) -> Iterator[Change]:
    for field in _audited(type(row)):
        if field in values and (new := _text(values[field])) != (old := _text(getattr(row, field))):
            yield field, old, new


@cache
def _audited(kind: type[Base]) -> tuple[str, ...]:
    """Hashes and look-up indexes stay out: what is in the trail could never be forgotten again."""
    columns = inspect(kind).column_attrs
    return tuple(one.key for one in columns if one.columns[0].info.get("audited", True))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, str | int | float | UUID):
        return str(value)
    return canonical_json(value)

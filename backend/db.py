"""The database: one declarative base, aware UTC, and transactions that say who acts and when.

SQLite and PostgreSQL run the same code. Writers on SQLite begin with ``BEGIN IMMEDIATE``, so that two of
them wait for each other instead of failing half-way; readers begin plainly and are held to reading by the
database itself (``query_only`` there, ``READ ONLY`` on PostgreSQL).
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Insert,
    MetaData,
    Table,
    Text,
    Update,
    bindparam,
    insert,
    inspect,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_in_postgres
from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    SessionTransaction,
    make_transient_to_detached,
    mapped_column,
)
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeDecorator, TypeEngine

from backend import clock
from backend.engines import postgres, readers_of, replace_connections_that_only_read, sqlite
from backend.terms import Originator, Role
from backend.unit_of_work import UnitOfWork

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# So long is an instant as SQLite keeps it: without its zone, which is UTC.
TO_MICROSECONDS = len("2027-03-01 09:00:00.000000")


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Naive values cannot be stored; what comes back is aware UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value; store UTC."""
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, whatever zone the database tells it in."""
        return None if value is None else value.astimezone(UTC)

    # SQLite keeps text and forgets the zone; it was UTC. Written and read in one step, for every row has some of these.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """As SQLAlchemy writes it there, or as usual."""
        return _to_sqlite if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """As it stands there, or as usual."""
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("A naive datetime cannot be stored: say in which zone it is.")
    return value.astimezone(UTC)


def _to_sqlite(value: datetime | None) -> str | None:
    return None if value is None else _in_utc(value).isoformat(" ", "microseconds")[:TO_MICROSECONDS]


def _from_sqlite(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


class Json(TypeDecorator[Any]):
    """One JSON value: JSONB on PostgreSQL, text on SQLite, ``None`` stored as SQL NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the database's own type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))


class Base(DeclarativeBase):
    """Base of every table. Ids are UUIDs made by us before the insert, because sealing binds to them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UTCDateTime(), dict[str, Any]: Json(), str: Text()}

    def __init__(self, **values: Any) -> None:
        """Build the row, with an id of its own unless one is given."""
        if "id" not in values and getattr(type(self), "id_is_ours", False):
            values["id"] = uuid4()
        for name, value in values.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no column {name!r}")
            setattr(self, name, value)

    @property
    def row_id(self) -> str:
        """What names this row in the audit trail and binds its sealed values."""
        return str(getattr(self, "id"))  # noqa: B009 - a table with another key overrides this


class WithId:
    """A table whose primary key is one UUID of ours."""

    id_is_ours: ClassVar[bool] = True
    id: Mapped[UUID] = mapped_column(primary_key=True)


@dataclass(frozen=True)
class RoleAtSite:
    """A role held at one site; ``site_id`` is None for every site (``*``)."""

    role: Role
    site_id: UUID | None


@dataclass(frozen=True)
class Actor:
    """Who is acting: a patient's device, a member of staff, or a part of the system."""

    originator: Originator
    id: UUID | None = None
    name: str = ""
    roles: tuple[RoleAtSite, ...] = ()
    # Signed in by password alone where that is not enough: may set a second factor up, and nothing else.
    is_enrolling: bool = False

    def role_at(self, site_id: UUID | None) -> Role | None:
        """The first role that counts at the site; None for those who hold none."""
        counting = (held.role for held in self.roles if held.site_id is None or held.site_id == site_id)
        return next(counting, None)


def system(name: str) -> Actor:
    """The actor of a job or a command, named for the audit trail."""
    return Actor(Originator.SYSTEM, name=name)


@dataclass(frozen=True)
class Transaction:
    """Who is acting, when, and what they do it with."""

    work: UnitOfWork
    database: "Database"
    actor: Actor
    now: datetime
    request_id: str = ""
    _after_rollback: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def session(self) -> Session:
        """For rows that are changed as objects."""
        return self.work.session

    @property
    def connection(self) -> Connection:
        """For statements of plain columns: the session would first look through each for where it belongs."""
        return self.work.connection

    @property
    def notes(self) -> dict[str, Any]:
        """What those who act in it keep for each other."""
        return self.work.notes

    def after_rollback(self, write: Callable[[], None]) -> None:
        """Register what must survive a refusal; it runs once this transaction has ended."""
        self._after_rollback.append(write)

    def begin_anew(self) -> None:
        """Undo what was done so far and hold nothing; the next statement begins with what is committed by then."""
        assert not self.session.in_nested_transaction(), "Within a savepoint nobody may undo what was before it."
        self.work.roll_back()

    @contextmanager
    def savepoint(self) -> Iterator[SessionTransaction]:
        """What is done in the block is taken back by itself: when it raises, or by ``rollback`` of what it yields."""
        with self.session.begin_nested() as trace:
            # From here on, also for statements on the connection, of which the session does not hear.
            self.session.connection()
            yield trace

    def finish(self, *, keep: bool) -> None:
        """Commit or roll back. Only doors call this."""
        try:
            if keep:
                self.work.commit()
            else:
                self.work.roll_back()
        finally:
            # Whatever happened, the connection goes back: there are few, and others wait for it.
            try:
                self.work.close()
            finally:
                # Also where it was found dead only now: with it everything is undone.
                for write in () if keep else self._after_rollback:
                    write()

    def acting_as(self, actor: Actor) -> "Transaction":
        """The same transaction in another's name, for acts the system does because of this one."""
        return Transaction(self.work, self.database, actor, self.now, self.request_id, self._after_rollback)


class Database:
    """The engine and its two kinds of connection."""

    def __init__(self, url: str, keyring: object, *, threads: int = 4, outlives_power_cuts: bool = True) -> None:
        """Connect lazily. ``backend.sealing`` finds the keyring here."""
        self.url = url
        self.keyring = keyring
        self.is_sqlite = url.startswith("sqlite")
        self.engine = (
            sqlite(url, threads, canonical_json, outlives_power_cuts=outlives_power_cuts)
            if self.is_sqlite
            else postgres(url, threads, canonical_json)
        )
        self.readers = readers_of(self.engine)
        replace_connections_that_only_read(self.engine, self.close)

    def open(self, actor: Actor, *, reading: bool = False, request_id: str = "") -> Transaction:
        """Begin on first use; the caller finishes. For doors that outlive a ``with`` block."""
        work = UnitOfWork(self.readers if reading else self.engine)
        return Transaction(work, self, actor, clock.now(), request_id)

    @contextmanager
    def transaction(self, actor: Actor, *, request_id: str = "") -> Iterator[Transaction]:
        """A writer's transaction: commits at the end, rolls back on any error."""
        with self._ending(self.open(actor, request_id=request_id)) as txn:
            yield txn

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Transaction]:
        """A reader's transaction: the database refuses to change anything in it."""
        with self._ending(self.open(actor, reading=True)) as txn:
            yield txn

    @contextmanager
    def _ending(self, txn: Transaction) -> Iterator[Transaction]:
        try:
            yield txn
        except BaseException:
            txn.finish(keep=False)
            raise
        try:
            txn.finish(keep=True)
        except BaseException:
            txn.finish(keep=False)
            raise

    def close(self) -> None:
        """Close every pooled connection. Whoever asks for one afterwards gets a new one."""
        self.engine.dispose()
        if self.readers.pool is not self.engine.pool:
            self.readers.dispose()


@functools.cache
def _insert_of(kind: type[Base]) -> tuple[Insert, tuple[str, ...]]:
    table = kind.__table__
    assert isinstance(table, Table)
    return insert(table), tuple(table.columns.keys())


def insert_now(txn: Transaction, row: Base) -> None:
    """Write a new row by itself: several times faster than a flush, which looks at everything the session holds.

    Rows it refers to must be written already. Afterwards the session holds it as if it had been flushed.
    """
    statement, columns = _insert_of(type(row))
    txn.connection.execute(statement, {name: getattr(row, name) for name in columns})
    as_written(txn, row)


def insert_once(txn: Transaction, kind: type[Base]) -> Any:
    """An INSERT that leaves a row alone which is there already, and then returns nothing."""
    return _insert_once_of(kind, txn.database.is_sqlite)


@functools.cache
def _insert_once_of(kind: type[Base], is_sqlite: bool) -> Any:
    insert_here = insert_in_sqlite if is_sqlite else insert_in_postgres
    return insert_here(kind).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def as_written(txn: Transaction, row: Base) -> None:
    """Have the session hold a row that a statement has written just now."""
    for name in inspect(row).unloaded:
        # NULL was written there. Asked for only later, it would say what somebody has made of it since.
        set_committed_value(row, name, None)
    make_transient_to_detached(row)
    txn.session.add(row)


@functools.cache
def _update_of(kind: type[Base]) -> Update:
    table = kind.__table__
    assert isinstance(table, Table)
    # What is set is said with it.
    return update(table).where(table.c.id == bindparam("row"))


def update_now(txn: Transaction, row: Base, values: Mapping[str, Any]) -> None:
    """Write these values of an old row by themselves and at once: like ``insert_now`` faster than a flush."""
    txn.connection.execute(_update_of(type(row)), {"row": getattr(row, "id", None), **values})
    as_updated(row, values)


def as_updated(row: Base, values: Mapping[str, Any]) -> None:
    """Have an old row say what a statement has just written of it."""
    for name, value in values.items():
        set_committed_value(row, name, value)


def is_unavailable(error: Exception) -> bool:
    """Busy, locked, read-only, full or gone: nothing can be kept now, and trying again may help."""
    if isinstance(error, OperationalError | InternalError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def compare_and_set(txn: Transaction, statement: Update, **values: object) -> bool:
    """Whether this statement was the one that changed the row. Of two at once the second waits, and is told no.

    Rows that the session has read keep what they said: refresh them, or set them as well.
    """
    result = txn.session.execute(statement.values(**values).execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)


def lift_time_limits(txn: Transaction) -> None:
    """Until this transaction ends, PostgreSQL lets it take its time: for who copies or checks all there is."""
    connection = txn.connection
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, letters as they are. Hashes are taken of this."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)

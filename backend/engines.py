"""The two databases, each with what makes it safe: limits on waiting, whole transactions, live connections."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import orjson
from sqlalchemy import Engine, Pool, create_engine, event
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

SQLITE_BUSY_MILLISECONDS = 5_000
# So many statements a connection to SQLite keeps as it has read and planned them; we have some hundreds.
SQLITE_STATEMENTS = 500
SECONDS_FOR_A_CONNECTION = 5
# Who connects next gets the connection used last: it has prepared statements and, on SQLite, pages at hand.
POOL: dict[str, Any] = {"max_overflow": 0, "pool_timeout": SECONDS_FOR_A_CONNECTION, "pool_use_lifo": True}
# Dates that come as text are read as text, so it is not left to the server's habit how they look.
POSTGRES_SETTINGS = (
    "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000"
    " -c timezone=UTC -c datestyle=ISO"
)
# So long unused, a connection may have lost its server unnoticed.
SECONDS_OF_REST = 1.0
# What it says to somebody who writes where only reading is allowed: read_only_sql_transaction.
POSTGRES_READ_ONLY = "25006"
# No lock in time, a deadlock that was broken, and a transaction that must be done again.
POSTGRES_HELD = frozenset({"55P03", "40P01", "40001"})

READING = {"postgresql_readonly": True}
# Said of a connection to SQLite in its ``info``.
ONLY_READS = "only_reads"

ToJson = Callable[[object], str]


def postgres(url: str, threads: int, to_json: ToJson) -> Engine:
    """An engine for many machines. The pool is one larger than the threads that may use it."""
    engine = create_engine(
        url,
        pool_size=threads + 1,
        **POOL,
        connect_args={"options": POSTGRES_SETTINGS, "connect_timeout": 5},
        json_serializer=to_json,
        json_deserializer=orjson.loads,
    )
    _ask_after_a_rest(engine)
    return engine


def _ask_after_a_rest(engine: Engine) -> None:
    """Before a rested connection is used, ask whether the server is still there; three round trips, so not each time.

    One that was used a moment ago may have lost its server too: that request is answered 503, and all are replaced.
    """

    @event.listens_for(engine, "checkin")
    def rest(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: DBAPIConnection, entry: ConnectionPoolEntry, _used_by: object) -> None:
        since = entry.info.get("rests_since")
        if since is None or time.monotonic() - since < SECONDS_OF_REST:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise DisconnectionError from gone


def sqlite(url: str, threads: int, to_json: ToJson, *, outlives_power_cuts: bool) -> Engine:
    """An engine for one machine: writers wait for each other, and what is committed is on the disk.

    Without ``outlives_power_cuts`` the disk hears of it later: a killed process loses nothing, a power cut may.
    """
    engine = create_engine(
        url,
        pool_size=threads + 1,
        **POOL,
        # The driver must not begin transactions by itself: it begins too late and never for reads.
        connect_args={
            "isolation_level": None,
            "timeout": SQLITE_BUSY_MILLISECONDS / 1000,
            "check_same_thread": False,
            "cached_statements": SQLITE_STATEMENTS,
        },
        json_serializer=to_json,
        json_deserializer=orjson.loads,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {SQLITE_BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            f"synchronous = {'FULL' if outlives_power_cuts else 'NORMAL'}",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # Not by listening to the engine: where anybody does, SQLAlchemy asks of each statement who wants to hear of it.
    engine.dialect.do_begin = _begin_in_sqlite  # type: ignore[method-assign]
    return engine


def _begin_in_sqlite(dbapi_connection: PoolProxiedConnection) -> None:
    with closing(dbapi_connection.cursor()) as cursor:
        cursor.execute("BEGIN" if ONLY_READS in dbapi_connection.info else "BEGIN IMMEDIATE")


def readers_of(engine: Engine) -> Engine:
    """The same database for those who only read, and are held to that by the database."""
    return _readers_of_sqlite(engine) if engine.dialect.name == "sqlite" else engine.execution_options(**READING)


class _Readers(OptionEngine):
    """The same engine, and whatever listens to it, through connections of their own."""

    # Not the pool of the engine it is made of.
    pool: Pool = cast(Pool, None)

    def __init__(self, engine: Engine) -> None:
        """With as many connections again, made like the others."""
        super().__init__(engine, READING)
        self.pool = engine.pool.recreate()


def _readers_of_sqlite(engine: Engine) -> Engine:
    """Told once for each connection: being told, SQLite throws away every statement it has read and planned."""
    readers = _Readers(engine)

    @event.listens_for(readers.pool, "connect")
    def only_read(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info[ONLY_READS] = True
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return readers


def replace_connections_that_only_read(engine: Engine, close_all: Callable[[], None]) -> None:
    """One made while the database could only be read may stay so for ever, even when the database is well again."""

    @event.listens_for(engine, "handle_error")
    def replace(failure: ExceptionContext) -> None:
        wrong = failure.original_exception
        refused_by_sqlite = getattr(wrong, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
        if refused_by_sqlite or getattr(wrong, "sqlstate", None) == POSTGRES_READ_ONLY:
            failure.is_disconnect = True
            # SQLite's connections share what the first of them was allowed, so the idle ones go too, and an open
            # cursor must not keep this one alive.
            if failure.execution_context is not None and failure.execution_context.cursor is not None:
                failure.execution_context.cursor.close()
            close_all()


def is_held_by_others(error: Exception) -> bool:
    """Whether somebody else had what was asked for, or the connection went: the next try may find it free.

    SQLite calls a mistake in a statement by the same class of error, and that mistake would be there for ever.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    held_in_sqlite = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return error.connection_invalidated or held_in_sqlite or getattr(error.orig, "sqlstate", None) in POSTGRES_HELD

"""The schema, step by step, and the one way to apply it.

The deployer upgrades the database first, while processes of the version before still run and may be started
again. So a step only adds, and a process accepts a schema newer than its own (docs/decisions/0022).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from backend.db import Database, system
from backend.engines import SQLITE_BUSY_MILLISECONDS
from backend.errors import DatabaseBusy, SchemaOutOfDate
from backend.sealing import keep_key_checks

# One upgrade at a time, everywhere: the second waits this long, finds the work done, and does nothing.
SECONDS_TO_WAIT_FOR_ANOTHER = 60
# Any number will do, as long as nobody else takes the same: this one spells "foll".
UPGRADE_LOCK = 0x666F6C6C

log = logging.getLogger(__name__)


def upgrade(db: Database, *, to: str = "head") -> None:
    """Bring an empty or an older database to this version's schema, wholly or not at all.

    A newer one is left alone. Raises ``SchemaOutOfDate`` for a schema that is not ours, ``DatabaseBusy`` when
    another upgrade, or whoever uses the tables, did not let go in time.
    """
    try:
        with db.engine.connect() as connection, _alone(connection, db):
            if _is_newer(_found(connection)):
                return
            upgrade_within(connection, to=to)
            if to == "head":
                # With the keys of whoever upgrades: from then on nothing starts with others.
                keep_key_checks(connection, db.keyring)
    except OperationalError as busy:
        raise DatabaseBusy(
            "Somebody else holds the database, perhaps another upgrade. Nothing was changed; run this again."
        ) from busy


def upgrade_within(connection: Connection, *, to: str = "head") -> None:
    """The same as a part of the caller's transaction, in a database that nobody else knows of yet."""
    settings = _alembic()
    settings.attributes["connection"] = connection
    command.upgrade(settings, to)


def newest_schema() -> str:
    """The schema this program was written for."""
    return str(_scripts().get_current_head())


def is_ours(schema: str) -> bool:
    """Whether this program knows every step to this schema."""
    return schema in {script.revision for script in _scripts().walk_revisions()}


def refuse_other_schema(db: Database) -> None:
    """Raise ``SchemaOutOfDate`` when the database is older than this version, empty, or somebody else's."""
    with db.reading(system("start")) as txn:
        found = _found(txn.session.connection())
    needed = _scripts().get_current_head()
    if found == needed:
        return
    if not _is_newer(found):
        raise SchemaOutOfDate(
            f"The database is at {found or 'nothing'}, this version needs {needed}: followup db upgrade"
        )
    log.warning("the database is newer than this program", extra={"schema": found, "program": needed})


def steps() -> list[str]:
    """The names of the steps, the first first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def _is_newer(found: str | None) -> bool:
    """Whether the schema is one that a later version of this program made: our steps are numbered.

    Raises ``SchemaOutOfDate`` for a name that no version of ours gives to a step.
    """
    known = steps()
    if found is None or found in known:
        return False
    if len(found) == 4 and found.isdecimal() and found > known[-1]:
        return True
    raise SchemaOutOfDate(f"The database is at {found}, which no version of this program knows.")


@contextmanager
def _alone(connection: Connection, db: Database) -> Iterator[None]:
    """One transaction that nobody else upgrades in; what does not reach its end leaves nothing behind."""
    if not db.is_sqlite:
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{SECONDS_TO_WAIT_FOR_ANOTHER}s'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
            yield
        return
    # There the one writer is the lock, taken as the transaction begins.
    _be_patient(connection, SECONDS_TO_WAIT_FOR_ANOTHER * 1000)
    try:
        with connection.begin():
            yield
    finally:
        _be_patient(connection, SQLITE_BUSY_MILLISECONDS)


def _be_patient(connection: Connection, milliseconds: int) -> None:
    """For this connection alone, and outside a transaction: a statement of ours would begin one."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    cursor.close()


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _alembic() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings

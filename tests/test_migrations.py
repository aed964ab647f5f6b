"""The schema that migrations make is the one the models describe, and what is append-only cannot be changed."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.db import Database, system
from backend.tables import metadata

APPEND_ONLY = ("audit_event", "protocol_version", "instrument_version", "terminology_version")


def test_migrations_make_exactly_what_the_models_describe(db: Database) -> None:
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert differences == []


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_or_delete_a_kept_row(db: Database, table: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), db.transaction(system("vandal")) as txn:
        txn.session.execute(text(statement.format(table)))

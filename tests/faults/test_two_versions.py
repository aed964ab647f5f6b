"""The program of before runs beside a schema of now: the deployer upgrades first, and old processes still write."""

import ast
import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, MetaData, func, inspect, select, text

from backend.app import create_app
from backend.config import Settings
from backend.db import Database, system
from backend.errors import SchemaOutOfDate
from backend.migrations import refuse_other_schema, steps, upgrade
from tests.databases import KEYRING, KINDS, Databases

TEST = system("test")
# The first released schema; a step that comes after it meets programs of the step before.
RELEASED = "0005"
STEPS = list(itertools.pairwise(step for step in steps() if step >= RELEASED))
ANYTHING: dict[type, Any] = {
    bool: True,
    float: 1.5,
    date: date(2027, 3, 1),
    time: time(9),
    datetime: datetime(2027, 3, 1, tzinfo=UTC),
    dict: {"any": "thing"},
    object: {"any": "thing"},
    bytes: b"any",
}
_numbers = itertools.count(1_000_000)


def say_the_schema_is(db: Database, revision: str | None) -> None:
    with db.transaction(TEST) as txn:
        txn.session.execute(text("DELETE FROM alembic_version"))
        if revision:
            txn.session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def test_a_schema_of_a_later_version_is_worked_on_and_never_taken_back(db: Database, settings: Settings) -> None:
    client = create_app(settings, db).test_client()
    say_the_schema_is(db, "9999")

    refuse_other_schema(db)
    upgrade(db)

    assert client.get("/readyz").get_json()["schema"] == "ok"
    with db.reading(TEST) as txn:
        assert txn.session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


@pytest.mark.parametrize("revision", [RELEASED, None, "a1b2c3d4", "10000", "000x"])
def test_a_schema_that_is_older_or_missing_or_of_others_is_refused(db: Database, revision: str | None) -> None:
    say_the_schema_is(db, revision)

    with pytest.raises(SchemaOutOfDate, match="database is at"):
        refuse_other_schema(db)


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Database]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{databases.folder / f'empty{next(_numbers)}.sqlite'}"
    else:
        name = f"empty{next(_numbers)}"
        databases.server.create_database(name)
        url = databases.server.url(name)
    made = Database(url, KEYRING)
    yield made
    made.close()
    databases.drop(url)


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_a_step_only_adds_and_the_program_before_it_can_still_write_every_table(
    empty: Database, before: str, after: str
) -> None:
    upgrade(empty, to=before)
    was, bound = reflected(empty), rules(empty)

    upgrade(empty, to=after)

    now = reflected(empty)
    gone = [table for table in was.tables if table not in now.tables]
    assert gone + [str(column) for table in was.sorted_tables for column in changed(table, now)] == []
    assert [rule for rule in rules(empty) - bound if rule[0] in was.tables and binds(rule, was)] == []
    assert [table.name for table in was.sorted_tables if not can_be_written(empty, table)] == []


def reflected(db: Database) -> MetaData:
    """The tables that are there."""
    found = MetaData()
    found.reflect(db.engine)
    found.remove(found.tables["alembic_version"])
    return found


def changed(table: Any, now: MetaData) -> Iterator[Column[Any]]:
    """Columns that went, became another type, or must now be given."""
    there = now.tables[table.name].columns
    for column in table.columns:
        same = column.name in there and str(there[column.name].type) == str(column.type)
        if not same or (column.nullable and not there[column.name].nullable):
            yield column
    yield from (one for one in there if one.name not in table.columns and not one.nullable and not one.server_default)


def rules(db: Database) -> set[tuple[str, str, str]]:
    """(table, kind, what it says) of every constraint an old row could break."""
    found, look = set[tuple[str, str, str]](), inspect(db.engine)
    for table in look.get_table_names():
        found |= {(table, "unique", str(sorted(one["column_names"]))) for one in look.get_unique_constraints(table)}
        found |= {(table, "unique", str(one["column_names"])) for one in look.get_indexes(table) if one["unique"]}
        found |= {(table, "check", str(one["sqltext"])) for one in look.get_check_constraints(table)}
        found |= {(table, "refers", str(one["constrained_columns"])) for one in look.get_foreign_keys(table)}
    return found


def binds(rule: tuple[str, str, str], was: MetaData) -> bool:
    """Whether it can concern the program of before, which leaves every column empty that it does not know."""
    table, kind, said = rule
    return kind == "check" or set(ast.literal_eval(said)) <= set(was.tables[table].columns.keys())


def can_be_written(db: Database, table: Any) -> bool:
    """Whether a row of the columns of before goes in. What it refers to is not asked: that was compared."""
    trusting = "PRAGMA defer_foreign_keys = ON" if db.is_sqlite else "SET LOCAL session_replication_role = replica"
    with db.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql(trusting)
        connection.execute(table.insert(), {column.name: any_value(column) for column in table.columns})
        rows = connection.scalar(select(func.count()).select_from(table))
        transaction.rollback()
    return rows == 1


def any_value(column: Column[Any]) -> Any:
    """Something of the column's type that no other row holds."""
    kind = column.type.python_type
    if kind is int:
        return next(_numbers)
    if kind is UUID:
        return uuid4()
    return uuid4().hex if kind is str else ANYTHING[kind]

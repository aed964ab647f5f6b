"""Whoever steals the database, its file or its dump, finds nobody's name, number, word, password or token in it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, text

from backend.db import Database
from backend.jobs import Work
from backend.patients.forgetting import forget
from backend.sealing import DataKey, sweep
from backend.tables import metadata
from backend.terms import ForgettingReason, Role
from tests import people
from tests.canaries import WATCH, spellings
from tests.keys import life
from tests.keys.life import TEST

STAFF = {"email": "yara.ironwood@example.org", "name": "Yara Ironwood", "phone": "+8613911122266"}
PASSWORD = "seven teaspoons of cold plum tea"


def everything(db: Database) -> str:
    """Every row of every table that is there, as a dump writes it."""
    found = MetaData()
    found.reflect(db.engine)
    assert set(found.tables) >= set(metadata.tables)
    return "\n".join(_dumped(db, table) for table in found.sorted_tables) + _the_files(db)


def _dumped(db: Database, table: Table) -> str:
    with db.engine.connect() as connection:
        if db.is_sqlite:
            return "\n".join(str(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{table.name}"')))
        cursor = connection.connection.cursor()
        with cursor.copy(f'COPY "{table.name}" TO STDOUT') as copy:
            return b"".join(bytes(block) for block in copy).decode()


def _the_files(db: Database) -> str:
    """What lies on the disk: pages in use and not, and the log."""
    if not db.is_sqlite:
        return ""
    file = Path(db.url.removeprefix("sqlite:///"))
    with db.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    parts = [file.with_name(file.name + end) for end in ("", "-wal")]
    return dump + "".join(part.read_bytes().decode("utf-8", "replace") for part in parts if part.exists())


def a_member(client: Any, db: Database) -> None:
    administrator = life.Teller(client, people.administrator(db).headers)
    roles = [{"role": Role.COORDINATOR, "site": "site-01"}]
    administrator.post("/staff", {**STAFF, "password": PASSWORD, "roles": roles})


def test_a_dump_holds_no_name_no_number_no_word_and_nothing_to_sign_in_with(
    db: Database, client: Any, work: Work
) -> None:
    qiu = life.told(db, client, work)
    life.died(client, qiu)
    a_member(client, db)
    tokens = [one.headers["Authorization"].split()[1] for one in (qiu.coordinator, qiu.investigator)]
    secret = [*life.WORDS, *life.NUMBERS, *STAFF.values(), PASSWORD, people.PASSWORD, *qiu.secrets, *tokens]

    dump = everything(db)

    assert qiu.subject_number in dump
    assert [one for value in secret for one in spellings(value) if one in dump] == []
    assert [what for value, what in WATCH.secrets.items() if value in dump] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shredded_key_is_not_left_in_the_file_or_its_log(db: Database, client: Any, work: Work) -> None:
    qiu = life.told(db, client, work)
    life.died(client, qiu)
    with db.reading(TEST) as txn:
        wrapped = txn.session.get_one(DataKey, life.row_of(txn, qiu).id).wrapped
    assert wrapped in everything(db)

    with db.transaction(TEST) as txn:
        forget(txn, life.row_of(txn, qiu), ForgettingReason.RETENTION_ENDED)
    sweep(db)

    assert wrapped not in everything(db)

"""Loading the study a second time changes nothing at all."""

import pytest
from sqlalchemy import func, select

from backend.db import Database, system
from backend.tables import metadata
from seeds.load import load_study
from tests.databases import KINDS


def rows(db: Database) -> dict[str, int]:
    with db.reading(system("test")) as txn:
        return {
            table.name: txn.session.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_seed_files_load_twice_with_no_change(db):
    before = rows(db)

    with db.transaction(system("seed")) as txn:
        steps = load_study(txn)

    assert steps
    assert [str(step) for step in steps if step.is_new] == []
    assert rows(db) == before

"""What the databases of one test process share, and what stays each one's own."""

from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine.interfaces import CacheStats

from backend.db import Database, system
from backend.staff.models import Site
from tests.databases import KEYRING, KINDS, Databases
from tests.people import site_row

TEST = system("test")


@pytest.mark.parametrize("kind", KINDS)
def test_a_statement_is_put_into_sql_once_and_each_database_answers_for_itself(kind: str, databases: Databases) -> None:
    urls = [databases.fresh_url(kind) for _ in range(2)]

    visits = [_visit(url, f"hospital {number}") for number, url in enumerate(urls)]

    assert [names for names, _ in visits] == [["hospital 0"], ["hospital 1"]]
    assert CacheStats.CACHE_HIT in visits[1][1]
    assert CacheStats.CACHE_MISS not in visits[1][1]
    for url in urls:
        databases.drop(url)


def _visit(url: str, name: str) -> tuple[list[str], list[CacheStats]]:
    """What stands in a database once a name was written there, and whether each statement was known already."""
    db = Database(url, KEYRING)
    known: list[CacheStats] = []

    @event.listens_for(db.engine, "after_cursor_execute")
    def note(_connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
        known.append(context.cache_hit)

    with db.transaction(TEST) as txn:
        site_row(txn, "site-01").name = name
        txn.session.flush()
    with db.reading(TEST) as txn:
        names = list(txn.session.scalars(select(Site.name).where(Site.code == "site-01")))
    db.close()
    return names, known

"""A server of the test's own, in real processes that follow the real clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.db import Database
from tests.databases import KEYRING
from tests.faults.serving import Serving


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The test's database, opened beside the server; here no clock stands still."""
    opened = Database(database_url, KEYRING, threads=12)
    yield opened
    opened.close()


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Serving]:
    """Made, not started: some faults must be there first."""
    made = Serving(database_url, tmp_path)
    yield made
    made.kill()

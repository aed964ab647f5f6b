"""Who may see what is decided above the database: one kind is enough here."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database of the test's own."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)

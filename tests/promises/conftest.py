"""A promise is about the application, not about its database: one kind is enough, unless a test names both."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Examples first: where kept pages are written anew, the document written after them shows the new ones."""
    items.sort(key=lambda item: item.path.name != "test_examples.py")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database of the test's own."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)

"""What the commands about the trail are told."""

import pytest

from tests.processes import environment_for


@pytest.fixture
def environment(database_url, tmp_path) -> dict[str, str]:
    """What a process needs to serve the test's database."""
    return environment_for(database_url, tmp_path, TICK_SECONDS="0.2")

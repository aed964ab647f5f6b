"""The product's own commands as processes, on a test's database and with settings of its choice."""

import os
import subprocess
import sys
from pathlib import Path

from tests.databases import INDEX_KEY, MASTER_KEY, SECRET_KEY

COMMAND = (sys.executable, "-c", "from backend.cli import main; main()")


def bare_environment() -> dict[str, str]:
    """This process's own, without whatever the product was told by it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FOLLOWUP_")}


def settings_for(database_url: str, home: Path, **changes: str) -> dict[str, str]:
    """What the product is told in a test, but for the changes (``DATA_KEYS="…"``)."""
    ours = {
        "MODE": "test",
        "HOME": str(home),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "DATA_KEYS": MASTER_KEY,
        "INDEX_KEY": INDEX_KEY,
    }
    return {f"FOLLOWUP_{name}": value for name, value in (ours | changes).items()}


def environment_for(database_url: str, home: Path, **changes: str) -> dict[str, str]:
    """What a process needs to work on a database of the tests."""
    return bare_environment() | settings_for(database_url, home, **changes)


def done(environment: dict[str, str], *words: str, typed: str | None = None) -> "subprocess.CompletedProcess[str]":
    """``followup`` with these words, to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=environment, capture_output=True, text=True, input=typed, timeout=60, check=False
    )

"""Places to restore into, and a hospital that is at work meanwhile."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.backups.make import Made, make
from backend.backups.restore import Restored, restore
from backend.config import Settings
from backend.db import Database
from tests.databases import KEYRING, Databases
from tests.processes import environment_for

_numbers = itertools.count(1)
A_DAY = timedelta(days=1)


def quietly(_done: int, _of: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def empty_place(database_url: str, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """Where a database of the same kind could be, and is not."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'restored' / 'followup.sqlite'}"
        return
    name = f"empty{os.getpid()}_{next(_numbers)}"
    databases.server.create_database(name)
    yield databases.server.url(name)
    databases.server.drop_database(name)


@pytest.fixture
def elsewhere(settings: Settings, empty_place: str, tmp_path: Path) -> Settings:
    """The settings of the machine that a backup is restored on."""
    home = tmp_path / "restored"
    home.mkdir()
    return replace(settings, home=home, database_url=empty_place)


@pytest.fixture
def backed_up(db: Database, settings: Settings, tmp_path: Path) -> Callable[[], Made]:
    """Makes a backup of the test's database."""
    return lambda: make(db, settings, tmp_path / f"{next(_numbers)}.backup", quietly)


@pytest.fixture
def put_back(elsewhere: Settings) -> Iterator[Callable[..., tuple[Database, Restored]]]:
    """Restores a backup elsewhere, and opens what came of it."""
    opened: list[Database] = []

    def put(made: Made, *, rest: timedelta = A_DAY, **how: Any) -> tuple[Database, Restored]:
        done = restore(elsewhere, made.place, replace=False, rest=rest, progress=quietly, **how)
        opened.append(Database(elsewhere.database_url, KEYRING, threads=8))
        return opened[-1], done

    yield put
    for db in opened:
        db.close()


@pytest.fixture
def environment(settings: Settings) -> Callable[[Settings], dict[str, str]]:
    """What a process of ours is told."""
    return lambda said: environment_for(
        said.database_url,
        said.home,
        SECRET_KEY=said.secret_key,
        DATA_KEYS=",".join(said.data_keys),
        INDEX_KEY=said.index_key,
    )

"""What every test may ask for: a database of its own on both kinds, the app, a client, the clock."""

import gc
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher

from backend import clock as the_clock
from backend.config import Settings
from backend.db import Database
from backend.jobs import Work, work_of
from backend.staff import passwords
from tests import canaries, documented, one_app, postgres, statements
from tests.databases import KEYRING, KINDS, Databases, settings_of

START = "2027-03-01T08:00:00+08:00"


# Folders with tests that take more than some seconds: whole stories, processes, every route for everybody.
LONG = frozenset({"access", "bench", "demo", "fuzz", "simulation", "stories"})

# What the product hashes passwords with; tests/staff/test_passwords.py looks at it.
THE_PRODUCTS_OWN = passwords.HASHER


def pytest_configure() -> None:
    """Nothing secret leaves during any test (tests/canaries.py); thousands of passwords and databases cost little."""
    # Until all is imported there is no rubbish worth the time it takes to look for it.
    gc.disable()
    statements.remember()
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    canaries.install()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules whose tests may take long come first, so that at the end no process waits for another's longest."""
    longest = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: (item.path not in longest, item.path.parent.name not in LONG))


def pytest_collection_finish() -> None:
    """What was imported stays, and is not looked through for rubbish again and again: that took an eighth of it all."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 10, 10)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What leaves from here on is this test's doing."""
    canaries.WATCH.begin(item.path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A test that let something secret out fails."""
    yield
    canaries.WATCH.refuse_leaks()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """So does one whose fixtures did."""
    yield
    canaries.WATCH.refuse_leaks()


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Makes copies of a migrated and seeded database, in memory where there is room: no test cuts the power."""
    with tempfile.TemporaryDirectory(
        prefix="followup-databases-", dir=postgres.memory(), ignore_cleanup_errors=True
    ) as folder:
        made = Databases(Path(folder))
        yield made
        made.close()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database of the test's own, on SQLite and then on PostgreSQL."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def db(database_url: str, clock: "Clock") -> Iterator[Database]:
    """The test's database, opened."""
    opened = Database(database_url, KEYRING, threads=8)
    yield opened
    opened.close()


class Clock:
    """Both clocks. They stand still until moved, so a test says every time it depends on."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller

    def move_to(self, moment: str) -> None:
        """Both clocks say ``moment`` (ISO 8601 with an offset), as they do in life."""
        self._traveller.move_to(datetime.fromisoformat(moment))

    def move_trial_time_to(self, moment: str) -> None:
        """Only trial time moves, as in a demo."""
        the_clock.move_to(datetime.fromisoformat(moment))


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Monday 1 March 2027, eight in the morning in Beijing, until the test moves it."""
    with time_machine.travel(datetime.fromisoformat(START), tick=False) as traveller:
        yield Clock(traveller)
        the_clock.set_ahead(the_clock.ahead() * 0)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a process that serves the test's database."""
    return settings_of(database_url, tmp_path)


@pytest.fixture
def work(settings: Settings, db: Database) -> Work:
    """The jobs of a worker, to be run by hand."""
    return work_of(db, settings)


@pytest.fixture
def app(settings: Settings, db: Database) -> Iterator[Any]:
    """The application, on the test's database."""
    with one_app.on(settings, db) as made, documented.watching(made):
        yield made


@pytest.fixture
def client(app: Any) -> Any:
    """Speaks HTTP to the application."""
    return app.test_client()

"""The demo, built once for each database and then only looked at: building it costs seconds."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend import clock as the_clock
from backend import demo_clock
from backend.config import Settings, read_settings
from backend.db import Database, Transaction
from backend.opening import open_database
from backend.patients.models import Patient
from seeds.demo.home import Demo, make_demo
from tests.databases import KINDS, Databases

NUMBERS = itertools.count(1)
NOW = datetime.fromisoformat("2027-03-03T14:30:00+08:00")


@dataclass(frozen=True)
class Visited:
    """A demo that somebody looks at."""

    demo: Demo
    db: Database
    txn: Transaction

    def patient(self, subject_number: str) -> Patient:
        """One of the invented patients."""
        return self.txn.session.query(Patient).filter_by(subject_number=subject_number).one()


def settings_in(home: Path, database_url: str | None = None) -> Settings:
    """A demo's settings, its database in the home unless another is named."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FOLLOWUP_MODE", "demo")
        environment.setenv("FOLLOWUP_HOME", str(home))
        environment.setenv("FOLLOWUP_DATABASE_URL", database_url or "")
        return read_settings()


def empty_postgres(databases: Databases) -> str:
    """The address of a database with nothing in it."""
    name = f"demo{next(NUMBERS)}"
    databases.server.create_database(name)
    return databases.server.url(name)


@pytest.fixture(scope="module", params=KINDS)
def demo(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """A demo that begins on a Wednesday afternoon, on SQLite and then on PostgreSQL."""
    url = None if request.param == "sqlite" else empty_postgres(databases)
    settings = settings_in(tmp_path_factory.mktemp("demo"), url)
    yield make_demo(settings, now=NOW, progress=lambda done, of: None)
    the_clock.set_ahead(timedelta(0))


@pytest.fixture
def visited(demo: Demo) -> Iterator[Visited]:
    """The demo, opened for reading, at its own time."""
    db = open_database(demo.settings)
    the_clock.move_to(NOW)
    with db.reading(demo_clock.DEMO) as txn:
        yield Visited(demo, db, txn)
    db.close()

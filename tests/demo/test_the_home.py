"""Where a demo may be made, and what becomes of what was there."""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from backend import clock as the_clock
from backend import demo_clock
from backend.config import Mode
from backend.db import Database, system
from backend.errors import NotADemo
from backend.migrations import upgrade
from backend.opening import open_database
from backend.patients.models import Patient
from seeds.demo import home as the_home
from seeds.demo.home import DESCRIPTION, make_demo, refuse_foreign, wipe
from seeds.demo.script import acts_until, read_patients
from tests.databases import KINDS, Databases
from tests.demo.conftest import empty_postgres, settings_in

ZONES = dict.fromkeys(("site-01", "site-02", "site-03"), "Asia/Shanghai")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, databases: Databases, home: Path) -> str:
    """The address of a database with nothing in it."""
    home.mkdir()
    return f"sqlite:///{home / 'followup.sqlite'}" if request.param == "sqlite" else empty_postgres(databases)


def marked(db: Database) -> None:
    upgrade(db)
    the_home._mark(db)


def test_a_database_that_is_not_marked_as_a_demos_is_refused_and_left_alone(empty_url: str, home: Path) -> None:
    settings = settings_in(home, empty_url)
    db = open_database(settings)
    upgrade(db)

    with pytest.raises(NotADemo, match="not a demo"):
        make_demo(settings, now=None, progress=lambda done, of: None)

    assert inspect(db.engine).has_table("patient")
    db.close()


def test_a_database_of_another_program_is_refused(empty_url: str, home: Path) -> None:
    settings = settings_in(home, empty_url)
    db = open_database(settings)
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE accounts (id integer)"))

    with pytest.raises(NotADemo):
        refuse_foreign(settings)
    db.close()


def test_a_file_that_is_no_database_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "followup.sqlite").write_text("my thesis, the only copy " * 1_000)

    with pytest.raises(NotADemo):
        make_demo(settings_in(home), now=None, progress=lambda done, of: None)

    assert (home / "followup.sqlite").read_text().startswith("my thesis")


def test_a_demo_is_thrown_away_whole(empty_url: str, home: Path) -> None:
    settings = settings_in(home, empty_url)
    db = open_database(settings)
    marked(db)
    db.close()

    refuse_foreign(settings)
    wipe(settings)

    again = open_database(settings)
    assert inspect(again.engine).get_table_names() == []
    marked(again)
    with again.reading(demo_clock.DEMO) as txn:
        assert txn.session.scalar(select(func.count(Patient.id))) == 0
    again.close()


def test_what_sqlite_keeps_beside_its_file_goes_too(home: Path) -> None:
    home.mkdir()
    left = [home / f"followup.sqlite{suffix}" for suffix in ("", "-wal", "-shm")]
    for file in left:
        file.touch()

    wipe(settings_in(home))

    assert not any(file.exists() for file in left)


def test_the_last_demos_description_is_gone_before_anything_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / DESCRIPTION).write_text("{}")
    sqlite3.connect(home / "followup.sqlite").close()

    with pytest.raises(RuntimeError):
        make_demo(settings_in(home), now=None, progress=_stop)

    assert not (home / DESCRIPTION).exists()
    the_clock.set_ahead(timedelta(0))


def _stop(done: int, of: int) -> None:
    raise RuntimeError("somebody pressed Ctrl-C")


def test_a_demo_whose_making_was_interrupted_may_be_made_anew(home: Path) -> None:
    with pytest.raises(RuntimeError):
        make_demo(settings_in(home), now=None, progress=_stop)

    refuse_foreign(settings_in(home))
    the_clock.set_ahead(timedelta(0))


@pytest.mark.parametrize(
    "now",
    [
        "2027-03-01T08:00:00+08:00",
        "2028-02-29T00:05:00+08:00",
        "2026-08-31T23:50:00+08:00",
        "2027-05-31T12:00:00-07:00",
        "2027-01-01T03:00:00+00:00",
    ],
)
def test_whatever_the_day_the_past_lies_before_it_and_begins_with_enrolment(now: str) -> None:
    moment = datetime.fromisoformat(now)

    patients = read_patients(moment, ZONES)
    acts = acts_until(moment, patients)

    assert len(acts) > 150
    assert all(act.moment < moment for act in acts)
    for one in patients:
        assert next(act for act in acts if act.whose is one).what["type"] == "enrolled"


@pytest.mark.parametrize(("mode", "synchronous"), [(Mode.DEMO, 1), (Mode.PRODUCTION, 2), (Mode.TEST, 2)])
def test_only_a_demo_waits_for_no_disk(home: Path, mode: Mode, synchronous: int):
    home.mkdir()
    db = open_database(replace(settings_in(home, f"sqlite:///{home / 'followup.sqlite'}"), mode=mode))

    with db.reading(system("test")) as txn:
        assert txn.session.scalar(text("PRAGMA synchronous")) == synchronous
    db.close()

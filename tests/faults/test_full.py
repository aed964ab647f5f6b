"""The disk is full: what was answered with 201 is there, what was refused is not, and room is enough to go on."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from backend.app import create_app
from backend.config import Settings
from backend.db import Database
from tests import people
from tests.databases import KEYRING, Databases
from tests.faults import stored
from tests.faults.serving import Serving, a_patient, report

REPORTS = "/api/v1/me/reports"
MOST_TRIES = 400


@pytest.fixture
def database_url(databases: Databases) -> str:
    """For the settings alone; each test here makes the database it needs."""
    return databases.fresh_url("sqlite")


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path | None]:
    """A disk of this size; None where a test may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0777", "followup-tests", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    try:
        yield folder if done else None
    finally:
        if done:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def post_until_refused(server: Serving, who: people.Person) -> tuple[set[str], dict[str, Any]]:
    """The ids that were kept, and the body that was not."""
    kept: set[str] = set()
    for _ in range(MOST_TRIES):
        body = report()
        answer = server.call("POST", REPORTS, body, who.headers)
        if answer.status != 201:
            assert answer.is_busy
            return kept, body
        kept.add(body["id"])
    raise AssertionError("the disk never became full")


def test_sqlite_on_a_full_disk_loses_nothing_it_accepted_and_goes_on_when_there_is_room(
    databases: Databases, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        folder = disk or tmp_path / "disk"
        file = folder / "followup.sqlite"
        shutil.copyfile(databases.fresh_url("sqlite").removeprefix("sqlite:///"), file)
        db = Database(f"sqlite:///{file}", KEYRING)
        ann = people.phone_of(db, a_patient(db))
        with Serving(db.url, tmp_path) as server:
            with no_room(server, folder, disk):
                kept, refused = post_until_refused(server, ann)
                more = [server.call("POST", REPORTS, report(), ann.headers) for _ in range(3)]
                reading = server.call("GET", "/api/v1/me/agenda", headers=ann.headers)
                stored_when_full = set(stored.reports(db))
            again = server.call("POST", REPORTS, refused, ann.headers)

            assert (reading.status, [one.is_busy for one in more]) == (200, [True] * 3)
            assert stored_when_full == kept
            assert again.status == 201
            assert stored.reports(db) == dict.fromkeys([*kept, refused["id"]], 1)
            assert (stored.halves(db), server.is_running()) == ([], True)
        db.close()


@contextmanager
def no_room(server: Serving, folder: Path, disk: Path | None) -> Iterator[None]:
    """Hardly anything is free: on a disk of its own, or by the largest file this process may write."""
    if disk is None:
        largest = sum(path.stat().st_size for path in folder.iterdir())
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        yield
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return
    ballast = folder / "ballast"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    ballast.write_bytes(bytes(max(0, free - 300_000)))
    yield
    ballast.unlink()


def test_sqlite_that_says_it_is_full_is_busy_and_nothing_is_half_written(
    databases: Databases, settings: Settings
) -> None:
    db = Database(databases.fresh_url("sqlite"), KEYRING)
    ann, bodies = people.phone_of(db, a_patient(db)), [report() for _ in range(MOST_TRIES)]
    client = create_app(settings, db).test_client()

    @event.listens_for(db.engine, "checkout")
    def limit(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages if len(kept) >= 3 else 2**30}")

    kept: list[str] = []
    for body in bodies:
        answer = client.post(REPORTS, json=body, headers=ann.headers)
        if answer.status_code != 201:
            break
        kept.append(body["id"])

    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_busy")
    assert set(stored.reports(db)) == set(kept)
    assert stored.halves(db) == []
    kept.clear()
    assert client.post(REPORTS, json=body, headers=ann.headers).status_code == 201
    db.close()


def test_postgres_that_cannot_extend_a_table_loses_nothing_it_accepted_and_goes_on(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.fresh_url("postgres")
    db = Database(url, KEYRING)
    ann = people.phone_of(db, a_patient(db))
    with small_disk(databases.server.folder / "small", 1024) as disk, Serving(url, tmp_path) as server:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            make_room = fill(connection, disk)
            kept, refused = post_until_refused(server, ann)
            reading = server.call("GET", "/api/v1/me/agenda", headers=ann.headers)
            stored_when_full = set(stored.reports(db))
            for statement in make_room:
                connection.execute(statement)
        again = server.call("POST", REPORTS, refused, ann.headers)

        assert (reading.status, stored_when_full) == (200, kept)
        assert again.status == 201
        assert stored.reports(db) == dict.fromkeys([*kept, refused["id"]], 1)
        assert stored.halves(db) == []
        db.close()
        databases.drop(url)


def fill(connection: Any, disk: Path | None) -> list[str]:
    """Put the trail where hardly anything is free. What makes room again.

    Without a disk of that size, the table itself says what PostgreSQL says of a full one, after the third report.
    """
    if disk is None:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF (SELECT count(*) FROM symptom_report) > 3 THEN "
            "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON audit_event EXECUTE FUNCTION full_disk()")
        return ["DROP TRIGGER full ON audit_event"]
    place = disk / "tablespace"
    place.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(place, *owner_of(disk.parent / "data"))
    connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    connection.execute("CREATE TABLE ballast (words text) TABLESPACE small")
    connection.execute("ALTER TABLE symptom_report SET TABLESPACE small")
    with contextlib.suppress(psycopg.errors.DiskFull):
        for _ in range(MOST_TRIES):
            connection.execute("INSERT INTO ballast SELECT md5(n::text) FROM generate_series(1, 1000) AS n")
    return ["DROP TABLE ballast", "ALTER TABLE symptom_report SET TABLESPACE pg_default", "DROP TABLESPACE small"]


def owner_of(path: Path) -> tuple[int, int]:
    """Who the server runs as."""
    return path.stat().st_uid, path.stat().st_gid

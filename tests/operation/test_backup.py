"""A copy made while everybody works is one moment of the database, and as good as the database."""

import stat
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.app import create_app
from backend.audit import AuditEvent
from backend.audit_seals import Sealer
from backend.audit_verification import verify
from backend.backups.make import Made, make, tables
from backend.backups.restore import restore
from backend.backups.trace import BACKED_UP
from backend.config import Settings
from backend.db import Database, system
from backend.errors import BadBackup
from backend.fsck import check, invariants
from backend.patients.models import Patient
from tests import people
from tests.databases import KEYRING, Databases
from tests.operation.conftest import A_DAY, quietly
from tests.sent import report_body

TEST = system("test")
WRITERS, EACH = 4, 6


def count(db: Database, table: type = Patient) -> int:
    with db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count()).select_from(table)) or 0


def broken(db: Database, home: Path) -> list[str]:
    findings = check(db, invariants(home / "audit-checkpoints.jsonl"))
    return [f"{one.invariant.name}: {one.first}" for one in findings if not one.holds]


def enrol_some(db: Database, writer: int) -> None:
    for number in range(EACH):
        people.ann(db, phone=f"+8613800{writer:02}{number:04}", site=f"site-0{writer % 3 + 1}")


def contents(db: Database) -> dict[str, list[str]]:
    with db.reading(TEST) as txn:
        return {
            table.name: sorted(repr(row._asdict()) for row in txn.session.execute(select(table))) for table in tables()
        }


def test_a_backup_made_under_writes_is_one_moment_and_passes_every_check(
    db: Database, backed_up: Callable[[], Made], put_back: Callable, elsewhere: Settings
) -> None:
    people.ann(db)
    Sealer(db).seal_waiting()
    writers = [threading.Thread(target=enrol_some, args=[db, writer]) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    made = backed_up()
    for writer in writers:
        writer.join()

    restored, _ = put_back(made)

    assert broken(restored, elsewhere.home) == []
    assert verify(restored).defects == ()
    assert 1 <= count(restored) <= count(db) == 1 + WRITERS * EACH


def test_what_is_restored_is_what_was_there_to_the_letter(
    db: Database, client, settings: Settings, tmp_path: Path, backed_up: Callable[[], Made], elsewhere: Settings
) -> None:
    patient, coordinator = people.ann(db, name="安 \N{PILL} \\u0041"), people.coordinator(db)
    client.post("/api/v1/me/reports", json=report_body(), headers=people.phone_of(db, patient).headers)
    client.get(f"/api/v1/patients/{patient.id}", headers=coordinator.headers)
    Sealer(db).seal_waiting()
    before = contents(db)

    made = backed_up()
    restore(elsewhere, made.place, replace=False, rest=A_DAY * 0, progress=quietly)
    db_after = Database(elsewhere.database_url, KEYRING)
    after = contents(db_after)
    db_after.close()

    # What a restore does on purpose: sessions and codes end, sites are asked, and the trail says so.
    changed = {"staff_session", "activation_code", "work_item", "audit_event", "message"}
    assert {name for name in before if before[name] != after[name]} <= changed
    assert set(before["audit_event"]) <= set(after["audit_event"])
    assert made.rows == sum(len(rows) for rows in before.values())


def test_the_application_works_on_what_was_restored(
    db: Database, backed_up: Callable[[], Made], put_back: Callable, elsewhere: Settings
) -> None:
    patient = people.ann(db)

    restored, _ = put_back(backed_up())
    client = create_app(elsewhere, restored).test_client()
    phone, coordinator = people.phone_of(restored, patient), people.coordinator(restored)

    sent = client.post("/api/v1/me/reports", json=report_body(), headers=phone.headers)
    read = client.get(f"/api/v1/patients/{patient.id}", headers=coordinator.headers)
    assert (sent.status_code, read.status_code) == (201, 200)
    assert read.json["name"] == "Ann Zhang"


def test_a_backup_of_the_one_database_restores_into_the_other(
    databases: Databases, settings: Settings, elsewhere: Settings, tmp_path: Path, clock
) -> None:
    other = Database(databases.fresh_url("postgres" if settings.is_sqlite else "sqlite"), KEYRING)
    people.ann(other)
    Sealer(other).seal_waiting()
    made = make(other, settings, tmp_path / "other.backup", quietly)

    restore(elsewhere, made.place, replace=False, rest=A_DAY, progress=quietly)

    moved = Database(elsewhere.database_url, KEYRING)
    people.ben(moved)
    assert broken(moved, tmp_path) == []
    assert count(moved) == 2
    moved.close()
    other.close()
    databases.drop(other.url)


def test_a_backup_is_for_its_owners_eyes_and_holds_no_name(db: Database, backed_up: Callable[[], Made]) -> None:
    people.ann(db)

    made = backed_up()

    assert stat.S_IMODE(made.place.stat().st_mode) == 0o600

    with zipfile.ZipFile(made.place) as file:
        whole = b"".join(file.read(name) for name in file.namelist())
    assert not any(secret.encode() in whole for secret in ("Ann Zhang", people.ANNS_PHONE, "only the tests use"))


def test_a_backup_leaves_a_trace_and_never_writes_over_another(
    db: Database, settings: Settings, backed_up: Callable[[], Made]
) -> None:
    made = backed_up()
    kept = made.place.read_bytes()

    with pytest.raises(BadBackup, match="exists already"):
        make(db, settings, made.place, quietly)

    assert made.place.read_bytes() == kept
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.verb == BACKED_UP)).all() == [BACKED_UP]


def test_a_folder_gets_a_file_named_after_the_moment(db: Database, settings: Settings, tmp_path: Path) -> None:
    made = make(db, settings, tmp_path, quietly)

    assert made.place.name == "followup-20270301T000000Z.backup"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []

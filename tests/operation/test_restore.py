"""What is restored can be started at once: nothing is said twice, and nobody is written to who may have died since."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from backend import clock as clocks
from backend.agenda import changes
from backend.audit_checkpoints import FILE_NAME
from backend.audit_verification import verify
from backend.backups.archive import MANIFEST, appearing_whole, opened
from backend.backups.make import Made, make
from backend.backups.restore import restore
from backend.config import Settings
from backend.db import Database, system
from backend.errors import BadBackup, FollowupError, NotEmpty, SignInRefused
from backend.jobs import work_of
from backend.opening import refuse_unfit
from backend.patients.models import ActivationCode, Patient
from backend.patients.sign_in import activate, issue_code, refresh
from backend.staff.models import StaffSession
from backend.worklist.models import WorkItem
from notifications.models import Attempt, Message, SimulatedText
from tests import people
from tests.audit.trail import sealed
from tests.conftest import Clock
from tests.databases import KEYRING
from tests.operation.conftest import A_DAY, quietly
from tests.operation.hospital import BEGAN
from tests.processes import COMMAND

TEST = system("test")


def with_infusions(db: Database) -> Patient:
    """Ann is to be told at once that her two days are confirmed, and reminded of them later."""
    ann = people.ann(db, **BEGAN)
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 16))
        changes.confirm_cycle(txn, row, 1)
    return ann


def messages(db: Database) -> dict[str, tuple[str, str | None]]:
    with db.reading(TEST) as txn:
        return {row.key: (row.status, row.reason) for row in txn.session.scalars(select(Message))}


def texts(db: Database) -> int:
    with db.reading(TEST) as txn:
        return len(txn.session.scalars(select(SimulatedText)).all())


def test_what_was_due_since_the_backup_is_a_persons_task_and_never_simply_sent(
    db: Database, settings: Settings, backed_up: Callable[[], Made], put_back: Callable, clock: Clock
) -> None:
    ann = with_infusions(db)
    made = backed_up()
    clock.move_to("2027-03-01T09:00:00+08:00")

    restored, done = put_back(made)

    now_due = [key for key, (status, why) in messages(restored).items() if why == "restored_from_backup"]
    assert done.aftermath.held_back == len(now_due) >= 1
    assert work_of(restored, settings).dispatch() == {}
    assert texts(restored) == 0
    with restored.reading(TEST) as txn:
        asked = txn.session.scalars(select(WorkItem).where(WorkItem.reason == "restored_from_backup")).all()
        assert [item.patient_id for item in asked if item.patient_id] == [ann.id]
        assert len({item.site_id for item in asked if item.patient_id is None}) == 3


def test_nobody_is_written_to_for_a_day_and_then_reminders_go_on(
    db: Database, settings: Settings, backed_up: Callable[[], Made], put_back: Callable, clock: Clock
) -> None:
    with_infusions(db)
    restored, done = put_back(backed_up())
    work = work_of(restored, settings)

    work.plan()
    clock.move_to("2027-03-02T07:59:00+08:00")
    work.dispatch()
    while_resting = texts(restored)
    clock.move_to("2027-03-02T19:00:00+08:00")
    work.plan()
    work.dispatch()

    assert (done.aftermath.patients_resting, while_resting) == (1, 0)
    assert texts(restored) >= 1


def test_what_was_being_said_is_asked_after_and_not_said_again(
    db: Database, settings: Settings, backed_up: Callable[[], Made], put_back: Callable, clock: Clock
) -> None:
    with_infusions(db)
    work_of(db, settings).dispatch()
    with db.transaction(TEST) as txn:
        sent = select(Attempt.message_id).scalar_subquery()
        txn.session.execute(
            update(Message).where(Message.id == sent).values(status="sending", lease_until=the_future())
        )
        txn.session.execute(update(Attempt).values(status="sending", provider_id=None, settled_at=None))

    restored, done = put_back(backed_up())
    in_doubt = [status for status, _ in messages(restored).values() if status == "in_doubt"]
    work_of(restored, settings).reconcile()

    assert (done.aftermath.in_doubt, in_doubt) == (1, ["in_doubt"])
    assert texts(restored) == 1
    assert {status for status, _ in messages(restored).values()} & {"sending", "claimed", "in_doubt"} == set()


def the_future() -> object:
    return clocks.wall() + A_DAY


def test_a_phone_that_took_new_tokens_since_is_signed_out_and_each_patient_with_a_phone_is_one_task(
    db: Database, backed_up: Callable[[], Made], put_back: Callable, clock: Clock
) -> None:
    ann, ben, cai, dan = with_infusions(db), *(people.ann(db, name=f"{name} Li") for name in ("Ben", "Cai", "Dan"))
    people.phone_of(db, ann)
    with db.transaction(TEST) as txn:
        old = activate(txn, issue_code(txn, txn.session.get_one(Patient, ben.id)).code, ben.birth_year, "a phone")
        issue_code(txn, txn.session.get_one(Patient, cai.id))
    made = backed_up()
    with db.transaction(TEST) as txn:
        held = refresh(txn, old.refresh_token).refresh_token
    clock.move_to("2027-03-01T09:00:00+08:00")

    restored, _ = put_back(made)

    with restored.transaction(TEST) as txn, pytest.raises(SignInRefused):
        refresh(txn, held)
    assert asked_about(restored) == sorted([ann.id, ben.id, cai.id])
    assert dan.id not in asked_about(restored)


def test_a_move_in_which_nothing_was_lost_signs_no_phone_out_and_asks_nobody(
    db: Database, backed_up: Callable[[], Made], put_back: Callable
) -> None:
    people.phone_of(db, people.ann(db))

    restored, _ = put_back(backed_up(), rest=A_DAY * 0)

    assert asked_about(restored) == []


def asked_about(db: Database) -> list[UUID]:
    """Of which patients a task says that the database was restored, once for each task."""
    with db.reading(TEST) as txn:
        asked = txn.session.scalars(select(WorkItem).where(WorkItem.reason == "restored_from_backup"))
        assert all(item.due_at <= clocks.now() for item in asked)
        about = select(WorkItem.patient_id).where(WorkItem.reason == "restored_from_backup")
        return sorted(one for one in txn.session.scalars(about) if one)


def test_seals_that_came_with_a_backup_need_no_checkpoints_of_this_machine(
    db: Database, backed_up: Callable[[], Made], put_back: Callable, elsewhere: Settings, clock: Clock
) -> None:
    sealed(db)
    made = backed_up()
    clock.move_to("2027-03-02T08:00:00+08:00")
    restored, _ = put_back(made)
    file = elsewhere.home / FILE_NAME
    at_first = verify(restored, checkpoints=file).defects
    sealed(restored)
    clock.move_to("2027-03-02T08:31:00+08:00")

    later = verify(restored, checkpoints=file).defects

    assert (at_first, [one.wrong for one in later]) == ((), ["missing"])


def test_sessions_and_unused_codes_of_the_backup_open_nothing(
    db: Database, backed_up: Callable[[], Made], put_back: Callable
) -> None:
    ann = people.ann(db)
    people.coordinator(db)
    with db.transaction(TEST) as txn:
        issue_code(txn, txn.session.get_one(Patient, ann.id))

    restored, _ = put_back(backed_up())

    with restored.reading(TEST) as txn:
        assert txn.session.scalars(select(StaffSession).where(StaffSession.revoked_at.is_(None))).all() == []
        assert txn.session.scalars(select(ActivationCode).where(ActivationCode.voided_at.is_(None))).all() == []


def flip_a_bit_of_the_largest_member(archive: Path, place: float) -> None:
    """Of its data, not of the headers around it, where a date may say anything."""
    with zipfile.ZipFile(archive) as file:
        member = max(file.infolist(), key=lambda one: one.compress_size)
    raw = bytearray(archive.read_bytes())
    lengths = raw[member.header_offset + 26 : member.header_offset + 30]
    data = member.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    raw[data + int(member.compress_size * place)] ^= 0x10
    archive.write_bytes(raw)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_backup_is_refused_and_nothing_is_there(
    db: Database, backed_up: Callable[[], Made], elsewhere: Settings, place: float
) -> None:
    people.ann(db)
    made = backed_up()
    flip_a_bit_of_the_largest_member(made.place, place)

    with pytest.raises(BadBackup):
        restore(elsewhere, made.place, replace=False, rest=A_DAY, progress=quietly)

    nothing_starts_on(elsewhere)


def test_an_altered_and_a_shortened_backup_are_refused(
    db: Database, backed_up: Callable[[], Made], tmp_path: Path
) -> None:
    made = backed_up()
    altered, short = tmp_path / "altered", tmp_path / "short"
    with zipfile.ZipFile(made.place) as old, zipfile.ZipFile(altered, "w") as new:
        for name in old.namelist():
            said = old.read(name)
            new.writestr(
                name, said.replace(b'"site":', b'"site" :').replace(b'"rows"', b'"rowz"') if name == MANIFEST else said
            )
    short.write_bytes(made.place.read_bytes()[:-200])

    for place in (altered, short):
        with pytest.raises(BadBackup), opened(place, KEYRING):
            pass


def test_other_keys_are_refused_by_name(db: Database, backed_up: Callable[[], Made], elsewhere: Settings) -> None:
    people.ann(db)
    made = backed_up()
    others = (
        replace(elsewhere, data_keys=("another master key, which opens nothing",)),
        replace(elsewhere, index_key="another index key, which finds nothing"),
        replace(elsewhere, secret_key="another secret key, which signed nothing"),
    )

    codes = []
    for settings in others:
        with pytest.raises(FollowupError) as refused:
            restore(settings, made.place, replace=False, rest=A_DAY, progress=quietly)
        codes.append(refused.value.code)

    assert codes == ["wrong_data_key", "wrong_index_key", "bad_backup"]
    nothing_starts_on(elsewhere)


def nothing_starts_on(settings: Settings) -> None:
    db = Database(settings.database_url, KEYRING)
    try:
        with pytest.raises(Exception, match="nothing|open"):
            refuse_unfit(db)
    finally:
        db.close()


SINCE_0007_TOO = {"key_check", "ctcae_term", "ctcae_load"}
SINCE_0007 = {
    "data_key": {"forgotten_at"},
    "patient": {
        "agenda_revision",
        "agenda_changed_at",
        "protocol_moved_at",
        "phone_unconfirmed_since",
        "physician_name_sealed",
        "physician_phone_sealed",
    },
    "site": {"text_surveys"},
}


def test_a_backup_of_a_newer_version_is_refused_and_of_an_older_one_is_brought_up_to_date(
    db: Database, backed_up: Callable[[], Made], tmp_path: Path, put_back: Callable
) -> None:
    people.ann(db)
    made = backed_up()

    newer = rewritten(made, tmp_path / "newer", schema="9999")
    older = rewritten(made, tmp_path / "older", schema="0007", without=SINCE_0007_TOO, cut=SINCE_0007)

    with pytest.raises(BadBackup, match="newer"):
        put_back(newer)
    restored, _ = put_back(older)
    refuse_unfit(restored)


def rewritten(
    made: Made,
    place: Path,
    *,
    schema: str,
    without: frozenset[str] | set[str] = frozenset(),
    cut: Mapping[str, Collection[str]] | None = None,
) -> Made:
    """The same backup as another version would have made it: fewer tables, fewer columns."""
    with opened(made.place, KEYRING) as archive, appearing_whole(place) as writer:
        said = {name: value for name, value in archive.manifest.items() if name not in ("members", "format")}
        columns = {name: list(has) for name, has in said["columns"].items() if name not in without}
        for name in columns:
            lines = archive.lines(f"{name}.jsonl")
            gone = (cut or {}).get(name, ())
            if gone:
                stays = [place for place, column in enumerate(columns[name]) if column not in gone]
                columns[name] = [columns[name][place] for place in stays]
                rows = [json.loads(line) for line in lines]
                lines = iter([json.dumps([row[place] for place in stays], ensure_ascii=False) for row in rows])
            writer.add_lines(f"{name}.jsonl", lines)
        writer.close_with({**said, "columns": columns, "schema": schema}, KEYRING)
    return replace(made, place=place)


def test_nothing_is_restored_over_a_database(db: Database, settings: Settings, backed_up: Callable[[], Made]) -> None:
    made = backed_up()

    with pytest.raises(NotEmpty):
        restore(settings, made.place, replace=False, rest=A_DAY, progress=quietly)


def test_an_sqlite_file_in_use_is_not_replaced_and_one_at_rest_is_kept_aside(
    databases, settings: Settings, tmp_path: Path, clock: Clock
) -> None:
    settings = replace(settings, database_url=databases.fresh_url("sqlite"))
    db = Database(settings.database_url, KEYRING)
    people.ann(db)
    made = make(db, settings, tmp_path / "a.backup", quietly)
    people.ben(db)

    with pytest.raises(NotEmpty, match="in use"):
        restore(settings, made.place, replace=True, rest=A_DAY, progress=quietly)
    db.close()
    done = restore(settings, made.place, replace=True, rest=A_DAY, progress=quietly)

    def patients(file: Path) -> int:
        with sqlite3.connect(file) as connection:
            return int(connection.execute("SELECT count(*) FROM patient").fetchone()[0])

    assert done.kept_aside is not None
    assert (patients(done.kept_aside), patients(Path(db.url.removeprefix("sqlite:///")))) == (2, 1)


def killed(command: list[str], environment: dict[str, str], when: Callable[[], bool], after: float = 0.0) -> int:
    """Run it and kill it as soon as ``when``; its code, -9 when it was really killed."""
    process = subprocess.Popen(
        [*COMMAND, *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and not when():
        assert time.monotonic() < deadline
    time.sleep(after)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait()


def test_a_backup_that_is_killed_leaves_nothing_under_its_name(
    db: Database, settings: Settings, tmp_path: Path, environment: Callable[[Settings], dict[str, str]]
) -> None:
    place = tmp_path / "night.backup"

    code = killed(["backup", str(place)], environment(settings), lambda: any(tmp_path.glob(".night*")))

    assert code == -signal.SIGKILL
    assert not place.exists()


def test_a_restore_that_is_killed_leaves_nothing_that_starts_and_can_be_done_again(
    db: Database, backed_up: Callable[[], Made], elsewhere: Settings, environment: Callable[[Settings], dict[str, str]]
) -> None:
    people.ann(db)
    made = backed_up()
    beginning = "*.restoring-*"

    code = killed(["restore", str(made.place)], environment(elsewhere), lambda: any(elsewhere.home.glob(beginning)))
    nothing_starts_on(elsewhere)
    (elsewhere.home / "followup.sqlite").unlink(missing_ok=True)
    restore(elsewhere, made.place, replace=False, rest=A_DAY, progress=quietly)

    assert code == -signal.SIGKILL
    assert list(elsewhere.home.glob("*.sqlite" + beginning)) == []

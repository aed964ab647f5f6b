"""Each invariant notices what it is about, and a sound database breaks none of them."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, text

from backend.audit import AuditEvent
from backend.audit_checkpoints import FILE_NAME, write_checkpoints
from backend.audit_seals import Sealer
from backend.config import Settings
from backend.db import Database, Transaction, system
from backend.fsck import Finding, Invariant, check, invariants
from backend.jobs import Work
from backend.patients.symptom_report import SymptomReport
from tests import people
from tests.conftest import START, Clock
from tests.databases import KEYRING, KINDS, Databases
from tests.operation.breaks import BREAKS, changed
from tests.operation.hospital import a_hospital_at_work
from tests.phone import Phone, plan_and_send
from tests.processes import done

TEST = system("test")
BY_NAME: dict[str, Invariant] = {one.name: one for one in invariants()}
# Those that need the file, or the trail, to be damaged for good.
BROKEN_ELSEWHERE = {"schema.file", "trail.sealed", "trail.verified"}


@pytest.fixture(scope="module", params=KINDS)
def hospital(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A sound database with something of everything in it; what a test breaks is rolled back."""
    db = Database(databases.fresh_url(request.param), KEYRING, threads=8)
    with time_machine.travel(datetime.fromisoformat(START), tick=False):
        a_hospital_at_work(db, tmp_path_factory.mktemp("hospital"))
        yield db
    db.close()
    databases.drop(db.url)


@pytest.fixture
def txn(hospital: Database) -> Iterator[Transaction]:
    """Whatever is done in it is undone."""
    opened = hospital.open(TEST)
    yield opened
    opened.finish(keep=False)


def test_a_sound_database_breaks_no_invariant(hospital: Database) -> None:
    findings = list(check(hospital, invariants()))

    assert [(one.invariant.name, one.first) for one in findings if not one.holds] == []
    assert len(findings) == len(BY_NAME)


def test_every_invariant_has_a_way_of_breaking_it() -> None:
    assert BREAKS.keys() | BROKEN_ELSEWHERE == BY_NAME.keys()


@pytest.mark.parametrize("name", BREAKS)
def test_an_invariant_names_what_breaks_it(txn: Transaction, name: str) -> None:
    BREAKS[name](txn)
    txn.session.expire_all()

    assert list(BY_NAME[name].find(txn)) != []


def test_a_yes_to_the_card_by_text_is_before_a_coordinator_by_the_text_it_came_in(
    db: Database, clock: Clock, work: Work
) -> None:
    """The answers were filed as a report that no rule alarms: its emergency was the text's already."""
    people.ben(db, caregivers=())
    bens = Phone(work, people.BENS_PHONE)
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)
    bens.writes("36.8")
    bens.writes("1")
    clock.move_to("2027-03-11T08:00:00+08:00")
    work.see_to_surveys()

    with db.transaction(TEST) as txn:
        assert txn.session.scalars(select(SymptomReport.tier)).all() == ["T1"]
        assert list(BY_NAME["triage.reports"].find(txn)) == []
        BREAKS["triage.reports"](txn)
        assert len(list(BY_NAME["triage.reports"].find(txn))) == 1


def test_an_altered_trail_is_named(db: Database) -> None:
    Sealer(db).seal_waiting()
    with db.transaction(TEST) as txn:
        changed(AuditEvent, AuditEvent.id == select(AuditEvent.id).limit(1).scalar_subquery(), verb="x")(txn)

    broken = [one.invariant.name for one in check(db, invariants()) if not one.holds]

    assert "trail.verified" in broken


def test_an_entry_without_a_seal_is_named_after_a_minute(db: Database, clock) -> None:
    Sealer(db).seal_waiting()
    people.ann(db)
    at_first = [one.invariant.name for one in check(db, invariants()) if not one.holds]
    clock.move_to("2027-03-01T08:01:01+08:00")

    later = {one.invariant.name: one for one in check(db, invariants()) if not one.holds}

    assert at_first == []
    assert later.keys() == {"trail.sealed"}


def test_checkpoints_that_are_gone_are_named_after_half_an_hour_and_not_before(
    db: Database, tmp_path: Path, clock
) -> None:
    file = tmp_path / FILE_NAME
    Sealer(db).seal_waiting()
    clock.move_to("2027-03-01T08:30:00+08:00")
    at_first = broken_with(db, file)
    clock.move_to("2027-03-01T08:30:01+08:00")
    gone = broken_with(db, file)
    write_checkpoints(db, tmp_path)

    written = broken_with(db, file)

    assert (at_first.keys(), gone.keys(), written.keys()) == (set(), {"trail.verified"}, set())
    assert "--checkpoints FILE" in gone["trail.verified"].first[0]


def broken_with(db: Database, file: Path) -> dict[str, Finding]:
    return {one.invariant.name: one for one in check(db, invariants(file)) if not one.holds}


def test_the_check_can_change_nothing(hospital: Database) -> None:
    def spoil(txn: Transaction) -> list[str]:
        txn.session.execute(text("DELETE FROM work_item"))
        return []

    with pytest.raises(Exception, match="read"):
        list(check(hospital, [Invariant("x", "Nobody writes here", spoil)]))


def test_the_command_names_the_broken_and_ends_with_one(
    db: Database, settings: Settings, environment: Callable[[Settings], dict[str, str]]
) -> None:
    with db.transaction(TEST) as txn:
        txn.session.execute(text("ALTER TABLE work_item ADD COLUMN colour TEXT"))

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return done(environment(settings), "fsck", *options)

    said, for_programs = run(), run("--json")

    assert (said.returncode, for_programs.returncode) == (1, 1)
    assert "BROKEN 1  The tables are those this program was written for (schema.models)" in said.stdout
    assert "ok  Every reference leads to a row" in said.stdout
    found = {one["name"]: one["broken"] for one in json.loads(for_programs.stdout)}
    assert (found["schema.models"], found["schema.references"]) == (1, 0)

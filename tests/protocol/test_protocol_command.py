"""``followup protocol``: a patient's calendar as a table and as a file, and what another protocol would change."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from backend.agenda import changes
from backend.audit import AuditEvent
from backend.cli import commands
from backend.db import Database, system
from backend.patients.models import Patient
from backend.protocol.models import ProtocolVersion
from notifications.models import Message
from seeds.load import load_study
from tests import people
from tests.agenda.courses import SEED
from tests.conftest import Clock
from tests.processes import settings_for
from tests.protocol.test_protocol_files import SECOND
from tests.protocol.test_second_study import ELIGIBLE, INVITED

TEST = system("test")
Told = Callable[..., Result]


@pytest.fixture
def ann(db: Database) -> Patient:
    """Ann, with a confirmed cycle."""
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    return ann


@pytest.fixture
def told(database_url: str, tmp_path: Path) -> Told:
    def run(*words: str) -> Result:
        return CliRunner().invoke(commands, ["protocol", *words], env=settings_for(database_url, tmp_path))

    return run


def written(folder: Path, *changes: tuple[str, str], file: Path = SEED) -> str:
    """The file with something else in it, beside its rule file."""
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    triage = file.with_suffix(".triage.yaml")
    (folder / triage.name).write_bytes(triage.read_bytes())
    other = folder / "other.yaml"
    other.write_text(text, encoding="utf-8")
    return str(other)


def rows_in(db: Database) -> tuple[int, ...]:
    with db.reading(TEST) as txn:
        tables = (AuditEvent, Message, ProtocolVersion)
        return tuple(txn.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


# --- show --------------------------------------------------------------------------------------------------


def test_a_calendar_is_a_table(ann: Patient, told: Told) -> None:
    answer = told("show", "--patient", ann.subject_number)

    assert answer.exit_code == 0, answer.output
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[0] == ["due", "window", "key", "kind", "state", "instrument"]
    assert ["2027-02-25", "2027-02-18..2027-02-28", "baseline", "assessment", "overdue", "baseline"] in lines
    assert ["2027-03-13", "2027-03-13..2027-03-13", "cycle-1.day-1", "infusion", "confirmed", "-"] in lines
    assert ["2027-03-25", "2027-03-25..2027-03-30", "weekly.w4", "assessment", "not_yet_open", "four_weekly"] in lines
    assert [line[0] for line in lines[1:]] == sorted(line[0] for line in lines[1:])


def test_states_are_shown_as_of_another_day(ann: Patient, told: Told) -> None:
    answer = told("show", "--patient", ann.subject_number, "--at", "2027-03-26")

    states = {line.split()[2]: line.split()[4] for line in answer.stdout.splitlines()}
    assert (states["weekly.w3"], states["weekly.w4"], states["weekly.w5"]) == ("expired", "open", "not_yet_open")


def test_titles_are_told_in_one_language_or_both(ann: Patient, told: Told) -> None:
    def title(titles: str) -> str:
        answer = told("show", "--patient", ann.subject_number, "--titles", titles)
        return next(line for line in answer.stdout.splitlines() if " weekly.w4 " in line).partition("four_weekly  ")[2]

    assert title("en") == "Weekly report, week 4"
    assert title("zh-CN") == "每周报告（第 4 周）"
    assert title("both") == "Weekly report, week 4 / 每周报告（第 4 周）"


def test_a_calendar_is_a_file_for_calendar_programs(ann: Patient, told: Told, tmp_path: Path) -> None:
    file = tmp_path / "ann.ics"

    answer = told("show", "--patient", ann.subject_number, "--ics", str(file))

    assert answer.exit_code == 0, answer.output
    text = file.read_bytes()
    assert text.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"DTSTART;VALUE=DATE:20270313" in text
    assert b"cycle-1" not in text


def test_a_patient_who_is_not_there_is_named(ann: Patient, told: Told) -> None:
    answer = told("show", "--patient", "09-0009")

    assert answer.exit_code == 1
    assert "There is no patient 09-0009." in str(answer.exception)


# --- diff --------------------------------------------------------------------------------------------------


def test_the_same_protocol_changes_nothing(ann: Patient, told: Told) -> None:
    answer = told("diff", str(SEED))

    assert answer.exit_code == 0, answer.output
    assert answer.stdout == "0 of 1 patients would have another calendar under nct04162158.yaml\n"


def test_what_a_protocol_would_add_take_away_and_move_is_told_by_patient(
    db: Database, ann: Patient, told: Told, tmp_path: Path
) -> None:
    ben = people.ben(db)
    other = written(
        tmp_path,
        ("at: [6, 9, 12]", "at: [6, 9, 11]"),
        ("anchor: final_infusion, plus_days: 28", "anchor: last_infusion, plus_days: 35"),
        ("first: 4, last: 14", "first: 4, last: 15"),
        ("{nth: 4, instrument: four_weekly}", "{nth: 6, instrument: four_weekly}"),
        (
            "at: [2, 3, 6, 9, 12, 18, 24]}\n    window: {opens: -14",
            "at: [2, 3, 6, 9, 12, 18, 24]}\n    window: {opens: -7",
        ),
    )

    answer = told("diff", other)

    assert answer.exit_code == 0, answer.output
    assert answer.stdout.endswith("2 of 2 patients would have another calendar under other.yaml\n")
    anns, _, bens = answer.stdout.partition(f"{ben.subject_number}  control  ")
    assert "  + 2028-01-25 (2028-01-11..2028-02-08)  visit.m11\n" in bens
    assert "  - 2028-02-25 (2028-02-11..2028-03-10)  visit.m12\n" in bens
    assert "  ~ 2027-04-25 (2027-04-11..2027-05-09) → 2027-04-25 (2027-04-18..2027-05-09)  imaging.m2\n" in bens
    assert "  * four_weekly → weekly  weekly.w4\n" in bens
    assert "  + 2027-03-29 (2027-03-29..2027-03-29)  safety.c1.d15\n" in anns
    assert "safety.c1" not in bens


def test_what_has_begun_stays_and_what_is_over_is_not_gained(
    db: Database, clock: Clock, ann: Patient, told: Told, tmp_path: Path
) -> None:
    clock.move_to("2027-03-21T09:00:00+08:00")
    other = written(
        tmp_path,
        ("days: 7, anchor: randomisation, until", "days: 5, anchor: randomisation, until"),
        ("first: 15, every: 3", "first: 0, every: 3"),
    )

    answer = told("diff", other, "--patient", ann.subject_number)

    begun = ("weekly.w1", "weekly.w2", "weekly.w3")
    assert [line for line in answer.stdout.splitlines() if line.endswith(begun)] == []
    gained = [line.split()[-1] for line in answer.stdout.splitlines() if line.startswith("  + ")]
    assert [key for key in gained if key.startswith("quarterly")] == [f"quarterly.m{n}" for n in (3, 6, 9, 12)]
    assert "  ~ 2027-03-25 (2027-03-25..2027-03-30) → 2027-03-17 (2027-03-17..2027-03-22)  weekly.w4\n" in answer.stdout


def test_comparing_changes_nothing(db: Database, ann: Patient, told: Told, tmp_path: Path) -> None:
    before = rows_in(db)

    told("diff", written(tmp_path, ("at: [6, 9, 12]", "at: [6]")))

    assert rows_in(db) == before


def test_a_patient_of_an_arm_that_is_gone_cannot_move(db: Database, told: Told, tmp_path: Path) -> None:
    with db.transaction(system("seed")) as txn:
        load_study(txn, SECOND)
    waiting = people.enrolled(db, replace(INVITED, arm="waiting", eligibility={**ELIGIBLE, "exclusions": {}}))
    other = written(tmp_path, ("code: waiting", "code: later"), file=SECOND)

    answer = told("diff", other)

    assert f"{waiting.subject_number}  cannot move: there is no arm waiting\n" in answer.stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((("study: NCT04162158", "study: NCT00000000"),), "is the protocol of NCT00000000"),
        ((("sites: 3", "sites: three"),), "other.yaml:10: sites: Must be a whole number."),
        ((("template: contact_due", "template: contact_do"),), "There is no message text 'contact_do'."),
    ],
)
def test_a_file_that_cannot_be_compared_says_why(
    ann: Patient, told: Told, tmp_path: Path, changes: tuple[tuple[str, str], ...], said: str
) -> None:
    answer = told("diff", written(tmp_path, *changes))

    assert answer.exit_code == 1
    assert said in answer.stderr


def test_the_schema_is_printed(told: Told) -> None:
    answer = told("schema")

    assert answer.stdout.startswith('{\n "$schema": "https://json-schema.org/draft/2020-12/schema"')


def test_another_study_is_loaded_from_its_file(db: Database, database_url: str, tmp_path: Path) -> None:
    answer = CliRunner().invoke(commands, ["seed", "--protocol", str(SECOND)], env=settings_for(database_url, tmp_path))

    assert answer.exit_code == 0, answer.output
    assert "protocol INVENTED-2 version 1: loaded\n" in answer.stdout
    assert "instrument weekly version 1: nothing changed\n" in answer.stdout


def test_a_study_with_mistakes_is_not_loaded_and_each_is_told_with_file_line_and_field(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    bad = written(tmp_path, ("sites: 3", "sites: three"), ("culture_days: 15", "culture_days: x"))
    before = rows_in(db)

    answer = CliRunner().invoke(commands, ["seed", "--protocol", bad], env=settings_for(database_url, tmp_path))

    assert answer.exit_code == 1
    told = re.findall(r"other\.yaml:\d+: [\w.]+", answer.stderr)
    assert told == ["other.yaml:10: sites", "other.yaml:140: cells.culture_days"]
    assert rows_in(db) == before

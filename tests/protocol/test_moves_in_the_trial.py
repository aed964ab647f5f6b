"""A study amended while patients are under way: what is judged, asked, called about and kept, by which version."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda import changes
from backend.agenda.history import agenda_of
from backend.agenda.moves import MoveForm, move
from backend.agenda.planning import replan
from backend.cli import commands
from backend.db import Database, system
from backend.instruments.load import load_instruments
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.protocol.models import ProtocolVersion
from backend.triage.models import CandidateFinding
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.processes import settings_for
from tests.protocol.amended import load_amendment, set_in_effect
from tests.sent import answers, report_body, staff_report_body
from tests.study import contents

TEST = system("test")
API = "/api/v1"
Told = Callable[..., Result]
SINCE = {"consented_on": date(2027, 1, 20), "randomised_on": date(2027, 1, 25)}


def confirm(db: Database, patient: Patient, number: int, collected: str) -> None:
    """A cycle is entered and confirmed."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, number, date.fromisoformat(collected))
        changes.confirm_cycle(txn, row, number)


def start_infusion(db: Database, patient: Patient, number: int, day: int, start: str) -> None:
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.start_infusion(txn, row, number, day, datetime.fromisoformat(start))


def move_to(db: Database, patient: Patient, number: int) -> Any:
    with db.transaction(TEST) as txn:
        return move(txn, txn.session.get_one(Patient, patient.id), MoveForm(number)).diff


def calendar_of(db: Database, patient: Patient) -> dict[str, Any]:
    with db.reading(TEST) as txn:
        return {one.key: one for one in agenda_of(txn, txn.session.get_one(Patient, patient.id))}


def waiting(db: Database, patient: Patient) -> dict[str, UUID]:
    with db.reading(TEST) as txn:
        found = select(Message).where(Message.patient_id == patient.id, Message.status == "queued")
        return {one.key: one.id for one in txn.session.scalars(found)}


def replanned(db: Database, patient: Patient) -> tuple[int, int]:
    with db.transaction(TEST) as txn:
        done = replan(txn, txn.session.get_one(Patient, patient.id))
        return done.queued, done.recalled


# --- stories ---------------------------------------------------------------------------------------------------


def test_an_amendment_in_the_middle_of_a_second_cycle(db: Database, clock: Clock) -> None:
    """Between the two days of cycle 2: the days that were asked about stay, the two new ones come, cells go on."""
    clock.move_to("2027-02-05T08:00:00+08:00")
    ann = people.ann(db, **SINCE)
    confirm(db, ann, 1, "2027-01-26")
    clock.move_to("2027-02-11T12:00:00+08:00")
    for day, start in enumerate(("2027-02-10T10:00:00+08:00", "2027-02-11T10:00:00+08:00"), start=1):
        start_infusion(db, ann, 1, day, start)
    clock.move_to("2027-03-01T08:00:00+08:00")
    set_in_effect(db, load_amendment(db))
    confirm(db, ann, 2, "2027-02-23")
    clock.move_to("2027-03-10T16:00:00+08:00")
    start_infusion(db, ann, 2, 1, "2027-03-10T10:00:00+08:00")
    before = calendar_of(db, ann)

    diff = move_to(db, ann, 2)

    after = calendar_of(db, ann)
    begun = {key: one for key, one in before.items() if one.opens_at <= the_clock.now()}
    assert {key: after[key] for key in begun} == begun
    assert after["cycle-1.day-2"].state == "completed"
    assert (after["cycle-2.day-2"].due_on, after["cycle-2.day-2"].state) == (date(2027, 3, 11), "confirmed")
    assert {"safety.c2.d15", "safety.c2.d16", "visit.m11"} <= set(diff.added)
    # The first cycle's fourteen days were over; nobody is asked about a fifteenth that has passed.
    assert "safety.c1.d15" not in after
    assert "visit.m12" in diff.cancelled
    assert replanned(db, ann) == (0, 0)
    clock.move_to("2027-03-11T12:00:00+08:00")
    start_infusion(db, ann, 2, 2, "2027-03-11T10:00:00+08:00")
    assert calendar_of(db, ann)["safety.c2.d16"].due_on == date(2027, 3, 27)


def test_an_amendment_in_the_middle_of_a_controls_four_weekly_reports(db: Database, clock: Clock) -> None:
    """The report that is open keeps its window and its words; the next has the longer window and the new ones."""
    clock.move_to("2027-02-20T08:00:00+08:00")
    ben = people.ben(db, **SINCE)
    set_in_effect(db, load_amendment(db))
    clock.move_to("2027-05-18T12:00:00+08:00")
    before = calendar_of(db, ben)["four-weekly.w16"]
    replanned(db, ben)
    waited = waiting(db, ben)

    diff = move_to(db, ben, 2)

    after = calendar_of(db, ben)
    assert (before.state, after["four-weekly.w16"]) == ("open", before)
    assert after["four-weekly.w16"].titles["zh-CN"] != after["four-weekly.w20"].titles["zh-CN"] == "第 20 周报告"
    assert "four-weekly.w20" in diff.moved
    assert (after["four-weekly.w20"].closes_at - after["four-weekly.w20"].opens_at).days == 10
    prompts = {key for key in waited if key.startswith("four-weekly.w16@")}
    assert prompts
    assert {key: waiting(db, ben).get(key) for key in prompts} == {key: waited[key] for key in prompts}
    assert replanned(db, ben) == (0, 0)


# --- judging ---------------------------------------------------------------------------------------------------


def judged(db: Database, report_id: str) -> tuple[int, int]:
    """By which version of the protocol, and by which version of the rule about seizures."""
    with db.reading(TEST) as txn:
        report = txn.session.scalars(select(SymptomReport).where(SymptomReport.id == UUID(report_id))).one()
        found = select(CandidateFinding).where(CandidateFinding.report_id == report.id)
        finding = next(one for one in txn.session.scalars(found) if one.rule_id == "T1.seizure")
        version = txn.session.get_one(ProtocolVersion, report.protocol_version_id).version
        return version, finding.rule_version


def test_a_report_is_judged_by_the_version_of_when_it_was_completed(db: Database, client: Any, clock: Clock) -> None:
    ann = people.ann(db)
    set_in_effect(db, load_amendment(db))
    phone = people.phone_of(db, ann)
    seizure = answers(checklist__seizure=1)
    before = client.post(f"{API}/me/reports", json=report_body(answers=seizure), headers=phone.headers).json["id"]
    move_to(db, ann, 2)
    clock.move_to("2027-03-01T08:20:00+08:00")
    bodies = [report_body(answers=seizure)]
    bodies += [report_body(answers=seizure, completed_at="2027-03-01T08:19:00+08:00")]

    late, after = (client.post(f"{API}/me/reports", json=one, headers=phone.headers).json["id"] for one in bodies)

    assert [judged(db, one) for one in (before, late, after)] == [(1, 1), (1, 1), (2, 2)]


def test_a_questionnaire_in_its_new_version_goes_with_the_amendment_and_the_old_one_is_still_taken(
    db: Database, client: Any, clock: Clock
) -> None:
    """A report of before the move, sent after it, answers its own item in its own words."""
    clock.move_to("2027-02-20T08:00:00+08:00")
    ben = people.ben(db, **SINCE)
    set_in_effect(db, load_amendment(db))
    clock.move_to("2027-03-02T12:00:00+08:00")
    with db.transaction(TEST) as txn:
        weekly = contents()["weekly"]
        titles = {language: f"{title} 2" for language, title in weekly["title"].items()}
        (loaded,) = load_instruments(txn, [{**weekly, "title": titles}])
    move_to(db, ben, 2)
    clock.move_to("2027-03-16T12:00:00+08:00")
    person = people.coordinator(db)
    asked = {"instrument": "weekly", "answers": []}
    sent = [
        ("weekly.w5", 1, "2027-03-02T11:50:00+08:00"),
        ("weekly.w7", loaded.version, "2027-03-16T11:50:00+08:00"),
    ]

    for key, version, at in sent:
        body = staff_report_body(**asked, instrument_version=version, agenda_key=key, started_at=at, completed_at=at)
        answer = client.post(f"{API}/patients/{ben.id}/reports", json=body, headers=person.headers)
        assert answer.status_code == 201, answer.text

    items = calendar_of(db, ben)
    assert loaded.version == 2
    assert [items[key].state for key, _, _ in sent] == ["completed", "completed"]
    assert items["weekly.w5"].titles["en"] == "Weekly report, week 5"
    assert items["weekly.w7"].titles["en"] == "Report of week 7"


# --- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def told(database_url: str, tmp_path: Path) -> Told:
    def run(*words: str) -> Result:
        return CliRunner().invoke(commands, ["protocol", *words], env=settings_for(database_url, tmp_path))

    return run


def test_patients_are_moved_one_by_one_and_who_cannot_be_is_named_with_the_rule(db: Database, told: Told) -> None:
    ann, ben = people.ann(db), people.ben(db, "site-02")
    dora = people.ann(db, phone=None)
    set_in_effect(db, load_amendment(db))
    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, dora.id).status = "died"

    tried = told("move", "--to", "2", "--all", "--dry-run")
    still = calendar_of(db, ann)
    done = told("move", "--to", "2", "--all")
    again = told("move", "--to", "2", "--site", "site-01")

    lines = done.stdout.splitlines()
    assert tried.stdout == done.stdout.replace("patients moved", "patients could move")
    assert "visit.m12" in still
    assert "visit.m11" in calendar_of(db, ann)
    assert lines[0].startswith(f"{ann.subject_number}  gains 1, loses 1, moves ")
    assert lines[1] == f"{dora.subject_number}  not moved: The patient is no longer followed."
    assert lines[2].startswith(f"{ben.subject_number}  not moved: The principal investigator has not said")
    assert lines[3] == "1 of 3 patients moved to version 2"
    assert again.stdout.splitlines()[0] == f"{ann.subject_number}  not moved: The patient is under version 2."


def test_whom_to_move_must_be_said(told: Told, db: Database) -> None:
    neither, both = told("move", "--to", "2"), told("move", "--to", "2", "--all", "--site", "site-01")
    nowhere = told("move", "--to", "2", "--site", "site-99")

    assert (neither.exit_code, both.exit_code) == (2, 2)
    assert "Say either --site or --all." in neither.stderr
    assert "There is no site site-99." in str(nowhere.exception)

"""The deliberately different study, lived through: three arms, one infusion day, fortnightly surveys, two years."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from backend.agenda import changes
from backend.agenda.calendar import by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of
from backend.db import Database, system
from backend.errors import InvalidInput, NoLongerPossible
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import AgendaState, Attendance
from notifications.models import Message
from seeds.load import load_study
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send
from tests.reports.test_submit import submitted, weekly

TEST = system("test")
SECOND = Path(__file__).parent / "second-study.yaml"
DUE = AgendaState.OPEN
ELIGIBLE = {"age": 40, "exclusions": {"pregnant": False}, "override_reason": None}
INVITED = replace(people.ANN, arm="low", targeted_drug="none", randomised_on=date(2027, 3, 1), eligibility=ELIGIBLE)


@pytest.fixture
def study(db: Database) -> Database:
    """The database, after the second study was loaded beside the first."""
    with db.transaction(system("seed")) as txn:
        load_study(txn, SECOND)
    return db


@pytest.fixture
def dora(study: Database) -> Patient:
    return people.enrolled(study, INVITED)


def in_the_record(txn: Any, whom: Patient) -> Patient:
    found: Patient = txn.session.get_one(Patient, whom.id)
    return found


def items(db: Database, whom: Patient) -> dict[str, AgendaItem]:
    with db.reading(TEST) as txn:
        return by_key(agenda_of(txn, in_the_record(txn, whom)))


def sent(db: Database, whom: UUID) -> list[tuple[str, str]]:
    """(key, state) of every message about the agenda, in the order of their times."""
    about = select(Message).where(Message.patient_id == whom).order_by(Message.send_at, Message.key)
    with db.reading(TEST) as txn:
        return [(row.key, row.status) for row in txn.session.scalars(about)]


def at(moment: str) -> datetime:
    return datetime.fromisoformat(f"{moment}+08:00")


def one_cycle(db: Database, clock: Clock, whom: Patient) -> None:
    """Collected, confirmed, and begun on the day."""
    with db.transaction(TEST) as txn:
        changes.plan_cycle(txn, in_the_record(txn, whom), 1, date(2027, 3, 2))
    with db.transaction(TEST) as txn:
        changes.confirm_cycle(txn, in_the_record(txn, whom), 1)
    clock.move_to("2027-03-12T11:00:00+08:00")
    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, whom), 1, 1, at("2027-03-12T09:30:00"))


def states(found: dict[str, AgendaItem], keys: Iterable[str]) -> list[AgendaState]:
    return [found[key].state for key in keys]


def test_a_cycle_has_the_one_day_its_protocol_says(study: Database, clock: Clock, dora: Patient) -> None:
    one_cycle(study, clock, dora)

    found = items(study, dora)
    assert [key for key in found if key.startswith("cycle")] == ["cycle-1.day-1"]
    assert (found["cycle-1.day-1"].due_on, found["cycle-1.day-1"].state) == (date(2027, 3, 12), AgendaState.COMPLETED)
    assert [found[f"after-dose.1.{n}"].due_on.day for n in (1, 2)] == [13, 14]


def test_a_second_infusion_day_is_refused_where_there_is_one(study: Database, clock: Clock, dora: Patient) -> None:
    one_cycle(study, clock, dora)
    clock.move_to("2027-03-13T11:00:00+08:00")

    with study.transaction(TEST) as txn, pytest.raises(InvalidInput) as refusal:
        changes.start_infusion(txn, in_the_record(txn, dora), 1, 2, at("2027-03-13T09:30:00"))

    assert "day" in refusal.value.fields


def test_the_infusion_day_is_missed_by_its_key(study: Database, clock: Clock, dora: Patient) -> None:
    with study.transaction(TEST) as txn:
        changes.plan_cycle(txn, in_the_record(txn, dora), 1, date(2027, 3, 2))
        changes.confirm_cycle(txn, in_the_record(txn, dora), 1)
    clock.move_to("2027-03-13T11:00:00+08:00")

    with study.transaction(TEST) as txn:
        missed = changes.record_attendance(
            txn, in_the_record(txn, dora), "cycle-1.day-1", Attendance.MISSED, date(2027, 3, 12)
        )

    assert missed.item.state is AgendaState.EXPIRED
    assert "after-dose.1.1" not in items(study, dora)


def test_the_arm_that_waits_receives_no_cells(study: Database) -> None:
    waiting = people.enrolled(study, replace(INVITED, arm="waiting", eligibility={**ELIGIBLE, "exclusions": {}}))

    with study.transaction(TEST) as txn, pytest.raises(NoLongerPossible):
        changes.plan_cycle(txn, in_the_record(txn, waiting), 1, date(2027, 3, 2))
    assert not [key for key in items(study, waiting) if key.startswith(("cycle", "after-dose"))]


def test_reminders_are_planned_and_sent_at_the_hours_of_its_own(
    study: Database, clock: Clock, dora: Patient, work: Work
) -> None:
    with study.transaction(TEST) as txn:
        changes.plan_cycle(txn, in_the_record(txn, dora), 1, date(2027, 3, 2))
        changes.confirm_cycle(txn, in_the_record(txn, dora), 1)
    plan_and_send(work)
    assert sent(study, dora.id) == [
        ("cycle-1.day-1@2027-03-12:confirmed", "delivered"),
        ("cycle-1.day-1@2027-03-12:-1d", "queued"),
        ("survey.f1@2027-03-15:0d", "queued"),
    ]

    for moment in ("2027-03-11T12:00:00", "2027-03-15T18:00:00"):
        clock.move_to(f"{moment}+08:00")
        plan_and_send(work)

    texts = Phone(work, people.ANNS_PHONE).received
    assert len(texts) == 3
    assert dict(sent(study, dora.id))["survey.f1@2027-03-15:0d"] == "delivered"


def test_a_survey_is_answered_and_the_next_one_comes_a_fortnight_later(
    study: Database, clock: Clock, dora: Patient
) -> None:
    clock.move_to("2027-03-15T19:00:00+08:00")
    report = weekly("2027-03-15T18:30:00+08:00", instrument="core", agenda_key="survey.f1")

    filed = submitted(study, dora, report)

    found = items(study, dora)
    assert filed.report.agenda_key == "survey.f1"
    assert states(found, ("survey.f1", "survey.f2")) == [AgendaState.COMPLETED, AgendaState.NOT_YET_OPEN]
    assert (found["survey.f2"].due_on - found["survey.f1"].due_on).days == 14


def test_after_two_years_nothing_more_falls_due(study: Database, clock: Clock, dora: Patient, work: Work) -> None:
    one_cycle(study, clock, dora)
    clock.move_to("2029-03-20T09:00:00+08:00")
    before = len(sent(study, dora.id))
    plan_and_send(work)

    found = items(study, dora)
    assert max(item.due_on for item in found.values()) == date(2029, 2, 26)
    assert states(found, ("survey.f1", "visit.halfway")) == [AgendaState.EXPIRED, AgendaState.EXPIRED]
    assert not [item for item in found.values() if item.state in (DUE, AgendaState.NOT_YET_OPEN)]
    assert len(sent(study, dora.id)) == before


def test_where_the_cells_are_given_on_one_day_no_second_day_is_shown(study, clock, client, dora):
    person = people.investigator(study)
    of_dora = f"/api/v1/patients/{dora.id}/cycles"

    planned = client.post(of_dora, json={"number": 1, "donor_collection_on": "2027-03-01"}, headers=person.headers)
    listed = client.get(of_dora, headers=person.headers).json["items"]

    assert [one["day_2_on"] for one in (planned.json["cycle"], *listed)] == [None, None]
    assert planned.json["cycle"]["day_1_on"] is not None

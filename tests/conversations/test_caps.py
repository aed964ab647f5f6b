"""How many routine texts a day: to a patient, and to a telephone that several share; and what is outside of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from backend import clock as the_clock
from backend.conversations.known import LONGEST_ON_ITS_WAY
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import Urgency
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.release_world import World, a_report_is_due, a_routine_text_went

SAID, TOMORROW = "send by sms", "later: daily_cap"
OUTSIDE = (Urgency.INFUSION, Urgency.SAFETY, Urgency.REPLY)


@pytest.fixture(params=["sqlite"])
def database_url(request, databases):
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    made = release_world.made(work, clock)
    a_report_is_due(made)
    return made


def texted(world: World, patient: Patient, times: int, begun_at: datetime | None = None, **columns: object) -> None:
    """So many routine texts went to this patient today, but for the changes."""
    for _ in range(times):
        world.do(lambda txn, _: a_routine_text_went(txn, patient.id, begun_at, **columns))


def test_three_routine_texts_a_day_and_whatever_is_not_routine_beside_them(world: World) -> None:
    yesterday = the_clock.now() - timedelta(days=1)
    for others in ({"channel": "in_app"}, {"status": "suppressed"}, {"settled_at": yesterday}):
        texted(world, world.patient, 9, **others)
    for urgency in OUTSIDE:
        texted(world, world.patient, 9, urgency=urgency)

    texted(world, world.patient, 2)
    found = [world.decision()]
    texted(world, world.patient, 1)
    found.append(world.decision())
    for urgency in OUTSIDE:
        world.says(urgency=urgency)
        found.append(world.decision())

    assert found == [SAID, TOMORROW, SAID, SAID, SAID]


def test_a_text_that_is_said_to_have_arrived_today_counts_unless_it_was_begun_days_ago(world: World) -> None:
    texted(world, world.patient, 9, begun_at=the_clock.now() - LONGEST_ON_ITS_WAY - timedelta(days=1))
    found = [world.decision()]
    texted(world, world.patient, 3, begun_at=the_clock.now() - timedelta(days=1))

    assert [*found, world.decision()] == [SAID, TOMORROW]


def test_a_text_that_was_begun_twice_counts_once(world: World) -> None:
    texted(world, world.patient, 2, tries=2)
    found = [world.decision()]
    texted(world, world.patient, 1, tries=2)

    assert [*found, world.decision()] == [SAID, TOMORROW]


def test_what_a_patient_has_had_is_looked_for_among_their_own_of_the_last_days(world: World) -> None:
    """Among all that was sent to anybody, or to them in years, it would take longer every day."""
    said: list[tuple[str, Any]] = []
    event.listen(
        world.work.db.engine, "before_cursor_execute", lambda _c, _k, words, values, *_: said.append((words, values))
    )
    assert world.decision() == SAID

    counting = next(one for one in said if "CASE WHEN" in one[0] and "message.urgency" in one[0])
    with world.work.db.engine.connect() as connection:
        plan = [str(step) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {counting[0]}", counting[1])]
    assert any("(patient_id=? AND started_at>?)" in step for step in plan)
    assert not any("ix_message_status" in step for step in plan)


def test_a_telephone_of_three_gets_twice_as_many_as_one_patient(world: World) -> None:
    second, third = (people.ben(world.work.db, phone=people.ANNS_PHONE, caregivers=()) for _ in range(2))
    texted(world, second, 3)
    texted(world, third, 2)
    found = [world.decision()]
    texted(world, third, 1)
    found.append(world.decision())
    world.change(Patient, third.id, phone_index="another")
    found.append(world.decision())

    assert found == [SAID, TOMORROW, SAID]

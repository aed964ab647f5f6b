"""What did not reach a patient one way in time goes the next way, once, while it is worth anything."""

import threading
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from backend.agenda import changes
from backend.audit import AuditEvent
from backend.conversations import channels
from backend.db import Database
from backend.jobs import Work
from backend.patients.models import Patient
from backend.survival.deaths import report_death
from backend.terms import Attendance
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.release_rows import stops
from tests.conversations.release_world import TEST, World, a_report_is_due, a_visit_is_ahead
from tests.phone import Phone

WEEKLY = "weekly.w1@2027-03-04:0d"


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    return release_world.made(work, clock)


def sent_but_not_delivered(world: World, **columns: Any) -> None:
    """The report's reminder left by text at ten; no receipt has come since."""
    a_report_is_due(world)
    world.work.dispatch()
    world.says(status="sent", **columns)


def put_into_the_app(world: World) -> None:
    """Her number had said STOP, so the reminder stands in the app; since then the number is open again."""
    a_report_is_due(world)
    world.of_ann(channels=["in_app"])
    world.work.dispatch()
    world.of_ann(channels=["in_app", "sms"])


def sent_again(db: Database) -> list[tuple[str, str, str | None]]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(Message).where(Message.key.contains("/")).order_by(Message.key))
        return [(one.key, one.status, one.channel) for one in rows]


def tick(world: World) -> None:
    world.work.plan()
    world.work.fall_back()
    world.work.dispatch()


def test_a_routine_text_that_was_not_delivered_for_six_hours_goes_to_the_app(world: World) -> None:
    sent_but_not_delivered(world)
    world.at("2027-03-04T15:59:59+08:00")
    tick(world)
    assert sent_again(world.work.db) == []

    world.at("2027-03-04T16:00:00+08:00")
    tick(world)
    tick(world)

    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "delivered", "in_app")]
    with world.work.db.reading(TEST) as txn:
        noted = select(AuditEvent.id).where(AuditEvent.verb == "message.fell_back")
        assert len(txn.session.scalars(noted).all()) == 1


def test_a_text_about_safety_waits_two_hours_only(world: World) -> None:
    sent_but_not_delivered(world, urgency="safety")
    world.at("2027-03-04T11:59:59+08:00")
    world.work.fall_back()
    assert sent_again(world.work.db) == []

    world.at("2027-03-04T12:00:00+08:00")
    world.work.fall_back()

    assert len(sent_again(world.work.db)) == 1


def test_what_stands_unopened_in_the_app_goes_by_text(world: World) -> None:
    put_into_the_app(world)

    world.at("2027-03-04T16:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == [(f"{WEEKLY}/sms", "delivered", "sms")]
    assert len(Phone(world.work, people.ANNS_PHONE).received) == 1


def test_what_the_app_has_shown_goes_no_other_way(world: World, client: Any) -> None:
    put_into_the_app(world)
    phone = people.phone_of(world.work.db, world.patient)
    for _ in range(2):
        assert client.get("/api/v1/me/messages", headers=phone.headers).status_code == 200

    world.at("2027-03-04T16:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []
    with world.work.db.reading(TEST) as txn:
        assert txn.session.get_one(Message, world.message_id).opened_at is not None
        opened = select(AuditEvent.id).where(AuditEvent.verb == "message.opened")
        assert len(txn.session.scalars(opened).all()) == 1


def test_a_delivered_text_goes_no_other_way(world: World) -> None:
    a_report_is_due(world)
    world.work.dispatch()

    world.at("2027-03-04T18:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []


def test_what_was_done_meanwhile_is_said_no_other_way(world: World) -> None:
    a_visit_is_ahead(world)
    world.work.dispatch()
    world.says(status="sent")
    world.do(lambda txn, ann: changes.record_attendance(txn, ann, "visit.m1", Attendance.ATTENDED, date(2027, 3, 18)))

    world.at("2027-03-18T17:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []


def test_what_was_answered_with_a_digit_is_said_no_other_way(world: World) -> None:
    a_visit_is_ahead(world)
    world.work.dispatch()
    world.says(status="sent")
    Phone(world.work, people.ANNS_PHONE).writes("1")

    world.at("2027-03-18T17:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []


def test_a_next_way_that_is_closed_is_not_taken(world: World) -> None:
    put_into_the_app(world)
    stops(world, people.ANNS_PHONE)

    world.at("2027-03-04T16:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []


def test_the_night_is_left_in_peace_by_the_next_way_too(world: World) -> None:
    sent_but_not_delivered(world, settled_at=datetime.fromisoformat("2027-03-04T15:30:00+08:00"))

    world.at("2027-03-04T21:30:00+08:00")
    tick(world)
    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "queued", None)]
    world.at("2027-03-05T08:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "delivered", "in_app")]


def test_there_is_one_step_and_no_more(world: World) -> None:
    """Neither what went the second way, nor what it was said instead of, is said a third time."""
    sent_but_not_delivered(world)
    for hour in (16, 22):
        world.at(f"2027-03-04T{hour}:00:00+08:00")
        tick(world)

    world.at("2027-03-05T08:30:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "delivered", "in_app")]


def test_nothing_goes_another_way_to_whoever_is_said_to_have_died(world: World) -> None:
    sent_but_not_delivered(world)
    world.do(report_death)

    world.at("2027-03-04T16:00:00+08:00")
    tick(world)

    assert sent_again(world.work.db) == []


def test_a_step_that_was_taken_is_recalled_when_a_death_is_reported_before_it_leaves(world: World) -> None:
    sent_but_not_delivered(world)
    world.at("2027-03-04T16:00:00+08:00")
    world.work.fall_back()
    world.do(report_death)

    tick(world)

    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "cancelled", None)]


def test_what_the_team_asks_in_its_own_words_is_not_repeated(world: World) -> None:
    """Its answer belongs to that one message; the app shows it in any case."""
    sent_but_not_delivered(world, words_sealed="of a test")

    world.at("2027-03-04T16:00:00+08:00")
    world.work.fall_back()

    assert sent_again(world.work.db) == []


def test_what_waits_for_its_next_way_is_suppressed_once_a_newer_prompt_is_due(world: World) -> None:
    sent_but_not_delivered(world)
    world.at("2027-03-04T16:00:00+08:00")
    world.work.fall_back()

    world.at("2027-03-05T09:00:00+08:00")
    world.work.dispatch()

    assert sent_again(world.work.db) == [(f"{WEEKLY}/in_app", "suppressed", None)]


def test_two_workers_take_one_step_once(world: World) -> None:
    sent_but_not_delivered(world)
    world.at("2027-03-04T16:00:00+08:00")
    together, taken = threading.Barrier(2), []

    def step() -> None:
        together.wait()
        with world.work.db.transaction(TEST) as txn:
            assert world.message_id is not None
            taken.append(channels.take_next_step(txn, world.message_id))

    workers = [threading.Thread(target=step) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(taken) == [False, True]
    assert len(sent_again(world.work.db)) == 1


def test_those_who_have_no_other_way_hide_nobody_who_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ben = people.ben(world.work.db)
    sent_but_not_delivered(world)
    monkeypatch.setattr(channels, "BATCH", 3)
    world.do(lambda txn, _: txn.session.add_all(unheard_by(ben.id, txn.now, number) for number in range(5)))
    world.change(Patient, ben.id, channels=["sms"])

    world.at("2027-03-04T16:00:00+08:00")
    world.work.fall_back()

    assert [key for key, _, _ in sent_again(world.work.db)] == [f"{WEEKLY}/in_app"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_not_heard_is_looked_for_among_what_has_left_lately(world: World) -> None:
    """Among all that was sent to anybody it would take longer every day, and every minute asks."""
    said: list[tuple[str, Any]] = []
    event.listen(
        world.work.db.engine, "before_cursor_execute", lambda _c, _k, words, values, *_: said.append((words, values))
    )
    world.work.fall_back()

    looked = next(one for one in said if "MATERIALIZED" in one[0])
    with world.work.db.engine.connect() as connection:
        plan = [str(step) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looked[0]}", looked[1])]
    assert any("ix_message_unheard (settled_at>?)" in step for step in plan)
    assert not any("ix_message_status" in step or "ix_message_in_reply_to" in step for step in plan)


def unheard_by(patient_id: UUID, now: datetime, number: int) -> Message:
    an_hour_ago = now - timedelta(hours=1)
    return Message(
        recipient="patient", patient_id=patient_id, template="visit_reminder", values={}, key=f"w{number}@",
        urgency="routine", priority=2, send_at=an_hour_ago, next_try_at=an_hour_ago, tries=0, status="sent",
        channel="sms", created_at=an_hour_ago, settled_at=an_hour_ago,
    )  # fmt: skip

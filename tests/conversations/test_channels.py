"""What did not reach a patient one way in time goes the next way, once, while it is worth anything."""

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from backend.agenda import changes
from backend.audit import AuditEvent
from backend.conversations import channels
from backend.db import Database
from backend.jobs import Work
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

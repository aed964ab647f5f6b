"""What the mailroom could not bring is a task of the right kind, once; what stands still is made known everywhere."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.conversations.dead_letters import undelivered
from backend.fsck.messages import gateways_untold
from backend.jobs import Work
from backend.sealing import seal, unseal
from backend.staff.models import Site
from backend.terms import Originator, WorkReason
from backend.worklist.alarms import see_to_the_ways
from backend.worklist.items import closed_by_itself, resolve
from backend.worklist.models import WorkItem
from notifications import breakers
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.inbound import ReceivedText, receive
from notifications.models import Attempt, Message
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.release_world import TEST, World, a_report_is_due


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    made = release_world.made(work, clock)
    a_report_is_due(made)
    return made


def refuses(world: World, code: str, why: Refusal) -> None:
    set_gateway(world, Simulator(world.work.db, {people.ANNS_PHONE: Undeliverable(code, why)}))


def set_gateway(world: World, gateway: Simulator) -> None:
    world.work.channels["sms"] = gateway  # type: ignore[index]


def tasks(world: World, *reasons: WorkReason) -> list[WorkItem]:
    with world.work.db.reading(TEST) as txn:
        rows = list(txn.session.scalars(select(WorkItem).where(WorkItem.reason.in_(reasons))))
        txn.session.expunge_all()
        return rows


def message(world: World) -> Any:
    return world.do(lambda txn, _: (m := txn.session.get_one(Message, world.message_id)) and (m.status, m.channel))


def test_a_number_of_no_use_is_one_task_the_app_takes_over_and_closing_the_task_has_it_tried_again(
    world: World,
) -> None:
    world.of_ann(channels=["sms", "in_app"])
    refuses(world, "21614", Refusal.NUMBER_OF_NO_USE)
    world.work.dispatch()
    world.at("2027-03-04T10:00:10+08:00")
    world.work.dispatch()
    assert message(world) == ("delivered", "in_app")
    (task,) = tasks(world, WorkReason.CHECK_THE_PHONE)

    assert see_to_the_ways(world.work.db) == {}
    world.do(lambda txn, _: resolve(txn, txn.session.get_one(WorkItem, task.id), "the number is right"))

    assert see_to_the_ways(world.work.db) == {"numbers_tried_again": 1}
    set_gateway(world, Simulator(world.work.db))
    world.writes("another")
    assert world.decision() == "send by sms"


def test_a_stop_that_only_the_carrier_heard_is_one_task(world: World) -> None:
    world.of_ann(channels=["sms"])
    refuses(world, "21610", Refusal.OPTED_OUT)

    for second in (0, 10, 20):
        world.at(f"2027-03-04T10:00:{second:02}+08:00")
        world.work.dispatch()

    assert message(world) == ("suppressed", "sms")
    assert len(tasks(world, WorkReason.MESSAGES_STOPPED)) == 1
    assert tasks(world, WorkReason.MESSAGE_NOT_DELIVERED) == []


def test_a_gateway_that_stands_still_is_told_to_every_site_once_each_time(world: World) -> None:
    refuses(world, "20003", Refusal.CONFIGURATION)
    world.work.dispatch()
    with world.work.db.reading(TEST) as txn:
        sites = len(txn.session.scalars(select(Site.id)).all())

    assert see_to_the_ways(world.work.db) == {"alarms_raised": sites}
    assert see_to_the_ways(world.work.db) == {}

    assert {task.key for task in tasks(world, WorkReason.GATEWAY_STOPPED)} == {"gateway-stopped:sms:1"}


def test_a_gateway_that_stops_and_goes_by_turns_is_one_task_until_somebody_has_closed_it(world: World) -> None:
    refuses(world, "20003", Refusal.CONFIGURATION)
    world.work.dispatch()
    see_to_the_ways(world.work.db)
    world.do(lambda txn, _: breakers.close(txn, "sms"))
    world.at("2027-03-04T10:05:00+08:00")
    world.writes("another")
    world.work.dispatch()

    assert see_to_the_ways(world.work.db) == {}
    world.at("2027-03-04T11:30:00+08:00")
    with world.work.db.reading(TEST) as txn:
        assert list(gateways_untold(txn)) == []

    world.do(lambda txn, _: [resolve(txn, one, "paid") for one in txn.session.scalars(select(WorkItem)).all()])
    assert "alarms_raised" in see_to_the_ways(world.work.db)


def test_a_gateway_that_works_again_for_a_while_closes_its_own_tasks_and_the_trail_says_so(world: World) -> None:
    refuses(world, "20003", Refusal.CONFIGURATION)
    world.work.dispatch()
    see_to_the_ways(world.work.db)
    set_gateway(world, Simulator(world.work.db))
    world.at("2027-03-04T10:05:00+08:00")
    world.work.dispatch()
    at_once = see_to_the_ways(world.work.db)
    world.at("2027-03-04T10:08:00+08:00")

    later = see_to_the_ways(world.work.db)

    closed = tasks(world, WorkReason.GATEWAY_STOPPED)
    assert (at_once, later) == ({}, {"alarms_closed": len(closed)})
    assert all(closed_by_itself(task) for task in closed)
    with world.work.db.reading(TEST) as txn:
        assert {unseal(txn, txn.session.merge(task), "outcome_sealed") for task in closed} == {"works_again"}
        by = select(AuditEvent.originator).where(AuditEvent.verb == "work_item.resolved")
        assert set(txn.session.scalars(by)) == {Originator.SYSTEM}
    assert see_to_the_ways(world.work.db) == {}


def test_what_arrived_after_all_and_a_number_that_somebody_wrote_from_are_nobodys_task_any_more(world: World) -> None:
    refuses(world, "30005", Refusal.NUMBER_OF_NO_USE)
    world.work.dispatch()
    world.do(lambda txn, _: undelivered(txn, txn.session.get_one(Message, world.message_id)))
    assert see_to_the_ways(world.work.db) == {}

    receive(world.work.db, ReceivedText("SM1", people.ANNS_PHONE, "", "hello"))
    world.do(lambda txn, _: setattr(txn.session.get_one(Message, world.message_id), "status", "delivered"))

    assert see_to_the_ways(world.work.db) == {"alarms_closed": 2}
    both = tasks(world, WorkReason.CHECK_THE_PHONE, WorkReason.MESSAGE_NOT_DELIVERED)
    assert [closed_by_itself(task) for task in both] == [True, True]


def test_a_template_that_carriers_take_offence_at_is_told_to_every_site(world: World) -> None:
    def filtered_thrice(txn: Any, ann: Any) -> None:
        for number in range(3):
            other = Message(
                id=uuid4(), recipient="patient", patient_id=ann.id, template="thanks_reply", values={}, key=str(number),
                urgency="routine", priority=2, send_at=txn.now, next_try_at=txn.now, tries=1, status="failed",
                created_at=txn.now,
            )  # fmt: skip
            txn.session.add(other)
            txn.session.flush()
            attempt = Attempt(
                id=uuid4(), message_id=other.id, key_owner_id=ann.id, number=1, channel="sms", language="en",
                template="thanks_reply", template_version=1, status="refused", code="30007", refusal="filtered",
                started_at=txn.now, looks=0,
            )  # fmt: skip
            txn.session.add(attempt)

    world.do(filtered_thrice)

    see_to_the_ways(world.work.db)

    assert {task.key for task in tasks(world, WorkReason.MESSAGES_FILTERED)} == {"filtered:thanks_reply:1"}


def test_a_shared_telephone_is_texted_and_somebody_knows_that_its_answers_are_nobodys(world: World) -> None:
    ben = people.ben(world.work.db)
    world.do(lambda txn, ann: setattr(txn.session.get_one(type(ann), ben.id), "phone_index", ann.phone_index))
    world.says(asks="survival")

    assert world.decision() == "send by sms"
    assert world.decision() == "send by sms"

    (task,) = tasks(world, WorkReason.CHECK_THE_PHONE)
    assert task.key == f"shared-phone:{ben.subject_number}"


def test_a_message_whose_number_cannot_be_read_moves_on_and_ends_as_a_task(world: World) -> None:
    def damaged(txn: Any, ann: Any) -> None:
        ann.phone_sealed = (seal(txn, ann, "phone_sealed", people.ANNS_PHONE) or "")[:-6] + "AAAAAA"

    world.do(damaged)
    for hour in (10, 11, 12, 14, 16):
        world.at(f"2027-03-04T{hour}:30:00+08:00")
        world.work.dispatch()

    assert message(world)[0] == "failed"
    assert len(tasks(world, WorkReason.MESSAGE_NOT_DELIVERED)) == 1

"""What a server tells of its mailroom in numbers, whether it is well, and that asking costs no scan of a table."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from backend.jobs import Work
from backend.worklist.alarms import see_to_the_ways
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.release_world import World, a_report_is_due

GROWING = {"message", "message_attempt", "message_receipt", "inbound_message", "job_run"}


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    made = release_world.made(work, clock)
    a_report_is_due(made)
    return made


def numbers(client) -> dict[str, float]:
    lines = client.get("/metrics").get_data(as_text=True).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_how_long_messages_waited_and_what_was_missed_is_told(client, world):
    # Planned for nine in the morning.
    world.at("2027-03-04T10:01:30+08:00")
    world.work.dispatch()
    assert numbers(client)['followup_dwell_seconds{quantile="0.99"}'] == 3690

    world.writes("late", expires_at=world.do(lambda txn, _: txn.now + timedelta(minutes=1)))
    world.at("2027-03-04T12:30:00+08:00")
    world.work.dispatch()

    later = numbers(client)
    assert later['followup_missed_total{kind="thanks_reply"}'] == 1
    assert "followup_dwell_seconds" not in "".join(later)
    assert (later["followup_dead_letters"], later["followup_in_doubt"]) == (0, 0)


def test_a_gateway_that_stands_still_is_told_until_it_is_mended(client, world):
    world.work.channels["sms"] = Simulator(
        world.work.db, {people.ANNS_PHONE: Undeliverable("20003", Refusal.CONFIGURATION)}
    )
    world.work.dispatch()
    see_to_the_ways(world.work.db)

    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["stopped"]) == (503, ["sms"])
    assert numbers(client)['followup_gateway_stopped{channel="sms",code="20003"}'] == 1

    world.work.channels["sms"] = Simulator(world.work.db)
    world.at("2027-03-04T10:10:00+08:00")
    world.work.dispatch()

    assert client.get("/readyz").json["stopped"] == []
    assert not any(name.startswith("followup_gateway_stopped") for name in numbers(client))


def test_no_number_is_found_by_reading_the_whole_of_a_table_that_grows(db, client):
    if not db.is_sqlite:
        pytest.skip("PostgreSQL reads a small table whole whatever indexes it has.")
    asked: list[tuple[str, object]] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def _keep(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    client.get("/metrics")
    event.remove(db.engine, "before_cursor_execute", _keep)

    plans = []
    with db.engine.connect() as connection:
        for statement, parameters in asked:
            if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [(row.detail, statement) for row in rows]
    scanned = {found[1] for plan, _ in plans if (found := re.fullmatch(r"SCAN (\w+)", plan))}
    assert Message.__tablename__ in " ".join(statement for _, statement in plans)
    assert scanned & GROWING == set()

"""Exactly one message for each due item, at the right time on the patient's wall, whatever clocks and zones do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from backend import clock as the_clock
from backend.agenda.planning import replan
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.changes import change_preferences
from backend.patients.models import Patient
from notifications.channels.simulator import texts_of
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
QUARTER = timedelta(minutes=15)
# Zone and a year with its changes: Brazil has had none since 2019, China none since 1991.
ZONES = {
    "America/New_York": 2027,
    "Europe/Berlin": 2027,
    "Australia/Lord_Howe": 2027,
    "America/Sao_Paulo": 2018,
    "Africa/Casablanca": 2027,
}
NO_NIGHT = {"quiet_from": time(0), "quiet_to": time(0)}


@dataclass(frozen=True)
class ClockChange:
    """When the clocks of a zone change, and by how much they go forward."""

    zone: str
    at: datetime
    by: timedelta

    @property
    def wall(self) -> datetime:
        """A time in the middle of what is skipped or comes twice, as the wall shows it."""
        before = (self.at - timedelta(seconds=1)).astimezone(ZoneInfo(self.zone)).utcoffset()
        assert before is not None
        return (self.at + before + self.by / 2).replace(tzinfo=None)

    @property
    def meant(self) -> datetime:
        """The instant of that wall time: after a gap by as much as was skipped, and the first of two."""
        return self.at + self.by / 2


def clock_changes(zone: str, year: int) -> Iterator[ClockChange]:
    here = ZoneInfo(zone)
    instant = datetime(year, 1, 1, tzinfo=UTC)
    while instant.year == year:
        earlier, later = (moment.astimezone(here).utcoffset() for moment in (instant, instant + QUARTER))
        if earlier != later and earlier is not None and later is not None:
            yield ClockChange(zone, instant + QUARTER, later - earlier)
        instant += QUARTER


def asked_on(db: Database, zone: str, wall: datetime) -> Patient:
    """A patient of that zone whose first weekly report is asked for at this time of their wall."""
    day = wall.date()
    ann = people.ann(
        db,
        arm="control",
        time_zone=zone,
        randomised_on=day - timedelta(days=7),
        consented_on=day - timedelta(days=9),
        channels=("sms",),
    )
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        change_preferences(txn, patient, {**NO_NIGHT, "preferred_time": wall.time()})
    return ann


def times_of_texts(db: Database) -> list[datetime]:
    with db.reading(TEST) as txn:
        return [one.at for one in texts_of(txn, people.ANNS_PHONE)]


def live_through(clock: Clock, work: Work, begins: datetime, ends: datetime) -> None:
    while begins <= ends:
        clock.move_to(begins.isoformat())
        plan_and_send(work)
        begins += QUARTER


@pytest.mark.parametrize("direction", [1, -1], ids=["forward", "back"])
@pytest.mark.parametrize("zone", ZONES)
def test_when_clocks_change_each_due_item_is_asked_about_once_at_the_right_time(
    db: Database, clock: Clock, work: Work, zone: str, direction: int
) -> None:
    changes = [one for one in clock_changes(zone, ZONES[zone]) if (one.by > timedelta(0)) is (direction > 0)]
    change = changes[0]
    clock.move_to((change.at - timedelta(days=3)).isoformat())
    asked_on(db, zone, change.wall)

    live_through(clock, work, change.meant - 2 * QUARTER, change.meant + abs(change.by) + QUARTER)
    clock.move_to((change.meant + timedelta(hours=20)).isoformat())
    plan_and_send(work)

    assert times_of_texts(db) == [change.meant]


def test_where_clocks_never_change_it_is_once_too(db: Database, clock: Clock, work: Work) -> None:
    assert list(clock_changes("Asia/Shanghai", 2027)) == []
    clock.move_to("2027-03-10T12:00:00+08:00")
    asked_on(db, "Asia/Shanghai", datetime.fromisoformat("2027-03-14T02:30"))

    due = datetime.fromisoformat("2027-03-14T02:30:00+08:00")
    live_through(clock, work, due - QUARTER, due + QUARTER)

    assert times_of_texts(db) == [due]


# --- the patient's zone, and the world's -------------------------------------------------------------------


def waiting(db: Database, patient_id: UUID) -> dict[str, Message]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(Message).where(Message.patient_id == patient_id, Message.status == "queued"))
        found = {row.key: row for row in rows}
        txn.session.expunge_all()
        return found


def moves_to(db: Database, patient: Patient, zone: str) -> None:
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        change_preferences(txn, row, {"time_zone": zone})
        replan(txn, row)


def on_the_wall(message: Message) -> tuple[date, time]:
    assert message.zone is not None
    local = the_clock.local(message.send_at, message.zone)
    return local.date(), local.time()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland"])
def test_a_patient_who_moves_is_reminded_at_the_same_hour_of_the_new_wall(
    db: Database, clock: Clock, work: Work, zone: str
) -> None:
    clock.move_to("2027-03-02T12:00:00+08:00")
    ann = people.ann(db)
    work.plan()
    before = waiting(db, ann.id)

    moves_to(db, ann, zone)

    after = waiting(db, ann.id)
    assert after.keys() == before.keys()
    assert {one.zone for one in after.values()} == {zone}
    assert {key: on_the_wall(one) for key, one in after.items()} == {
        key: on_the_wall(one) for key, one in before.items()
    }
    assert all(one.next_try_at == one.send_at for one in after.values())


def test_a_patient_who_flies_west_after_the_prompt_is_not_asked_a_second_time_that_morning(
    db: Database, clock: Clock, work: Work
) -> None:
    ann = people.ann(db)
    clock.move_to("2027-03-04T09:00:01+08:00")
    plan_and_send(work)
    moves_to(db, ann, "America/New_York")

    clock.move_to("2027-03-04T09:00:01-05:00")
    plan_and_send(work)

    assert len(Phone(work, people.ANNS_PHONE).received) == 1


def test_rows_computed_under_older_rules_of_a_zone_are_recomputed_by_the_next_plan(db: Database, work: Work) -> None:
    ann = people.ann(db)
    work.plan()
    right = {key: one.send_at for key, one in waiting(db, ann.id).items()}
    an_hour = timedelta(hours=1)
    with db.transaction(TEST) as txn:
        for row in txn.session.scalars(select(Message).where(Message.patient_id == ann.id)):
            moved = {"send_at": row.send_at + an_hour, "next_try_at": row.next_try_at + an_hour}
            txn.session.execute(update(Message).where(Message.id == row.id).values(moved))

    work.plan()

    after = waiting(db, ann.id)
    assert {key: one.send_at for key, one in after.items()} == right
    assert {key: one.next_try_at for key, one in after.items()} == right

"""Who asks for a call reads when it comes, and somebody has a task that is due by then."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.terms import Language
from backend.triage.advice import call_by
from backend.triage.working_days import WorkingHours
from backend.worklist.models import WorkItem
from tests import people
from tests.conftest import Clock
from tests.reports.test_submit import submitted, weekly
from tests.study import rule_set
from tests.triage.called import on_call, staff

BEIJING = "Asia/Shanghai"
TODAY, BY_NOON = "call_back", "call_back_by_noon"
# (when it was asked for, what the patient reads, by when somebody must call), on the site's clock.
PROMISES = [
    # A Monday, before and from the hour of the last calls.
    ("2026-03-02T09:00", TODAY, "2026-03-02T17:00"),
    ("2026-03-02T15:59", TODAY, "2026-03-02T17:00"),
    ("2026-03-02T16:00", BY_NOON, "2026-03-03T12:00"),
    ("2026-03-02T23:59", BY_NOON, "2026-03-03T12:00"),
    ("2026-03-03T00:01", TODAY, "2026-03-03T17:00"),
    # A Friday evening and a Saturday: on the day after, which nobody works, whoever is on call does.
    ("2026-03-06T15:59", TODAY, "2026-03-06T17:00"),
    ("2026-03-06T16:00", BY_NOON, "2026-03-07T12:00"),
    ("2026-03-07T10:00", BY_NOON, "2026-03-08T12:00"),
    ("2026-03-08T10:00", BY_NOON, "2026-03-09T12:00"),
    # A public holiday, a Thursday.
    ("2026-10-01T10:00", BY_NOON, "2026-10-02T12:00"),
    # A Saturday worked in exchange, before and from the hour.
    ("2026-10-10T15:59", TODAY, "2026-10-10T17:00"),
    ("2026-10-10T16:00", BY_NOON, "2026-10-11T12:00"),
]


@pytest.fixture
def database_url(databases) -> str:
    """One kind of database is enough: what differs is the day."""
    url = databases.fresh_url("sqlite")
    yield url
    databases.drop(url)


@pytest.mark.parametrize(("asked_at", "code", "due"), PROMISES)
def test_what_the_patient_reads_is_what_somebody_has_to_do(
    db: Database, clock: Clock, asked_at: str, code: str, due: str
) -> None:
    clock.move_to(f"{asked_at}:00+08:00")
    ann = people.ann(
        db,
        consented_on=datetime.fromisoformat("2026-01-05").date(),
        randomised_on=datetime.fromisoformat("2026-01-12").date(),
    )

    report = submitted(db, ann, weekly(f"{asked_at}:00+08:00", wants_call=True)).report

    assert [said["code"] for said in report.advice] == [code]
    with db.reading(system("test")) as txn:
        item = txn.session.scalars(select(WorkItem).where(WorkItem.reason == "call_requested")).one()
        assert item.key == f"call-wanted:{report.id}"
        assert item.due_at == datetime.fromisoformat(f"{due}:00+08:00")


def test_who_asks_after_the_site_has_closed_is_called_tomorrow(db: Database, clock: Clock) -> None:
    clock.move_to("2027-03-01T15:30:00+08:00")
    ann = people.ann(db)
    with db.transaction(system("test")) as txn:
        txn.session.get_one(Site, ann.site_id).working_hours = {"opens": "08:00", "closes": "15:00"}

    report = submitted(db, ann, weekly("2027-03-01T15:30:00+08:00", wants_call=True)).report

    assert [said["code"] for said in report.advice] == [BY_NOON]
    with db.reading(system("test")) as txn:
        item = txn.session.scalars(select(WorkItem).where(WorkItem.reason == "call_requested")).one()
        assert item.due_at == datetime.fromisoformat("2027-03-02T12:00:00+08:00")


def test_an_emergency_that_also_wants_a_call_is_not_told_to_wait_for_one(db: Database) -> None:
    signs = ({"item": "checklist.seizure", "value": 1},)

    report = submitted(
        db, people.ann(db), weekly("2027-03-01T07:55:00+08:00", instrument="safety", answers=signs, wants_call=True)
    ).report

    assert [said["code"] for said in report.advice] == ["emergency"]
    with db.reading(system("test")) as txn:
        item = txn.session.scalars(select(WorkItem).where(WorkItem.reason == "call_requested")).one()
        assert item.due_at == report.received_at


def test_a_report_sent_twice_is_one_call_and_one_that_asks_for_none_is_none(db: Database) -> None:
    ann = people.ann(db)
    wanting = weekly("2027-03-01T07:55:00+08:00", wants_call=True)

    for report in (wanting, wanting, weekly("2027-03-01T07:56:00+08:00")):
        submitted(db, ann, report)

    with db.reading(system("test")) as txn:
        assert len(txn.session.scalars(select(WorkItem).where(WorkItem.reason == "call_requested")).all()) == 1


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Europe/Berlin", "America/Los_Angeles"])
@pytest.mark.parametrize(("asked_at", "code", "_due"), PROMISES)
def test_the_promise_holds_by_the_patients_own_clock_too(asked_at: str, code: str, _due: str, zone: str) -> None:
    moment = datetime.fromisoformat(f"{asked_at}:00+08:00")

    due = call_by(moment, site_zone=BEIJING, patient_zone=zone, hours=WorkingHours(), clocks=rule_set().clocks)

    there, then = due.astimezone(ZoneInfo(zone)), moment.astimezone(ZoneInfo(zone))
    assert due >= moment
    if code == BY_NOON:
        assert there <= datetime.combine(then.date() + timedelta(days=1), time(12), ZoneInfo(zone))
    else:
        assert there.date() == then.date() or there.time() == time(0)


@pytest.mark.parametrize("language", list(Language))
def test_both_promises_are_said_in_every_language(db: Database, clock: Clock, language: Language) -> None:
    ann: Patient = people.ann(db)
    said = []
    for moment in ("2027-03-01T10:00:00+08:00", "2027-03-01T17:00:00+08:00"):
        clock.move_to(moment)
        report = submitted(db, ann, weekly(moment, wants_call=True, language=language.value)).report
        said.append(report.advice[0]["text"])

    today, tomorrow = {Language.ENGLISH: ("today", "noon tomorrow"), Language.CHINESE: ("今天", "明天中午")}[language]
    assert today in said[0]
    assert tomorrow in said[1]


@pytest.mark.parametrize(
    ("asked_at", "told_at"),
    [
        ("2027-03-05T17:00", "2027-03-05T17:00"),  # a Friday evening
        ("2027-03-05T23:30", "2027-03-06T08:00"),  # at night it waits for the morning
        ("2027-03-05T10:00", None),  # called the same day, from the work list
    ],
)
def test_a_promise_for_tomorrow_is_told_by_text_to_whoever_is_on_call_then(
    db: Database, work: Work, clock: Clock, asked_at: str, told_at: str | None
) -> None:
    clock.move_to("2027-03-05T07:00:00+08:00")
    ann, today, tomorrow = people.ann(db), staff(work), staff(work)
    on_call(work, today, hours=24)
    on_call(work, tomorrow, after=24, hours=24)
    clock.move_to(f"{asked_at}:00+08:00")
    submitted(db, ann, weekly(f"{asked_at}:00+08:00", wants_call=True))
    if told_at:
        clock.move_to(f"{told_at}:00+08:00")
    work.dispatch()

    assert len(tomorrow.texts) == (told_at is not None)
    assert all(ann.subject_number in text and "noon" in text for text in tomorrow.texts)
    assert today.texts == []

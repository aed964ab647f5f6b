"""A night in which nobody answers, on a clock that moves; and workers that are two, or are killed."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db import Database
from backend.fsck import check
from backend.fsck import pages as pages_sound
from backend.jobs import Work
from backend.terms import CandidateStatus, Role, WorkReason
from backend.triage.escalation import next_instant
from backend.triage.models import CandidateEvent
from backend.worklist.models import WorkItem
from tests import people
from tests.triage.called import API, TEST, Called, messages, on_call, pages, reports, staff, the_page, with_email

MIDNIGHT = datetime.fromisoformat("2027-03-02T01:00:00+08:00")


class Night:
    """Trial time goes by in quarters of a minute, as a worker ticks."""

    def __init__(self, work: Work, clock: Any) -> None:
        self.work, self.clock = work, clock
        self.now = MIDNIGHT
        self.clock.move_to(self.now.isoformat())

    def until(self, minutes: float) -> None:
        """Let it go by until so many minutes after the report."""
        end = MIDNIGHT + timedelta(minutes=minutes)
        while self.now < end:
            self.now += timedelta(seconds=15)
            self.clock.move_to(self.now.isoformat())
            self.work.escalate()
            self.work.dispatch()


@pytest.fixture
def night(work: Work, clock: Any) -> Night:
    return Night(work, clock)


@pytest.fixture
def lin(work: Work, night: Night) -> Called:
    member = staff(work)
    on_call(work, member, hours=72)
    return member


def heard_at(db: Database, member: Called) -> list[float]:
    """The minutes after the report at which this person was texted."""
    sent = [one for one in messages(db, template="page_sms", staff_id=member.id) if one.status == "delivered"]
    return sorted((one.settled_at - MIDNIGHT) / timedelta(minutes=1) for one in sent if one.settled_at)


def test_a_whole_night_until_somebody_replies(db: Database, work: Work, client: Any, night: Night, lin: Called) -> None:
    physician, principal = staff(work, Role.INVESTIGATOR), staff(work, Role.PRINCIPAL_INVESTIGATOR, language="zh-CN")
    ann = people.ann(db)
    reports(client, people.phone_of(db, ann).headers, checklist__seizure=1)
    work.dispatch()
    night.until(85)
    assert heard_at(db, lin) == [0, 10, 20, 30, 40, 50, 60, 70, 80]
    assert heard_at(db, physician) == [30, 40, 50, 60, 70, 80]
    assert heard_at(db, principal) == [60, 70, 80]
    assert principal.texts[0].startswith(f"【随访小组】紧急T1：患者{ann.subject_number}报告危险症状")

    (answer,) = principal.phone.writes("1")
    night.until(130)

    assert "已确认" in answer
    assert len(heard_at(db, lin)) == 9
    assert (the_page(db).acknowledged_by, the_page(db).rounds) == (principal.id, 9)
    assert sound(db)


def sound(db: Database) -> bool:
    return all(one.holds for one in check(db, pages_sound.INVARIANTS))


def test_a_worker_that_was_away_pages_at_once_everybody_it_should_have_by_then(
    db: Database, work: Work, client: Any, night: Night, lin: Called
) -> None:
    physician = staff(work, Role.INVESTIGATOR)
    reports(client, people.phone_of(db, people.ann(db)).headers, checklist__seizure=1)
    night.now = MIDNIGHT + timedelta(minutes=44, seconds=45)
    night.until(50)

    assert heard_at(db, physician) == [45, 50]
    assert heard_at(db, lin) == [45, 50]


# --- what is due the same day, and what waits in the queue --------------------------------------------------


def a_candidate(db: Database, client: Any, **values: int) -> CandidateEvent:
    reports(client, people.phone_of(db, people.ann(db)).headers, **values)
    with db.reading(TEST) as txn:
        row = txn.session.scalars(select(CandidateEvent)).one()
        txn.session.expunge(row)
        return row


def row_now(db: Database, candidate: CandidateEvent) -> CandidateEvent:
    with db.reading(TEST) as txn:
        row = txn.session.get_one(CandidateEvent, candidate.id)
        txn.session.expunge(row)
        return row


def at(work: Work, clock: Any, moment: datetime) -> None:
    clock.move_to(moment.isoformat())
    work.escalate()
    work.dispatch()


def test_what_is_due_the_same_day_goes_to_the_investigator_and_then_the_principal_investigator(
    db: Database, work: Work, client: Any, clock: Any
) -> None:
    physician, principal = staff(work, Role.INVESTIGATOR), staff(work, Role.PRINCIPAL_INVESTIGATOR)
    candidate = a_candidate(db, client, checklist__dark_urine=1)
    received = candidate.opened_at
    assert candidate.tier == "T2"
    at(work, clock, received + timedelta(hours=24) - timedelta(seconds=1))
    assert row_now(db, candidate).escalated_to is None

    at(work, clock, received + timedelta(hours=24))
    first = (row_now(db, candidate).escalated_to, len(physician.texts), len(principal.texts))
    at(work, clock, received + timedelta(hours=36))
    second = (row_now(db, candidate).escalated_to, len(physician.texts), len(principal.texts))
    at(work, clock, received + timedelta(hours=72))

    assert first == ("investigator", 1, 0)
    assert second == ("principal_investigator", 1, 1), "08:00 + 36 h is 20:00: no night to wait for"
    assert (len(physician.texts), len(principal.texts)) == (1, 1)


def test_a_text_about_the_same_day_waits_for_the_sites_morning_and_an_email_does_not(
    db: Database, work: Work, client: Any, clock: Any
) -> None:
    mailing, box = with_email(work)
    physician = staff(work, Role.INVESTIGATOR)
    clock.move_to("2027-03-01T23:00:00+08:00")
    candidate = a_candidate(db, client, checklist__dark_urine=1)
    at(mailing, clock, candidate.opened_at + timedelta(hours=24))
    assert (len(physician.texts), len(box.letters)) == (0, 1)

    at(mailing, clock, datetime.fromisoformat("2027-03-03T08:00:00+08:00"))

    assert (len(physician.texts), len(box.letters)) == (1, 1)


def test_nobody_is_told_in_the_morning_of_what_was_acknowledged_in_the_night(
    db: Database, work: Work, client: Any, clock: Any
) -> None:
    physician = staff(work, Role.INVESTIGATOR)
    clock.move_to("2027-03-01T23:00:00+08:00")
    candidate = a_candidate(db, client, checklist__dark_urine=1)
    at(work, clock, candidate.opened_at + timedelta(hours=24))
    headers = people.coordinator(db).headers
    client.post(f"{API}/candidate-events/{candidate.id}/acknowledgements", json={}, headers=headers)

    at(work, clock, datetime.fromisoformat("2027-03-03T08:00:00+08:00"))

    assert physician.texts == []
    assert messages(db, template="escalated_sms")[0].reason == "acknowledged"


def test_what_waits_in_the_queue_is_shown_to_the_investigator_with_one_email(
    db: Database, work: Work, client: Any, clock: Any
) -> None:
    mailing, box = with_email(work)
    physician = staff(work, Role.INVESTIGATOR)
    candidate = a_candidate(db, client, vomiting__frequency=2, vomiting__severity=2)
    assert candidate.tier == "T3"

    at(mailing, clock, candidate.due_at)
    at(mailing, clock, candidate.due_at + timedelta(days=5))

    assert row_now(db, candidate).escalated_to == "investigator"
    assert (len(physician.texts), len(box.letters)) == (0, 1)


def test_what_becomes_more_urgent_after_its_hour_goes_to_the_investigator_anew(
    db: Database, work: Work, client: Any, clock: Any
) -> None:
    physician = staff(work, Role.INVESTIGATOR)
    ann = people.ann(db)
    reports(client, people.phone_of(db, ann).headers, vomiting__frequency=2, vomiting__severity=2)
    with db.reading(TEST) as txn:
        candidate = txn.session.scalars(select(CandidateEvent)).one()
        txn.session.expunge(candidate)
    at(work, clock, candidate.due_at + timedelta(minutes=1))
    assert (row_now(db, candidate).tier, row_now(db, candidate).escalated_to) == ("T3", "investigator")

    reports(client, people.phone_of(db, ann).headers, vomiting__frequency=4, vomiting__severity=4)
    returned = row_now(db, candidate)
    at(work, clock, candidate.due_at + timedelta(minutes=2))

    assert (returned.tier, returned.escalated_to) == ("T2", None)
    assert (row_now(db, candidate).escalated_to, len(physician.texts)) == ("investigator", 1)


def test_what_was_acknowledged_goes_to_nobody(db: Database, work: Work, client: Any, clock: Any) -> None:
    physician = staff(work, Role.INVESTIGATOR)
    candidate = a_candidate(db, client, checklist__dark_urine=1)
    headers = people.coordinator(db).headers
    client.post(f"{API}/candidate-events/{candidate.id}/acknowledgements", json={}, headers=headers)

    at(work, clock, candidate.opened_at + timedelta(hours=60))

    assert (row_now(db, candidate).escalated_to, physician.texts) == (None, [])


def test_a_site_without_an_investigator_gets_a_task(db: Database, work: Work, client: Any, clock: Any) -> None:
    candidate = a_candidate(db, client, checklist__dark_urine=1)

    at(work, clock, candidate.opened_at + timedelta(hours=24))

    with db.reading(TEST) as txn:
        asked = select(WorkItem).where(WorkItem.reason == WorkReason.NOBODY_TO_PAGE)
        assert txn.session.scalars(asked).one().patient_id == candidate.patient_id


def test_an_emergency_that_has_no_page_gets_one(
    db: Database, work: Work, client: Any, night: Night, lin: Called
) -> None:
    """Reopened by a person, or from before there were pages."""
    candidate = a_candidate(db, client, checklist__seizure=1)
    lin_answers(db, client, candidate)
    with db.transaction(TEST) as txn:
        row = update(CandidateEvent).where(CandidateEvent.id == candidate.id)
        txn.session.execute(row.values(status=CandidateStatus.PROPOSED))
    assert not sound(db)

    night.until(1)

    assert [page.acknowledged_at is None for page in pages(db)] == [False, True]
    assert len(lin.texts) == 1
    assert sound(db)


def lin_answers(db: Database, client: Any, candidate: CandidateEvent) -> None:
    headers = people.coordinator(db).headers
    client.post(f"{API}/candidate-events/{candidate.id}/acknowledgements", json={}, headers=headers)


def test_a_demos_clock_stops_at_every_page_and_escalation(
    db: Database, work: Work, client: Any, night: Night, lin: Called
) -> None:
    candidate = a_candidate(db, client, checklist__seizure=1, checklist__confused=0)

    def after(minutes: int) -> float | None:
        with db.reading(TEST) as txn:
            instant = next_instant(txn, after=MIDNIGHT + timedelta(minutes=minutes))
        return None if instant is None else (instant - MIDNIGHT) / timedelta(minutes=1)

    assert (after(0), after(10)) == (10, None)
    lin_answers(db, client, candidate)
    assert after(0) is None


# --- several workers ---------------------------------------------------------------------------------------


def emergencies(db: Database, client: Any, count: int) -> None:
    for number in range(count):
        ann = people.ann(db, phone=f"+86138001390{number:02}")
        reports(client, people.phone_of(db, ann).headers, checklist__seizure=1)


def rounds_heard(db: Database) -> Counter[tuple[Any, ...]]:
    """How often each round of each page was queued for each person, by text."""
    sent = messages(db, template="page_sms")
    return Counter((one.values["page"], one.values["round"], one.staff_id) for one in sent)


def test_two_workers_in_one_process_page_each_round_once(
    db: Database, work: Work, client: Any, night: Night, lin: Called
) -> None:
    staff(work, Role.INVESTIGATOR)
    emergencies(db, client, 6)
    night.clock.move_to((MIDNIGHT + timedelta(minutes=30)).isoformat())
    start = threading.Barrier(4)

    def tick() -> None:
        start.wait()
        work.escalate()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {page.rounds for page in pages(db)} == {2}
    assert set(rounds_heard(db).values()) == {1}
    assert len(rounds_heard(db)) == 6 * (1 + 2)

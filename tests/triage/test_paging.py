"""A page is opened with the report, reaches the right people, and one answer ends it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.db import Database
from backend.jobs import Work
from backend.patients.models import Patient
from backend.staff.members import update_member
from backend.terms import ChannelKind, PageAnswer, PageStep, Role, WorkReason
from backend.triage.models import CandidateDecision, CandidateEvent, StaffPage
from backend.triage.page_answers import answer_page
from backend.worklist.models import WorkItem
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from tests import people
from tests.phone import Phone
from tests.triage.called import (
    API,
    TEST,
    Called,
    messages,
    on_call,
    pages,
    reached,
    reports,
    row_of,
    staff,
    the_page,
    with_email,
)


@pytest.fixture
def lin(work: Work) -> Called:
    """On call today."""
    member = staff(work)
    on_call(work, member)
    return member


def tasks(db: Database, reason: WorkReason) -> list[WorkItem]:
    with db.reading(TEST) as txn:
        found = list(txn.session.scalars(select(WorkItem).where(WorkItem.reason == reason)))
        txn.session.expunge_all()
        return found


def statuses(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(CandidateEvent.status).order_by(CandidateEvent.opened_at)))


def answers(db: Database, member: Called, how: PageAnswer = PageAnswer.LINK) -> bool:
    with db.transaction(TEST) as txn:
        page = txn.session.get_one(StaffPage, pages(db)[-1].id)
        return answer_page(txn, page, row_of(txn, member), how)


def test_whoever_is_on_call_is_texted_within_the_next_dispatch(
    db: Database, work: Work, client: Any, ann: Patient, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    work.dispatch()

    (text,) = lin.texts
    assert f"EMERGENCY (T1): patient {ann.subject_number} reports a danger sign. Reply 1" in text
    assert "://" not in text
    assert reached(db, the_page(db)) == {lin.id: PageStep.ON_CALL}


def test_many_danger_signs_in_one_report_are_one_page(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1, checklist__confused=1, checklist__vomited_blood=1)
    work.dispatch()

    assert len(statuses(db)) == 3
    assert len(lin.texts) == 1


def test_what_is_no_emergency_pages_nobody(db: Database, work: Work, client: Any, phone: dict[str, str]) -> None:
    reports(client, phone, checklist__dark_urine=1)

    assert statuses(db) == ["proposed"]
    assert pages(db) == []


def test_danger_words_in_a_text_page_as_a_report_does(db: Database, work: Work, ann: Patient, lin: Called) -> None:
    Phone(work, people.ANNS_PHONE).writes("I am bleeding")

    assert len(lin.texts) == 1
    assert the_page(db).inbound_message_id is not None


def test_nobody_on_call_pages_the_coordinators_and_investigators_and_is_a_task_once(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str]
) -> None:
    coordinator, physician = staff(work), staff(work, Role.INVESTIGATOR)
    elsewhere, monitor = staff(work, site="site-02"), staff(work, Role.MONITOR)
    reports(client, phone, checklist__seizure=1)
    clock.move_to("2027-03-01T08:10:00+08:00")
    work.escalate()
    work.dispatch()

    assert [len(one.texts) for one in (coordinator, physician, elsewhere, monitor)] == [1, 1, 0, 0]
    assert the_page(db).rounds == 2
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1


def test_a_page_to_nobody_at_all_is_kept_and_is_a_task(db: Database, client: Any, phone: dict[str, str]) -> None:
    reports(client, phone, checklist__seizure=1)

    assert reached(db, the_page(db)) == {}
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1


def test_a_second_report_joins_the_page_goes_out_at_once_and_keeps_its_hours(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    physician = staff(work, Role.INVESTIGATOR)
    reports(client, phone, checklist__seizure=1)
    opened_at = the_page(db).opened_at
    clock.move_to("2027-03-01T08:25:00+08:00")
    reports(client, phone, checklist__confused=1)
    clock.move_to("2027-03-01T08:30:00+08:00")
    work.escalate()
    work.dispatch()

    page = the_page(db)
    assert (page.opened_at, page.rounds) == (opened_at, 3)
    assert reached(db, page)[physician.id] == PageStep.INVESTIGATOR
    assert len(physician.texts) == 1


def test_an_answer_acknowledges_every_emergency_of_the_page_in_the_persons_name(
    db: Database, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1, checklist__confused=1)

    assert answers(db, lin)

    assert statuses(db) == ["acknowledged"] * 2
    with db.reading(TEST) as txn:
        assert {one.decided_by for one in txn.session.scalars(select(CandidateDecision))} == {lin.id}
    page = the_page(db)
    assert (page.acknowledged_by, page.acknowledged_how) == (lin.id, "link")


def test_what_has_been_answered_is_not_sent_any_more(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    answers(db, lin)
    work.dispatch()
    clock.move_to("2027-03-01T09:10:00+08:00")
    work.escalate()
    work.dispatch()

    assert lin.texts == []
    assert {(one.status, one.reason) for one in messages(db, template="page_sms")} == {("suppressed", "acknowledged")}


def test_of_two_who_answer_at_once_one_wins_and_the_page_says_who(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    others = [lin, *(staff(work) for _ in range(3))]
    reports(client, phone, checklist__seizure=1)
    start, won = threading.Barrier(len(others)), {}

    def press(member: Called) -> None:
        start.wait()
        won[member.id] = answers(db, member)

    threads = [threading.Thread(target=press, args=[one]) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won.values()) == [False, False, False, True]
    assert won[the_page(db).acknowledged_by]
    with db.reading(TEST) as txn:
        assert len(txn.session.scalars(select(CandidateDecision)).all()) == 1


def test_taking_note_of_every_emergency_in_the_console_answers_the_page(
    db: Database, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1, checklist__confused=1)
    coordinator = people.coordinator(db)
    listed = client.get(f"{API}/candidate-events?tier=T1", headers=coordinator.headers).json["items"]

    answered = []
    for one in listed:
        client.post(f"{API}/candidate-events/{one['id']}/acknowledgements", json={}, headers=coordinator.headers)
        answered.append(the_page(db).acknowledged_at is not None)

    assert answered == [False, True]
    assert (the_page(db).acknowledged_by, the_page(db).acknowledged_how) == (coordinator.id, "console")


def test_the_candidate_shows_who_was_reached_and_who_answered(
    db: Database, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    answers(db, lin, PageAnswer.REPLY)
    headers = people.coordinator(db).headers
    listed = client.get(f"{API}/candidate-events?status=acknowledged", headers=headers).json["items"]

    (page,) = client.get(f"{API}/candidate-events/{listed[0]['id']}", headers=headers).json["pages"]

    assert [(one["staff_id"], one["step"]) for one in page["people"]] == [(str(lin.id), "on_call")]
    assert (page["rounds"], page["acknowledged_by"], page["acknowledged_how"]) == (1, str(lin.id), "reply")


# --- release -----------------------------------------------------------------------------------------------


def test_whoever_left_hears_nothing_more(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    with db.transaction(TEST) as txn:
        update_member(txn, row_of(txn, lin), {"active": False})
    work.dispatch()

    assert lin.texts == []
    assert {one.reason for one in messages(db, template="page_sms")} == {"left"}


def test_without_an_email_gateway_the_copy_is_suppressed_and_says_so(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    work.dispatch()

    assert {one.reason for one in messages(db, template="page_email")} == {"no_email_gateway"}
    assert len(lin.texts) == 1


def test_the_email_names_the_subject_number_and_where_to_acknowledge(
    db: Database, work: Work, client: Any, ann: Patient, phone: dict[str, str], lin: Called
) -> None:
    mailing, box = with_email(work)
    reports(client, phone, checklist__seizure=1)
    mailing.dispatch()

    (letter,) = box.letters
    assert letter.text.splitlines()[0] == f"Emergency (T1): patient {ann.subject_number}"
    assert "http://127.0.0.1:8000/console/pages/" in letter.text
    assert "seizure" not in letter.text


def test_repetitions_ring_the_telephone_and_only_news_is_copied_by_email(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    mailing, box = with_email(work)
    reports(client, phone, checklist__seizure=1)
    mailing.dispatch()
    clock.move_to("2027-03-01T08:10:00+08:00")
    mailing.escalate()
    mailing.dispatch()
    repeated = len(lin.texts), len(box.letters)
    reports(client, phone, checklist__confused=1)
    mailing.dispatch()

    assert repeated == (2, 1)
    assert (len(lin.texts), len(box.letters)) == (3, 2)


def test_a_number_that_said_stop_is_paged_by_email_and_somebody_is_told(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    mailing, box = with_email(work)
    lin.phone.writes("STOP")
    reports(client, phone, checklist__seizure=1)
    mailing.dispatch()

    assert lin.texts == []
    assert len(box.letters) == 1
    assert len(tasks(db, WorkReason.MESSAGES_STOPPED)) == 2
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1, "a text can reach nobody on call"


def test_a_page_that_cannot_be_delivered_is_a_task_and_the_others_still_hear(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    other = staff(work)
    on_call(work, other)
    refusing = Simulator(db, {lin.phone.number: Undeliverable("21211", Refusal.NUMBER_OF_NO_USE)})
    reports(client, phone, checklist__seizure=1)
    Work(db, work.settings, {**work.channels, ChannelKind.SMS: refusing}, work.templates).dispatch()

    assert len(other.texts) == 1
    assert len(tasks(db, WorkReason.CHECK_THE_PHONE)) == 1


def test_a_round_that_was_held_up_is_not_said_beside_a_newer_one(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    for minute in (10, 20):
        clock.move_to(f"2027-03-01T08:{minute}:00+08:00")
        work.escalate()
    work.dispatch()

    assert len(lin.texts) == 1


def test_a_shift_that_ends_hands_over_and_the_one_before_goes_on_hearing(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str]
) -> None:
    first, second = staff(work), staff(work)
    on_call(work, first, hours=timedelta(minutes=5) / timedelta(hours=1))
    on_call(work, second, after=timedelta(minutes=5) / timedelta(hours=1))
    reports(client, phone, checklist__seizure=1)
    work.dispatch()
    clock.move_to("2027-03-01T08:10:00+08:00")
    work.escalate()
    work.dispatch()

    assert (len(first.texts), len(second.texts)) == (2, 1)

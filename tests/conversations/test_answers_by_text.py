"""A text is an answer only when it is plainly one; everything else is kept for a person, and danger comes first."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from backend import clock as clocks
from backend.agenda import changes
from backend.agenda.calendar import by_key
from backend.agenda.history import agenda_of
from backend.db import Database, system
from backend.jobs import Work
from backend.patients import life
from backend.patients.models import Patient
from backend.survival.models import DeathReport
from backend.terms import AgendaState, Reply
from backend.triage.models import CandidateEvent
from backend.worklist.models import WorkItem
from notifications.inbound import ReceivedText
from notifications.models import InboundMessage, Message
from notifications.sweeping import sweep
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
VISIT_REMINDER = "2027-03-18T10:00:30+08:00"


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def phone(work: Work) -> Phone:
    return Phone(work, people.ANNS_PHONE)


def with_a_confirmed_cycle(db: Database, ann: Patient, collected_on: date) -> None:
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, collected_on)
        changes.confirm_cycle(txn, patient, 1)


def replies(db: Database, ann: Patient) -> dict[str, Reply | None]:
    with db.reading(TEST) as txn:
        return {item.key: item.reply for item in agenda_of(txn, txn.session.get_one(Patient, ann.id)) if item.reply}


def tasks(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(WorkItem.reason)))


def unread(db: Database) -> int:
    with db.reading(TEST) as txn:
        return len(txn.session.scalars(select(InboundMessage).where(InboundMessage.handled_at.is_(None))).all())


def asked_about_a_visit(clock: Clock, work: Work) -> None:
    work.plan()
    # The weekly questions of that morning have not been answered, and are in nobody's way any more.
    clock.move_to("2027-03-18T09:00:30+08:00")
    plan_and_send(work)
    clock.move_to(VISIT_REMINDER)
    plan_and_send(work)


@pytest.mark.parametrize("text", ["1", "１", "1.", " 1 "])
def test_1_says_that_the_patient_is_coming_to_the_visit(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone, text: str
) -> None:
    asked_about_a_visit(clock, work)

    answers = phone.writes(text)

    assert replies(db, ann) == {"visit.m1": Reply.COMING}
    assert answers == ["Thank you, we have noted your answer. Take care."]
    assert unread(db) == 0


def test_a_digit_that_no_webhook_brought_answers_nothing_that_was_asked_after_it_was_written(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    asked_about_a_visit(clock, work)
    before, after = clocks.wall() - timedelta(minutes=5), clocks.wall() + timedelta(minutes=5)
    clock.move_to("2027-03-18T10:20:00+08:00")

    sweep(db, lambda _since: iter([ReceivedText("SM1", people.ANNS_PHONE, "", "1", written_at=before)]))
    work.understand()
    said_before = replies(db, ann)
    sweep(db, lambda _since: iter([ReceivedText("SM2", people.ANNS_PHONE, "", "1", written_at=after)]))
    work.understand()

    assert (said_before, unread(db)) == ({}, 1)
    assert replies(db, ann) == {"visit.m1": Reply.COMING}


def test_2_asks_for_another_day_and_makes_a_task_for_the_site(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    asked_about_a_visit(clock, work)

    phone.writes("2")

    assert replies(db, ann) == {"visit.m1": Reply.PLEASE_CHANGE}
    assert tasks(db) == ["change_requested"]


def test_3_asks_for_a_call_and_answers_no_question(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    asked_about_a_visit(clock, work)

    answers = phone.writes("3")

    assert replies(db, ann) == {}
    assert tasks(db) == ["call_requested"]
    assert "will call you" in answers[0]


@pytest.mark.parametrize("text", ["2 but worse at night", "7", "hello", "11"])
def test_what_is_not_plainly_an_answer_is_kept_whole_for_a_person(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone, text: str
) -> None:
    asked_about_a_visit(clock, work)

    answers = phone.writes(text)

    assert replies(db, ann) == {}
    assert unread(db) == 1
    assert "will read it" in answers[0]


def test_one_answer_speaks_for_both_infusion_days(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    with_a_confirmed_cycle(db, ann, date(2027, 2, 26))
    plan_and_send(work)

    [invitation] = phone.received

    phone.writes("1")

    assert "Sat 13 March and Sun 14 March" in invitation
    assert replies(db, ann) == {"cycle-1.day-1": Reply.COMING, "cycle-1.day-2": Reply.COMING}


def test_a_digit_with_two_things_asked_is_clarified_once_and_then_read_by_a_person(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    with_a_confirmed_cycle(db, ann, date(2027, 3, 5))
    asked_about_a_visit(clock, work)

    first, second = phone.writes("1"), phone.writes("1")

    assert "more than one thing" in first[0]
    assert "will read it" in second[0]
    assert replies(db, ann) == {}
    assert unread(db) == 1


def test_a_late_answer_to_a_visit_that_is_over_goes_to_a_person(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    asked_about_a_visit(clock, work)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        clock.move_to("2027-03-25T12:00:00+08:00")
        changes.record_attendance(txn, patient, "visit.m1", changes.Attendance.ATTENDED, date(2027, 3, 18))

    phone.writes("1")

    assert replies(db, ann) == {}
    assert unread(db) == 1


def test_1_confirms_being_alive_and_closes_the_check(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    clock.move_to("2027-05-25T09:00:30+08:00")
    plan_and_send(work)
    # The questionnaire that is open as well is in nobody's way after half an hour.
    clock.move_to("2027-05-25T09:31:00+08:00")
    plan_and_send(work)
    assert any("1 = well" in text for text in phone.received)
    with db.reading(TEST) as txn:
        open_things = [message.asks for message in txn.session.scalars(select(Message)) if message.asks]
    assert "survival" in open_things

    with db.transaction(TEST) as txn:
        # The visit of the same week is out of the way, so that only the survival check is asked about.
        patient = txn.session.get_one(Patient, ann.id)
        changes.record_attendance(txn, patient, "visit.m3", changes.Attendance.MISSED, date(2027, 5, 24))
    phone.writes("1")

    with db.reading(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        assert life.last_known_alive(txn, patient) == date(2027, 5, 25)
        assert by_key(agenda_of(txn, patient))["survival.m3"].state is AgendaState.COMPLETED


@pytest.mark.parametrize("text", ["I am bleeding", "吐血了", "can’t breathe", "1 and I fainted"])
def test_danger_words_raise_an_emergency_and_are_answered_at_once(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone, text: str
) -> None:
    clock.move_to("2027-03-02T03:00:00+08:00")

    answers = phone.writes(text)

    with db.reading(TEST) as txn:
        candidates = txn.session.scalars(select(CandidateEvent)).all()
        assert [(one.tier, one.status, one.term_code) for one in candidates] == [("T1", "proposed", None)]
    assert "Call +86 10 6693 1000 now" in answers[0] or "Call 120 now" in answers[0]


@pytest.mark.parametrize("text", ["My father died this morning", "父亲今天去世了"])
def test_words_of_death_stop_everything_and_are_answered_kindly_without_advice(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone, text: str
) -> None:
    work.plan()

    answers = phone.writes(text)

    assert answers == [
        "Thank you for letting us know. Our thoughts are with you. Someone from our team will call you. "
        "You do not need to do anything."
    ]
    with db.reading(TEST) as txn:
        assert [report.status for report in txn.session.scalars(select(DeathReport))] == ["pending"]
        assert not txn.session.scalars(select(Message.id).where(Message.status == "queued")).all()
        # No emergency; a physician judges the death, and that is all.
        assert [one.suspected_serious for one in txn.session.scalars(select(CandidateEvent))] == ["death"]
    clock.move_to("2027-04-01T12:00:00+08:00")
    plan_and_send(work)
    assert phone.received == answers


def test_stop_silences_the_number_opens_a_task_and_never_ends_the_study(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    asked_about_a_visit(clock, work)
    so_far = len(phone.received)

    answers = phone.writes("退订")

    assert len(answers) == 1
    assert tasks(db) == ["messages_stopped"]
    clock.move_to("2027-04-10T12:00:00+08:00")
    plan_and_send(work)
    assert len(phone.received) == so_far + 1
    with db.reading(TEST) as txn:
        assert txn.session.get_one(Patient, ann.id).status == "on_study"


def test_start_opens_the_number_again(db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone) -> None:
    phone.writes("STOP")
    phone.writes("START")
    so_far = len(phone.received)

    clock.move_to(VISIT_REMINDER)
    plan_and_send(work)

    assert len(phone.received) > so_far


def test_a_number_of_nobody_is_left_in_the_inbox_and_changes_nothing(db: Database, clock: Clock, work: Work) -> None:
    stranger = Phone(work, "+8613900000000")

    answers = stranger.writes("my mother is bleeding")

    assert answers == []
    assert unread(db) == 1


def test_a_number_that_two_patients_share_is_never_taken_for_the_first(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    people.ben(db, phone=people.ANNS_PHONE, caregivers=())
    asked_about_a_visit(clock, work)

    phone.writes("1")

    assert replies(db, ann) == {}
    assert unread(db) == 1


def test_two_machines_that_answer_each_other_are_silenced(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    answers = [phone.writes(f"automatic reply {number}") for number in range(9)]

    assert sum(len(one) for one in answers) == 6
    # The six that were answered, and one mark for all that met with silence.
    assert unread(db) == 7


def test_a_failure_to_understand_leaves_the_text_to_a_person(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    with db.transaction(TEST) as txn:
        # What nobody expects: the patient's time zone has gone from the machine.
        txn.session.get_one(Patient, ann.id).time_zone = "Nowhere/Nothing"

    phone.writes("bleeding")

    with db.reading(TEST) as txn:
        kept = txn.session.scalars(select(InboundMessage)).one()
        assert (kept.handled_at, kept.handled_how) == (None, "failed")
        assert (kept.site_id, kept.patient_id) == (ann.site_id, ann.id)

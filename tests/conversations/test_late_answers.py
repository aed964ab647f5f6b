"""What is answered after its questionnaire has ended: yes to the card of danger signs is heard all the same."""

import pytest
from sqlalchemy import select

from backend.conversations.models import Conversation
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.triage.models import CandidateEvent
from notifications.models import InboundMessage
from tests import people
from tests.conftest import Clock
from tests.conversations.test_temperatures import expected, remind_of_a_visit
from tests.phone import Phone, plan_and_send

TEST = system("test")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def asked_for_the_card_until_its_window_ended(db: Database, clock: Clock, work: Work) -> Phone:
    people.ben(db, caregivers=())
    phone = Phone(work, people.BENS_PHONE)
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)
    with db.reading(TEST) as txn:
        ends = txn.session.scalars(select(Conversation.closes_at)).one()
    assert ends is not None
    clock.move_to(ends.replace(minute=57, hour=ends.hour - 1).isoformat())
    [card] = phone.writes("36.8")
    assert "危险信号卡" in card
    clock.move_to(ends.replace(minute=3).isoformat())
    work.see_to_surveys()
    return phone


def tiers(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(CandidateEvent.tier)))


@pytest.mark.parametrize("yes", ["1", "有"])
def test_yes_to_the_card_rings_also_minutes_after_the_questionnaire_has_ended(
    db: Database, clock: Clock, work: Work, yes: str
) -> None:
    phone = asked_for_the_card_until_its_window_ended(db, clock, work)

    [said] = phone.writes(yes)

    assert "紧急" in said
    assert tiers(db) == ["T1"]


def test_no_to_it_is_for_a_person(db: Database, clock: Clock, work: Work) -> None:
    phone = asked_for_the_card_until_its_window_ended(db, clock, work)

    [said] = phone.writes("2")

    assert "有人看" in said
    assert tiers(db) == []


def test_a_1_after_a_fever_that_has_rung_is_no_answer_to_a_card_that_nobody_was_shown(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    expected(db, ann)
    clock.move_to("2027-03-16T09:00:30+08:00")
    plan_and_send(work)

    [fever], [after] = phone.writes("39.2"), phone.writes("1")

    assert fever.startswith("This may be an emergency")
    assert "will read it" in after
    assert tiers(db) == ["T1"]


def inbox(db: Database) -> list[str | None]:
    with db.reading(TEST) as txn:
        waiting = select(InboundMessage.handled_how).where(InboundMessage.handled_at.is_(None))
        return list(txn.session.scalars(waiting.order_by(InboundMessage.received_at)))


def test_a_1_that_may_mean_the_card_or_a_reminder_is_asked_about_and_then_read_by_a_person_first(
    db: Database, clock: Clock, work: Work
) -> None:
    ann, phone = people.ann(db), Phone(work, people.ANNS_PHONE)
    expected(db, ann)
    clock.move_to("2027-03-16T09:00:30+08:00")
    plan_and_send(work)
    [card] = phone.writes("36.8")
    clock.move_to("2027-03-16T09:45:30+08:00")
    work.see_to_surveys()
    remind_of_a_visit(db, ann)
    clock.move_to("2027-03-16T10:20:30+08:00")
    work.dispatch()
    reminded = any("1 = coming" in said for said in phone.received)

    [which], [again] = phone.writes("1"), phone.writes("1")

    assert ("danger signs" in card, reminded) == (True, True)
    assert "more than one thing" in which
    assert "If it cannot wait, please call" in again
    assert inbox(db) == ["danger"]


def test_a_fever_of_somebody_whose_answers_do_not_count_is_read_by_a_person_first(
    db: Database, clock: Clock, work: Work
) -> None:
    ben = people.ben(db)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ben.id)
        patient.phone_unconfirmed_since = txn.now
    phone = Phone(work, people.BENS_PHONE)

    [normal] = phone.writes("36.8")
    clock.move_to("2027-03-01T08:01:00+08:00")
    [fever] = phone.writes("39.5")

    assert "有人看" not in normal
    assert "如果等不了，请现在就拨打" in fever
    assert inbox(db)[-1] == "danger"


def test_danger_and_death_from_a_number_nobody_knows_stand_on_top(db: Database, clock: Clock, work: Work) -> None:
    stranger = Phone(work, "+12025550199")

    for minute, text in enumerate(("hello", "I can not breathe", "爸爸昨晚去世了")):
        clock.move_to(f"2027-03-04T09:0{minute}:00+08:00")
        assert stranger.writes(text) == []

    assert inbox(db) == ["unknown_number", "danger", "death"]

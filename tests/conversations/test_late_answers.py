"""What is answered after its questionnaire has ended: yes to the card of danger signs is heard all the same."""

import pytest
from sqlalchemy import select

from backend.conversations.models import Conversation
from backend.db import Database, system
from backend.jobs import Work
from backend.triage.models import CandidateEvent
from tests import people
from tests.conftest import Clock
from tests.conversations.test_temperatures import expected
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

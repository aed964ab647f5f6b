"""The printed word as an answer, a STOP in a loop, and what is written from the telephone of somebody who has died."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.conversations.models import ConversationAnswer
from backend.jobs import Work
from backend.patients.models import EvidenceOfLife, Patient
from backend.survival import deaths
from backend.triage.models import CandidateEvent
from notifications.models import InboundMessage, Message
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.numbers_world import SQLITE, SURVIVAL, VISIT, rows, tasks, was_asked, wrote
from tests.conversations.release_world import World
from tests.phone import Phone, plan_and_send

pytestmark = SQLITE
ANNS = people.ANNS_PHONE
SURVIVAL_ASKED: dict[str, Any] = {"asks": "survival", "template": "survival_check"}


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    return release_world.made(work, clock)


def test_the_word_beside_the_digit_answers_the_one_question_that_prints_it_and_no_other(world: World) -> None:
    world.at("2027-03-25T10:00:00+08:00")
    was_asked(world, world.patient, ANNS, VISIT)
    elsewhere = wrote(world, ANNS, "还好")
    coming = wrote(world, ANNS, "1能来")
    world.at("2027-05-25T10:00:00+08:00")
    was_asked(world, world.patient, ANNS, "visit.m3@2027-05-25")
    was_asked(world, world.patient, ANNS, SURVIVAL, **SURVIVAL_ASKED)

    guess, digit, word = wrote(world, ANNS, "1 fine"), wrote(world, ANNS, "1"), wrote(world, ANNS, "１ 還好。")

    assert elsewhere == guess == ("inbox", True, "still_unclear_reply")
    assert coming == word == ("answered", True, "thanks_reply")
    # Two questions have a 1; only one of them has 还好 beside it.
    assert digit == ("asked_to_clarify", True, "please_clarify")
    assert [one.as_of.isoformat() for one in rows(world, EvidenceOfLife)][-1] == "2027-05-25"
    open_still = rows(world, Message, Message.asks.is_not(None), Message.answered_at.is_(None))
    assert [one.agenda_key for one in open_still] == ["visit.m3"]
    assert wrote(world, ANNS, "3请来电") == ("answered", True, "call_noted_reply")
    # It may be of yesterday, and stands on top of the inbox.
    assert wrote(world, ANNS, "昨晚烧到39度") == ("danger", True, "still_unclear_reply")


def test_a_scale_takes_points_and_its_own_words_and_yes_with_more_to_the_card_is_read_first(
    work: Work, clock: Clock
) -> None:
    people.ben(work.db, caregivers=())
    phone = Phone(work, people.BENS_PHONE)
    work.plan()
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)

    said = [phone.writes(text) for text in ("36.8", "有，有两样", "2", "中等", "3有一些影响", "2级", "2分")]

    assert ["随访小组会有人看" in one[0] for one in said] == [False, True, False, False, True, True, False]
    with work.db.reading(release_world.TEST) as txn:
        given = txn.session.scalars(select(ConversationAnswer.value).order_by(ConversationAnswer.turn)).all()
        left = txn.session.scalars(select(InboundMessage.handled_how).where(InboundMessage.handled_at.is_(None)))
        assert given == [36.8, 0, 2, 2]
        assert sorted(left) == ["danger", "inbox", "inbox"]


def test_a_stop_is_confirmed_in_a_loop_too_and_said_again_it_is_not(world: World) -> None:
    for _ in range(6):
        wrote(world, ANNS, "help")

    looped, stopped, again = (wrote(world, ANNS, text) for text in ("help", "退订", "STOP"))

    assert looped == ("loop", True, None)
    assert stopped == ("stop", True, "stop_reply")
    # A machine that answers our confirmation with another STOP hears nothing more.
    assert again == ("stop", True, None)


def test_after_a_death_nothing_is_sent_and_no_stop_is_anybodys_task_but_all_words_are_read(world: World) -> None:
    investigator = people.investigator(world.work.db)

    def dies(txn: Any, ann: Patient) -> None:
        report = deaths.report_death(txn, ann, died_on="2027-03-01")
        deaths.approve(txn.acting_as(investigator.actor), ann, report)

    world.do(dies)
    before = tasks(world)

    stopped = wrote(world, ANNS, "STOP")
    said = [
        wrote(world, ANNS, text) for text in ("1", "help", "status", "吐血走的，人没了", "他去世了", "why do you write")
    ]

    assert stopped == ("stop", True, None)
    assert said == [("wrote_while_death_reported", True, None)] * 6
    assert tasks(world) == sorted([*before, *["wrote_while_death_reported"] * 6])
    assert [one.tier for one in rows(world, CandidateEvent) if one.tier == "T1"] == []
    assert Phone(world.work, ANNS).received == []


def test_a_danger_from_the_telephone_of_one_who_has_died_is_somebody_elses_and_is_answered(world: World) -> None:
    world.of_ann(status="died")

    assert wrote(world, ANNS, "I can't breathe, help me") == ("wrote_while_death_reported", True, "danger_reply")

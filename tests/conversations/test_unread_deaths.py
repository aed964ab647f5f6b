"""A text that tells of a death, or may, waits for a person: until then nothing that was planned goes there."""

import pytest

from backend.conversations.letters import Words, write
from backend.db import Transaction, system
from backend.jobs import Work
from backend.patients.caregivers import CaregiverForm
from backend.patients.models import Patient
from backend.survival import deaths
from backend.survival.models import DeathReport
from notifications.inbox import resolve
from notifications.models import InboundMessage
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.numbers_world import SQLITE, at, rows
from tests.conversations.release_world import World, a_report_is_due, an_infusion_is_ahead
from tests.phone import Phone, plan_and_send

TEST = system("test")
SHARED, HERS = "+8613800138041", "+8613800138042"
HOW_ARE_YOU = "survival_check"


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    return release_world.made(work, clock)


def asked(world: World, number: str) -> int:
    """How often somebody was asked there how they are."""
    return at(world, number).count(HOW_ARE_YOU)


def later(world: World, moment: str) -> None:
    world.at(moment)
    plan_and_send(world.work)


def a_person_deals_with_it(world: World) -> None:
    with world.work.db.transaction(TEST) as txn:
        for text in rows(world, InboundMessage, InboundMessage.handled_at.is_(None)):
            resolve(txn, txn.session.get_one(InboundMessage, text.id), "called")


def told_of_it(world: World, number: str, words: str) -> None:
    """An hour before she would be asked."""
    world.at("2027-05-25T08:00:00+08:00")
    world.plans()
    Phone(world.work, number).writes(words)


def test_after_words_that_may_be_of_a_death_nobody_is_asked_how_they_are_until_a_person_has_read_them(world: World):
    told_of_it(world, people.ANNS_PHONE, "we lost him, funeral on Friday")

    later(world, "2027-05-25T09:00:30+08:00")
    assert asked(world, people.ANNS_PHONE) == 0
    later(world, "2027-05-25T10:01:00+08:00")
    assert asked(world, people.ANNS_PHONE) == 0
    a_person_deals_with_it(world)
    later(world, "2027-05-25T11:02:00+08:00")

    assert asked(world, people.ANNS_PHONE) == 1
    assert rows(world, DeathReport) == []


@SQLITE
def test_nobody_waits_longer_than_a_day_for_a_person(world: World):
    told_of_it(world, people.ANNS_PHONE, "RIP")

    later(world, "2027-05-25T20:00:00+08:00")
    assert asked(world, people.ANNS_PHONE) == 0
    later(world, "2027-05-26T09:00:00+08:00")

    assert asked(world, people.ANNS_PHONE) == 1


def two_with_one_telephone(world: World) -> list[Patient]:
    """One by their own number, the other by their daughter's."""
    form = CaregiverForm(name="Li", phone=SHARED, relation="daughter", may_report=True, may_confirm_survival=True)
    return [
        people.ben(world.work.db, phone=SHARED, caregivers=()),
        people.ben(world.work.db, phone=HERS, caregivers=(form,)),
    ]


def test_after_a_death_told_from_a_telephone_of_two_neither_is_asked_and_everybody_else_is(world: World):
    two_with_one_telephone(world)
    told_of_it(world, SHARED, "他去世了")

    later(world, "2027-05-25T09:00:30+08:00")
    later(world, "2027-05-25T10:01:00+08:00")

    assert [asked(world, number) for number in (SHARED, HERS, people.ANNS_PHONE)] == [0, 0, 1]
    assert at(world, SHARED).count("kind_reply") == 1
    a_person_deals_with_it(world)
    later(world, "2027-05-25T11:02:00+08:00")
    assert [asked(world, number) for number in (SHARED, HERS)] == [1, 1]


@SQLITE
def test_an_infusion_is_not_missed_because_the_medicine_is_gone_but_waits_for_a_plain_word(world: World):
    an_infusion_is_ahead(world)
    Phone(world.work, people.ANNS_PHONE).writes("药没了")
    assert world.decision() == "send by sms"

    world.change(InboundMessage, rows(world, InboundMessage)[0].id, handled_how="death", patient_id=None)

    assert world.decision() == "later: death_unread"
    world.says(template="infusion_moved")
    assert world.decision() != "later: death_unread"


@SQLITE
def test_what_a_person_writes_and_the_answer_to_an_emergency_do_not_wait(world: World):
    world.at(release_world.MORNING)
    phone = Phone(world.work, people.ANNS_PHONE)
    phone.writes("My phone died")

    phone.writes("I am bleeding")
    world.do(lambda txn, ann: write(txn, ann, Words("Please bring your card.")))
    world.work.dispatch()

    assert {"danger_reply", "letter"} <= set(at(world, people.ANNS_PHONE))


@SQLITE
def test_a_plain_word_that_was_denied_holds_nothing_any_more_though_its_text_still_waits(world: World):
    a_report_is_due(world)
    Phone(world.work, people.ANNS_PHONE).writes("He passed away")
    held = world.decision()

    world.do(_denied_and_resumed)

    assert [one.handled_how for one in rows(world, InboundMessage, InboundMessage.handled_at.is_(None))] == ["death"]
    assert (held, world.decision()) == ("later: death_reported", "send by sms")


def _denied_and_resumed(txn: Transaction, ann: Patient) -> None:
    [report] = deaths.reports_of(txn, ann)
    deaths.deny(txn, ann, report, "Somebody else's telephone.")
    deaths.resume_contact(txn, ann)

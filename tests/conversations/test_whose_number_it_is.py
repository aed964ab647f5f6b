"""Numbers that are shared, changed, or a stranger's: nobody's words are ever taken for somebody else's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from backend.conversations.models import Conversation
from backend.jobs import Work
from backend.patients import contact, life
from backend.patients.caregivers import CaregiverForm
from backend.patients.changes import update_patient
from backend.patients.models import Caregiver, EvidenceOfLife, Patient
from backend.patients.new_numbers import is_confirmed
from backend.survival.models import DeathReport
from backend.terms import Urgency
from backend.triage.models import CandidateEvent
from notifications.channels.simulator import Simulator
from notifications.inbound import ReceivedText, receive
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.conversations import release_former_rows, release_world
from tests.conversations.numbers_world import (
    MORNING,
    NEW,
    SISTERS,
    SQLITE,
    SURVIVAL,
    VISIT,
    at,
    patched,
    rows,
    tasks,
    was_asked,
    wrote,
)
from tests.conversations.release_world import World


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    made = release_world.made(work, clock)
    made.at(MORNING)
    return made


# --- shared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shared:
    """One number and all behind it."""

    name: str
    number: str
    patients: tuple[Patient, ...]


def shared_numbers(world: World) -> list[Shared]:
    """Two patients; a patient and another's caregiver; a caregiver of two patients."""
    own, hers, theirs = "+8613800138041", "+8613800138042", "+8613800138043"

    def cared_for_at(number: str) -> tuple[CaregiverForm, ...]:
        form = CaregiverForm(name="Li", phone=number, relation="son", may_report=True, may_confirm_survival=True)
        return (form,)

    db = world.work.db
    two = [people.ben(db, phone=own, caregivers=()) for _ in range(2)]
    mixed = [people.ben(db, phone=hers, caregivers=()), people.ben(db, caregivers=cared_for_at(hers), phone=NEW)]
    both = [people.ben(db, caregivers=cared_for_at(theirs), phone=f"+861380013806{n}") for n in range(2)]
    groups = {"two patients": (own, two), "patient, caregiver": (hers, mixed), "caregiver of two": (theirs, both)}
    return [Shared(name, number, tuple(group)) for name, (number, group) in groups.items()]


# What is written; why a person reads it, or what became of it; what is said back.
FROM_ANY_OF_THEM: tuple[tuple[str, str, str | None], ...] = (
    *((text, "shared_number", "still_unclear_reply") for text in ("1", "2", "3", "36.8", "CALL", "STATUS", "问卷")),
    ("我今天好一点", "shared_number", "still_unclear_reply"),
    ("1961", "shared_number", "still_unclear_reply"),
    ("帮助", "shared_number", "help_reply"),
    ("父亲今天去世了", "death", "kind_reply"),
    ("吐血", "danger", "danger_reply"),
    ("STOP", "stop", "stop_reply"),
    ("STOP", "stop", "stop_reply"),
    ("START", "start", "start_reply"),
)
ONCE_IT_IS_A_STRANGERS: tuple[tuple[str, str, str | None], ...] = (
    ("you have the wrong number", "wrong_number", "wrong_number_reply"),
    ("you have the wrong number", "wrong_number", None),
    ("1", "wrong_number", None),
    ("START", "start", None),
    ("吐血", "danger", "danger_reply"),
)


@SQLITE
def test_what_comes_from_a_number_of_several_is_never_taken_as_one_of_them(world: World) -> None:
    shared = shared_numbers(world)
    asked_at_each(world, shared)

    each_gets(world, shared, "2027-03-04", FROM_ANY_OF_THEM)
    world.writes("to-one", patient_id=shared[0].patients[1].id)
    still_reached = world.decision()
    each_gets(world, shared, "2027-03-05", ONCE_IT_IS_A_STRANGERS)

    assert acted_on_nothing(world)
    assert (still_reached, world.decision()) == ("send by sms", "suppress: number_of_no_use")
    # For each patient behind each number, once: also of a STOP that was said twice.
    assert Counter(tasks(world)) == {"messages_stopped": 6, "wrong_number": 6, "nobody_to_page": 6}
    called = {one.patient_id for one in rows(world, CandidateEvent)}
    assert called == {patient.id for one in shared for patient in one.patients}


def each_gets(world: World, shared: Sequence[Shared], day: str, table: Sequence[tuple[str, str, str | None]]) -> None:
    """Every quarter of an hour the next text, at every number; and what became of each is as the table says."""
    for place, (text, became, said) in enumerate(table):
        world.at(f"{day}T{10 + place // 4}:{15 * (place % 4):02}:00+08:00")
        for one in shared:
            assert (one.name, text, wrote(world, one.number, text)) == (one.name, text, (became, False, said))


def asked_at_each(world: World, shared: Sequence[Shared]) -> None:
    """At the first number one patient is asked, at the second both things of one, at the third the caregiver."""
    first, second, third = shared
    was_asked(world, first.patients[0], first.number)
    for thing in (VISIT, SURVIVAL):
        was_asked(world, second.patients[0], second.number, thing)
    [caregiver] = rows(world, Caregiver, Caregiver.patient_id == third.patients[0].id)
    was_asked(world, third.patients[0], third.number, recipient="caregiver", caregiver_id=caregiver.id)


def acted_on_nothing(world: World) -> bool:
    answered = rows(world, Message, Message.answered_at.is_not(None))
    told = rows(world, EvidenceOfLife, EvidenceOfLife.reference.startswith("text:"))
    return not (answered or told or rows(world, DeathReport) or rows(world, Conversation))


# --- changed ------------------------------------------------------------------------------------------------


def test_a_new_number_is_the_patients_once_the_right_year_came_from_it(world: World, client: Any) -> None:
    staff = people.coordinator(world.work.db).headers
    was_asked(world, world.patient, people.ANNS_PHONE)

    record = patched(world, client, staff, phone=NEW)
    patched(world, client, staff, phone="138 0013 8077")

    assert record["phone_unconfirmed_since"] is not None
    assert at(world, people.ANNS_PHONE) == ["visit_reminder", "former_number_notice"]
    # No questionnaire is begun there; the reminder of one goes all the same.
    assert at(world, NEW) == ["confirm_number", "report_due"]
    assert wrote(world, people.ANNS_PHONE, "1") == ("former_number", False, None)
    assert wrote(world, NEW, "1") == ("unconfirmed_number", False, "confirm_number")
    world.writes("an infusion is ahead", urgency=Urgency.INFUSION)
    assert world.decision() == "send by sms"
    world.at("2027-03-04T10:05:00+08:00")
    assert wrote(world, NEW, "1962") == ("wrong_year", False, "confirm_number_again_reply")
    world.at("2027-03-04T10:06:00+08:00")
    assert wrote(world, NEW, "一九六一年。") == ("number_confirmed", True, "number_confirmed_reply")
    world.at("2027-03-04T10:07:00+08:00")
    # What was asked at the other number was not asked here.
    assert wrote(world, NEW, "1") == ("inbox", True, "still_unclear_reply")
    was_asked(world, world.patient, NEW)
    world.at("2027-03-04T10:07:30+08:00")
    assert wrote(world, NEW, "1") == ("answered", True, "thanks_reply")
    world.at("2027-03-04T10:08:00+08:00")
    assert wrote(world, people.ANNS_PHONE, "吐血") == ("danger", False, "danger_reply")
    assert [one.patient_id for one in rows(world, CandidateEvent)] == [world.patient.id]
    assert "confirm_the_phone" not in tasks(world)


@SQLITE
def test_two_wrong_years_are_a_call_that_only_the_finding_closes(world: World, client: Any) -> None:
    staff = people.coordinator(world.work.db).headers
    found = f"/api/v1/patients/{world.patient.id}/phone-confirmations"
    too_early = client.post(found, json={"how": "phone"}, headers=staff)
    patched(world, client, staff, phone=NEW)
    for minute, text in enumerate(("1970", "1971")):
        world.at(f"2027-03-04T10:0{minute + 1}:00+08:00")
        assert wrote(world, NEW, text)[0] == "wrong_year"
    assert tasks(world) == ["confirm_the_phone"]
    world.at("2027-03-04T10:05:00+08:00")
    # Who has guessed twice does not get a third try.
    assert wrote(world, NEW, "1961") == ("unconfirmed_number", False, "still_unclear_reply")

    [task] = client.get("/api/v1/worklist", headers=staff).json["items"]
    closing = f"/api/v1/worklist/{task['id']}/resolutions"
    tried = client.post(closing, json={"outcome": "no_answer"}, headers=staff)
    refused = client.post(closing, json={"outcome": "done"}, headers=staff)
    confirmed = client.post(found, json={"how": "in_person"}, headers=staff)
    again = client.post(found, json={"how": "phone"}, headers=staff)
    nobody = client.post(found, json={"how": "text"}, headers=staff)

    answers = (too_early, tried, refused, confirmed, again, nobody)
    assert [one.status_code for one in answers] == [409, 201, 409, 201, 409, 422]
    assert tasks(world) == []


@SQLITE
def test_three_silent_days_are_a_call_too_and_going_back_or_taking_away_is_a_change(world: World, client: Any) -> None:
    staff = people.coordinator(world.work.db).headers
    for number in (NEW, people.ANNS_PHONE):
        patched(world, client, staff, phone=number)

    world.at("2027-03-07T09:59:59+08:00")
    assert "numbers_to_confirm" not in world.work.call()
    world.at("2027-03-07T10:00:00+08:00")
    assert (world.work.call()["numbers_to_confirm"], tasks(world)) == (1, ["confirm_the_phone"])
    assert "numbers_to_confirm" not in world.work.call()

    # The number before is told, to which nobody had answered; her own, which is hers again, is not.
    assert at(world, NEW).count("former_number_notice") == 1
    assert (at(world, people.ANNS_PHONE).count("confirm_number"), at(world, NEW).count("confirm_number")) == (1, 1)
    staff = people.coordinator(world.work.db).headers
    assert patched(world, client, staff, phone=None)["phone_unconfirmed_since"] is None
    assert tasks(world) == []
    assert patched(world, client, staff, phone=SISTERS)["phone_unconfirmed_since"] is not None


@SQLITE
@pytest.mark.parametrize(
    ("meanwhile", "decision"),
    [
        (lambda txn, ann: life.record_death(txn, ann, "2027-03-03"), "suppress: died"),
        (lambda txn, ann: contact.hold(txn, ann, "death_reported"), "later: death_reported"),
        (lambda txn, ann: setattr(ann, "status", "withdrawn"), "suppress: withdrawn"),
    ],
)
def test_a_former_number_hears_nothing_after_a_death_a_withdrawal_or_while_contact_is_held(
    world: World, meanwhile: Any, decision: str
) -> None:
    release_former_rows.a_number_was_changed(world)
    world.do(meanwhile)

    assert world.decision() == decision
    world.work.dispatch()
    assert at(world, people.ANNS_PHONE) == []


@SQLITE
def test_a_former_number_that_said_stop_hears_nothing_and_nobody_need_see_to_it(world: World) -> None:
    release_former_rows.a_number_was_changed(world)
    receive(world.work.db, ReceivedText("SM1", people.ANNS_PHONE, "", "STOP"))

    world.work.dispatch()

    assert (at(world, people.ANNS_PHONE), at(world, NEW)) == ([], ["confirm_number"])
    assert tasks(world) == []


def test_a_number_that_changes_while_a_message_is_on_its_way_keeps_both_right(world: World) -> None:
    class Slow(Simulator):
        """While it speaks, a coordinator changes the number."""

        def send(self, envelope: Any, attempt_id: Any) -> Any:
            if envelope.address == people.ANNS_PHONE:
                world.do(lambda txn, ann: update_patient(txn, ann, {"phone": NEW}, seen_version=ann.version))
            return super().send(envelope, attempt_id)

    world.work.channels["sms"] = Slow(world.work.db)  # type: ignore[index]
    world.writes("on its way", agenda_key=None)

    world.work.dispatch()

    [sent] = rows(world, Message, Message.key == "on its way")
    assert sent.status in ("sent", "delivered")
    assert at(world, people.ANNS_PHONE)[0] == "thanks_reply"
    world.work.channels["sms"] = Simulator(world.work.db)  # type: ignore[index]
    assert wrote(world, people.ANNS_PHONE, "1961") == ("former_number", False, None)
    assert not world.do(lambda _, ann: is_confirmed(ann))

"""Numbers that are a stranger's, a caregiver's, silent or deaf: what is sent there, and what an answer is worth."""

from typing import Any

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda.models import AgendaFact
from backend.conversations import letters
from backend.conversations.confirming import year_in
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.strangers import says_wrong_number
from backend.jobs import Work
from backend.patients.forgetting import forget
from backend.patients.models import Caregiver, EvidenceOfLife, FormerNumber, Patient
from backend.patients.new_numbers import confirm
from backend.survival.models import DeathReport
from backend.terms import ForgettingReason, Recipient, Urgency
from backend.triage.models import CandidateEvent
from notifications.channels import Refusal
from notifications.channels.simulator import Simulator
from notifications.inbox import resolve
from notifications.models import Attempt, InboundMessage
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
    last_text,
    names,
    patched,
    refuses,
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


# --- a stranger's -------------------------------------------------------------------------------------------


@SQLITE
def test_who_writes_that_it_is_the_wrong_number_is_left_alone_until_a_person_has_looked(
    world: World, client: Any
) -> None:
    staff = people.coordinator(world.work.db).headers
    world.of_ann(channels=["sms"])
    assert wrote(world, people.ANNS_PHONE, "你们打错电话了") == ("wrong_number", False, "wrong_number_reply")
    for minute, text in enumerate(("你是谁", "1", "hello")):
        world.at(f"2027-03-04T10:1{minute}:00+08:00")
        assert wrote(world, people.ANNS_PHONE, text) == ("wrong_number", False, None)
    world.writes("a reminder")
    assert (world.decision(), tasks(world)) == ("suppress: number_of_no_use", ["wrong_number"])

    [task] = client.get("/api/v1/worklist?reason=wrong_number", headers=staff).json["items"]
    closing = f"/api/v1/worklist/{task['id']}/resolutions"
    refused = client.post(closing, json={"outcome": "will find out"}, headers=staff)
    closed = client.post(closing, json={"outcome": "right_after_all"}, headers=staff)

    assert (refused.status_code, closed.status_code, world.decision()) == (422, 201, "send by sms")
    world.at("2027-03-04T10:20:00+08:00")
    assert wrote(world, people.ANNS_PHONE, "You have the wrong number") == ("wrong_number", False, "wrong_number_reply")
    patched(world, client, staff, phone=NEW)
    assert (tasks(world), tasks(world, is_open=False)) == ([], ["wrong_number", "wrong_number"])
    # Whoever asked to be left alone is not told that the number is used no more, either.
    assert (at(world, people.ANNS_PHONE)[-1], at(world, NEW)) == (
        "wrong_number_reply",
        ["confirm_number", "report_due"],
    )
    assert world.decision() == "send by sms"


@SQLITE
def test_a_caregivers_number_that_is_a_strangers_is_stopped_and_the_patients_is_not(world: World) -> None:
    sister = names(world, may_report=True, may_confirm_survival=True)
    assert wrote(world, SISTERS, "不是本人") == ("wrong_number", False, "wrong_number_reply")

    world.writes("to her", recipient=Recipient.CAREGIVER, caregiver_id=sister, template="caregiver_please_call")
    world.work.dispatch()
    world.writes("to Ann")

    assert (world.decision(), at(world, SISTERS)) == ("send by sms", ["wrong_number_reply"])
    assert tasks(world) == ["wrong_number"]


@SQLITE
@pytest.mark.parametrize("becomes", ["another", "a stranger's"])
def test_a_questionnaire_that_was_asked_at_the_number_is_asked_there_no_more(
    world: World, client: Any, becomes: str
) -> None:
    world.plans()
    world.work.dispatch()
    [asked] = rows(world, Conversation, Conversation.asked.is_not(None))
    assert at(world, people.ANNS_PHONE) == ["survey_due_or_app"]
    if becomes == "another":
        patched(world, client, people.coordinator(world.work.db).headers, phone=NEW)
    number = NEW if becomes == "another" else people.ANNS_PHONE
    said = "你们打错电话了" if becomes == "a stranger's" else "问卷"
    assert wrote(world, number, said)[2] in ("wrong_number_reply", "confirm_number")
    world.at("2027-03-04T10:30:00+08:00")
    assert wrote(world, number, "36.8")[0] in ("wrong_number", "unconfirmed_number")
    assert wrote(world, people.ANNS_PHONE, "36.8")[0] in ("wrong_number", "former_number")

    [conversation] = rows(world, Conversation, Conversation.id == asked.id)
    assert (conversation.status, conversation.asked, rows(world, ConversationAnswer)) == ("stalled", None, [])
    world.at("2027-03-05T10:30:00+08:00")
    world.work.plan()
    world.work.dispatch()
    assert not {"survey_due_or_app", "survey_question"} & set(at(world, NEW))
    assert at(world, people.ANNS_PHONE).count("survey_due_or_app") == 1


@SQLITE
def test_no_words_of_a_person_go_to_a_number_where_nobody_has_shown_who_they_are(world: World) -> None:
    release_former_rows.a_number_was_changed(world)
    words = letters.Words("Your son called us.")
    world.message_id = world.do(lambda txn, ann: letters.write(txn, ann, words).id)

    assert world.decision() == "send by in_app"
    world.of_ann(channels=["sms"])
    assert world.decision() == "suppress: not_for_a_text_message"
    world.do(lambda txn, ann: confirm(txn, ann, "phone"))
    assert world.decision() == "send by sms"


@SQLITE
def test_who_is_forgotten_is_not_found_by_a_number_of_before(world: World) -> None:
    release_former_rows.a_number_was_changed(world)
    wrote(world, people.ANNS_PHONE, "hello")
    world.of_ann(status="withdrawn")
    world.do(lambda txn, _: [resolve(txn, text, "read") for text in txn.session.scalars(select(InboundMessage))])

    world.do(lambda txn, ann: forget(txn, ann, ForgettingReason.RETENTION_ENDED))

    assert [one.number_index for one in rows(world, FormerNumber)] == [None]
    assert [one.text_sealed for one in rows(world, InboundMessage)] == [None]
    assert wrote(world, people.ANNS_PHONE, "吐血") == ("danger", False, None)


# --- a caregiver's ------------------------------------------------------------------------------------------

# What she may: report, confirm survival; what was asked of her; her text; what becomes of it, and what it brings.
BY_A_CAREGIVER: tuple[tuple[bool, bool, str, str, str, str], ...] = (
    (True, False, SURVIVAL, "1", "inbox", ""),
    (False, True, SURVIVAL, "1", "answered", "evidence"),
    (False, True, VISIT, "1", "inbox", ""),
    (True, False, VISIT, "1", "answered", "reply"),
    # She was asked to call, and a digit is no answer to that.
    (True, True, "", "1", "inbox", ""),
    (False, False, SURVIVAL, "父亲今天去世了", "death", "death report, candidate"),
    (False, False, "", "吐血", "danger", "candidate"),
)


@SQLITE
@pytest.mark.parametrize(("may_report", "may_confirm", "thing", "text", "became", "brings"), BY_A_CAREGIVER)
def test_a_caregiver_answers_only_for_what_the_patient_lets_them(
    world: World, may_report: bool, may_confirm: bool, thing: str, text: str, became: str, brings: str
) -> None:
    sister = names(world, may_report=may_report, may_confirm_survival=may_confirm)
    asked = {"recipient": "caregiver", "caregiver_id": sister}
    if thing:
        asks = "survival" if thing == SURVIVAL else "visit"
        was_asked(world, world.patient, SISTERS, thing, asks=asks, **asked)
    else:
        was_asked(world, world.patient, SISTERS, SURVIVAL, template="caregiver_please_call", asks=None, **asked)

    how, is_known, _ = wrote(world, SISTERS, text)

    found = {
        "evidence": rows(world, EvidenceOfLife, EvidenceOfLife.source == "caregiver"),
        "reply": rows(world, AgendaFact),
        "death report": rows(world, DeathReport),
        "candidate": rows(world, CandidateEvent),
    }
    brought = ", ".join(name for name, ones in found.items() if ones)
    assert (how, is_known, brought) == (became, True, brings)


@SQLITE
def test_who_is_named_no_more_is_nobodys_caregiver_but_danger_still_rings(world: World) -> None:
    sister = names(world, may_report=True, may_confirm_survival=True)
    was_asked(world, world.patient, SISTERS, SURVIVAL, asks="survival", recipient="caregiver", caregiver_id=sister)
    world.change(Caregiver, sister, ended_at=the_clock.now())

    assert wrote(world, SISTERS, "1") == ("former_number", False, None)
    world.at("2027-03-04T10:05:00+08:00")
    assert wrote(world, SISTERS, "吐血") == ("danger", False, "danger_reply")
    assert len(rows(world, CandidateEvent)) == 1
    assert last_text(world, SISTERS).site_id == world.patient.site_id


# --- out and back, and landlines ----------------------------------------------------------------------------


@SQLITE
def test_a_stop_is_told_once_whoever_heard_it_and_after_start_texts_go_out_again(world: World) -> None:
    ben = people.ben(world.work.db, phone=people.ANNS_PHONE, caregivers=())
    for one in (world.patient, ben):
        world.change(Patient, one.id, channels=["sms"])
    refuses(world, people.ANNS_PHONE, "21610", Refusal.OPTED_OUT)
    world.writes("heard by the carrier")
    for minute in range(3):
        world.at(f"2027-03-04T10:0{minute}:00+08:00")
        world.work.dispatch()
    assert tasks(world) == ["messages_stopped", "messages_stopped"]

    world.at("2027-03-04T10:10:00+08:00")
    assert wrote(world, people.ANNS_PHONE, "STOP")[0] == "stop"
    assert tasks(world) == ["messages_stopped", "messages_stopped"]
    world.work.channels["sms"] = Simulator(world.work.db)  # type: ignore[index]
    world.at("2027-04-04T10:10:00+08:00")
    world.writes("a month later")
    assert world.decision() == "suppress: opted_out"
    assert wrote(world, people.ANNS_PHONE, "恢复")[0] == "start"
    for patient in (world.patient, ben):
        world.writes(f"back, {patient.subject_number}", patient_id=patient.id)
        assert world.decision() == "send by sms"
    world.at("2027-04-05T10:10:00+08:00")
    # Another time is another time.
    assert wrote(world, people.ANNS_PHONE, "TD")[0] == "stop"
    assert len(tasks(world)) == 4


@SQLITE
@pytest.mark.parametrize("code", ["21614", "30006"])
def test_a_landline_is_found_out_once_and_the_app_takes_over_for_good(world: World, code: str) -> None:
    world.of_ann(channels=["sms", "in_app"])
    refuses(world, people.ANNS_PHONE, code, Refusal.NUMBER_OF_NO_USE)
    world.writes("a reminder", urgency=Urgency.SAFETY)
    for hour in (10, 11, 14, 18, 20):
        world.at(f"2027-03-04T{hour}:00:01+08:00")
        world.work.dispatch()
        world.work.fall_back()

    tried = [one.channel for one in rows(world, Attempt)]
    assert (sorted(tried), tasks(world)) == (["in_app", "sms"], ["check_the_phone"])


# --- what is read -------------------------------------------------------------------------------------------


def test_a_year_is_a_year_and_nothing_beside_it() -> None:
    years = ("1961", "１９６１", "1961年", "1961年生", "一九六一年", "1961.", " born in 1961 ", "二〇〇一")
    assert [year_in(text) for text in years] == [1961] * 7 + [2001]
    others = ("61", "19611", "1861", "1961 or 1962", "三十八度五", "", "I do not remember", "1" * 5000)
    assert [year_in(text) for text in others] == [None] * len(others)


def test_only_the_plain_words_say_that_a_number_is_wrong() -> None:
    plain = ("Wrong number!", "you have the wrong number", "你们打错电话了", "号码错了", "不是本人")
    assert [says_wrong_number(text) for text in plain] == [True] * len(plain)
    others = (
        "",
        "1",
        "你是谁？",
        "wrong",
        "打错字了，是3",
        "my doctor's number is wrong?",
        "不是",
        "who is my doctor",
        "STOP",
    )
    assert [says_wrong_number(text) for text in others] == [False] * len(others)

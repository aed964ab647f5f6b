"""Questions to a patient over HTTP: asked, carried by the patient's own channel, answered, and read by who may."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.conversations import handle
from backend.db import Database, system
from backend.patients.models import Patient
from backend.terms import PatientStatus
from backend.triage.models import CandidateEvent, CandidateFinding, CandidateQuestion
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben, coordinator, monitor, phone_of
from tests.sent import answers, report_body

API = "/api/v1"
MINE = f"{API}/me/messages"
QUESTION = "How many times did you go today?"


@pytest.fixture
def patient(db):
    """Ann, who reads the app only."""
    return ann(db, channels=("in_app",))


@pytest.fixture
def phone(db, patient):
    return phone_of(db, patient)


@pytest.fixture
def person(db):
    return coordinator(db)


def reported(client, phone, **signs: int) -> str:
    """A candidate event of this patient, which this report opens."""
    body = report_body(answers=answers(**(signs or {"checklist__dark_urine": 1})))
    assert client.post(f"{API}/me/reports", json=body, headers=phone.headers).status_code == 201
    with client.application.extensions["followup_database"].reading(system("test")) as txn:
        found = select(CandidateFinding.candidate_event_id).where(CandidateFinding.report_id == UUID(body["id"]))
        return str(txn.session.scalars(found).one())


def asked(client, person, candidate, text=QUESTION):
    return client.post(f"{API}/candidate-events/{candidate}/questions", json={"text": text}, headers=person.headers)


def candidate_of(client, person, candidate):
    return client.get(f"{API}/candidate-events/{candidate}", headers=person.headers).json


def lines(client, phone):
    return client.get(MINE, headers=phone.headers).json["items"]


def write(client, phone, text, **more):
    return client.post(MINE, json={"text": text, **more}, headers=phone.headers)


def work_items(client, person, reason):
    return client.get(f"{API}/worklist?reason={reason}", headers=person.headers).json["items"]


def test_asking_takes_note_and_the_answer_comes_back_to_the_team(db, client, work, patient, phone, person):
    candidate = reported(client, phone)

    made = asked(client, person, candidate)
    waiting = candidate_of(client, person, candidate)
    work.dispatch()
    line = lines(client, phone)[0]
    answered = write(client, phone, "seven times", in_reply_to=line["question_id"])
    after = candidate_of(client, person, candidate)

    assert made.status_code == 201
    assert (made.json["text"], made.json["asked_by"]) == (QUESTION, str(person.id))
    assert (made.json["answered_at"], made.json["answer"]) == (None, None)
    assert waiting["status"] == "needs_info"
    assert waiting["acknowledged_at"] is not None
    assert QUESTION in line["text"]
    assert line["question_id"] == made.json["id"]
    assert answered.status_code == 201
    assert (after["status"], after["questions"][0]["answer"]) == ("acknowledged", "seven times")
    assert {step["kind"] for step in after["decisions"]} == {"acknowledged", "asked", "answered"}
    assert [item["key"] for item in work_items(client, person, "question_answered")] == [
        f"question-answered:{made.json['id']}"
    ]
    work.dispatch()
    assert any("noted" in line["text"] for line in lines(client, phone))


def test_the_next_words_answer_the_only_question_that_waits_and_leave_the_inbox_empty(db, client, work, phone, person):
    candidate = reported(client, phone)
    asked(client, person, candidate)
    work.dispatch()

    write(client, phone, "since Tuesday")

    assert candidate_of(client, person, candidate)["questions"][0]["answer"] == "since Tuesday"
    assert client.get(f"{API}/inbox", headers=person.headers).json["items"] == []


def test_words_written_before_the_question_arrived_are_no_answer_to_it(db, client, work, phone, person):
    candidate = reported(client, phone)
    asked(client, person, candidate)

    write(client, phone, "thank you for the call yesterday")

    assert candidate_of(client, person, candidate)["questions"][0]["answered_at"] is None
    assert len(client.get(f"{API}/inbox", headers=person.headers).json["items"]) == 1


def test_with_two_questions_waiting_a_person_reads_which_was_meant(db, client, work, phone, person):
    first = reported(client, phone)
    second = reported(client, phone, checklist__swollen_belly=1)
    questions = [asked(client, person, first).json["id"], asked(client, person, second).json["id"]]
    work.dispatch()

    write(client, phone, "since Tuesday")
    unclear = client.get(f"{API}/inbox", headers=person.headers).json["items"]
    write(client, phone, "a little", in_reply_to=questions[1])

    assert [text["text"] for text in unclear] == ["since Tuesday"]
    assert candidate_of(client, person, first)["status"] == "needs_info"
    assert candidate_of(client, person, second)["questions"][0]["answer"] == "a little"


def test_a_candidate_with_two_questions_waits_for_both(db, client, work, phone, person):
    candidate = reported(client, phone)
    questions = [asked(client, person, candidate).json["id"] for _ in range(2)]
    work.dispatch()

    write(client, phone, "yes", in_reply_to=questions[0])
    between = candidate_of(client, person, candidate)["status"]
    write(client, phone, "no", in_reply_to=questions[1])

    assert between == "needs_info"
    assert candidate_of(client, person, candidate)["status"] == "acknowledged"


def test_danger_in_an_answer_raises_the_alarm_and_is_still_the_answer(db, client, work, phone, person):
    candidate = reported(client, phone)
    asked(client, person, candidate)
    work.dispatch()

    write(client, phone, "I fainted twice")
    work.dispatch()

    urgent = client.get(f"{API}/candidate-events?tier=T1", headers=person.headers).json["items"]
    assert len(urgent) == 1
    assert candidate_of(client, person, candidate)["questions"][0]["answer"] == "I fainted twice"
    assert not any("noted" in line["text"] for line in lines(client, phone))


@pytest.mark.parametrize("named", ["an answered question", "another patient's question", "nothing there is"])
def test_words_that_name_no_question_open_to_them_are_kept_for_a_person(db, client, work, phone, person, named):
    candidate = reported(client, phone)
    his = phone_of(db, ben(db, channels=("in_app",)))
    foreign = asked(client, person, reported(client, his)).json["id"]
    done = asked(client, person, candidate).json["id"]
    work.dispatch()
    write(client, phone, "since Tuesday", in_reply_to=done)
    meant = {"an answered question": done, "another patient's question": foreign}.get(named, str(uuid4()))

    sent = write(client, phone, "and on Wednesday", in_reply_to=meant)

    assert sent.status_code == 201
    kept = client.get(f"{API}/inbox", headers=person.headers).json["items"]
    assert [text["text"] for text in kept] == ["and on Wednesday"]
    assert candidate_of(client, person, candidate)["questions"][0]["answer"] == "since Tuesday"


def text_from(db: Database, number: str, text: str) -> None:
    kept = receive(db, ReceivedText(f"provider-{uuid4()}", number, "10690000", text))
    assert kept is not None
    handle.understand(db, kept)


def test_a_patient_without_the_app_is_asked_and_answers_by_text(db, client, clock, work, person):
    his = phone_of(db, ben(db, caregivers=()))
    candidate = reported(client, his)

    made = asked(client, person, candidate, "今天去了几次？")
    work.dispatch()
    shown = lines(client, his)[0]
    text_from(db, BENS_PHONE, "7")

    assert (shown["channel"], shown["question_id"]) == ("sms", made.json["id"])
    assert "今天去了几次？" in shown["text"]
    assert candidate_of(client, person, candidate)["questions"][0]["answer"] == "7"


def test_stop_is_obeyed_and_answers_nothing(db, client, work, person):
    his = phone_of(db, ben(db, caregivers=()))
    candidate = reported(client, his)
    asked(client, person, candidate)
    work.dispatch()

    text_from(db, BENS_PHONE, "STOP")

    assert candidate_of(client, person, candidate)["questions"][0]["answered_at"] is None
    assert asked(client, person, candidate).status_code == 409


def test_a_question_keeps_the_hours_of_rest(db, client, clock, work, phone, person):
    clock.move_to("2027-03-01T22:30:00+08:00")
    phone, person = phone_of(db, ann(db, name="Cai Lin", phone="+8613800138077")), coordinator(db)
    candidate = reported(client, phone)
    asked(client, person, candidate)

    work.dispatch()
    at_night = lines(client, phone)
    clock.move_to("2027-03-02T10:00:00+08:00")
    work.dispatch()

    assert at_night == []
    person, phone = coordinator(db), phone_of(db, ann_again(db, phone))
    assert lines(client, phone)[0]["question_id"] is not None


def ann_again(db: Database, phone) -> Patient:
    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, phone.id)
        txn.session.expunge(row)
    return row


@pytest.mark.parametrize(
    "text", ["Is it the Sorafenib?", "肝癌的疼痛还在吗？", "Ann Zhang, how are you?", "NCT04162158?"]
)
def test_a_text_message_names_no_illness_drug_study_or_person(db, client, person, text):
    texted, in_app = phone_of(db, ann(db)), phone_of(db, ben(db, channels=("in_app",)))

    refused = asked(client, person, reported(client, texted), text)
    private = asked(client, person, reported(client, in_app), text)

    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["text"])
    assert private.status_code == 201


@pytest.mark.parametrize(
    "status", [PatientStatus.WITHDRAWN, PatientStatus.WITHDRAWN_FROM_REPORTING, PatientStatus.DIED]
)
def test_whoever_has_withdrawn_or_died_is_not_asked(db, client, phone, person, status):
    candidate = reported(client, phone)
    with db.transaction(system("test")) as txn:
        txn.session.get_one(Patient, phone.id).status = status

    refused = asked(client, person, candidate)

    assert (refused.status_code, refused.json["code"]) == (409, "no_longer_possible")
    assert candidate_of(client, person, candidate)["status"] == "proposed"


def test_a_closed_candidate_is_not_asked_about_and_a_question_on_its_way_stays_home(db, client, work, phone, person):
    candidate = reported(client, phone)
    asked(client, person, candidate)
    with db.transaction(system("test")) as txn:
        txn.session.scalars(select(CandidateEvent)).one().status = "dismissed"

    work.dispatch()

    assert asked(client, person, candidate).status_code == 409
    assert lines(client, phone) == []


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_an_empty_or_endless_question_is_refused(db, client, phone, person, text):
    assert asked(client, person, reported(client, phone), text).status_code == 422


def test_who_may_ask_and_who_may_read(db, client, work, phone, person):
    candidate, watcher, stranger = reported(client, phone), monitor(db), coordinator(db, "site-02")
    asked(client, person, candidate)
    address = f"{API}/candidate-events/{candidate}/questions"

    listed = client.get(address, headers=person.headers)
    watched = client.get(address, headers=watcher.headers)

    assert listed.json["items"][0]["text"] == QUESTION
    assert {"text", "answer"} & watched.json["items"][0].keys() == set()
    assert "text" not in candidate_of(client, watcher, candidate)["questions"][0]
    assert asked(client, watcher, candidate).status_code == 403
    assert asked(client, stranger, candidate).status_code == 404
    assert client.get(address, headers=stranger.headers).status_code == 404
    with db.reading(system("test")) as txn:
        readers = select(AuditEvent.actor_id).where(AuditEvent.verb == "patient.identifiers_read")
        assert set(txn.session.scalars(readers)) == {person.id}


def test_questions_and_answers_are_sealed_wherever_they_are_kept(db, client, work, phone, person):
    asked(client, person, reported(client, phone), "Does a thimble still fit?")
    work.dispatch()
    write(client, phone, "the right one does")

    with db.reading(system("test")) as txn:
        question = txn.session.scalars(select(CandidateQuestion)).one()
        said = txn.session.get_one(InboundMessage, question.answered_by_text)
        trail = [str(one.new) for one in txn.session.scalars(select(AuditEvent))]
        stored = f"{question.text_sealed} {said.text_sealed} {trail}"
    assert "thimble" not in stored
    assert "right one" not in stored


def test_a_relatives_text_is_no_answer_to_a_question_put_to_the_patient(db, client, work, person):
    relative = {"name": "Wu Mei", "phone": "+8613800138055", "relation": "sister"}
    his = phone_of(db, ben(db, caregivers=(), phone=ANNS_PHONE))
    named = {**relative, "may_report": True, "may_confirm_survival": True}
    client.post(f"{API}/patients/{his.id}/caregivers", json=named, headers=person.headers)
    candidate = reported(client, his)
    asked(client, person, candidate)
    work.dispatch()

    text_from(db, "+8613800138055", "he sleeps")

    assert candidate_of(client, person, candidate)["questions"][0]["answered_at"] is None
    assert len(client.get(f"{API}/inbox", headers=person.headers).json["items"]) == 1

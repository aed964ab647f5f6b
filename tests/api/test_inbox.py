"""The inbox over HTTP: what stands beside a text, closing it, giving it to its patient, and taking that back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from backend import clock as the_clock
from backend.audit import AuditEvent
from backend.conversation_terms import InboxOutcome, WhyHere
from backend.conversations import handle
from backend.conversations.models import Conversation, FormerNumber
from backend.db import Database, system
from backend.patients import contact
from backend.patients.caregivers import CaregiverForm
from backend.patients.models import Patient
from backend.sealing import STUDY
from backend.survival.models import DeathReport
from notifications import numbers
from notifications.inbound import ReceivedText, receive
from notifications.inbox import ON_TOP
from notifications.models import InboundMessage
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben, coordinator, investigator
from tests.phone import Phone, plan_and_send
from tests.promises.pages import DOCS, table

API = "/api/v1"
INBOX = f"{API}/inbox"
SISTER, STRANGER, OLD_NUMBER = "+8613800138009", "+8613800138099", "+8613800138077"
NOBODYS = "+8613800138098"
TEST = system("test")
HERS = CaregiverForm(name="Zhang Li", phone=SISTER, relation="sister", may_report=False, may_confirm_survival=True)


@pytest.fixture(params=["sqlite"])
def database_url(request, databases):
    """One kind does, but where a test names another."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


def text_from(db: Database, number: str, words: str) -> None:
    kept = receive(db, ReceivedText(f"provider-{uuid4()}", number, "10690000", words))
    assert kept is not None
    handle.understand(db, kept)


def read(client: Any, person: Any) -> dict[str, Any]:
    """What waits, by its words."""
    return {one["text"]: one for one in client.get(INBOX, headers=person.headers).json["items"]}


def one_text(client: Any, person: Any, item: dict[str, Any]) -> Any:
    return client.get(f"{INBOX}/{item['id']}", headers=person.headers)


def closes(client: Any, person: Any, item: dict[str, Any], outcome: str = "called", **more: Any) -> Any:
    return client.post(f"{INBOX}/{item['id']}/resolutions", json={"outcome": outcome, **more}, headers=person.headers)


def numbers_of(patients: list[dict[str, Any]]) -> list[str]:
    return [one["subject_number"] for one in patients]


def was_hers_before(db: Database, patient: Patient, number: str) -> None:
    with db.transaction(TEST) as txn:
        index = contact.phone_index(txn, number)
        row = FormerNumber(
            patient_id=patient.id, site_id=patient.site_id, number_index=index, number_sealed=None, replaced_at=txn.now
        )
        txn.session.add(row)


def a_survey_runs(db: Database, patient: Patient) -> None:
    nothing = dict.fromkeys(("caregiver_id", "question_id", "first_answer_at", "ended_at", "link_expires_at"))
    with db.transaction(TEST) as txn:
        row = Conversation(
            patient_id=patient.id, site_id=patient.site_id, report_id=uuid4(), instrument="ad_hoc",
            instrument_version=1, agenda_key=None, language="en", extent="full", status="stalled",
            asked="nausea.frequency", unclear=1, opened_at=txn.now, last_heard_at=txn.now,
            closes_at=txn.now + timedelta(days=1), links_issued=0, **nothing,
        )  # fmt: skip
        txn.session.add(row)


def ann_and_her_sister_have_written(db: Database, clock: Any, work: Any) -> Patient:
    """A danger and its answer, a questionnaire that stands still, and then a text from each of them."""
    patient = ann(db, caregivers=(HERS,))
    clock.move_to("2027-03-04T09:00:30+08:00")
    plan_and_send(work)
    Phone(work, ANNS_PHONE).writes("I am bleeding")
    a_survey_runs(db, patient)
    clock.move_to("2027-03-04T09:05:00+08:00")
    Phone(work, ANNS_PHONE).writes("the plums are ripe")
    Phone(work, SISTER).writes("she sleeps a lot")
    return patient


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_beside_a_text_stands_what_one_needs_to_answer_it(db, client, clock, work):
    patient = ann_and_her_sister_have_written(db, clock, work)

    hers = read(client, coordinator(db))["the plums are ripe"]

    assert (hers["why"], hers["writer"]["kind"], hers["number"]) == ("not_understood", "patient", None)
    known = {"id": str(patient.id), "subject_number": patient.subject_number}
    assert hers["patient"] == {**known, "site": "site-01", "status": patient.status}
    said = [(one["direction"], one["text"]) for one in hers["conversation"]]
    assert ("inbound", "I am bleeding") in said
    assert ("inbound", "the plums are ripe") in said[-3:]
    assert "she sleeps a lot" not in str(said)
    assert [words for way, words in said if way == "outbound" and "120" in words]
    [now] = hers["circumstances"]
    assert [(one["tier"], one["term"]) for one in now["open_candidates"]] == [("T1", None)]
    surveys = [(one["instrument"], one["status"], one["asked"]) for one in now["surveys"]]
    assert ("ad_hoc", "stalled", "nausea.frequency") in surveys
    assert now["next_item"]["key"]


def test_a_caregivers_text_says_what_they_may_and_shows_only_what_was_said_there(db, client, clock, work):
    ann_and_her_sister_have_written(db, clock, work)
    person = coordinator(db)

    sisters = read(client, person)["she sleeps a lot"]

    assert sisters["writer"] | {"caregiver_id": ""} == {
        "kind": "caregiver", "caregiver_id": "", "may_report": False, "may_confirm_survival": True,
    }  # fmt: skip
    [wrote, answered] = sisters["conversation"]
    assert (wrote["text"], answered["direction"]) == ("she sleeps a lot", "outbound")
    whole = client.get(INBOX, headers=person.headers).get_data(as_text=True)
    assert not [named for named in (ANNS_PHONE, SISTER, "Ann", "Zhang") if named in whole]
    alone = one_text(client, person, sisters).json
    assert (alone["number"], alone["dealt_with"]) == (SISTER, None)
    assert one_text(client, coordinator(db, "site-02"), sisters).status_code == 404


def test_where_nobody_is_certain_everybody_possible_is_named_but_for_those_of_other_sites(db, client):
    one, other = ann(db, phone=BENS_PHONE), ben(db, caregivers=())
    far = ben(db, "site-02", phone=OLD_NUMBER, caregivers=())
    was_hers_before(db, one, OLD_NUMBER)
    was_hers_before(db, other, STRANGER)
    for number, words in ((BENS_PHONE, "plums"), (OLD_NUMBER, "pears"), (STRANGER, "apples"), (NOBODYS, "figs")):
        text_from(db, number, words)

    found, elsewhere = read(client, coordinator(db)), read(client, coordinator(db, "site-02"))

    plums, apples, figs = (found[words] for words in ("plums", "apples", "figs"))
    assert plums["why"] == "shared_number"
    assert numbers_of(plums["possible_patients"]) == [one.subject_number, other.subject_number]
    assert len(plums["circumstances"]) == 2
    assert "pears" not in found
    assert elsewhere["pears"]["patient"]["subject_number"] == far.subject_number
    assert elsewhere["pears"]["former_number_of"] == []
    assert (apples["why"], numbers_of(apples["former_number_of"])) == ("former_number", [other.subject_number])
    assert (figs["why"], figs["number"], figs["circumstances"]) == ("unknown_number", NOBODYS, [])


def test_a_number_that_has_become_a_strangers_is_shown_as_one_of_before(db, client):
    patient, person = ben(db, caregivers=()), coordinator(db)
    with db.transaction(TEST) as txn:
        numbers.stop_by_word(txn, BENS_PHONE)
    text_from(db, BENS_PHONE, "plums")

    [item] = read(client, person).values()

    assert (item["possible_patients"], item["patient"]) == ([], None)
    assert numbers_of(item["former_number_of"]) == [patient.subject_number]
    assert item["writer"]["kind"] == "former_number"


def test_a_number_of_two_sites_names_ones_own_and_says_that_there_are_others(db, client):
    own, _far = ann(db, phone=BENS_PHONE), ben(db, "site-02", caregivers=())
    person = coordinator(db)
    text_from(db, BENS_PHONE, "plums")

    [item] = read(client, person).values()

    assert (numbers_of(item["possible_patients"]), item["possible_elsewhere"]) == ([own.subject_number], True)


def test_the_page_about_the_inbox_names_every_reason_and_every_outcome():
    reasons = table(DOCS / "inbox.md", "why")

    assert [row[0] for row in reasons] == list(WhyHere)
    assert {row[0] for row in reasons if row[1] == "yes"} == set(ON_TOP)
    assert [row[0] for row in table(DOCS / "inbox.md", "outcome")] == list(InboxOutcome)


@contextmanager
def counting(db: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        said.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_a_page_of_many_texts_takes_as_many_statements_as_a_page_of_few(db, client, work):
    people = [ann(db, phone=f"+86138001380{number}", caregivers=()) for number in range(10, 16)]
    person = coordinator(db)
    plan_and_send(work)

    def everybody_writes(some: list[Patient]) -> int:
        for number, patient in enumerate(some):
            text_from(db, f"+86138001380{10 + people.index(patient)}", f"plums {number}")
            text_from(db, f"+86138001390{10 + people.index(patient)}", f"pears {number}")
            a_survey_runs(db, patient) if some is not people[:1] else None
        with counting(db) as said:
            assert client.get(f"{INBOX}?limit=100", headers=person.headers).status_code == 200
        return len([one for one in said if one.lstrip().startswith(("SELECT", "WITH"))])

    few = everybody_writes(people[:1])
    many = everybody_writes(people[1:])

    # But for the texts themselves, each of which is looked up again to note that it was read.
    assert many - few <= 10
    assert few < 40


def test_of_two_who_close_a_text_the_second_hears_who_was_first(db, client):
    patient, first, second = ann(db), coordinator(db), investigator(db)
    text_from(db, ANNS_PHONE, "plums")
    [item] = read(client, first).values()

    closed, again = closes(client, first, item, note="all is well"), closes(client, second, item, "answered")

    assert (closed.status_code, closed.json["outcome"]) == (201, "called")
    assert (again.status_code, again.json["by"]) == (409, str(first.id))
    assert again.json["at"] == closed.json["resolved_at"]
    shown = one_text(client, second, item).json["dealt_with"]
    assert (shown["by"], shown["outcome"], shown["note"]) == (str(first.id), "called", "all is well")
    assert patient.subject_number


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_of_four_who_close_and_give_away_a_text_at_the_same_moment_one_does(db, client):
    patients, person = [ann(db), ben(db, caregivers=())], coordinator(db)
    text_from(db, STRANGER, "it is me, with my new phone")
    [item] = read(client, person).values()

    def close(turn: int) -> int:
        other = client.application.test_client()
        return closes(other, person, item, patient=str(patients[turn % 2].id)).status_code

    with ThreadPoolExecutor(4) as at_once:
        answers = sorted(at_once.map(close, range(4)))

    assert answers == [201, 409, 409, 409]
    [(patient_id, key_owner, _, _)] = stored(db)
    assert patient_id == key_owner
    assert patient_id in {one.id for one in patients}


def test_words_of_ones_own_are_an_outcome_too(db, client):
    ann(db)
    person = coordinator(db)
    text_from(db, ANNS_PHONE, "plums")
    [item] = read(client, person).values()

    assert closes(client, person, item, "told her to rest").json["outcome"] == "other"
    assert one_text(client, person, item).json["dealt_with"]["outcome"] == "told her to rest"


def test_a_strangers_text_is_given_to_its_patient_and_taken_back(db, client):
    patient, person, there = ann(db), coordinator(db), coordinator(db, "site-02")
    text_from(db, STRANGER, "it is me, with my new phone")
    [item] = read(client, person).values()
    stranger = ben(db, "site-02", caregivers=())

    refused = [closes(client, person, item, patient=str(one)) for one in (stranger.id, uuid4())]
    given = closes(client, person, item, "recorded", patient=str(patient.id))

    assert [(one.status_code, list(one.json["errors"])) for one in refused] == [(422, ["patient"])] * 2
    assert given.status_code == 201
    assert stored(db) == [(patient.id, patient.id, patient.site_id, "resolved")]
    assert one_text(client, there, item).status_code == 404
    assert one_text(client, person, item).json["text"] == "it is me, with my new phone"

    address = f"{INBOX}/{item['id']}/reopenings"
    back = client.post(address, json={"reason": "It was her neighbour."}, headers=person.headers)
    twice = client.post(address, json={"reason": "It was her neighbour."}, headers=person.headers)

    assert (back.status_code, twice.status_code) == (201, 409)
    assert stored(db) == [(None, STUDY, None, "reopened")]
    [again] = read(client, there).values()
    assert (again["text"], again["why"]) == ("it is me, with my new phone", "reopened")
    assert closes(client, person, again, patient=str(patient.id)).status_code == 201
    with db.reading(TEST) as txn:
        verbs = txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.verb.like("inbound_message.%"))).all()
    assert {"inbound_message.attached", "inbound_message.taken_back", "inbound_message.reopened"} <= set(verbs)


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_a_text_of_death_that_is_given_to_a_patient_holds_what_is_written_to_them(db, client):
    patient, person = ann(db), coordinator(db)
    for words in ("Her sister here. She passed away", "已经去世了", "figs"):
        text_from(db, STRANGER, words)
    found = read(client, person)

    given = [closes(client, person, found[words], patient=str(patient.id)).status_code for words in reversed(found)]

    assert given == [201] * 3
    with db.reading(TEST) as txn:
        [report] = txn.session.scalars(select(DeathReport)).all()
        assert (report.patient_id, report.status, report.reported_by) == (patient.id, "pending", person.id)
        assert list(contact.why_held(txn, [patient.id])) == [patient.id]


def test_a_text_of_death_that_is_given_to_nobody_or_denies_it_reports_none(db, client):
    patient, person = ann(db), coordinator(db)
    for words in ("He passed away", "He has not passed away"):
        text_from(db, STRANGER, words)
    found = read(client, person)

    closes(client, person, found["He passed away"], "wrong_number")
    closes(client, person, found["He has not passed away"], patient=str(patient.id))

    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(DeathReport.id)).all() == []


def stored(db: Database) -> list[Any]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(InboundMessage)).all()
        return [(row.patient_id, row.key_owner_id, row.site_id, row.handled_how) for row in rows]


def test_a_text_that_has_its_patient_is_given_to_no_other(db, client):
    ann(db)
    other, person = ben(db, caregivers=()), coordinator(db)
    text_from(db, ANNS_PHONE, "plums")
    [item] = read(client, person).values()

    assert closes(client, person, item, patient=str(other.id)).status_code == 409
    assert len(read(client, person)) == 1


def test_whatever_was_closed_keeps_the_patient_that_nobody_had_to_find(db, client):
    patient, person = ann(db), coordinator(db)
    text_from(db, ANNS_PHONE, "plums")
    [item] = read(client, person).values()
    closes(client, person, item)

    client.post(f"{INBOX}/{item['id']}/reopenings", json={"reason": "Not yet."}, headers=person.headers)

    assert stored(db) == [(patient.id, patient.id, patient.site_id, "reopened")]
    assert the_clock.now().date() >= date(2027, 3, 1)

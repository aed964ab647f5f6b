"""Danger beside a death, at a shared number, during a hold; failures; what stands on top of the inbox."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, true
from sqlalchemy.exc import OperationalError

from backend.agenda import changes
from backend.conversations import handle
from backend.db import Database, system
from backend.jobs import Work
from backend.patients import life
from backend.patients.models import Patient
from backend.survival import deaths
from backend.survival.models import DeathReport
from backend.terms import PatientStatus
from backend.triage.models import CandidateEvent, StaffPage
from backend.worklist.models import WorkItem
from notifications import inbox
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage, Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone

TEST = system("test")


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def phone(work: Work) -> Phone:
    return Phone(work, people.ANNS_PHONE)


def is_the_emergency_number(answer: str) -> bool:
    return "+86 10 6693 1000" in answer or "120" in answer


def count(db: Database, table: type[CandidateEvent] | type[DeathReport]) -> int:
    with db.reading(TEST) as txn:
        return len(txn.session.scalars(select(table.id)).all())


def called_to(db: Database, table: type[CandidateEvent] | type[StaffPage]) -> set[tuple[UUID, UUID]]:
    """(patient, site) of each."""
    with db.reading(TEST) as txn:
        return {(row.patient_id, row.site_id) for row in txn.session.scalars(select(table))}


def in_the_inbox(db: Database) -> list[str | None]:
    """How each waiting text was handled, in the order of the list, read one a page."""
    found, after = [], None
    with db.reading(TEST) as txn:
        while True:
            page = inbox.waiting(txn, true(), after=after, limit=1)
            found += [text.handled_how for text in page.items]
            if page.after is None:
                return found
            after = page.after


def tasks(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(WorkItem.reason)))


def with_a_reported_death(db: Database, ann: Patient) -> None:
    with db.transaction(TEST) as txn:
        deaths.report_death(txn, txn.session.get_one(Patient, ann.id))


@pytest.mark.parametrize("text", ["My phone died, I am vomiting blood", "我一点力气都没了，吐血"])
def test_a_danger_beside_a_word_of_many_meanings_is_an_emergency_and_no_death(
    db: Database, ann: Patient, phone: Phone, text: str
) -> None:
    [answer] = phone.writes(text)

    assert is_the_emergency_number(answer)
    assert (count(db, CandidateEvent), count(db, DeathReport)) == (1, 0)
    assert in_the_inbox(db) == ["perhaps_death"]


def test_a_danger_beside_a_plain_death_loses_neither(db: Database, ann: Patient, phone: Phone) -> None:
    [answer] = phone.writes("He was vomiting blood and has passed away")

    assert not is_the_emergency_number(answer)
    # The danger, and the death, which a physician judges too.
    assert (count(db, CandidateEvent), count(db, DeathReport)) == (2, 1)


def test_a_text_after_a_reported_death_is_met_with_silence_and_read_at_once(
    db: Database, ann: Patient, phone: Phone
) -> None:
    with_a_reported_death(db, ann)

    answers = [phone.writes(text) for text in ("1", "help", "他走了", "I am well, why do you not write?")]

    assert answers == [[], [], [], []]
    assert in_the_inbox(db) == ["wrote_while_death_reported"] * 4
    assert tasks(db) == ["death_reported", *["wrote_while_death_reported"] * 4]
    assert count(db, DeathReport) == 1


def test_danger_is_answered_also_while_a_death_is_reported(db: Database, ann: Patient, phone: Phone) -> None:
    with_a_reported_death(db, ann)
    of_the_death = count(db, CandidateEvent)

    [answer] = phone.writes("I am bleeding")

    assert is_the_emergency_number(answer)
    assert count(db, CandidateEvent) == of_the_death + 1
    assert in_the_inbox(db) == ["wrote_while_death_reported"]


def test_danger_is_answered_also_after_a_withdrawal(db: Database, ann: Patient, phone: Phone) -> None:
    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, ann.id).status = PatientStatus.WITHDRAWN

    [answer] = phone.writes("I am bleeding")

    assert is_the_emergency_number(answer)


def test_a_passing_error_of_the_database_leaves_the_text_to_the_next_look(
    db: Database, ann: Patient, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise OperationalError("select", {}, Exception("the database is locked"))

    with monkeypatch.context() as broken:
        broken.setattr(handle, "open_for_text", busy)
        assert phone.writes("I am bleeding") == []
        assert in_the_inbox(db) == [None]

    phone.work.understand()

    assert count(db, CandidateEvent) == 1
    assert in_the_inbox(db) == []


def test_a_failure_shows_the_text_to_its_own_site_and_still_looks_for_danger(
    db: Database, ann: Patient, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody expects this")

    monkeypatch.setattr(handle, "_understand", broken)

    [answer] = phone.writes("I am bleeding")

    assert is_the_emergency_number(answer)
    assert count(db, CandidateEvent) == 1
    with db.reading(TEST) as txn:
        kept = txn.session.scalars(select(InboundMessage)).one()
        assert (kept.handled_how, kept.site_id, kept.patient_id) == ("failed", ann.site_id, ann.id)


def test_what_nothing_has_understood_stands_on_top_of_the_inbox(
    db: Database, clock: Clock, ann: Patient, phone: Phone
) -> None:
    phone.writes("the plums are ripe")
    clock.move_to("2027-03-01T08:01:00+08:00")
    receive(db, ReceivedText("lost", people.ANNS_PHONE, "10690000", "and the pears"))
    before = in_the_inbox(db)
    clock.move_to("2027-03-01T08:03:00+08:00")

    assert before == ["inbox", None]
    assert in_the_inbox(db) == [None, "inbox"]


@pytest.mark.parametrize(("site_of_ben", "answers"), [("site-01", 1), ("site-02", 0)])
def test_danger_at_a_shared_number_is_answered_when_one_site_can_answer_it(
    db: Database, ann: Patient, phone: Phone, site_of_ben: str, answers: int
) -> None:
    people.ben(db, site_of_ben, phone=people.ANNS_PHONE, caregivers=())
    phone.writes("the plums are ripe")

    said = phone.writes("吐血")

    assert [is_the_emergency_number(text) for text in said] == [True] * answers
    assert in_the_inbox(db) == ["danger", "shared_number"]


@pytest.mark.parametrize("site_of_ben", ["site-01", "site-02"])
def test_danger_at_a_shared_number_calls_somebody_to_each_patient_who_lives(
    db: Database, ann: Patient, phone: Phone, site_of_ben: str
) -> None:
    ben = people.ben(db, site_of_ben, phone=people.ANNS_PHONE, caregivers=())
    cai = people.enrolled(db, replace(people.ANN, name="Cai Li"))
    with db.transaction(TEST) as txn:
        life.record_death(txn, txn.session.get_one(Patient, cai.id), "2027-02-28")

    phone.writes("吐血")

    assert called_to(db, CandidateEvent) == called_to(db, StaffPage) == {(ann.id, ann.site_id), (ben.id, ben.site_id)}
    assert (count(db, CandidateEvent), in_the_inbox(db)) == (2, ["danger"])


def test_danger_at_a_shared_number_is_heard_also_when_it_could_not_be_understood(
    db: Database, ann: Patient, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = people.ben(db, phone=people.ANNS_PHONE, caregivers=())

    def fails(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(handle, "_leave_without_a_sender", fails)
    phone.writes("吐血")

    assert called_to(db, StaffPage) == {(ann.id, ann.site_id), (ben.id, ben.site_id)}
    assert in_the_inbox(db) == ["failed"]


def test_a_reminder_is_only_covered_by_news_that_has_left(db: Database, clock: Clock, work: Work, ann: Patient) -> None:
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, patient, 1)
    work.plan()
    with db.transaction(TEST) as txn:
        for news in txn.session.scalars(select(Message).where(Message.template == "infusion_confirmed")):
            news.status, news.created_at = "failed", news.created_at.replace(year=2028)
    clock.move_to("2027-03-12T18:01:00+08:00")

    work.dispatch()

    with db.reading(TEST) as txn:
        reasons = txn.session.scalars(select(Message.reason).where(Message.template == "infusion_reminder")).all()
        assert "said_already" not in reasons


def test_when_two_machines_talk_a_person_reads_also_what_was_understood(
    db: Database, ann: Patient, phone: Phone
) -> None:
    answers = [phone.writes("help") for _ in range(8)]

    assert sum(len(one) for one in answers) == 6
    assert in_the_inbox(db) == ["loop"]


def test_a_day_confirmed_after_its_reminder_was_due_is_told_of_once(
    db: Database, clock: Clock, work: Work, ann: Patient, phone: Phone
) -> None:
    clock.move_to("2027-03-12T18:30:00+08:00")
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, patient, 1)

    work.dispatch()
    clock.move_to("2027-03-12T18:40:00+08:00")
    work.dispatch()

    [text] = [text for text in phone.received if "13 March" in text]
    assert "Sat 13 March and Sun 14 March" in text

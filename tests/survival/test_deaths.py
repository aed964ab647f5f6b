"""A death, from the first word of it to the record: everything addressed to the patient stops in one transaction."""

from datetime import date

import pytest
from sqlalchemy import select

from backend.agenda.planning import replan
from backend.db import Database, system
from backend.errors import InvalidInput, NoLongerPossible, SamePersonMayNot
from backend.jobs import Work
from backend.patients import contact, life
from backend.patients.models import Patient
from backend.survival import deaths
from backend.survival.follow_up import confirm_alive
from backend.survival.models import DeathReport
from backend.terms import EvidenceSource
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def waiting(db: Database) -> int:
    with db.reading(TEST) as txn:
        return len(txn.session.scalars(select(Message.id).where(Message.status.in_(("queued", "claimed")))).all())


def reported(db: Database, ann: Patient, by: people.Person, died_on: str | None = "2027-02-28") -> DeathReport:
    with db.transaction(by.actor) as txn:
        report = deaths.report_death(txn, txn.session.get_one(Patient, ann.id), died_on=died_on)
        txn.session.flush()
        txn.session.expunge(report)
    return report


def test_a_report_of_death_recalls_every_unsent_message_in_its_own_transaction(
    db: Database, work: Work, ann: Patient
) -> None:
    work.plan()
    assert waiting(db) > 10

    reported(db, ann, people.coordinator(db))

    assert waiting(db) == 0
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(WorkItem.reason)).all() == ["death_reported"]


def test_nothing_reaches_a_patient_or_a_caregiver_between_the_report_and_the_decision(
    db: Database, clock: Clock, work: Work
) -> None:
    ben = people.ben(db)
    phone = Phone(work, people.BENS_PHONE)
    reported(db, ben, people.coordinator(db))

    for moment in ("2027-03-05T09:01:00+08:00", "2027-06-01T12:00:00+08:00", "2028-03-01T12:00:00+08:00"):
        clock.move_to(moment)
        plan_and_send(work)

    assert phone.received == []


def test_a_message_planned_after_the_report_by_somebody_unaware_waits_or_expires_at_release(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    work.plan()
    with db.transaction(TEST) as txn:
        # Only the hold: as if the report had come between planning and sending on another machine.
        contact.hold(txn, txn.session.get_one(Patient, ann.id), deaths.HELD_BECAUSE_REPORTED)
    clock.move_to("2027-03-04T09:01:00+08:00")
    work.dispatch()

    with db.reading(TEST) as txn:
        met = {
            (message.status, message.reason)
            for message in txn.session.scalars(select(Message).where(Message.reason.is_not(None)))
        }
    assert ("queued", "death_reported") in met
    assert met <= {("queued", "death_reported"), ("suppressed", "expired")}
    assert Phone(work, people.ANNS_PHONE).received == []


def test_another_person_than_the_reporter_must_approve(db: Database, ann: Patient) -> None:
    coordinator = people.investigator(db)
    report = reported(db, ann, coordinator)

    with pytest.raises(SamePersonMayNot), db.transaction(coordinator.actor) as txn:
        deaths.approve(txn, txn.session.get_one(Patient, ann.id), txn.session.get_one(DeathReport, report.id))


def test_an_approved_death_is_on_the_record_and_ends_the_agenda(db: Database, work: Work, ann: Patient) -> None:
    report = reported(db, ann, people.coordinator(db))

    with db.transaction(people.investigator(db).actor) as txn:
        deaths.approve(txn, txn.session.get_one(Patient, ann.id), txn.session.get_one(DeathReport, report.id))

    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        assert life.is_dead(patient)
        assert replan(txn, patient).queued == 0


def test_nobody_is_confirmed_alive_after_a_recorded_death(db: Database, ann: Patient) -> None:
    report = reported(db, ann, people.coordinator(db))
    with db.transaction(people.investigator(db).actor) as txn:
        deaths.approve(txn, txn.session.get_one(Patient, ann.id), txn.session.get_one(DeathReport, report.id))

    today = date(2027, 3, 1)
    with pytest.raises(NoLongerPossible), db.transaction(TEST) as txn:
        confirm_alive(txn, txn.session.get_one(Patient, ann.id), as_of=today, source=EvidenceSource.PHONE)


def test_a_denied_report_resumes_contact_only_by_a_persons_act(db: Database, work: Work, ann: Patient) -> None:
    work.plan()
    planned = waiting(db)
    report = reported(db, ann, people.coordinator(db))
    with db.transaction(people.investigator(db).actor) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        deaths.deny(txn, patient, txn.session.get_one(DeathReport, report.id), "The wrong patient was meant.")
    work.plan()
    assert waiting(db) == 0, "a denial alone must not start messages again"

    with db.transaction(people.coordinator(db).actor) as txn:
        deaths.resume_contact(txn, txn.session.get_one(Patient, ann.id))
    work.plan()

    assert waiting(db) == planned


def test_two_reports_that_disagree_are_both_kept(db: Database, ann: Patient) -> None:
    coordinator = people.coordinator(db)
    reported(db, ann, coordinator, "2027-02-27")
    reported(db, ann, coordinator, "2027-02-28")

    with db.reading(TEST) as txn:
        assert sorted(txn.session.scalars(select(DeathReport.died_on))) == ["2027-02-27", "2027-02-28"]


@pytest.mark.parametrize("died_on", ["2027-02-28", "2027-02", "2027", None])
def test_a_death_is_dated_as_precisely_as_it_is_known(db: Database, ann: Patient, died_on: str | None) -> None:
    assert reported(db, ann, people.coordinator(db), died_on).died_on == died_on


@pytest.mark.parametrize("died_on", ["2027-03-02", "2027-04", "2028", "2027-02-30", "2027-2-3", "2026-12", "soon"])
def test_an_impossible_date_of_death_is_refused_by_name(db: Database, ann: Patient, died_on: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reported(db, ann, people.coordinator(db), died_on)

    assert list(refused.value.fields) == ["died_on"]


def test_a_death_without_any_date_cannot_be_approved(db: Database, ann: Patient) -> None:
    report = reported(db, ann, people.coordinator(db), None)

    with pytest.raises(InvalidInput), db.transaction(people.investigator(db).actor) as txn:
        deaths.approve(txn, txn.session.get_one(Patient, ann.id), txn.session.get_one(DeathReport, report.id))


@pytest.mark.parametrize("as_of", [date(2027, 3, 2), date(2026, 1, 1)])
def test_being_alive_on_an_impossible_day_is_refused(db: Database, ann: Patient, as_of: date) -> None:
    with pytest.raises(InvalidInput) as refused, db.transaction(TEST) as txn:
        confirm_alive(txn, txn.session.get_one(Patient, ann.id), as_of=as_of, source=EvidenceSource.PATIENT)

    assert list(refused.value.fields) == ["as_of"]


def test_a_death_told_without_a_date_is_approved_with_one(db: Database, ann: Patient) -> None:
    report = reported(db, ann, people.coordinator(db), None)

    with db.transaction(people.investigator(db).actor) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        decided = deaths.approve(txn, patient, txn.session.get_one(DeathReport, report.id), "2027-02")
        assert (decided.died_on, patient.died_on) == ("2027-02", "2027-02")


def test_an_approval_cannot_change_the_date_that_was_told(db: Database, ann: Patient) -> None:
    report = reported(db, ann, people.coordinator(db))

    with db.transaction(people.investigator(db).actor) as txn:
        patient, row = txn.session.get_one(Patient, ann.id), txn.session.get_one(DeathReport, report.id)
        with pytest.raises(InvalidInput):
            deaths.approve(txn, patient, row, "2027-02-27")
        txn.session.rollback()


def task(db: Database, reason: str) -> WorkItem:
    with db.reading(TEST) as txn:
        item = txn.session.scalars(select(WorkItem).where(WorkItem.reason == reason)).one()
        txn.session.expunge(item)
    return item


def close(db: Database, ann: Patient, item: WorkItem, outcome: str) -> None:
    with db.transaction(people.coordinator(db).actor) as txn:
        row = txn.session.get_one(WorkItem, item.id)
        deaths.close_task(txn, txn.session.get_one(Patient, ann.id), row, outcome)


def test_the_task_of_a_pending_report_cannot_be_closed_by_hand(db: Database, ann: Patient) -> None:
    reported(db, ann, people.coordinator(db))

    with pytest.raises(NoLongerPossible):
        close(db, ann, task(db, "death_reported"), "done")


@pytest.mark.parametrize("outcome", ["Resume", "done", "yes"])
def test_whether_to_write_again_is_said_in_one_of_two_plain_words(db: Database, ann: Patient, outcome: str) -> None:
    report = reported(db, ann, people.coordinator(db))
    with db.transaction(people.investigator(db).actor) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        deaths.deny(txn, patient, txn.session.get_one(DeathReport, report.id), "mistaken")

    with pytest.raises(InvalidInput):
        close(db, ann, task(db, "resume_contact"), outcome)
    close(db, ann, task(db, "resume_contact"), "resume")

    with db.reading(TEST) as txn:
        assert not contact.holds(txn, txn.session.get_one(Patient, ann.id))

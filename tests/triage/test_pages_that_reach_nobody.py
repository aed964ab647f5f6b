"""A call that reaches nobody, and a call that fails: the next people hear at once, and what was said is kept."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db import Database
from backend.fsck import check
from backend.fsck import pages as pages_sound
from backend.jobs import Work
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.staff.models import StaffMember
from backend.survival import deaths
from backend.terms import PageStep, Role, WorkReason
from backend.worklist.models import WorkItem
from tests import people
from tests.phone import Phone
from tests.triage.called import (
    TEST,
    Called,
    messages,
    on_call,
    pages,
    patient_of,
    reached,
    reports,
    staff,
    the_page,
    with_email,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lin(work: Work) -> Called:
    """On call for three days."""
    member = staff(work)
    on_call(work, member, hours=72)
    return member


def tasks(db: Database, reason: WorkReason) -> list[str]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(WorkItem.key).where(WorkItem.reason == reason)))


def unreadable(db: Database, member: Called, column: str = "phone_sealed") -> None:
    """As a row restored from elsewhere would be."""
    with db.transaction(TEST) as txn:
        txn.session.execute(update(StaffMember).where(StaffMember.id == member.id).values({column: "AAAA"}))


def sound(db: Database) -> list[str]:
    return [one.invariant.name for one in check(db, pages_sound.INVARIANTS) if not one.holds]


def at(work: Work, clock: Any, moment: str) -> None:
    clock.move_to(f"2027-03-{moment}:00+08:00")
    work.escalate()
    work.dispatch()


# --- what fails must not take the report with it ------------------------------------------------------------


def test_a_report_is_kept_though_nobody_can_be_paged_about_it_and_a_page_follows(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called, monkeypatch: Any
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the roster cannot be read")

    with monkeypatch.context() as damage:
        damage.setattr("backend.triage.paging.on_call_at", broken)
        reports(client, phone, checklist__seizure=1)
        assert pages(db) == []
    at(work, clock, "01T08:00")

    with db.reading(TEST) as txn:
        assert len(txn.session.scalars(select(SymptomReport)).all()) == 1
    assert (len(lin.texts), sound(db)) == (1, [])


def test_a_telephone_that_cannot_be_read_takes_no_texts_and_the_others_are_called(
    db: Database, work: Work, client: Any, phone: dict[str, str], lin: Called
) -> None:
    mailing, box = with_email(work)
    other = staff(work)
    unreadable(db, lin)
    reports(client, phone, checklist__seizure=1)
    mailing.dispatch()

    assert (len(other.texts), len(box.letters)) == (1, 2)
    assert tasks(db, WorkReason.MESSAGE_NOT_DELIVERED) == [f"page-without-text:{the_page(db).id}:{lin.id}"]
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1


# --- a late worker ------------------------------------------------------------------------------------------


def test_a_worker_that_was_down_for_a_quarter_of_an_hour_still_sends_the_link(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    mailing, box = with_email(work)
    reports(client, phone, checklist__seizure=1)
    at(mailing, clock, "01T08:15")

    assert (len(lin.texts), len(box.letters)) == (1, 1)
    assert "/console/pages/" in box.letters[0].text
    assert [one.reason for one in messages(db, template="page_sms", status="suppressed")] == ["newer_round"]


# --- a step that reaches nobody -----------------------------------------------------------------------------


def test_with_nobody_but_a_principal_investigator_the_first_round_is_theirs(
    db: Database, work: Work, client: Any, phone: dict[str, str]
) -> None:
    principal = staff(work, Role.PRINCIPAL_INVESTIGATOR)
    reports(client, phone, checklist__seizure=1)
    work.dispatch()

    assert len(principal.texts) == 1
    assert tasks(db, WorkReason.NOBODY_TO_PAGE) == [f"nobody-to-page:{the_page(db).id}"]


def test_without_an_investigator_who_can_be_texted_the_principal_investigators_hear_at_half_an_hour(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    physician, principal = staff(work, Role.INVESTIGATOR), staff(work, Role.PRINCIPAL_INVESTIGATOR)
    physician.phone.writes("STOP")
    reports(client, phone, checklist__seizure=1)
    at(work, clock, "01T08:29")
    before = len(principal.texts), tasks(db, WorkReason.NOBODY_TO_PAGE)
    at(work, clock, "01T08:30")

    assert before == (0, [])
    assert len(principal.texts) == 1
    assert reached(db, the_page(db))[principal.id] == PageStep.INVESTIGATOR
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1


def test_a_site_without_a_principal_investigator_is_a_task_after_the_hour(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    staff(work, Role.INVESTIGATOR)
    reports(client, phone, checklist__seizure=1)
    at(work, clock, "01T08:59")
    before = tasks(db, WorkReason.NOBODY_TO_PAGE)
    at(work, clock, "01T09:00")
    at(work, clock, "01T09:10")

    assert (before, len(tasks(db, WorkReason.NOBODY_TO_PAGE))) == ([], 1)


def test_what_is_due_the_same_day_goes_to_the_principal_investigator_where_nobody_else_can_be_written_to(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str]
) -> None:
    physician, principal = staff(work, Role.INVESTIGATOR), staff(work, Role.PRINCIPAL_INVESTIGATOR)
    unreadable(db, physician)
    unreadable(db, physician, "email_sealed")
    reports(client, phone, checklist__dark_urine=1)
    at(work, clock, "02T08:00")

    assert len(principal.texts) == 1
    assert len(tasks(db, WorkReason.NOBODY_TO_PAGE)) == 1


# --- long after, and after a death --------------------------------------------------------------------------


def test_a_page_of_yesterday_waits_four_hours_for_its_next_round_and_is_sound(
    db: Database, work: Work, client: Any, clock: Any, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    at(work, clock, "02T09:00")

    page = the_page(db)
    assert page.next_at - page.opened_at > timedelta(hours=27)
    assert sound(db) == []


def died(db: Database, ann: Patient) -> None:
    physician, other = people.investigator(db), people.investigator(db)
    with db.transaction(physician.actor) as txn:
        report = deaths.report_death(txn, patient_of(txn, ann), died_on="2027-03-01").id
    with db.transaction(other.actor) as txn:
        approved = txn.session.get_one(deaths.DeathReport, report)
        deaths.approve(txn, patient_of(txn, ann), approved)


def test_a_page_ends_when_it_would_go_out_again_after_a_recorded_death(
    db: Database, work: Work, client: Any, clock: Any, ann: Patient, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    at(work, clock, "01T08:05")
    died(db, ann)
    assert sound(db) == []
    at(work, clock, "01T08:10")
    at(work, clock, "01T08:20")

    page = the_page(db)
    assert (page.acknowledged_how, page.acknowledged_by, page.rounds) == ("death_recorded", None, 1)
    assert (len(lin.texts), sound(db)) == (1, [])
    assert lin.phone.writes("1") == [], "nobody has taken it on"


def test_whoever_writes_after_a_recorded_death_is_paged_about_like_anybody(
    db: Database, work: Work, client: Any, clock: Any, ann: Patient, phone: dict[str, str], lin: Called
) -> None:
    reports(client, phone, checklist__seizure=1)
    at(work, clock, "01T08:05")
    died(db, ann)
    clock.move_to("2027-03-01T08:06:00+08:00")
    ann_writes(work)
    at(work, clock, "01T08:20")

    assert the_page(db).acknowledged_at is None
    assert len(lin.texts) == 3
    assert sound(db) == []


def ann_writes(work: Work) -> None:
    Phone(work, people.ANNS_PHONE).writes("I am bleeding")

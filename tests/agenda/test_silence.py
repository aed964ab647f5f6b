"""A silent patient becomes one task for a person, whoever looks and however often, and an answer closes it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda import changes
from backend.agenda.silence import ask_for_calls, attend_to_all, look_at
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.jobs import Work
from backend.patients import contact
from backend.patients.models import ContactHold, Patient
from backend.sealing import unseal
from backend.staff.members import update_member
from backend.staff.models import Site, StaffMember
from backend.staff.roster import replace_roster
from backend.staff.shifts import Shift
from backend.survival import deaths
from backend.terms import PatientStatus
from backend.worklist.items import resolve
from backend.worklist.models import WorkItem
from tests import people, sent

NOBODY = system("test")
BEIJING = "Asia/Shanghai"


def infused(db: Database, clock: Any) -> Patient:
    """Ann, given her cells on Saturday 13 and Sunday 14 March 2027; her first weekly report is due on the 15th."""
    clock.move_to("2027-03-08T09:00:00+08:00")
    patient = people.ann(db, randomised_on=date(2027, 3, 8))
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    for day, started in ((1, "2027-03-13T09:00:00+08:00"), (2, "2027-03-14T09:00:00+08:00")):
        clock.move_to(started)
        with db.transaction(NOBODY) as txn:
            row = txn.session.get_one(Patient, patient.id)
            changes.start_infusion(txn, row, 1, day, datetime.fromisoformat(started))
    return patient


def tasks(db: Database, patient: Patient) -> list[WorkItem]:
    with db.reading(NOBODY) as txn:
        found = txn.session.scalars(
            select(WorkItem)
            .where(WorkItem.patient_id == patient.id, WorkItem.agenda_key.like("safety.%"))
            .order_by(WorkItem.created_at, WorkItem.key)
        ).all()
        txn.session.expunge_all()
    return list(found)


def calls(db: Database, patient: Patient) -> list[tuple[str, str, str | None]]:
    """Which are open: about what, due when at the site, and whose duty."""
    return [
        (task.agenda_key or "", the_clock.local(task.due_at, BEIJING).strftime("%d %H:%M"), task.for_role)
        for task in tasks(db, patient)
        if task.resolved_at is None
    ]


def outcomes(db: Database, patient: Patient) -> list[str | None]:
    with db.reading(NOBODY) as txn:
        rows = [txn.session.get_one(WorkItem, task.id) for task in tasks(db, patient)]
        return [unseal(txn, row, "outcome_sealed") for row in rows if row.resolved_at]


def telephoned(client: Any, patient: Patient, person: people.Person, when: str) -> None:
    """The coordinator takes the safety check by telephone."""
    body = sent.staff_report_body(
        instrument="safety", started_at=when, completed_at=when, answers=sent.answers(checklist__seizure=0)
    )
    answer = client.post(f"/api/v1/patients/{patient.id}/reports", json=body, headers=person.headers)
    assert answer.status_code == 201, answer.text


def closed_by_hand(db: Database, patient: Patient) -> None:
    with db.transaction(NOBODY) as txn:
        resolve(txn, txn.session.get_one(WorkItem, tasks(db, patient)[-1].id), "spoke with her")


def on_call(db: Database, who: people.Person, start: str, end: str) -> None:
    with db.transaction(NOBODY) as txn:
        update_member(txn, txn.session.get_one(StaffMember, who.id), {"phone": "+8613900139000"})
        site = people.site_row(txn, "site-01")
        shift = Shift(who.id, datetime.fromisoformat(start), datetime.fromisoformat(end))
        replace_roster(txn, txn.session.get_one(Site, site.id), [shift])


def test_an_evening_without_an_answer_opens_one_task_however_often_it_is_looked_at(db, clock, work: Work):
    patient = infused(db, clock)

    clock.move_to("2027-03-14T21:59:00+08:00")
    assert not +work.call()
    clock.move_to("2027-03-14T22:00:00+08:00")

    assert work.call()["calls_opened"] == 1
    assert not +work.call()
    assert calls(db, patient) == [("safety.c1.d0", "15 09:00", "coordinator")]


def test_two_workers_at_once_open_one_task(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")

    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(lambda _: ask_for_calls(db), range(6)))

    assert sum(one["calls_opened"] for one in done) == 1
    assert sum(one["calls_failed"] for one in done) == 0
    assert len(calls(db, patient)) == 1


def test_of_several_attended_to_in_one_go_each_is_called_about_as_alone(db, clock):
    silent, waiting = infused(db, clock), people.ben(db, caregivers=(), randomised_on=date(2027, 3, 8))
    clock.move_to("2027-03-14T22:00:00+08:00")
    with db.reading(NOBODY) as txn:
        alone = {one.id: look_at(txn, one.id) for one in (silent, waiting)}

    with db.transaction(NOBODY) as txn:
        first = attend_to_all(txn, [silent.id, waiting.id])
    with db.transaction(NOBODY) as txn:
        second = attend_to_all(txn, [silent.id, waiting.id])

    assert {one: found.opened for one, found in first.items()} == {silent.id: 1, waiting.id: 0}
    assert {one: found.next_at for one, found in first.items()} == {one: due.next_at for one, due in alone.items()}
    assert not any(found.opened or found.closed for found in second.values())
    assert calls(db, silent) == [("safety.c1.d0", "15 09:00", "coordinator")]


def test_at_noon_an_open_task_is_the_investigators_once_and_stays_due_when_it_was(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    clock.move_to("2027-03-15T11:59:00+08:00")
    work.call()
    before = calls(db, patient)

    clock.move_to("2027-03-15T12:00:00+08:00")
    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(lambda _: ask_for_calls(db), range(4)))

    assert before == [("safety.c1.d0", "15 09:00", "coordinator")]
    assert calls(db, patient) == [("safety.c1.d0", "15 09:00", "investigator")]
    assert sum(one["calls_passed_on"] for one in done) == 1
    with db.reading(NOBODY) as txn:
        verbs = txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.verb == "work_item.passed_on")).all()
    assert verbs


def test_a_task_closed_before_noon_is_nobodys(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    closed_by_hand(db, patient)

    clock.move_to("2027-03-15T12:00:00+08:00")

    assert not +work.call()
    assert [task.for_role for task in tasks(db, patient)] == ["coordinator"]


def test_a_report_taken_by_telephone_on_the_next_day_closes_the_task(db, clock, work: Work, client):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    clock.move_to("2027-03-15T09:20:00+08:00")
    person = people.coordinator(db)

    telephoned(client, patient, person, "2027-03-15T09:15:00+08:00")
    done = work.call()

    assert done["calls_closed"] == 1
    assert calls(db, patient) == []
    assert outcomes(db, patient) == ["answered"]
    with db.reading(NOBODY) as txn:
        closed = txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "work_item.resolved")).all()
        assert {entry.originator for entry in closed} == {"system"}


def test_a_task_closed_by_hand_without_a_report_is_opened_anew_for_the_next_silent_evening(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    closed_by_hand(db, patient)

    clock.move_to("2027-03-15T22:00:00+08:00")
    work.call()

    assert calls(db, patient) == [("safety.c1.d1", "16 09:00", "coordinator")]


def test_a_task_that_still_stands_speaks_for_the_next_evening(db, clock, work: Work):
    patient = infused(db, clock)

    for day in (14, 15, 16, 17):
        clock.move_to(f"2027-03-{day}T22:00:00+08:00")
        work.call()

    assert calls(db, patient) == [("safety.c1.d0", "15 09:00", "investigator")]


def test_after_three_days_in_which_nobody_looked_there_is_one_task_and_it_is_late(db, clock, work: Work):
    patient = infused(db, clock)

    clock.move_to("2027-03-17T13:00:00+08:00")
    done = work.call()

    assert done["calls_opened"] == 1
    assert calls(db, patient) == [("safety.c1.d2", "17 09:00", "investigator")]


@pytest.mark.parametrize("has_a_roster", [True, False])
def test_on_a_day_off_it_is_the_duty_of_whoever_is_on_call_and_with_nobody_the_investigators(
    db, clock, work: Work, client, has_a_roster: bool
):
    """Friday 19 March and Saturday 20 are without an answer, and on Sunday nobody works."""
    patient, person = infused(db, clock), people.coordinator(db)
    if has_a_roster:
        on_call(db, person, "2027-03-20T08:00:00+08:00", "2027-03-22T08:00:00+08:00")
    for day in range(14, 19):
        clock.move_to(f"2027-03-{day}T20:00:00+08:00")
        telephoned(client, patient, people.coordinator(db), f"2027-03-{day}T19:50:00+08:00")

    clock.move_to("2027-03-19T22:00:00+08:00")
    one_evening = calls(db, patient)
    clock.move_to("2027-03-20T22:00:00+08:00")
    work.call()

    assert one_evening == []
    assert calls(db, patient) == [("safety.c1.d6", "21 09:00", "on_call" if has_a_roster else "investigator")]


def test_about_whoever_is_said_to_have_died_nobody_is_asked_to_call(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    with db.transaction(NOBODY) as txn:
        deaths.report_death(txn, txn.session.get_one(Patient, patient.id), died_on="2027-03-14")

    assert not +work.call()
    assert tasks(db, patient) == []


@pytest.mark.parametrize("why", ["held", "died", "withdrawn"])
def test_a_call_that_must_not_be_made_any_more_leaves_the_list(db, clock, work: Work, why: str):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()

    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        if why == "held":
            contact.hold(txn, row, "death_reported")
        elif why == "died":
            row.status, row.died_on = PatientStatus.DIED, "2027-03-14"
        else:
            row.status, row.withdrawn_from_study_on = PatientStatus.WITHDRAWN, date(2027, 3, 14)
    done = work.call()

    assert done["calls_closed"] == 1
    assert calls(db, patient) == []
    assert outcomes(db, patient) == ["no longer needed"]


@pytest.mark.parametrize("status", [PatientStatus.DIED, PatientStatus.WITHDRAWN, None])
def test_nobody_is_asked_to_tell_of_a_date_whoever_has_left(db, clock, work: Work, status: PatientStatus | None):
    clock.move_to("2027-03-12T09:00:00+08:00")
    patient = people.ann(db, randomised_on=date(2027, 3, 8))
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        row.status, row.died_on = status or row.status, "2027-03-12" if status == PatientStatus.DIED else None

    assert work.call()["calls_closed"] == (1 if status else 0)
    with db.reading(NOBODY) as txn:
        (task,) = txn.session.scalars(select(WorkItem).where(WorkItem.patient_id == patient.id))
        assert task.reason == "call_about_moved_date"
        assert (task.resolved_at is None) == (status is None)


def test_whoever_stopped_reporting_is_not_called_about_yesterday_either(db, clock, work: Work):
    patient = infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        row.status, row.withdrawn_from_reporting_on = PatientStatus.WITHDRAWN_FROM_REPORTING, date(2027, 3, 15)

    clock.move_to("2027-03-15T08:00:00+08:00")
    work.call()

    assert outcomes(db, patient) == ["no longer needed"]


def test_evidence_of_life_closes_the_survival_call(db, clock, work: Work, client):
    patient = people.ben(db, randomised_on=date(2026, 11, 30), consented_on=date(2026, 11, 25), caregivers=())
    clock.move_to("2027-03-08T09:00:00+08:00")
    work.call()
    person = people.coordinator(db)
    listed = client.get("/api/v1/worklist?reason=survival_check_unanswered", headers=person.headers).json["items"]

    body = {"status": "alive", "as_of": "2027-03-08", "source": "phone"}
    address = f"/api/v1/patients/{patient.id}/survival-statuses"
    assert client.post(address, json=body, headers=person.headers).status_code == 201
    work.call()
    left = client.get("/api/v1/worklist?reason=survival_check_unanswered", headers=person.headers).json["items"]

    assert [(one["key"], one["for_role"]) for one in listed] == [("unconfirmed:survival.m3@2027-02-28", "coordinator")]
    assert left == []


def test_a_survival_call_that_a_pause_took_off_the_list_is_asked_for_again_until_a_person_has_made_it(
    db, clock, work: Work, client
):
    patient = people.ben(db, randomised_on=date(2026, 11, 30), consented_on=date(2026, 11, 25), caregivers=())
    clock.move_to("2027-03-08T09:00:00+08:00")
    person, listed = people.coordinator(db), []

    def look() -> list[str]:
        work.call()
        found = client.get("/api/v1/worklist?reason=survival_check_unanswered", headers=person.headers).json["items"]
        listed.append([one["key"] for one in found])
        return [one["id"] for one in found]

    look()
    with db.transaction(NOBODY) as txn:
        held = contact.hold(txn, txn.session.get_one(Patient, patient.id), "a report of death")
        hold_id = held.id
    look()
    with db.transaction(NOBODY) as txn:
        contact.lift(txn, txn.session.get_one(ContactHold, hold_id))
    [task] = look()
    client.post(f"/api/v1/worklist/{task}/resolutions", json={"outcome": "spoke_to_patient"}, headers=person.headers)
    look()

    assert listed == [["unconfirmed:survival.m3@2027-02-28"], [], ["unconfirmed:survival.m3@2027-02-28"], []]


def test_the_list_says_whose_duty_a_call_is_and_can_be_asked_for_one(db, clock, work: Work, client):
    infused(db, clock)
    clock.move_to("2027-03-14T22:00:00+08:00")
    work.call()
    person = people.coordinator(db)

    theirs = client.get("/api/v1/worklist?for_role=coordinator", headers=person.headers).json["items"]
    others = client.get("/api/v1/worklist?for_role=on_call", headers=person.headers).json["items"]
    wrong = client.get("/api/v1/worklist?for_role=nobody", headers=person.headers)

    assert "silent:safety.c1.d0@2027-03-14" in [one["key"] for one in theirs]
    assert {one["for_role"] for one in theirs} == {"coordinator"}
    assert others == []
    assert wrong.status_code == 422


def test_one_record_that_cannot_be_looked_at_does_not_silence_the_others(db, clock, work: Work, caplog):
    patient = infused(db, clock)
    broken = people.ben(db, caregivers=(), randomised_on=date(2027, 3, 8))
    with db.transaction(NOBODY) as txn:
        txn.session.get_one(Patient, broken.id).time_zone = "Nowhere/Land"
    clock.move_to("2027-03-14T22:00:00+08:00")

    done = work.call()

    assert (done["calls_opened"], done["calls_failed"]) == (1, 1)
    assert len(calls(db, patient)) == 1
    assert str(broken.id) in str([record.__dict__ for record in caplog.records])

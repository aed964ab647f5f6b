"""A pause: nothing is said while it lasts, what is still worth saying is said after it, and a person is asked once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from backend.agenda import pauses, reversals, stays
from backend.agenda.pauses import end_due_pauses
from backend.agenda.stays import Admission
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.fsck.messages import sent_while_held
from backend.jobs import Work, ticker_of
from backend.patients.models import ContactHold, Patient
from backend.survival import deaths
from backend.terms import MessageStatus, PatientStatus, PauseKind, WorkReason
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people
from tests.phone import Phone, plan_and_send

NOBODY = system("test")


def control(db: Database, **changes: Any) -> Patient:
    """Ann in the arm without cells, randomised on Monday 1 March 2027: her first weekly report is due on the 8th."""
    since = {"consented_on": date(2027, 2, 25), "randomised_on": date(2027, 3, 1), "channels": ("sms",)}
    return people.ann(db, arm="control", **{**since, **changes})


def pause(db: Database, patient: Patient, until: date) -> ContactHold:
    with db.transaction(NOBODY) as txn:
        made = pauses.pause(txn, txn.session.get_one(Patient, patient.id), "A funeral.", until).pause
        txn.session.refresh(made)
        txn.session.expunge(made)
    return made


def admit(db: Database, patient: Patient, on: date, *, planned: bool = False, to: date | None = None) -> Any:
    with db.transaction(NOBODY) as txn:
        said = Admission(admitted_on=on, discharged_on=to, planned=planned, reason="Fever.")
        return stays.admit(txn, txn.session.get_one(Patient, patient.id), said).stay.id


def go_home(db: Database, patient: Patient, stay_id: Any, on: date) -> None:
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        stays.discharge(txn, row, stays.stay_of(txn, row, stay_id), on)


def tasks(db: Database, reason: WorkReason) -> list[tuple[str, str | None]]:
    """When they were opened (in UTC), and whose duty they are."""
    with db.reading(NOBODY) as txn:
        found = txn.session.scalars(select(WorkItem).where(WorkItem.reason == reason).order_by(WorkItem.created_at))
        return [(item.due_at.strftime("%d %H:%M"), item.for_role) for item in found]


def held(db: Database, patient: Patient) -> list[str]:
    """What pauses contact with the patient now, until when (in UTC)."""
    with db.reading(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        kinds = [one for kind in PauseKind for one in pauses.standing(txn, row, kind)]
        return [f"{one.reason} {one.until:%d %H:%M}" for one in kinds]


def keys(db: Database, patient: Patient, *statuses: MessageStatus) -> list[str]:
    with db.reading(NOBODY) as txn:
        chosen = select(Message.key).where(Message.patient_id == patient.id, Message.status.in_(statuses))
        return sorted(txn.session.scalars(chosen))


def live(work: Work, clock: Any, moment: str) -> None:
    """The clock says so, and a worker comes round."""
    clock.move_to(moment)
    work.end_pauses()
    plan_and_send(work)


def test_nothing_due_during_a_pause_is_sent_and_afterwards_only_what_can_still_be_answered(db, clock, work: Work):
    patient = control(db)
    phone = Phone(work, people.ANNS_PHONE)
    live(work, clock, "2027-03-07T10:00:00+08:00")
    before = len(phone.received)
    pause(db, patient, date(2027, 3, 17))

    for day in (8, 9, 10, 15, 16):
        live(work, clock, f"2027-03-{day:02}T12:00:00+08:00")
    during = len(phone.received) - before
    live(work, clock, "2027-03-17T12:00:00+08:00")
    sent = keys(db, patient, MessageStatus.SENT, MessageStatus.DELIVERED)

    assert during == 0
    # The first week's report can no longer be on time; of the second's three prompts only the last due one goes.
    assert [key for key in sent if key.startswith("weekly.")] == ["weekly.w2@2027-03-15:2d"]
    assert tasks(db, WorkReason.PAUSE_ENDS) == [("17 04:00", None)]
    with db.reading(NOBODY) as txn:
        assert list(sent_while_held(txn)) == []


def test_a_message_that_is_on_its_way_when_a_pause_begins_waits(db, clock, work: Work):
    patient = control(db)
    clock.move_to("2027-03-08T12:00:00+08:00")
    work.plan()
    pause(db, patient, date(2027, 3, 9))
    with db.transaction(NOBODY) as txn:
        # As if a worker had planned it an instant before it could see the pause.
        for message in txn.session.scalars(select(Message).where(Message.key.startswith("weekly.w1@"))):
            message.status = MessageStatus.QUEUED

    work.dispatch()

    assert keys(db, patient, MessageStatus.SENT) == []
    assert "weekly.w1@2027-03-08:0d" in keys(db, patient, MessageStatus.QUEUED)


def test_a_pause_recalls_what_is_planned_and_its_end_plans_it_again(db, clock, work: Work):
    patient = control(db)
    work.plan()
    before = keys(db, patient, MessageStatus.QUEUED)

    standing = pause(db, patient, date(2027, 3, 2))
    work.plan()
    during = keys(db, patient, MessageStatus.QUEUED)
    with db.reading(NOBODY) as txn:
        reasons = set(txn.session.scalars(select(Message.reason).where(Message.status == MessageStatus.CANCELLED)))
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        pauses.end(txn, row, pauses.pause_of(txn, row, standing.id))

    assert before
    assert (during, reasons) == ([], {"paused"})
    assert keys(db, patient, MessageStatus.QUEUED) == before


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Apia"])
def test_a_pause_ends_as_its_day_begins_where_the_patient_lives(db, clock, zone: str):
    patient = control(db, time_zone=zone)

    standing = pause(db, patient, date(2027, 3, 20))

    assert standing.until is not None
    assert (
        standing.until.isoformat()
        == {
            "Asia/Shanghai": "2027-03-19T16:00:00+00:00",
            # New York has put its clocks forward on the 14th.
            "America/New_York": "2027-03-20T04:00:00+00:00",
            "Pacific/Apia": "2027-03-19T11:00:00+00:00",
        }[zone]
    )


def test_nobody_is_asked_to_telephone_during_a_pause_nor_afterwards_about_what_went_by_in_it(db, clock, work: Work):
    patient = control(db)
    pause(db, patient, date(2027, 3, 17))
    calls = 0

    for day in range(8, 18):
        clock.move_to(f"2027-03-{day:02}T09:30:00+08:00")
        work.end_pauses()
        calls += work.call()["calls_opened"]
    open_now = tasks(db, WorkReason.PATIENT_SILENT)

    assert calls == 0
    assert open_now == []


def test_two_workers_ask_once_about_one_pause(db, clock):
    standing = pause(db, control(db), date(2027, 3, 2))
    clock.move_to("2027-03-02T00:00:00+08:00")

    with ThreadPoolExecutor(4) as workers:
        done = [each.result() for each in [workers.submit(end_due_pauses, db) for _ in range(4)]]
    with db.transaction(NOBODY) as txn:
        too_late = pauses.end_if_due(txn, standing.id)

    assert sum(each["pauses_ended"] for each in done) == 1
    assert not too_late
    assert len(tasks(db, WorkReason.PAUSE_ENDS)) == 1


def test_a_pause_that_ended_early_or_was_renewed_is_not_asked_about_when_its_own_end_comes(db, clock):
    patient = control(db)
    pause(db, patient, date(2027, 3, 4))
    renewed = pause(db, patient, date(2027, 3, 10))
    clock.move_to("2027-03-05T09:00:00+08:00")
    first = end_due_pauses(db)
    with db.transaction(NOBODY) as txn:
        row = txn.session.get_one(Patient, patient.id)
        pauses.end(txn, row, pauses.pause_of(txn, row, renewed.id))

    clock.move_to("2027-03-11T09:00:00+08:00")
    second = end_due_pauses(db)

    assert not +first
    assert not +second
    assert tasks(db, WorkReason.PAUSE_ENDS) == []


@pytest.mark.parametrize("ended", [PatientStatus.DIED, PatientStatus.WITHDRAWN])
def test_nobody_is_asked_to_go_on_writing_to_the_dead_or_the_withdrawn(db, clock, ended: PatientStatus):
    patient = control(db)
    pause(db, patient, date(2027, 3, 4))
    with db.transaction(NOBODY) as txn:
        txn.session.get_one(Patient, patient.id).status = ended

    clock.move_to("2027-03-05T09:00:00+08:00")
    done = end_due_pauses(db)

    assert done["pauses_ended"] == 1
    assert tasks(db, WorkReason.PAUSE_ENDS) == []


def test_what_a_report_of_death_holds_stays_held_when_a_pause_ends(db, clock, work: Work):
    patient = control(db)
    pause(db, patient, date(2027, 3, 4))
    with db.transaction(NOBODY) as txn:
        deaths.report_death(txn, txn.session.get_one(Patient, patient.id), died_on="2027-03-01")

    live(work, clock, "2027-03-08T12:00:00+08:00")

    assert keys(db, patient, MessageStatus.QUEUED, MessageStatus.SENT) == []


def test_one_pause_that_cannot_be_ended_keeps_no_other_back(db, clock, caplog):
    first, second = control(db), control(db)
    stuck, other = pause(db, first, date(2027, 3, 2)), pause(db, second, date(2027, 3, 3))
    with db.transaction(NOBODY) as txn:
        txn.session.get_one(Patient, first.id).time_zone = "Nowhere/At_All"

    clock.move_to("2027-03-04T09:00:00+08:00")
    done = end_due_pauses(db)

    assert (done["pauses_ended"], done["pauses_failed"]) == (1, 1)
    assert [getattr(record, "contact_hold_id", None) for record in caplog.records] == [str(stuck.id)]
    with db.reading(NOBODY) as txn:
        assert txn.session.get_one(ContactHold, stuck.id).lifted_at is None
        assert txn.session.get_one(ContactHold, other.id).lifted_at is not None


def test_a_worker_ends_pauses_as_one_of_its_jobs(db, clock, work: Work):
    patient = control(db)
    pause(db, patient, date(2027, 3, 2))
    clock.move_to("2027-03-02T09:00:00+08:00")

    done = ticker_of(work).run("end_pauses")

    assert done["pauses_ended"] == 1
    assert "weekly.w1@2027-03-08:0d" in keys(db, patient, MessageStatus.QUEUED)
    with db.reading(NOBODY) as txn:
        verbs = txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.patient_id == patient.id)).all()
    assert {"contact.held", "contact.pause_ended"} <= set(verbs)


def test_a_planned_stay_pauses_nothing_and_asks_nobody(db, clock):
    patient = control(db)

    admit(db, patient, date(2027, 3, 1), planned=True)

    assert held(db, patient) == []
    assert tasks(db, WorkReason.UNPLANNED_HOSPITALISATION) == []


def test_an_unplanned_stay_pauses_contact_for_seven_days_and_is_laid_before_an_investigator_at_once(db, clock):
    patient = control(db)

    admit(db, patient, date(2027, 3, 1))
    at_first = held(db, patient)
    clock.move_to("2027-03-07T23:59:59+08:00")
    too_early = end_due_pauses(db)
    clock.move_to("2027-03-08T00:00:00+08:00")
    end_due_pauses(db)

    assert at_first == ["hospitalised 07 16:00"]
    assert not +too_early
    assert held(db, patient) == []
    assert tasks(db, WorkReason.UNPLANNED_HOSPITALISATION) == [("01 00:00", "investigator")]
    assert tasks(db, WorkReason.PAUSE_ENDS) == [("07 16:00", None)]


def test_a_discharge_ends_the_pause_and_asks_a_person_once(db, clock, work: Work):
    patient = control(db)
    stay_id = admit(db, patient, date(2027, 3, 1))
    clock.move_to("2027-03-03T15:00:00+08:00")

    go_home(db, patient, stay_id, date(2027, 3, 3))
    planned = keys(db, patient, MessageStatus.QUEUED)
    clock.move_to("2027-03-09T09:00:00+08:00")
    end_due_pauses(db)

    assert "weekly.w1@2027-03-08:0d" in planned
    assert held(db, patient) == []
    assert tasks(db, WorkReason.PAUSE_ENDS) == [("03 07:00", None)]


def test_a_discharge_after_the_pause_has_run_out_asks_nobody_again(db, clock):
    patient = control(db)
    stay_id = admit(db, patient, date(2027, 3, 1))
    clock.move_to("2027-03-09T09:00:00+08:00")
    end_due_pauses(db)

    go_home(db, patient, stay_id, date(2027, 3, 9))

    assert len(tasks(db, WorkReason.PAUSE_ENDS)) == 1


def test_a_stay_that_is_over_when_it_is_told_pauses_nothing_and_is_judged_all_the_same(db, clock):
    patient = control(db)
    clock.move_to("2027-03-05T09:00:00+08:00")

    admit(db, patient, date(2027, 3, 2), to=date(2027, 3, 4))

    assert held(db, patient) == []
    assert len(tasks(db, WorkReason.UNPLANNED_HOSPITALISATION)) == 1
    assert tasks(db, WorkReason.PAUSE_ENDS) == []


def test_a_stay_that_has_lasted_longer_than_its_pause_when_it_is_told_asks_a_person_at_once(db, clock):
    patient = control(db)
    clock.move_to("2027-03-20T09:00:00+08:00")

    admit(db, patient, date(2027, 3, 2))

    assert held(db, patient) == []
    assert tasks(db, WorkReason.PAUSE_ENDS) == [("20 01:00", None)]


def test_whoever_was_paused_anew_during_a_stay_is_asked_about_when_the_new_pause_ends(db, clock):
    patient = control(db)
    admit(db, patient, date(2027, 3, 1))
    pause(db, patient, date(2027, 3, 12))

    clock.move_to("2027-03-08T09:00:00+08:00")
    end_due_pauses(db)
    after_the_stays = tasks(db, WorkReason.PAUSE_ENDS)
    clock.move_to("2027-03-12T09:00:00+08:00")
    end_due_pauses(db)

    assert after_the_stays == []
    assert tasks(db, WorkReason.PAUSE_ENDS) == [("12 01:00", None)]


def test_a_stay_recorded_by_mistake_holds_nothing_and_waits_for_nobody_once_it_is_reversed(db, clock):
    patient = control(db)
    stay_id = admit(db, patient, date(2027, 3, 1))

    with db.transaction(NOBODY) as txn:
        reversals.reverse(txn, txn.session.get_one(Patient, patient.id), stay_id, "It was another patient.")
    again = admit(db, patient, date(2027, 3, 1), planned=True)

    assert again != stay_id
    assert held(db, patient) == []
    assert tasks(db, WorkReason.PAUSE_ENDS) == []
    with db.reading(NOBODY) as txn:
        assert [one.resolved_at is not None for one in txn.session.scalars(select(WorkItem))] == [True]


def test_the_next_end_of_a_pause_is_known_before_it_comes(db, clock):
    pause(db, control(db), date(2027, 3, 4))

    with db.reading(NOBODY) as txn:
        known = pauses.next_end(txn, txn.now)

    assert known == datetime.fromisoformat("2027-03-04T00:00:00+08:00")

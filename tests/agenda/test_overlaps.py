"""The sentences that stand under the calendar's table, through the record: one report, one contact, several items."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda import changes
from backend.agenda.calendar import agenda, by_key
from backend.agenda.course import AgendaItem, Reported
from backend.agenda.history import agenda_of
from backend.agenda.reminders import Habits, wanted
from backend.db import Actor, Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports.submit import Submission, submit_report
from backend.terms import AgendaState, Attendance, Originator
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people
from tests.agenda.courses import RANDOMISED, at, calendar, course, infused, the_protocol
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send
from tests.sent import submission
from tests.study import contents

TEST = system("test")
WITH_THE_CHECKLIST = ("safety", "weekly", "four_weekly", "quarterly", "baseline", "ad_hoc")
# Infused on Tuesday 16 and Wednesday 17 February 2027.
GIVEN = (infused(1, "2027-02-01"),)


def report(completed_at: str, **changes_to_it: Any) -> Submission:
    return submission(completed_at, **{"answers": ({"item": "nausea.frequency", "value": 0},)} | changes_to_it)


def filed(db: Database, whose: Patient, sent: Submission) -> SymptomReport:
    with db.transaction(Actor(Originator.PATIENT, id=whose.id)) as txn:
        stored = submit_report(txn, txn.session.get_one(Patient, whose.id), sent).report
        txn.session.refresh(stored)
        txn.session.expunge(stored)
    return stored


def in_the_record(db: Database, whose: Patient) -> Mapping[str, AgendaItem]:
    with db.reading(TEST) as txn:
        return by_key(agenda_of(txn, txn.session.get_one(Patient, whose.id)))


def attended(db: Database, whose: Patient, key: str, status: Attendance, on: date) -> None:
    with db.transaction(TEST) as txn:
        changes.record_attendance(txn, txn.session.get_one(Patient, whose.id), key, status, on)


def shown_to_a_person(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(WorkItem.reason)))


def ann_infused(db: Database, clock: Clock) -> Patient:
    """Ann, randomised on Monday 8 March 2027 and given her cells on Saturday 13 and Sunday 14."""
    clock.move_to("2027-03-08T09:00:00+08:00")
    ann = people.ann(db, randomised_on=date(2027, 3, 8))
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 26))
        changes.confirm_cycle(txn, row, 1)
    return ann


def start(db: Database, clock: Clock, whose: Patient, day: int, at_this_moment: str) -> None:
    clock.move_to(at_this_moment)
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, whose.id)
        changes.start_infusion(txn, row, 1, day, datetime.fromisoformat(at_this_moment))


def ben_at_month_15(db: Database) -> Patient:
    """Ben, in the control arm; his month 15 falls on 1 March 2027, and so do its report, contact and survival check."""
    return people.ben(db, consented_on=date(2025, 11, 25), randomised_on=date(2025, 12, 1))


# --- a report taken by phone -------------------------------------------------------------------------------


def test_a_report_taken_by_phone_inside_the_window_is_on_time(db: Database, clock: Clock) -> None:
    ann = people.ann(db)
    clock.move_to("2027-03-12T09:00:00+08:00")
    last_evening, next_morning = "2027-03-09T23:59:00+08:00", "2027-03-10T00:00:00+08:00"

    told = filed(db, ann, report(last_evening, mode="phone", agenda_key="weekly.w1"))
    ben = people.ben(db)
    told_late = filed(db, ben, report(next_morning, mode="phone", agenda_key="weekly.w1"))

    assert (told.standing, told_late.standing) == ("on_time", "late")
    assert in_the_record(db, ann)["weekly.w1"].state is AgendaState.COMPLETED
    assert in_the_record(db, ben)["weekly.w1"].state is AgendaState.COMPLETED_LATE


# --- a report containing the checklist ---------------------------------------------------------------------


def test_the_forms_said_to_contain_the_checklist_are_those_that_do() -> None:
    checklist = {item["item"] for item in contents()["checklist"]["items"]}
    containing = {name for name, form in contents().items() if checklist <= {item["item"] for item in form["items"]}}

    for rule in the_protocol().rules:
        if rule.instrument == "safety":
            assert rule.covered_by == containing - {"checklist"} == set(WITH_THE_CHECKLIST), rule.name


@pytest.mark.parametrize("form", WITH_THE_CHECKLIST)
def test_a_report_containing_the_checklist_completes_that_days_safety(form: str) -> None:
    told = (Reported(form, at("2027-02-19 00:00")),)

    items = calendar("2027-02-21 20:00", cycles=GIVEN, reported=told)

    states = [items[f"safety.c1.d{day}"].state for day in (1, 2, 3)]
    assert states == [AgendaState.EXPIRED, AgendaState.COMPLETED, AgendaState.EXPIRED]


def test_a_weekly_report_completes_its_week_and_that_days_safety_in_the_record(db: Database, clock: Clock) -> None:
    ann = ann_infused(db, clock)
    start(db, clock, ann, 1, "2027-03-13T10:00:00+08:00")
    start(db, clock, ann, 2, "2027-03-14T10:00:00+08:00")
    clock.move_to("2027-03-15T21:00:00+08:00")

    told = filed(db, ann, report("2027-03-15T20:30:00+08:00"))
    items = in_the_record(db, ann)

    assert told.agenda_key == "weekly.w1"
    assert items["weekly.w1"].state is items["safety.c1.d1"].state is AgendaState.COMPLETED
    assert items["safety.c1.d0"].state is AgendaState.EXPIRED
    assert items["safety.c1.d2"].state is AgendaState.NOT_YET_OPEN


@pytest.mark.parametrize(
    ("reported_at", "state"),
    [("08:30", AgendaState.OPEN), ("13:59", AgendaState.OPEN), ("14:00", AgendaState.COMPLETED)],
)
def test_a_report_before_the_infusion_does_not_speak_for_the_evening_after_it(
    db: Database, clock: Clock, reported_at: str, state: AgendaState
) -> None:
    ann = ann_infused(db, clock)
    start(db, clock, ann, 1, "2027-03-13T10:00:00+08:00")
    start(db, clock, ann, 2, "2027-03-14T10:00:00+08:00")
    clock.move_to("2027-03-14T18:00:00+08:00")

    filed(db, ann, report(f"2027-03-14T{reported_at}:00+08:00"))

    assert in_the_record(db, ann)["safety.c1.d0"].state is state


# --- what closes the survival check ------------------------------------------------------------------------


def test_a_quarterly_report_closes_the_survival_check_and_every_older_one_late(db: Database, clock: Clock) -> None:
    ben = ben_at_month_15(db)

    told = filed(db, ben, report("2027-03-01T07:30:00+08:00", instrument="quarterly"))
    items = in_the_record(db, ben)

    assert told.agenda_key == "quarterly.m15"
    assert items["survival.m15"].state is AgendaState.COMPLETED
    assert {items[f"survival.m{month}"].state for month in (3, 6, 9, 12)} == {AgendaState.COMPLETED_LATE}
    assert items["survival.m18"].state is AgendaState.NOT_YET_OPEN


def test_an_outcome_contact_closes_the_survival_check(db: Database, clock: Clock) -> None:
    ben = ben_at_month_15(db)

    attended(db, ben, "outcome.m15", Attendance.ATTENDED, date(2027, 3, 1))
    items = in_the_record(db, ben)

    assert items["outcome.m15"].state is items["survival.m15"].state is AgendaState.COMPLETED
    assert items["quarterly.m15"].state is AgendaState.OPEN


def test_a_contact_that_failed_is_no_evidence_of_life(db: Database, clock: Clock) -> None:
    ben = ben_at_month_15(db)

    attended(db, ben, "outcome.m15", Attendance.MISSED, date(2027, 3, 1))
    items = in_the_record(db, ben)

    assert items["outcome.m15"].state is AgendaState.EXPIRED
    assert items["survival.m15"].state is AgendaState.OPEN


# --- several prompts on one day ----------------------------------------------------------------------------


def test_of_three_forms_due_one_day_one_message_names_the_longest_and_covers_the_others() -> None:
    """31 January 2028: the reminder of week 52, which is four-weekly, a safety day, and survival at month 12."""
    late = tuple(infused(n, str(RANDOMISED + timedelta(days=day))) for n, day in enumerate((3, 31, 335), start=1))
    items = agenda(the_protocol(), course(cycles=late), at("2028-01-30 12:00"))
    habits = Habits("Asia/Shanghai", "Asia/Shanghai", the_protocol().messaging.preferred_time)

    found = wanted(the_protocol(), items, habits, at("2028-01-30 12:00"), 35)

    that_day = {one.key: one.covered_by for one in found if one.local_date == date(2028, 1, 31)}
    assert that_day == {
        "weekly.w52@2028-01-30:1d": None,
        "safety.c3.d14@2028-01-31:0d": "weekly.w52@2028-01-30:1d",
        "survival.m12@2028-01-31:0d": "weekly.w52@2028-01-30:1d",
        "safety.c3.d14@2028-01-31:0d.2": None,
    }


def statuses(db: Database, like: str) -> dict[str, tuple[str, str | None]]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(Message).where(Message.key.like(like))).all()
        return {row.key: (row.status, row.reason) for row in rows}


def test_the_patient_gets_one_text_and_the_covered_prompt_is_suppressed_as_such(
    db: Database, clock: Clock, work: Work
) -> None:
    ben_at_month_15(db)
    plan_and_send(work)
    before = len(Phone(work, people.BENS_PHONE).received)

    clock.move_to("2027-03-01T09:01:00+08:00")
    plan_and_send(work)

    assert len(Phone(work, people.BENS_PHONE).received) - before == 1
    assert statuses(db, "survival.m15@2027-03-01:0d") == {
        "survival.m15@2027-03-01:0d": ("suppressed", "covered_by"),
    }


def test_steps_to_caregivers_and_to_staff_are_never_covered(db: Database, clock: Clock, work: Work) -> None:
    ben_at_month_15(db)
    clock.move_to("2027-03-06T09:01:00+08:00")
    plan_and_send(work)
    clock.move_to("2027-03-09T09:01:00+08:00")
    work.call()

    caregivers = statuses(db, "survival.m15@2027-03-01:5d.caregiver%")
    assert [reason for _, reason in caregivers.values()] == [None]
    with db.reading(TEST) as txn:
        keys = txn.session.scalars(select(WorkItem.key).where(WorkItem.reason == "survival_check_unanswered")).all()
    assert keys == ["unconfirmed:survival.m15@2027-03-01"]


def test_a_step_to_a_caregiver_is_not_covered_even_where_the_patient_has_a_form_due_that_day() -> None:
    """6 September 2027: the fifth day after month 6, and the watch of week 27 after cells given late."""
    randomised_on = date(2027, 3, 1)
    late = tuple(infused(n, str(randomised_on + timedelta(days=day))) for n, day in enumerate((28, 70, 119), start=1))
    now = at("2027-09-05 12:00")
    items = agenda(the_protocol(), course(cycles=late, randomised_on=randomised_on), now)
    habits = Habits("Asia/Shanghai", "Asia/Shanghai", the_protocol().messaging.preferred_time)

    found = wanted(the_protocol(), items, habits, now, 35)

    that_day = {one.key: one.covered_by for one in found if one.local_date == date(2027, 9, 6)}
    assert that_day == {"survival.m6@2027-09-01:5d.caregiver": None, "watch.w27@2027-09-06:0d": None}


# --- overdue, late, expired --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "next_of_its_family"),
    [
        ("weekly.w1", "weekly.w2"),
        ("weekly.w14", "four-weekly.w16"),
        ("four-weekly.w16", "four-weekly.w20"),
        ("watch.w15", "watch.w16"),
        ("visit.m3", "visit.m6"),
        ("imaging.m3", "imaging.m6"),
        ("outcome.m15", "outcome.m18"),
        ("quarterly.m15", "quarterly.m18"),
    ],
)
def test_an_item_is_overdue_from_its_windows_end_until_the_next_of_its_family_opens(
    key: str, next_of_its_family: str
) -> None:
    cycles = (*GIVEN, infused(2, "2027-03-01"), infused(3, "2027-03-29"))
    one, instant = course(cycles=cycles), timedelta(microseconds=1)
    ahead = by_key(agenda(the_protocol(), one, at("2027-01-31 09:00")))
    closes, opens = ahead[key].closes_at, ahead[next_of_its_family].opens_at

    moments = (closes - instant, closes, opens - instant, opens)
    states = [by_key(agenda(the_protocol(), one, moment))[key].state for moment in moments]

    assert states == [AgendaState.OPEN, AgendaState.OVERDUE, AgendaState.OVERDUE, AgendaState.EXPIRED]


def test_the_baseline_is_overdue_for_fourteen_days_and_a_safety_day_for_none() -> None:
    items = calendar(cycles=GIVEN)

    baseline, safety = items["baseline"], items["safety.c1.d1"]
    assert baseline.expires_at == baseline.closes_at + timedelta(days=14)
    assert safety.expires_at == safety.closes_at


def test_a_report_is_late_by_when_it_was_completed_and_never_dated_anew(db: Database, clock: Clock) -> None:
    ann = people.ann(db)
    clock.move_to("2027-03-11T09:00:00+08:00")
    due_on = in_the_record(db, ann)["weekly.w1"].due_on

    told = filed(db, ann, report("2027-03-10T08:00:00+08:00", agenda_key="weekly.w1"))
    item = in_the_record(db, ann)["weekly.w1"]

    assert told.standing == "late"
    assert (item.state, item.due_on) == (AgendaState.COMPLETED_LATE, due_on)
    assert item.completed_at == told.completed_at


def test_a_visit_attended_is_completed_however_late_and_one_missed_is_expired(db: Database, clock: Clock) -> None:
    ann = people.ann(db)
    clock.move_to("2027-05-20T09:00:00+08:00")

    attended(db, ann, "visit.m1", Attendance.ATTENDED, date(2027, 5, 19))
    attended(db, ann, "visit.m2", Attendance.MISSED, date(2027, 4, 25))
    items = in_the_record(db, ann)

    assert items["visit.m1"].state is AgendaState.COMPLETED
    assert items["visit.m2"].state is AgendaState.EXPIRED


def test_a_survival_check_never_expires_and_one_evidence_closes_every_check_opened_by_then() -> None:
    silent = calendar("2041-06-01 09:00", "control")
    heard = calendar("2041-06-01 09:00", "control", alive_as_of=(date(2030, 7, 1),))

    months = (3, 24, 36, 42, 48)
    assert {silent[f"survival.m{month}"].state for month in months} == {AgendaState.OVERDUE}
    assert {silent[f"survival.m{month}"].expires_at for month in months} == {None}
    late, in_time, waiting = AgendaState.COMPLETED_LATE, AgendaState.COMPLETED, AgendaState.OVERDUE
    assert [heard[f"survival.m{month}"].state for month in months] == [late, late, late, in_time, waiting]


# --- what fits nowhere -------------------------------------------------------------------------------------


def test_a_report_for_a_day_that_has_moved_is_kept_with_the_reason(db: Database, clock: Clock) -> None:
    ann = ann_infused(db, clock)
    with db.transaction(TEST) as txn:
        changes.confirm_cycle(txn, txn.session.get_one(Patient, ann.id), 1, date(2027, 3, 20))
    clock.move_to("2027-03-15T21:00:00+08:00")

    told = filed(
        db, ann, report("2027-03-15T20:00:00+08:00", instrument="safety", agenda_key="safety.c1.d1", answers=())
    )

    assert (told.standing, told.unscheduled_because) == ("unscheduled", "not_yet_open")
    assert shown_to_a_person(db) == ["unscheduled_report"]


def test_a_report_for_a_day_that_was_cancelled_is_kept_with_the_reason(db: Database, clock: Clock) -> None:
    """Answered without connection on the evening of the missed second infusion, and sent when it was recorded."""
    ann = ann_infused(db, clock)
    start(db, clock, ann, 1, "2027-03-13T10:00:00+08:00")
    clock.move_to("2027-03-15T11:00:00+08:00")
    attended(db, ann, "cycle-1.day-2", Attendance.MISSED, date(2027, 3, 14))
    items = in_the_record(db, ann)
    cancelled = [key for key, item in items.items() if item.state is AgendaState.CANCELLED]

    told = filed(db, ann, report("2027-03-13T20:00:00+08:00", instrument="safety", agenda_key=cancelled[0], answers=()))

    assert (told.standing, told.unscheduled_because) == ("unscheduled", "cancelled")
    assert shown_to_a_person(db).count("unscheduled_report") == 1


def test_a_report_too_late_for_its_item_is_kept_with_the_reason(db: Database, clock: Clock) -> None:
    ann = people.ann(db)
    clock.move_to("2027-03-12T09:00:00+08:00")

    feverish = {"temperature_c": 38.4}
    told = filed(db, ann, report("2027-03-12T08:00:00+08:00", agenda_key="weekly.w1", measurements=feverish))

    assert (told.standing, told.unscheduled_because) == ("unscheduled", "expired")
    assert told.tier == "T2"
    assert the_clock.local_day(told.completed_at, "Asia/Shanghai") == date(2027, 3, 12)
    assert shown_to_a_person(db).count("unscheduled_report") == 1

"""Each sentence about episodes, as it happens to the rows: one candidate event is one episode of one term."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backend.db import system
from backend.triage.models import CandidateFinding, StaffPage
from tests import people
from tests.triage.diary import BLEEDING, NAUSEA, SEIZURE, Diary


@pytest.fixture
def ann(db, clock) -> Diary:
    return Diary(db, clock)


def beijing(moment: str) -> datetime:
    return datetime.fromisoformat(f"2027-{moment}:00+08:00".replace(" ", "T"))


def pages(ann: Diary) -> int:
    with ann.db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.count()).select_from(StaffPage)) or 0


def test_a_later_report_of_the_same_term_joins_and_updates_last_reported_worst_and_trend(ann):
    ann.nausea("03-01 09:00", 3)
    ann.nausea("03-05 09:00", 2)

    joined = ann.candidate()
    assert (joined.opened_at, joined.last_reported_at) == (beijing("03-01 09:00"), beijing("03-05 09:00"))
    assert (joined.worst["composite"], joined.latest["composite"], joined.trend) == (3, 2, "better")
    assert (joined.report_count, joined.onset_on) == (2, date(2027, 3, 1))


def test_another_term_and_another_patient_have_episodes_of_their_own(ann, db, clock):
    ann.nausea("03-01 09:00", 3)
    ann.tells("03-01 10:00", checklist__seizure=1)
    ben = Diary(db, clock)
    ben.ann = people.ben(db)
    ben.nausea("03-01 11:00", 3)

    assert [len(ann.candidates(term)) for term in (NAUSEA, SEIZURE)] == [2, 1]
    assert {row.report_count for row in ann.candidates()} == {1}


def test_every_report_with_free_text_is_an_episode_of_its_own(ann):
    ann.tells("03-01 09:00", text="trembling")
    ann.tells("03-02 09:00", text="trembling")

    assert [row.report_count for row in ann.candidates(None)] == [1, 1]


def test_an_emergency_pages_again_on_every_report_until_somebody_acknowledges(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.tells("03-01 09:05", checklist__seizure=1)
    ann.tells("03-01 09:20", checklist__seizure=1)

    waiting = ann.candidate(SEIZURE)
    assert (waiting.status, waiting.report_count) == ("proposed", 3)
    assert waiting.due_at == beijing("03-01 09:30")


@pytest.mark.parametrize(("at", "status"), [("03-01 21:09", "acknowledged"), ("03-01 21:10", "proposed")])
def test_an_emergency_that_was_acknowledged_is_quiet_for_twelve_hours(ann, at, status):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.is_acknowledged("03-01 09:10", SEIZURE)

    ann.tells(at, checklist__seizure=1)

    assert ann.candidate(SEIZURE).status == status
    assert pages(ann) == (2 if status == "proposed" else 1)


def test_an_acknowledged_emergency_that_gets_worse_returns_within_the_twelve_hours(ann):
    ann.tells("03-01 09:00", checklist__black_or_bloody_stool=1)
    ann.is_acknowledged("03-01 09:10", BLEEDING)

    ann.tells("03-01 09:15", checklist__vomited_blood=1)

    worse = ann.candidate(BLEEDING)
    assert (worse.status, worse.acknowledged_by) == ("proposed", None)
    assert worse.due_at == beijing("03-01 09:45")
    assert worse.items == ["checklist.black_or_bloody_stool", "checklist.vomited_blood"]


@pytest.mark.parametrize(("at", "status"), [("03-15 10:00", "acknowledged"), ("03-15 10:01", "proposed")])
def test_the_same_again_joins_silently_for_fourteen_days_and_then_returns_to_the_queue(ann, at, status):
    ann.nausea("03-01 09:00", 3)
    ann.is_acknowledged("03-01 10:00")

    ann.nausea(at, 3)

    assert (ann.candidate().status, ann.candidate().report_count) == (status, 2)


def test_returning_to_the_queue_gives_a_new_clock_and_whoever_was_told_may_be_told_again(ann):
    ann.nausea("03-01 09:00", 2)
    ann.is_acknowledged("03-01 10:00")

    ann.nausea("03-03 09:00", 3)

    back = ann.candidate()
    assert (back.tier, back.status, back.due_at) == ("T2", "proposed", beijing("03-04 09:00"))
    assert (back.rule_id, back.trend, back.acknowledged_at) == ("T2.composite-3", "worse", None)


def test_a_candidate_nobody_has_acknowledged_keeps_its_due_time(ann):
    ann.nausea("03-01 09:00", 3)
    due = ann.candidate().due_at

    ann.nausea("03-01 15:00", 3)

    assert due == ann.candidate().due_at == beijing("03-02 09:00")


def test_an_unacknowledged_candidate_that_becomes_more_urgent_is_due_sooner(ann):
    ann.nausea("03-01 09:00", 2)
    before = ann.candidate()

    ann.nausea("03-01 12:00", 3)

    assert (before.tier, ann.candidate().tier) == ("T3", "T2")
    assert ann.candidate().due_at == beijing("03-02 12:00") < before.due_at


def test_a_danger_sign_ends_with_the_second_no_on_another_day_and_stays_open(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.tells("03-02 09:00", checklist__seizure=0)
    ann.tells("03-02 20:00", checklist__seizure=0)
    assert ann.candidate(SEIZURE).is_running

    ann.tells("03-03 09:00", checklist__seizure=0)

    ended = ann.candidate(SEIZURE)
    assert (ended.is_running, ended.status, ended.report_count) == (False, "proposed", 4)


def test_a_symptom_ends_with_the_second_zero_a_week_later(ann):
    ann.nausea("03-01 09:00", 3)
    ann.nausea("03-08 09:00", 0)
    ann.nausea("03-14 09:00", 0)
    assert ann.candidate().is_running

    ann.nausea("03-15 09:00", 0)

    assert not ann.candidate().is_running


def test_a_report_that_did_not_ask_the_term_neither_ends_nor_prolongs_it(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.tells("03-02 09:00", checklist__seizure=0)
    ann.tells("03-03 09:00", checklist__chills=0)
    assert ann.candidate(SEIZURE).is_running
    assert ann.candidate(SEIZURE).report_count == 2

    ann.tells("03-04 09:00", checklist__seizure=0)

    assert not ann.candidate(SEIZURE).is_running


def test_a_yes_between_two_noes_begins_the_counting_anew(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.tells("03-02 09:00", checklist__seizure=0)
    ann.tells("03-03 09:00", checklist__seizure=1)
    ann.tells("03-04 09:00", checklist__seizure=0)

    assert ann.candidate(SEIZURE).is_running


def test_after_an_episode_has_ended_the_same_term_opens_another(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.tells("03-02 09:00", checklist__seizure=0)
    ann.tells("03-03 09:00", checklist__seizure=0)

    ann.tells("03-09 09:00", checklist__seizure=1)

    first, second = ann.candidates(SEIZURE)
    assert (first.is_running, second.is_running, second.trend) == (False, True, "new")
    assert (first.status, second.status) == ("proposed", "proposed")


@pytest.mark.parametrize("status", ["confirmed", "merged", "dismissed"])
def test_what_a_person_has_closed_stays_closed_when_it_gets_worse_and_a_new_candidate_opens(ann, status):
    ann.nausea("03-01 09:00", 2)
    ann.is_acknowledged("03-01 10:00")
    ann.is_closed(status=status)

    ann.nausea("03-03 09:00", 3)

    closed, new = ann.candidates()
    assert (closed.status, closed.is_running, closed.report_count) == (status, False, 1)
    assert (new.status, new.tier, new.is_running, new.trend) == ("proposed", "T2", True, "new")
    assert new.due_at == beijing("03-04 09:00")


def test_an_emergency_about_what_a_person_has_closed_opens_and_pages_anew(ann):
    ann.tells("03-01 09:00", checklist__seizure=1)
    ann.is_acknowledged("03-01 09:10", SEIZURE)
    ann.is_closed(SEIZURE)

    ann.tells("03-01 10:00", checklist__seizure=1)

    closed, new = ann.candidates(SEIZURE)
    assert (closed.status, new.status, new.due_at) == ("dismissed", "proposed", beijing("03-01 10:30"))
    assert pages(ann) == 2


def test_the_same_again_joins_what_a_person_has_closed_and_does_not_open_it(ann):
    ann.nausea("03-01 09:00", 3)
    ann.is_acknowledged("03-01 10:00")
    ann.is_closed(status="confirmed")

    ann.nausea("03-05 09:00", 3)
    ann.nausea("03-06 09:00", 1)

    joined = ann.candidate()
    assert (joined.status, joined.report_count, joined.trend) == ("confirmed", 3, "better")
    with ann.db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(CandidateFinding)) == 3


def test_a_report_with_several_danger_signs_pages_once(ann):
    ann.tells("03-01 09:00", checklist__seizure=1, checklist__fainted=1, checklist__confused=1)

    assert pages(ann) == 1
    assert ann.candidate(SEIZURE).due_at == beijing("03-01 09:00") + timedelta(minutes=30)


def test_a_caregivers_zeros_join_and_show_neither_that_it_is_better_nor_that_it_is_over(ann):
    ann.nausea("03-01 09:00", 3)
    ann.nausea("03-02 09:00", 0, by="caregiver")
    ann.nausea("03-10 09:00", 0, by="caregiver")

    waiting = ann.candidate()
    assert (waiting.is_running, waiting.zero_since, waiting.trend, waiting.report_count) == (True, None, "new", 3)
    assert waiting.latest["composite"] == 3
    with ann.db.reading(system("test")) as txn:
        assert txn.session.scalars(select(CandidateFinding.composite).order_by(CandidateFinding.found_at)).all() == [
            3,
            0,
            0,
        ]

    ann.nausea("03-11 09:00", 3)
    assert ann.candidate().trend == "same"


def test_a_caregivers_zero_between_two_of_the_patients_ends_nothing_sooner_or_later(ann):
    ann.nausea("03-01 09:00", 3)
    ann.nausea("03-02 09:00", 0, by="caregiver")
    ann.nausea("03-03 09:00", 0)
    ann.nausea("03-09 09:00", 0)
    assert ann.candidate().is_running
    ann.nausea("03-09 21:00", 1, by="caregiver")

    ann.nausea("03-10 09:00", 0)

    assert not ann.candidate().is_running


def test_what_a_caregiver_finds_opens_joins_and_worsens(ann):
    ann.nausea("03-01 09:00", 2, by="caregiver")
    ann.nausea("03-02 09:00", 3, by="caregiver")

    joined = ann.candidate()
    assert (joined.worst["composite"], joined.trend, joined.report_count) == (3, "worse", 2)

"""A report: kept once and whatever its place, scored, and heard by the right person."""

import threading
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from backend.agenda.calendar import by_key
from backend.agenda.history import agenda_of
from backend.db import Actor, Database, system
from backend.errors import InvalidInput, ReportIdTaken
from backend.patients import life
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports.submit import Submission, Submitted, submit_report
from backend.terms import AgendaState, Originator, PatientStatus
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent, CandidateFinding
from backend.worklist.models import WorkItem
from tests import people
from tests.conftest import Clock
from tests.sent import submission

TEST = system("test")
FINE = ({"item": "nausea.frequency", "value": 0},)


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def weekly(completed_at: str, **changes: Any) -> Submission:
    return submission(completed_at, **{"answers": FINE} | changes)


def submitted(db: Database, ann: Patient, report: Submission) -> Submitted:
    with db.transaction(Actor(Originator.PATIENT, id=ann.id)) as txn:
        done = submit_report(txn, txn.session.get_one(Patient, ann.id), report)
    with db.reading(TEST) as txn:
        stored = txn.session.get_one(SymptomReport, (ann.id, report.id))
        txn.session.expunge(stored)
    return replace(done, report=stored)


def candidates(db: Database) -> dict[str | None, CandidateEvent]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(CandidateEvent)).all()
        txn.session.expunge_all()
    return {row.term_code: row for row in rows}


def count(db: Database, table: type[Any]) -> int:
    with db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count()).select_from(table)) or 0


def state_of(db: Database, ann: Patient, key: str) -> AgendaState:
    with db.reading(TEST) as txn:
        return by_key(agenda_of(txn, txn.session.get_one(Patient, ann.id)))[key].state


def test_the_same_report_again_gives_the_same_answer_and_adds_nothing(db: Database, ann: Patient) -> None:
    report = weekly("2027-03-01T07:55:00+08:00", wants_call=True)

    first, second = submitted(db, ann, report), submitted(db, ann, report)

    assert (first.is_new, second.is_new) == (True, False)
    assert first.candidate_event_ids == second.candidate_event_ids
    assert (first.report.tier, first.report.advice) == (second.report.tier, second.report.advice)
    assert (count(db, SymptomReport), count(db, CandidateFinding)) == (1, 1)


def test_the_same_instant_written_with_another_offset_is_the_same_report(db: Database, ann: Patient) -> None:
    report = weekly("2027-03-01T07:55:00+08:00")
    in_utc = datetime.fromisoformat("2027-02-28T23:55:00+00:00")

    submitted(db, ann, report)

    assert not submitted(db, ann, replace(report, started_at=in_utc, completed_at=in_utc)).is_new


def test_the_same_id_with_other_answers_is_refused_and_the_first_stands(db: Database, ann: Patient) -> None:
    report = weekly("2027-03-01T07:55:00+08:00")
    submitted(db, ann, report)

    with pytest.raises(ReportIdTaken):
        submitted(db, ann, replace(report, wants_call=True))

    assert count(db, SymptomReport) == 1


def test_two_patients_phones_may_make_the_same_id(db: Database, ann: Patient) -> None:
    report = weekly("2027-03-01T07:55:00+08:00")
    ben = people.ben(db)

    assert submitted(db, ann, report).is_new
    assert submitted(db, ben, report).is_new


def test_one_report_sent_eight_times_at_once_is_kept_once(db: Database, ann: Patient) -> None:
    report = weekly("2027-03-01T07:55:00+08:00", wants_call=True)
    outcomes: list[bool] = []
    together = threading.Barrier(8)

    def send() -> None:
        together.wait()
        outcomes.append(submitted(db, ann, report).is_new)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False] * 7 + [True]
    assert (count(db, SymptomReport), count(db, CandidateEvent)) == (1, 1)


def test_different_reports_at_once_about_one_symptom_join_one_episode(db: Database, ann: Patient) -> None:
    bad = ({"item": "nausea.frequency", "value": 4}, {"item": "nausea.severity", "value": 4})
    reports = [weekly("2027-03-01T07:55:00+08:00", answers=bad) for _ in range(4)]
    threads = [threading.Thread(target=submitted, args=(db, ann, report)) for report in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count(db, SymptomReport) == 4
    assert [row.report_count for row in candidates(db).values()] == [4]


def test_a_report_completes_the_one_open_item_of_its_instrument(db: Database, clock: Clock, ann: Patient) -> None:
    clock.move_to("2027-03-04T10:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-04T09:00:00+08:00"))

    assert (done.report.agenda_key, done.report.standing) == ("weekly.w1", "on_time")
    assert state_of(db, ann, "weekly.w1") is AgendaState.COMPLETED


def test_lateness_is_judged_by_when_it_was_completed_not_by_when_it_arrived(
    db: Database, clock: Clock, ann: Patient
) -> None:
    clock.move_to("2027-03-30T10:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-05T09:00:00+08:00", agenda_key="weekly.w1"))

    assert done.report.standing == "on_time"


def test_a_late_report_is_stored_as_late(db: Database, clock: Clock, ann: Patient) -> None:
    clock.move_to("2027-03-10T10:00:00+08:00")

    done = submitted(db, ann, weekly("2027-03-10T09:00:00+08:00", agenda_key="weekly.w1"))

    assert done.report.standing == "late"
    assert state_of(db, ann, "weekly.w1") is AgendaState.COMPLETED_LATE


def test_a_key_of_another_instrument_is_refused(db: Database, ann: Patient) -> None:
    with pytest.raises(InvalidInput) as refused:
        submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", agenda_key="baseline"))

    assert list(refused.value.fields) == ["agenda_key"]


@pytest.mark.parametrize(("key", "because"), [("weekly.w99", "no_such_item"), ("weekly.w2", "not_yet_open")])
def test_a_key_that_is_gone_or_not_yet_open_keeps_the_report_and_shows_it_to_a_person(
    db: Database, ann: Patient, key: str, because: str
) -> None:
    done = submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", agenda_key=key))

    assert (done.report.standing, done.report.unscheduled_because) == ("unscheduled", because)
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(WorkItem.reason)).all() == ["unscheduled_report"]


@pytest.mark.parametrize("status", [PatientStatus.WITHDRAWN, PatientStatus.DIED])
def test_a_report_after_withdrawal_or_death_is_kept_scored_and_shown(
    db: Database, ann: Patient, status: PatientStatus
) -> None:
    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, ann.id).status = status

    done = submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", measurements={"temperature_c": 38.4}))

    assert (done.report.standing, done.report.tier) == ("unscheduled", "T2")
    assert count(db, WorkItem) == 1


def test_a_report_from_the_future_is_kept_and_flagged(db: Database, ann: Patient) -> None:
    done = submitted(db, ann, weekly("2027-03-01T09:00:00+08:00"))

    assert done.report.clock_is_off


def test_a_report_is_evidence_of_life_for_its_own_day(db: Database, clock: Clock, ann: Patient) -> None:
    clock.move_to("2027-03-20T10:00:00+08:00")
    submitted(db, ann, weekly("2027-03-05T09:00:00+08:00", agenda_key="weekly.w1"))

    with db.reading(TEST) as txn:
        assert life.last_known_alive(txn, txn.session.get_one(Patient, ann.id)) == date(2027, 3, 5)


def test_each_item_is_stored_as_answered_skipped_or_hidden(db: Database, ann: Patient) -> None:
    answers = ({"item": "nausea.frequency", "value": 0}, {"item": "rash.presence", "value": None})

    stored = submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", answers=answers)).report.answers

    assert stored["nausea.frequency"] == 0
    assert stored["nausea.severity"] == "not_asked_by_branching"
    assert stored["rash.presence"] == "skipped"
    assert stored["fatigue.severity"] == "skipped"


def test_an_acknowledged_episode_takes_the_same_again_in_silence_and_returns_when_worse(
    db: Database, clock: Clock, ann: Patient
) -> None:
    worse = ({"item": "fatigue.severity", "value": 4}, {"item": "fatigue.interference", "value": 4})
    mild = ({"item": "fatigue.severity", "value": 2}, {"item": "fatigue.interference", "value": 2})
    submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", answers=mild))
    with db.transaction(TEST) as txn:
        acknowledge(txn, txn.session.scalars(select(CandidateEvent)).one())

    submitted(db, ann, weekly("2027-03-01T07:10:00+08:00", answers=mild))
    silent = candidates(db)["10016256"]
    submitted(db, ann, weekly("2027-03-01T07:20:00+08:00", answers=worse))
    loud = candidates(db)["10016256"]

    assert (silent.status, silent.report_count, silent.trend) == ("acknowledged", 2, "same")
    assert (loud.status, loud.tier, loud.trend, loud.id) == ("proposed", "T2", "worse", silent.id)


def test_two_reports_at_zero_a_week_apart_end_the_episode_and_the_next_opens_another(
    db: Database, clock: Clock, ann: Patient
) -> None:
    bad = ({"item": "fatigue.severity", "value": 4}, {"item": "fatigue.interference", "value": 0})
    none = ({"item": "fatigue.severity", "value": 0},)
    first = submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", answers=bad)).candidate_event_ids
    for day, answers in ((8, none), (15, none), (22, bad)):
        clock.move_to(f"2027-03-{day:02}T10:00:00+08:00")
        last = submitted(db, ann, weekly(f"2027-03-{day:02}T09:00:00+08:00", answers=answers)).candidate_event_ids

    assert len(first) == len(last) == 1
    assert first != last


def test_a_bad_week_between_two_at_zero_keeps_the_episode_running(db: Database, clock: Clock, ann: Patient) -> None:
    bad = ({"item": "fatigue.severity", "value": 4}, {"item": "fatigue.interference", "value": 0})
    none = ({"item": "fatigue.severity", "value": 0},)
    touched = set(submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", answers=bad)).candidate_event_ids)
    for day, answers in ((8, none), (15, bad), (22, none), (29, bad)):
        clock.move_to(f"2027-03-{day:02}T10:00:00+08:00")
        done = submitted(db, ann, weekly(f"2027-03-{day:02}T09:00:00+08:00", answers=answers))
        touched.update(done.candidate_event_ids)

    assert len(touched) == 1


def test_a_baseline_report_raises_nothing_for_the_queue_but_what_is_urgent(db: Database, ann: Patient) -> None:
    moment = "2027-02-26T07:00:00+08:00"
    answers = ({"item": "fatigue.severity", "value": 2}, {"item": "fatigue.interference", "value": 2})

    mild = submitted(db, ann, weekly(moment, instrument="baseline", answers=answers))
    urgent = submitted(db, ann, weekly(moment, instrument="baseline", measurements={"temperature_c": 38.6}))

    assert (mild.report.tier, mild.candidate_event_ids) == (None, ())
    assert urgent.report.tier == "T2"
    assert candidates(db)["10016558"].before_treatment


def test_impossible_answers_leave_nothing_behind(db: Database, ann: Patient) -> None:
    hidden = ({"item": "nausea.frequency", "value": 0}, {"item": "nausea.severity", "value": 2})

    with pytest.raises(InvalidInput) as refused:
        submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", answers=hidden, measurements={"temperature_c": 44.0}))

    assert set(refused.value.fields) == {"answers.1.value", "measurements.temperature_c"}
    assert count(db, SymptomReport) == 0


def test_a_candidate_id_belongs_to_the_report_that_raised_it(db: Database, ann: Patient) -> None:
    done = submitted(db, ann, weekly("2027-03-01T07:00:00+08:00", wants_call=True))

    assert all(isinstance(one, UUID) for one in done.candidate_event_ids)
    assert [row.id for row in candidates(db).values()] == list(done.candidate_event_ids)

"""Acts on the agenda: what they change, what they tell the patient, and what they refuse."""

import threading
from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy import select

from backend.agenda import changes
from backend.agenda.calendar import by_key, visible_to_patient
from backend.agenda.history import agenda_of
from backend.db import Database, Transaction, system
from backend.errors import AlreadyExists, FollowupError, InvalidInput, NoLongerPossible, NotFound
from backend.jobs import Work
from backend.patients import life
from backend.patients.models import Deviation, Patient
from backend.terms import AgendaState, Attendance, Reply
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
COLLECTED = date(2027, 3, 5)


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def in_the_record(txn: Transaction, ann: Patient) -> Patient:
    return txn.session.get_one(Patient, ann.id)


def planned(db: Database, ann: Patient, collected: date = COLLECTED) -> changes.Diff:
    with db.transaction(TEST) as txn:
        return changes.plan_cycle(txn, in_the_record(txn, ann), 1, collected).diff


def confirmed(db: Database, ann: Patient, day_1_on: date | None = None) -> changes.Diff:
    with db.transaction(TEST) as txn:
        return changes.confirm_cycle(txn, in_the_record(txn, ann), 1, day_1_on).diff


def seen_by_ann(db: Database, ann: Patient) -> dict[str, date]:
    with db.reading(TEST) as txn:
        items = visible_to_patient(agenda_of(txn, in_the_record(txn, ann)))
        return {item.key: item.due_on for item in items if item.key.startswith("cycle")}


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def test_infusions_follow_fifteen_days_after_the_collection_on_two_consecutive_days(db: Database, ann: Patient) -> None:
    diff = planned(db, ann)

    assert diff.added == ("cycle-1.day-1", "cycle-1.day-2")
    with db.reading(TEST) as txn:
        items = by_key(agenda_of(txn, in_the_record(txn, ann)))
    assert items["cycle-1.day-1"].due_on == date(2027, 3, 20)
    assert items["cycle-1.day-2"].due_on == date(2027, 3, 21)


def test_the_patient_hears_of_dates_only_once_they_are_confirmed(db: Database, work: Work, ann: Patient) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    plan_and_send(work)
    assert (seen_by_ann(db, ann), phone.received) == ({}, [])

    confirmed(db, ann)
    plan_and_send(work)

    assert seen_by_ann(db, ann) == {"cycle-1.day-1": date(2027, 3, 20), "cycle-1.day-2": date(2027, 3, 21)}
    [text] = phone.received
    assert "Sat 20 March and Sun 21 March" in text


def test_a_move_recalls_what_spoke_of_the_old_days_and_voids_the_old_answer(
    db: Database, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    confirmed(db, ann)
    plan_and_send(work)
    phone.writes("1")

    diff = confirmed(db, ann, date(2027, 3, 22))
    plan_and_send(work)

    assert set(diff.moved) >= {"cycle-1.day-1", "cycle-1.day-2", "safety.c1.d0"}
    assert diff.messages_recalled > 0
    assert any("Changed" in text and "Mon 22 March and Tue 23 March" in text for text in phone.received)
    with db.reading(TEST) as txn:
        items = by_key(agenda_of(txn, in_the_record(txn, ann)))
        unsent = txn.session.scalars(select(Message.key).where(Message.status == "queued")).all()
    assert items["cycle-1.day-1"].reply is None
    assert not [key for key in unsent if key.startswith("cycle") and "@2027-03-20" in key]


def test_a_move_back_to_the_first_day_is_told_again(db: Database, work: Work, ann: Patient) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    confirmed(db, ann)
    plan_and_send(work)
    confirmed(db, ann, date(2027, 3, 22))
    plan_and_send(work)

    confirmed(db, ann, date(2027, 3, 20))
    plan_and_send(work)

    assert sum("Sat 20 March and Sun 21 March" in text for text in phone.received) == 2


def test_a_failed_release_cancels_the_pair_and_a_new_collection_is_the_next_attempt(
    db: Database, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    confirmed(db, ann)
    plan_and_send(work)

    with db.transaction(TEST) as txn:
        diff = changes.fail_release(txn, in_the_record(txn, ann), 1).diff
    plan_and_send(work)
    again = planned(db, ann, date(2027, 3, 12))

    assert set(diff.cancelled) >= {"cycle-1.day-1", "cycle-1.day-2"}
    assert any("called off" in text for text in phone.received)
    assert again.added == ("cycle-1.2.day-1", "cycle-1.2.day-2")


def test_a_change_within_two_days_also_needs_a_call_and_is_told_in_the_night(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    clock.move_to("2027-03-19T23:30:00+08:00")

    confirmed(db, ann)
    plan_and_send(work)

    assert len(phone.received) == 1, "quiet hours do not hold back tomorrow's news, and no reminder doubles it"
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(WorkItem.reason)).all() == ["call_about_moved_date"]


def test_news_of_a_distant_day_waits_for_the_morning(db: Database, clock: Clock, work: Work, ann: Patient) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    clock.move_to("2027-03-10T23:30:00+08:00")
    confirmed(db, ann)
    plan_and_send(work)
    assert phone.received == []

    clock.move_to("2027-03-11T08:00:00+08:00")
    plan_and_send(work)

    assert any("Sat 20 March and Sun 21 March" in text for text in phone.received)


def test_both_infusion_days_are_reminded_of_each_at_its_hour_once(
    db: Database, clock: Clock, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    planned(db, ann)
    confirmed(db, ann)
    told: dict[str, list[str]] = {}
    for moment in ("2027-03-18T18:00:00+08:00", "2027-03-19T18:00:00+08:00", "2027-03-20T18:00:00+08:00"):
        before = len([text for text in phone.received if "We expect you" in text])
        clock.move_to(moment)
        plan_and_send(work)
        plan_and_send(work)
        told[moment[:10]] = sorted(text for text in phone.received if "We expect you" in text)[before:]

    assert len([text for text in phone.received if "We expect you at the hospital on Sat 20 March" in text]) == 2
    assert len([text for text in phone.received if "We expect you at the hospital on Sun 21 March" in text]) == 1


def test_an_actual_start_is_what_the_days_after_count_from(db: Database, clock: Clock, ann: Patient) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-22T12:00:00+08:00")

    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at("2027-03-20T09:30:00+08:00"))
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 2, at("2027-03-22T10:00:00+08:00"))

    with db.reading(TEST) as txn:
        items = by_key(agenda_of(txn, in_the_record(txn, ann)))
        deviations = txn.session.scalars(select(Deviation.kind)).all()
    assert items["safety.c1.d0"].due_on == date(2027, 3, 22)
    assert items["safety.c1.d14"].due_on == date(2027, 4, 5)
    assert deviations == ["day_2_moved"]


def test_a_missed_second_day_is_a_deviation(db: Database, clock: Clock, ann: Patient) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-21T20:00:00+08:00")
    with db.transaction(TEST) as txn:
        patient = in_the_record(txn, ann)
        changes.start_infusion(txn, patient, 1, 1, at("2027-03-20T09:30:00+08:00"))
        changes.record_attendance(txn, patient, "cycle-1.day-2", Attendance.MISSED, date(2027, 3, 21))

    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(Deviation.kind)).all() == ["day_2_missed"]


def test_what_has_begun_never_moves(db: Database, clock: Clock, ann: Patient) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-20T12:00:00+08:00")
    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at("2027-03-20T09:30:00+08:00"))

    with pytest.raises(NoLongerPossible):
        confirmed(db, ann, date(2027, 3, 25))


@pytest.mark.parametrize(
    ("number", "collected", "refusal"),
    [
        (4, COLLECTED, InvalidInput),
        (0, COLLECTED, InvalidInput),
        (1, date(2027, 1, 1), InvalidInput),
        (1, date(2029, 1, 1), InvalidInput),
    ],
)
def test_an_impossible_collection_is_refused(
    db: Database, ann: Patient, number: int, collected: date, refusal: type[FollowupError]
) -> None:
    with pytest.raises(refusal), db.transaction(TEST) as txn:
        changes.plan_cycle(txn, in_the_record(txn, ann), number, collected)


def test_one_collection_a_cycle(db: Database, ann: Patient) -> None:
    planned(db, ann)

    with pytest.raises(AlreadyExists):
        planned(db, ann, date(2027, 3, 8))


def test_controls_have_no_cycles(db: Database) -> None:
    ben = people.ben(db)

    with pytest.raises(NoLongerPossible):
        planned(db, ben)


@pytest.mark.parametrize(
    ("day", "started_at", "refusal"),
    [
        (1, "2027-03-21T09:00:00+08:00", InvalidInput),
        (2, "2027-03-20T09:00:00+08:00", InvalidInput),
    ],
)
def test_an_impossible_start_is_refused(
    db: Database, clock: Clock, ann: Patient, day: int, started_at: str, refusal: type[FollowupError]
) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-20T12:00:00+08:00")

    with pytest.raises(refusal), db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, day, at(started_at))


@pytest.mark.parametrize("started_at", ["2027-01-05T09:00:00+08:00", "2027-03-05T09:00:00+08:00"])
def test_an_infusion_starts_after_consent_and_after_the_collection(
    db: Database, clock: Clock, ann: Patient, started_at: str
) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-20T12:00:00+08:00")

    with pytest.raises(InvalidInput) as refused, db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at(started_at))

    assert [*refused.value.fields] == ["started_at"]


def test_an_infusion_before_the_death_is_still_recorded_and_one_after_it_is_not(
    db: Database, clock: Clock, ann: Patient
) -> None:
    planned(db, ann)
    confirmed(db, ann)
    clock.move_to("2027-03-22T12:00:00+08:00")
    with db.transaction(TEST) as txn:
        life.record_death(txn, in_the_record(txn, ann), "2027-03-20")

    with pytest.raises(InvalidInput) as refused, db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at("2027-03-21T09:00:00+08:00"))
    with db.transaction(TEST) as txn:
        begun = changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at("2027-03-20T09:00:00+08:00")).cycle

        assert begun.day_1_on == date(2027, 3, 20)
    assert [*refused.value.fields] == ["started_at"]


def test_nobody_attends_before_consent_or_after_death(db: Database, ann: Patient) -> None:
    with db.transaction(TEST) as txn:
        life.record_death(txn, in_the_record(txn, ann), "2027-02-27")

    for on in (date(2027, 2, 19), date(2027, 2, 28)):
        with pytest.raises(InvalidInput) as refused, db.transaction(TEST) as txn:
            changes.record_attendance(txn, in_the_record(txn, ann), "imaging.m0", Attendance.ATTENDED, on)
        assert [*refused.value.fields] == ["on"]
    with db.transaction(TEST) as txn:
        patient = in_the_record(txn, ann)
        item = changes.record_attendance(txn, patient, "imaging.m0", Attendance.ATTENDED, date(2027, 2, 26)).item

    assert item.state is AgendaState.COMPLETED


def test_an_unconfirmed_infusion_cannot_start(db: Database, clock: Clock, ann: Patient) -> None:
    planned(db, ann)
    clock.move_to("2027-03-20T12:00:00+08:00")

    with pytest.raises(NoLongerPossible), db.transaction(TEST) as txn:
        changes.start_infusion(txn, in_the_record(txn, ann), 1, 1, at("2027-03-20T09:00:00+08:00"))


def test_nobody_replies_to_what_they_cannot_see_or_what_is_over(db: Database, clock: Clock, ann: Patient) -> None:
    planned(db, ann)
    with pytest.raises(NotFound), db.transaction(TEST) as txn:
        changes.reply_to(txn, in_the_record(txn, ann), "cycle-1.day-1", Reply.COMING)

    with db.transaction(TEST) as txn:
        patient = in_the_record(txn, ann)
        changes.record_attendance(txn, patient, "imaging.m0", Attendance.ATTENDED, date(2027, 2, 26))
    with pytest.raises(NoLongerPossible), db.transaction(TEST) as txn:
        changes.reply_to(txn, in_the_record(txn, ann), "imaging.m0", Reply.COMING)


def test_attending_a_visit_completes_it_and_shows_that_the_patient_was_alive(db: Database, ann: Patient) -> None:
    with db.transaction(TEST) as txn:
        patient = in_the_record(txn, ann)
        item = changes.record_attendance(txn, patient, "imaging.m0", Attendance.ATTENDED, date(2027, 2, 26)).item

    assert item.state is AgendaState.COMPLETED


def test_of_two_who_fail_one_release_at_once_the_second_finds_that_it_is_done(db: Database, ann: Patient) -> None:
    planned(db, ann)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def act(verb: Callable[..., changes.CycleChange]) -> None:
        together.wait()
        try:
            with db.transaction(TEST) as txn:
                verb(txn, in_the_record(txn, ann), 1)
            outcomes.append("done")
        except NoLongerPossible:
            outcomes.append("refused")

    threads = [threading.Thread(target=act, args=(verb,)) for verb in (changes.fail_release, changes.fail_release)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done", "refused"]


def keys_waiting(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(Message.key).where(Message.status == "queued")))


def test_a_move_recalls_the_reminders_of_the_days_after_the_infusion_too(db: Database, ann: Patient) -> None:
    planned(db, ann)
    confirmed(db, ann)
    assert "safety.c1.d1@2027-03-22:0d" in keys_waiting(db)

    confirmed(db, ann, date(2027, 3, 25))

    assert "safety.c1.d1@2027-03-22:0d" not in keys_waiting(db)
    assert "safety.c1.d1@2027-03-27:0d" in keys_waiting(db)


def test_news_that_still_waits_for_the_morning_is_recalled_when_the_days_move(
    db: Database, clock: Clock, ann: Patient
) -> None:
    planned(db, ann)
    clock.move_to("2027-03-05T23:00:00+08:00")
    confirmed(db, ann)
    assert "cycle-1.day-1@2027-03-20:confirmed" in keys_waiting(db)

    confirmed(db, ann, date(2027, 3, 25))

    assert "cycle-1.day-1@2027-03-20:confirmed" not in keys_waiting(db)
    assert "cycle-1.day-1@2027-03-25:confirmed" in keys_waiting(db)

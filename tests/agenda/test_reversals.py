"""Signed reversals below the doors: what a mistaken entry did goes back, and the plan with it."""

from datetime import date

import pytest
from sqlalchemy import select

from backend.agenda import reversals, stays
from backend.agenda.acting import Diff
from backend.db import Database
from backend.errors import NoLongerPossible, NotFound
from backend.fsck.messages import sent_after_leaving
from backend.jobs import Work
from backend.patients import contact, life
from backend.patients.acts import Discontinuation, Reversal, Withdrawal
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.terms import WithdrawalScope
from notifications.models import Message
from tests import people
from tests.agenda.test_stops import (
    CELLS,
    DRUG,
    REPORTING,
    STUDY,
    TEST,
    TODAY,
    at_once,
    of,
    record,
    states,
    stopped,
    treated,
    waiting,
    withdrawn,
)
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def taken_back(db: Database, who: Patient, kind: type[Discontinuation] | type[Withdrawal]) -> Diff:
    """Reverse the latest standing act of this kind."""
    with db.transaction(TEST) as txn:
        standing = select(kind.id).where(kind.patient_id == who.id, kind.reversed_at.is_(None))
        act_id = txn.session.scalars(standing.order_by(kind.recorded_at.desc())).first()
        assert act_id is not None
        return reversals.reverse(txn, of(txn, who), act_id, "the wrong patient").diff


@pytest.mark.parametrize("scope", [REPORTING, STUDY])
def test_a_withdrawal_that_never_was_is_taken_back_with_its_plan(
    db: Database, work: Work, ann: Patient, scope: WithdrawalScope
) -> None:
    work.plan()
    planned, agenda = waiting(db), states(db, ann)
    gone = withdrawn(db, ann, scope)

    diff = taken_back(db, ann, Withdrawal)

    assert (waiting(db), states(db, ann)) == (planned, agenda)
    assert diff.added == gone.cancelled
    after = record(db, ann)
    assert (after.status, after.withdrawn_from_reporting_on, after.withdrawn_from_study_on) == ("on_study", None, None)
    assert after.records_search_allowed is None


def test_cells_that_were_never_stopped_are_announced_again(db: Database, work: Work, ann: Patient) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    treated(db, ann)
    plan_and_send(work)
    stopped(db, ann, CELLS)
    plan_and_send(work)
    assert not any("Changed" in text for text in phone.received)

    diff = taken_back(db, ann, Discontinuation)
    plan_and_send(work)

    assert {"cycle-1.day-1", "cycle-1.day-2"} <= set(diff.added)
    assert sum("Changed" in text and "Tue 16 March and Wed 17 March" in text for text in phone.received) == 1


def test_who_heard_off_and_on_hears_that_it_is_off_after_all(db: Database, work: Work, ann: Patient) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    treated(db, ann)
    plan_and_send(work)
    stopped(db, ann, CELLS)
    plan_and_send(work)
    taken_back(db, ann, Discontinuation)
    plan_and_send(work)

    stopped(db, ann, CELLS)
    plan_and_send(work)

    with db.reading(TEST) as txn:
        said = txn.session.scalars(select(Message.key).where(Message.template == "infusion_cancelled")).all()
    assert sorted(said) == ["cycle-1.day-1@2027-03-16:cancelled", "cycle-1.day-1@2027-03-16:cancelled:2"]
    assert len(phone.received) == 4


def test_news_that_it_is_off_does_not_go_out_once_it_is_on_again(
    db: Database, work: Work, clock: Clock, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    treated(db, ann)
    plan_and_send(work)
    clock.move_to("2027-03-02T23:00:00+08:00")
    stopped(db, ann, CELLS)
    assert "cycle-1.day-1@2027-03-16:cancelled" in waiting(db)

    taken_back(db, ann, Discontinuation)

    assert "cycle-1.day-1@2027-03-16:cancelled" not in waiting(db)
    clock.move_to("2027-03-03T09:00:00+08:00")
    plan_and_send(work)
    assert "Changed" in phone.received[-1]


def test_each_of_two_withdrawals_is_taken_back_by_itself(db: Database, clock: Clock, ann: Patient) -> None:
    withdrawn(db, ann, REPORTING)
    clock.move_to("2027-03-02T08:00:00+08:00")
    withdrawn(db, ann, STUDY)

    taken_back(db, ann, Withdrawal)
    after_one = record(db, ann).status
    taken_back(db, ann, Withdrawal)

    assert (after_one, record(db, ann).status) == ("withdrawn_from_reporting", "on_study")


def test_a_death_stands_whatever_is_taken_back(db: Database, ann: Patient) -> None:
    withdrawn(db, ann, STUDY)
    with db.transaction(TEST) as txn:
        life.record_death(txn, of(txn, ann), "2027-03-01")

    taken_back(db, ann, Withdrawal)

    after = record(db, ann)
    assert (after.status, after.withdrawn_from_study_on, waiting(db)) == ("died", None, [])


def test_what_was_signed_is_the_act_as_it_stands_for_ever(db: Database, ann: Patient) -> None:
    withdrawn(db, ann, STUDY)
    with db.reading(TEST) as txn:
        as_it_stood = reversals.content_hash(txn.session.scalars(select(Withdrawal)).one())

    taken_back(db, ann, Withdrawal)

    with db.transaction(TEST) as txn:
        act, signed = txn.session.scalars(select(Withdrawal)).one(), txn.session.scalars(select(Reversal)).one()
        assert (signed.of_type, signed.of_id, act.reversed_at) == ("withdrawal", act.id, txn.now)
        assert signed.content_hash == as_it_stood == reversals.content_hash(act)
        assert unseal(txn, signed, "reason_sealed") == "the wrong patient"
        act.on = date(2027, 2, 27)
        assert reversals.content_hash(act) != signed.content_hash
        txn.session.expire(act)


def test_a_stay_that_never_was_pauses_nothing_any_more(db: Database, ann: Patient) -> None:
    planned = stays.Admission(date(2027, 2, 22), date(2027, 2, 24), True, "a scan")
    fever = stays.Admission(date(2027, 2, 28), None, False, "fever")
    with db.transaction(TEST) as txn:
        ids = [stays.admit(txn, of(txn, ann), said).stay.id for said in (planned, fever)]
    assert waiting(db) == []

    for number, act_id in enumerate(ids):
        with db.transaction(TEST) as txn:
            reversals.reverse(txn, of(txn, ann), act_id, "another patient's")
        with db.reading(TEST) as txn:
            assert len(contact.holds(txn, of(txn, ann))) == 1 - number

    assert waiting(db) != []


def test_what_is_not_this_patients_or_was_reversed_before_cannot_be_reversed(db: Database, ann: Patient) -> None:
    stopped(db, ann, DRUG)
    with db.reading(TEST) as txn:
        act_id = txn.session.scalars(select(Discontinuation.id)).one()
    ben = people.ben(db)

    with pytest.raises(NotFound), db.transaction(TEST) as txn:
        reversals.reverse(txn, of(txn, ben), act_id, "hers")
    taken_back(db, ann, Discontinuation)
    with pytest.raises(NoLongerPossible), db.transaction(TEST) as txn:
        reversals.reverse(txn, of(txn, ann), act_id, "again")
    stopped(db, ann, DRUG)

    assert record(db, ann).drug_discontinued_on == TODAY


def test_texts_between_a_mistaken_withdrawal_and_a_real_one_are_no_finding(
    db: Database, work: Work, clock: Clock, ann: Patient
) -> None:
    withdrawn(db, ann, STUDY)
    clock.move_to("2027-03-02T08:00:00+08:00")
    taken_back(db, ann, Withdrawal)
    clock.move_to("2027-03-04T12:00:00+08:00")
    plan_and_send(work)
    clock.move_to("2027-03-05T08:00:00+08:00")

    withdrawn(db, ann, STUDY, date(2027, 3, 5))

    assert Phone(work, people.ANNS_PHONE).received != []
    with db.reading(TEST) as txn:
        assert list(sent_after_leaving(txn)) == []


def test_of_two_who_reverse_one_act_at_once_exactly_one_does(db: Database, ann: Patient) -> None:
    stopped(db, ann, CELLS)
    with db.reading(TEST) as txn:
        act_id = txn.session.scalars(select(Discontinuation.id)).one()

    def reverse() -> None:
        with db.transaction(TEST) as txn:
            reversals.reverse(txn, of(txn, ann), act_id, "never stopped")

    assert at_once(reverse, reverse) == ["done", "no_longer_possible"]
    with db.reading(TEST) as txn:
        assert len(txn.session.scalars(select(Reversal)).all()) == 1

"""What is stopped for good, who withdraws, and what a signed reversal brings back: below the doors."""

import threading
from collections.abc import Callable
from datetime import date, datetime

import pytest
from sqlalchemy import select

from backend.agenda import changes, stops
from backend.agenda.acting import Diff
from backend.agenda.history import agenda_of
from backend.audit import AuditEvent
from backend.db import Database, Transaction, system
from backend.errors import AlreadyExists, FollowupError, InvalidInput, NoLongerPossible
from backend.jobs import Work
from backend.patients import life
from backend.patients.acts import Discontinuation, Withdrawal
from backend.patients.models import ActivationCode, Device, Patient
from backend.patients.sign_in import issue_code
from backend.sealing import unseal
from backend.terms import AgendaKind, AgendaState, PatientStatus, Treatment, WithdrawalScope
from backend.worklist.models import WorkItem
from notifications.models import Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone, plan_and_send

TEST = system("test")
TODAY = date(2027, 3, 1)
REPORTING, STUDY = WithdrawalScope.REPORTING, WithdrawalScope.STUDY
CELLS, DRUG = Treatment.CELLS, Treatment.TARGETED_DRUG


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def of(txn: Transaction, patient: Patient) -> Patient:
    return txn.session.get_one(Patient, patient.id)


def stopped(db: Database, who: Patient, treatment: Treatment, on: date = TODAY) -> Diff:
    with db.transaction(TEST) as txn:
        return stops.discontinue(txn, of(txn, who), treatment, on, "words of hers").diff


def withdrawn(
    db: Database, who: Patient, scope: WithdrawalScope, on: date = TODAY, searches: bool | None = None
) -> Diff:
    with db.transaction(TEST) as txn:
        return stops.withdraw(txn, of(txn, who), stops.Wish(scope, on, "words of his", searches)).diff


def record(db: Database, who: Patient) -> Patient:
    with db.reading(TEST) as txn:
        patient = of(txn, who)
        txn.session.expunge(patient)
        return patient


def states(db: Database, who: Patient) -> dict[str, tuple[AgendaKind, AgendaState]]:
    with db.reading(TEST) as txn:
        return {item.key: (item.kind, item.state) for item in agenda_of(txn, of(txn, who))}


def waiting(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return sorted(txn.session.scalars(select(Message.key).where(Message.status == "queued")))


def treated(db: Database, ann: Patient) -> None:
    """The pair of 16 and 17 March is confirmed."""
    with db.transaction(TEST) as txn:
        changes.plan_cycle(txn, of(txn, ann), 1, TODAY)
        changes.confirm_cycle(txn, of(txn, ann), 1)


def begun(db: Database, ann: Patient, at: str) -> None:
    with db.transaction(TEST) as txn:
        changes.start_infusion(txn, of(txn, ann), 1, 1, datetime.fromisoformat(at))


# --- discontinuations --------------------------------------------------------------------------------------


def test_stopping_the_cells_cancels_the_infusions_ahead_and_tells_the_patient(
    db: Database, work: Work, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    treated(db, ann)
    plan_and_send(work)

    diff = stopped(db, ann, CELLS)
    plan_and_send(work)

    assert {"cycle-1.day-1", "cycle-1.day-2"} <= set(diff.cancelled)
    assert diff.messages_recalled > 0
    assert not [key for key in waiting(db) if key.startswith("cycle")]
    assert len(phone.received) == 2
    assert record(db, ann).cells_discontinued_on == TODAY


@pytest.mark.parametrize(("who", "treatment"), [(people.ann, CELLS), (people.ann, DRUG), (people.ben, DRUG)])
def test_stopping_a_treatment_is_no_withdrawal(
    db: Database, who: Callable[[Database], Patient], treatment: Treatment
) -> None:
    patient = who(db)

    stopped(db, patient, treatment)

    after = record(db, patient)
    assert after.status == PatientStatus.ON_STUDY
    assert {kind for kind, state in states(db, patient).values() if state is AgendaState.NOT_YET_OPEN} >= {
        AgendaKind.VISIT,
        AgendaKind.ASSESSMENT,
        AgendaKind.SURVIVAL_CHECK,
    }
    assert waiting(db) != []


def test_cells_stopped_between_the_two_days_leave_the_first_as_it_was(db: Database, clock: Clock, ann: Patient) -> None:
    treated(db, ann)
    clock.move_to("2027-03-16T15:00:00+08:00")
    begun(db, ann, "2027-03-16T09:00:00+08:00")

    diff = stopped(db, ann, CELLS, date(2027, 3, 16))

    assert "cycle-1.day-2" in diff.cancelled
    after = states(db, ann)
    assert after["cycle-1.day-1"][1] is AgendaState.COMPLETED
    assert after["cycle-1.day-2"][1] is AgendaState.CANCELLED


@pytest.mark.parametrize(
    ("on", "said"),
    [(date(2027, 2, 19), "Before consent"), (date(2027, 3, 2), "has not come"), (date(2027, 2, 28), "death")],
)
def test_no_day_outside_the_time_in_the_study_is_taken(db: Database, on: date, said: str) -> None:
    patient = people.ben(db)
    if said == "death":
        with db.transaction(TEST) as txn:
            life.record_death(txn, of(txn, patient), "2027-02-27")

    with pytest.raises(InvalidInput) as refused:
        stopped(db, patient, DRUG, on)

    assert said in refused.value.fields["on"][0]


def test_no_cells_are_stopped_where_none_are_given_nor_before_those_that_were(
    db: Database, clock: Clock, ann: Patient
) -> None:
    treated(db, ann)
    clock.move_to("2027-03-16T15:00:00+08:00")
    begun(db, ann, "2027-03-16T09:00:00+08:00")

    with pytest.raises(InvalidInput) as control:
        stopped(db, people.ben(db), CELLS)
    with pytest.raises(InvalidInput) as too_early:
        stopped(db, ann, CELLS, date(2027, 3, 15))

    assert control.value.fields == {"treatment": ["Patients of this arm receive no cells."]}
    assert "2027-03-16" in too_early.value.fields["on"][0]


def test_a_treatment_is_stopped_once_and_not_after_the_patient_has_left(db: Database, ann: Patient) -> None:
    stopped(db, ann, CELLS, date(2027, 2, 26))
    withdrawn(db, ann, STUDY, date(2027, 2, 27))

    with pytest.raises(AlreadyExists) as twice:
        stopped(db, ann, CELLS, date(2027, 2, 26))
    with pytest.raises(InvalidInput) as later:
        stopped(db, ann, DRUG, date(2027, 2, 28))
    stopped(db, ann, DRUG, date(2027, 2, 27))

    assert "2027-02-26" in str(twice.value)
    assert "withdrawal from the study" in later.value.fields["on"][0]


# --- withdrawals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [people.ann, people.ben])
def test_withdrawal_from_reporting_stops_questionnaires_and_keeps_visits_and_survival(
    db: Database, who: Callable[[Database], Patient]
) -> None:
    patient = who(db)
    with db.transaction(TEST) as txn:
        issue_code(txn, of(txn, patient))

    diff = withdrawn(db, patient, REPORTING)

    ahead = {kind for kind, state in states(db, patient).values() if state is AgendaState.NOT_YET_OPEN}
    assert AgendaKind.ASSESSMENT not in ahead
    assert {AgendaKind.VISIT, AgendaKind.SURVIVAL_CHECK} <= ahead
    assert "weekly.w1" in diff.cancelled
    assert record(db, patient).status == PatientStatus.WITHDRAWN_FROM_REPORTING
    assert not [key for key in waiting(db) if key.startswith(("weekly", "baseline"))]
    assert [key for key in waiting(db) if key.startswith("visit")] != []
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(ActivationCode.voided_at)).all() == [None]


@pytest.mark.parametrize("who", [people.ann, people.ben])
def test_withdrawal_from_the_study_stops_all_contact_in_the_same_transaction(
    db: Database, work: Work, who: Callable[[Database], Patient]
) -> None:
    patient = who(db)
    work.plan()
    people.phone_of(db, patient)
    with db.transaction(TEST) as txn:
        issue_code(txn, of(txn, patient))
    before = len(waiting(db))

    diff = withdrawn(db, patient, STUDY, searches=True)

    assert 0 < before == diff.messages_recalled
    assert waiting(db) == []
    assert {state for _, state in states(db, patient).values()} <= {AgendaState.CANCELLED, AgendaState.EXPIRED}
    left = record(db, patient)
    assert (left.status, left.withdrawn_from_study_on, left.records_search_allowed) == ("withdrawn", TODAY, True)
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(Device.signed_out_because)).all() == ["withdrawn"]
        unused = select(ActivationCode.voided_at).where(ActivationCode.used_at.is_(None))
        assert None not in txn.session.scalars(unused).all()
        assert set(txn.session.scalars(select(Message.reason).where(Message.status == "cancelled"))) == {"withdrawn"}


def test_whoever_withdraws_the_day_before_an_infusion_hears_nothing_and_is_not_called(
    db: Database, work: Work, clock: Clock, ann: Patient
) -> None:
    phone = Phone(work, people.ANNS_PHONE)
    treated(db, ann)
    plan_and_send(work)
    clock.move_to("2027-03-15T12:00:00+08:00")
    heard = list(phone.received)

    withdrawn(db, ann, STUDY, date(2027, 3, 15))
    plan_and_send(work)

    assert phone.received == heard
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(WorkItem.key)).all() == []


def test_who_stopped_reporting_can_still_leave_the_study_and_nothing_twice(db: Database, ann: Patient) -> None:
    withdrawn(db, ann, REPORTING)
    with pytest.raises(AlreadyExists):
        withdrawn(db, ann, REPORTING)
    withdrawn(db, ann, STUDY)

    for scope, refusal in ((STUDY, AlreadyExists), (REPORTING, NoLongerPossible)):
        with pytest.raises(refusal):
            withdrawn(db, ann, scope)

    assert record(db, ann).status == PatientStatus.WITHDRAWN


@pytest.mark.parametrize("scope", [REPORTING, STUDY])
def test_nobody_withdraws_after_death_before_consent_or_ahead_of_today(
    db: Database, ann: Patient, scope: WithdrawalScope
) -> None:
    for on in (date(2027, 2, 19), date(2027, 3, 2)):
        with pytest.raises(InvalidInput) as refused:
            withdrawn(db, ann, scope, on)
        assert [*refused.value.fields] == ["on"]
    with db.transaction(TEST) as txn:
        life.record_death(txn, of(txn, ann), "2027-02-27")
    with pytest.raises(NoLongerPossible):
        withdrawn(db, ann, scope, date(2027, 2, 26))

    assert record(db, ann).status == PatientStatus.DIED


def test_every_stop_is_on_the_trail_with_its_reason_sealed(db: Database, ann: Patient) -> None:
    stopped(db, ann, CELLS)
    withdrawn(db, ann, STUDY, searches=False)

    with db.reading(TEST) as txn:
        rows = [*txn.session.scalars(select(Discontinuation)), *txn.session.scalars(select(Withdrawal))]
        assert [unseal(txn, row, "reason_sealed") for row in rows] == ["words of hers", "words of his"]
        verbs = txn.session.scalars(select(AuditEvent.verb)).all()
        entries = txn.session.scalars(select(AuditEvent.new)).all()
    assert {"discontinuation.recorded", "patient.treatment_discontinued"} <= set(verbs)
    assert {"withdrawal.recorded", "patient.withdrawn"} <= set(verbs)
    assert not [one for one in entries if one and "words of" in one]


# --- two at once -------------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What came of each, done at the same moment."""
    together, outcomes = threading.Barrier(len(acts)), []

    def go(act: Callable[[], object]) -> None:
        together.wait()
        try:
            act()
            outcomes.append("done")
        except FollowupError as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_who_record_one_withdrawal_at_once_exactly_one_does(db: Database, ann: Patient) -> None:
    outcomes = at_once(lambda: withdrawn(db, ann, STUDY), lambda: withdrawn(db, ann, STUDY))

    assert outcomes == ["already_exists", "done"]


def test_of_two_who_stop_the_cells_at_once_exactly_one_does(db: Database, ann: Patient) -> None:
    assert at_once(lambda: stopped(db, ann, CELLS), lambda: stopped(db, ann, CELLS)) == ["already_exists", "done"]

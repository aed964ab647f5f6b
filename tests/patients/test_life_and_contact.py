"""Evidence of life, holds on contact, numbers and the hours of rest."""

import threading
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.errors import InvalidInput, NoLongerPossible, StaleRecord
from backend.patients import contact, life
from backend.patients.changes import change_preferences, update_patient
from backend.patients.models import ContactHold, Patient
from backend.patients.turns import take_turn
from backend.terms import EvidenceSource
from tests.people import BENS_PHONE, ann, ben, coordinator


def test_the_latest_evidence_counts_whatever_came_last(db):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        life.add_evidence(txn, row, as_of=date(2027, 3, 1), source=EvidenceSource.PATIENT)
        life.add_evidence(txn, row, as_of=date(2027, 2, 27), source=EvidenceSource.CAREGIVER, note="Her son says so.")

        assert life.last_known_alive(txn, row) == date(2027, 3, 1)


def test_nobody_is_known_to_be_alive_tomorrow(db):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        evidence = life.add_evidence(txn, row, as_of=date(2027, 3, 9), source=EvidenceSource.PATIENT)

        assert evidence.as_of == date(2027, 3, 1)


def test_a_death_stands_until_it_is_reversed(db):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        life.record_death(txn, row, "2027-03")
        with pytest.raises(NoLongerPossible):
            life.record_death(txn, row, "2027-02")

        assert (life.is_dead(row), row.died_on) == (True, "2027-03")


@pytest.mark.parametrize(
    ("died_on", "last_day"),
    [("2027-02-26", date(2027, 2, 26)), ("2027-02", date(2027, 2, 28)), ("2026", date(2026, 12, 31))],
)
def test_nobody_lived_after_the_last_day_that_the_death_can_mean(db, died_on, last_day):
    patient = ann(db, consented_on=date(2026, 2, 1), randomised_on=date(2026, 2, 10))

    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        life.record_death(txn, row, died_on)
        life.check_day(row, last_day, field="on")
        life.add_evidence(txn, row, as_of=last_day, source=EvidenceSource.VISIT)
        with pytest.raises(InvalidInput):
            life.check_day(row, last_day + timedelta(days=1), field="on")
        with pytest.raises(NoLongerPossible):
            life.add_evidence(txn, row, as_of=last_day + timedelta(days=1), source=EvidenceSource.VISIT)

        assert life.last_known_alive(txn, row) == last_day


def test_whoever_waited_for_the_turn_sees_what_happened_meanwhile(db):
    patient = ann(db)
    loaded = threading.Event()
    seen: list[str] = []

    def come_second() -> None:
        with db.transaction(system("test")) as txn:
            row = txn.session.get_one(Patient, patient.id)
            loaded.set()
            take_turn(txn, row)
            seen.append(row.language)

    second = threading.Thread(target=come_second)
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        take_turn(txn, row)
        second.start()
        loaded.wait(0.5)  # On SQLite the second does not even load before this one has ended.
        change_preferences(txn, row, {"language": "zh-CN"})
    second.join()

    assert seen == ["zh-CN"]


def test_two_who_hold_at_once_make_one_hold(db):
    patient = ann(db)
    together = threading.Barrier(2)

    def hold() -> None:
        together.wait()
        with db.transaction(system("test")) as txn:
            contact.hold(txn, txn.session.get_one(Patient, patient.id), "death_reported")

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with db.reading(system("test")) as txn:
        assert len(txn.session.scalars(select(ContactHold)).all()) == 1


def test_a_hold_is_one_hold_until_it_is_lifted(db):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        held = contact.hold(txn, row, "death_reported")
        same = contact.hold(txn, row, "death_reported")
        contact.lift(txn, held)
        remaining = contact.holds(txn, row)

    assert held is same
    assert remaining == []


def test_a_hold_with_an_end_ends_by_itself(db, clock):
    patient = ann(db)
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        contact.hold(txn, row, "hospital", until=datetime.fromisoformat("2027-03-08T00:00:00+08:00"))

    clock.move_to("2027-03-08T00:00:00+08:00")

    with db.reading(system("test")) as txn:
        assert contact.holds(txn, txn.session.get_one(Patient, patient.id)) == []


def test_a_number_that_two_share_finds_both(db):
    ben(db)
    sister = ann(db, phone=BENS_PHONE)

    with db.reading(system("test")) as txn:
        found = [patient.subject_number for patient in contact.patients_by_phone(txn, BENS_PHONE)]
        caregivers = contact.caregivers_by_phone(txn, BENS_PHONE)

    assert found == ["01-0001", sister.subject_number]
    assert len(caregivers) == 1


def test_the_hours_of_rest_are_the_patients_or_the_studys(db):
    usual = {"usual_from": time(21), "usual_to": time(8)}

    early, plain = ann(db, quiet_from=time(20), quiet_to=time(7)), ann(db)

    assert contact.quiet_window(early, **usual) == contact.QuietWindow(time(20), time(7), "Asia/Shanghai")
    assert contact.quiet_window(plain, **usual) == contact.QuietWindow(time(21), time(8), "Asia/Shanghai")


def test_of_two_who_change_a_record_read_at_one_version_the_second_is_told(db):
    patient, person = ann(db), coordinator(db)

    with db.transaction(person.actor) as txn:
        row = txn.session.get_one(Patient, patient.id)
        update_patient(txn, row, {"name": "Ann Wang"}, seen_version=patient.version)

    with db.transaction(person.actor) as txn:
        row = txn.session.get_one(Patient, patient.id)
        with pytest.raises(StaleRecord):
            update_patient(txn, row, {"name": "Ann Li"}, seen_version=patient.version)


def test_a_patients_own_wish_counts_as_a_change_of_the_record(db):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = change_preferences(txn, txn.session.get_one(Patient, patient.id), {"preferred_time": time(10, 30)})

        assert (row.version, row.preferred_time) == (patient.version + 1, time(10, 30))


def test_a_wish_that_changes_nothing_changes_no_version(db: Database):
    patient = ann(db)

    with db.transaction(system("test")) as txn:
        row = change_preferences(txn, txn.session.get_one(Patient, patient.id), {"language": "en"})

        assert row.version == patient.version

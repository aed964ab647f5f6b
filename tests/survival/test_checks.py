"""The checks that must list nothing: each lists what breaks it, to whoever may read it."""

from datetime import date, datetime

import pytest

from backend.db import Database, system
from backend.fsck import check
from backend.fsck.survival import INVARIANTS
from backend.patients import life
from backend.patients.models import EvidenceOfLife, Patient
from backend.survival import deaths
from backend.terms import DeathReportStatus, EvidenceSource
from tests import sent
from tests.databases import KINDS
from tests.people import ann, ben, coordinator, investigator, monitor, phone_of

API = "/api/v1/survival/checks"


def broken(client, person) -> set[str]:
    return {one["check"] for one in client.get(API, headers=person.headers).json["items"]}


def died(db: Database, patient: Patient, on: str) -> None:
    """Reported by nobody in particular, approved by another."""
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        deaths.approve(txn, row, deaths.report_death(txn, row, died_on=on))


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_each_contradiction_is_listed_with_its_patient(db: Database, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    when = {"consented_on": date(2027, 2, 25), "randomised_on": date(2027, 3, 1)}
    hers, his = ann(db, **when), ben(db, "site-02", **when)
    phone, person = phone_of(db, hers), investigator(db)
    none_yet = broken(client, monitor(db))

    died(db, hers, "2027-05-10")
    died(db, hers, "2027-06")
    with db.transaction(system("test")) as txn:
        seen = {"as_of": date(2027, 5, 11), "source": EvidenceSource.VISIT, "reference": "by hand"}
        at = {"recorded_at": datetime.fromisoformat("2027-05-12T00:00:00+00:00")}
        txn.session.add(EvidenceOfLife(patient_id=hers.id, site_id=hers.site_id, **seen, **at))
        life.record_death(txn, txn.session.get_one(Patient, his.id), "2027-05-10")
    lived = {"started_at": "2027-06-30T09:00:00+08:00", "completed_at": "2027-06-30T09:05:00+08:00"}
    assert client.post("/api/v1/me/reports", json=sent.report_body(**lived), headers=phone.headers).status_code == 201

    assert none_yet == set()
    assert broken(client, person) == {"alive_after_death", "two_dates_of_death", "reported_after_death"}
    assert broken(client, coordinator(db, "site-02")) == {"approved"}
    listed = client.get(API, headers=person.headers).json["items"]
    assert {one["patient"]["id"] for one in listed} == {str(hers.id)}
    found = {finding.invariant.name for finding in check(db, INVARIANTS) if not finding.holds}
    assert found == {"survival.alive_after_death", "survival.two_dates_of_death", "survival.approved"}


def test_what_was_known_of_a_life_is_held_against_every_approved_report(db: Database, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    hers, person = ann(db), investigator(db)
    seen = {"as_of": "2027-06-01", "status": "alive", "source": "visit"}
    at = f"/api/v1/patients/{hers.id}/survival-statuses"
    assert client.post(at, json=seen, headers=person.headers).status_code == 201
    died(db, hers, "2027-06-10")
    agreed = broken(client, person)
    clock.move_to("2027-07-01T09:05:00+08:00")
    died(db, hers, "2027-05-20")
    listed = client.get(API, headers=person.headers).json["items"]
    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, hers.id)
        contradicted = next(str(one.id) for one in deaths.reports_of(txn, row) if one.died_on == "2027-05-20")

    assert agreed == set()
    expected = {("alive_after_death", contradicted), ("two_dates_of_death", contradicted)}
    assert {(one["check"], one["record_id"]) for one in listed} == expected


def test_an_approved_report_without_a_death_on_the_record_is_listed(db: Database, client, clock) -> None:
    clock.move_to("2027-07-01T09:00:00+08:00")
    hers = ann(db)
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, hers.id)
        deaths.report_death(txn, row, died_on="2027-06-30").status = DeathReportStatus.APPROVED

    assert broken(client, monitor(db)) == {"recorded"}

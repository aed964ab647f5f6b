"""Phones over HTTP: every refusal alike, one phone at a time, and what a coordinator sees and ends."""

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import system
from backend.patients.life import record_death
from backend.patients.models import Patient
from backend.terms import PatientStatus
from tests.people import ann, bearer, ben, coordinator, investigator, monitor, phone_of

API = "/api/v1"
RIGHT = 1961


def new_code(client, person, patient) -> str:
    return client.post(f"{API}/patients/{patient.id}/activation-codes", headers=person.headers).json["code"]


def activated(client, code: str, year: int = RIGHT, device: str = "the phone in Ann's hand", **headers: str):
    shown = {"code": code, "birth_year": year, "device_id": device}
    return client.post(f"{API}/auth/activations", json=shown, headers=headers)


def is_signed_in(client, token: str) -> bool:
    return client.get(f"{API}/me", headers=bearer(token)).status_code == 200


def test_unknown_wrong_used_voided_and_expired_codes_are_refused_with_one_body(db, client, clock):
    person, patient, other = coordinator(db), ann(db), ben(db)
    used, voided, guessed = new_code(client, person, other), new_code(client, person, patient), ""
    activated(client, used, 1955)
    guessed = new_code(client, person, patient)
    refusals = [activated(client, guessed, year) for year in range(1900, 1905)]
    refusals += [activated(client, one) for one in ("AAAAAAAAAA", used, voided, guessed)]
    late = new_code(client, person, patient)
    clock.move_to("2027-03-08T08:00:01+08:00")
    refusals.append(activated(client, late))

    assert {refused.status_code for refused in refusals} == {401}
    assert len({str({**refused.json, "request_id": ""}) for refused in refusals}) == 1
    assert len({tuple(sorted(name for name, _ in refused.headers)) for refused in refusals}) == 1


def test_a_coordinator_is_asked_to_give_out_another_code_when_the_year_was_guessed_at(db, client):
    person, patient = coordinator(db), ann(db)
    code = new_code(client, person, patient)
    for year in range(1900, 1907):
        activated(client, code, year)

    tasks = client.get(f"{API}/worklist?reason=activation_code_voided", headers=person.headers).json["items"]

    assert [task["patient"]["id"] for task in tasks] == [str(patient.id)]
    assert activated(client, code).status_code == 401
    assert activated(client, new_code(client, person, patient)).status_code == 201


def test_a_phone_that_is_still_signed_in_may_be_activated_anew(db, client):
    person, patient = coordinator(db), ann(db)
    old = activated(client, new_code(client, person, patient)).json["access_token"]

    new = activated(client, new_code(client, person, patient), **bearer(old))

    assert new.status_code == 201
    assert is_signed_in(client, new.json["access_token"])


def test_a_new_phone_signs_the_old_one_out_at_once(db, client):
    person, patient = coordinator(db), ann(db)
    old = activated(client, new_code(client, person, patient)).json
    new = activated(client, new_code(client, person, patient), device="a new phone").json

    assert not is_signed_in(client, old["access_token"])
    assert is_signed_in(client, new["access_token"])
    assert client.post(f"{API}/auth/refresh", json={"refresh_token": old["refresh_token"]}).status_code == 401


def test_a_coordinator_sees_the_phones_and_signs_a_stolen_one_out(db, client, clock):
    person, patient = coordinator(db), ann(db)
    activated(client, new_code(client, person, patient))
    clock.move_to("2027-03-01T08:10:00+08:00")
    tokens = activated(client, new_code(client, person, patient), device="a new phone").json
    clock.move_to("2027-03-01T08:20:00+08:00")
    latest = client.post(f"{API}/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json
    devices = f"{API}/patients/{patient.id}/devices"
    before = client.get(devices, headers=person.headers).json["items"]

    ended = client.delete(devices, headers=person.headers)

    after = client.get(devices, headers=person.headers).json["items"]
    assert [one["signed_out_because"] for one in before] == [None, "another phone was signed in"]
    assert before[0]["last_seen_at"] == "2027-03-01T00:20:00+00:00"
    assert ended.status_code == 204
    assert after[0]["signed_out_because"] == "signed out by the hospital"
    assert not is_signed_in(client, latest["access_token"])
    assert client.post(f"{API}/auth/refresh", json={"refresh_token": latest["refresh_token"]}).status_code == 401


def test_who_ended_a_phones_sign_in_is_on_the_trail(db, client):
    person, patient = coordinator(db), ann(db)
    phone_of(db, patient)

    client.delete(f"{API}/patients/{patient.id}/devices", headers=person.headers)

    with db.reading(system("test")) as txn:
        ended = select(AuditEvent.actor_id, AuditEvent.role).where(AuditEvent.verb == "device.signed_out").distinct()
        assert txn.session.execute(ended).all() == [(person.id, "coordinator")]


def test_a_monitor_sees_phones_and_ends_none_and_another_site_sees_nothing(db, client):
    devices = f"{API}/patients/{ann(db).id}/devices"
    watching, elsewhere = monitor(db), coordinator(db, "site-02")

    answers = [
        client.open(devices, method=method, headers=person.headers).status_code
        for person in (watching, elsewhere)
        for method in ("GET", "DELETE")
    ]

    assert answers == [200, 403, 404, 404]


@pytest.mark.parametrize("status", [PatientStatus.DIED, PatientStatus.WITHDRAWN])
def test_no_code_is_given_out_for_who_has_died_or_left_the_study(db, client, status):
    person, patient = investigator(db), ann(db)
    code = new_code(client, person, patient)
    with db.transaction(system("test")) as txn:
        txn.session.get_one(Patient, patient.id).status = status

    refused = client.post(f"{API}/patients/{patient.id}/activation-codes", headers=person.headers)

    assert refused.status_code == 409
    assert activated(client, code).status_code == 401


def test_a_death_voids_the_codes_that_were_not_used(db, client):
    person, patient = coordinator(db), ann(db)
    new_code(client, person, patient)

    with db.transaction(system("test")) as txn:
        record_death(txn, txn.session.get_one(Patient, patient.id), "2027-03-01")

    with db.reading(system("test")) as txn:
        voided = select(AuditEvent.reason).where(AuditEvent.verb == "activation_code.voided")
        assert txn.session.scalars(voided).all() == ["the patient has died"]

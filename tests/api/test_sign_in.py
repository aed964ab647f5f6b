"""Signing in over HTTP: the contract's shapes, and refusals that look alike."""

from dataclasses import replace

import pytest

from tests.authenticator import in_force, sign_in
from tests.people import ann, bearer, coordinator, phone_of

API = "/api/v1"


def issue(client, person, patient):
    return client.post(f"{API}/patients/{patient.id}/activation-codes", headers=person.headers).json


def test_a_phone_is_activated_refreshed_and_signed_out(db, client):
    patient = ann(db)
    code = issue(client, coordinator(db), patient)["code"]

    shown = {"code": code, "birth_year": 1961, "device_id": "0b9cd6a0"}
    activated = client.post(f"{API}/auth/activations", json=shown)
    renewed = client.post(f"{API}/auth/refresh", json={"refresh_token": activated.json["refresh_token"]})
    mine = bearer(renewed.json["access_token"])
    before = client.get(f"{API}/me", headers=mine).status_code
    ended = client.delete(f"{API}/auth/session", headers=mine)
    after = client.get(f"{API}/me", headers=mine).status_code

    assert (activated.status_code, renewed.status_code) == (201, 201)
    assert activated.json.keys() == {"access_token", "refresh_token", "expires_in", "patient"}
    assert activated.json["patient"] == {"id": str(patient.id), "subject_number": "01-0001"}
    assert (before, ended.status_code, ended.data, after) == (200, 204, b"", 401)


def test_a_lost_activation_is_had_again(db, client):
    code = issue(client, coordinator(db), ann(db))["code"]
    shown = {"code": code, "birth_year": 1961, "device_id": "0b9cd6a0"}

    first, again = (client.post(f"{API}/auth/activations", json=shown).json for _ in range(2))

    assert first == again


@pytest.mark.parametrize("wrong", [{"birth_year": 1962}, {"code": "AAAAAAAAAA"}])
def test_a_refused_activation_says_nothing_of_why(db, client, wrong):
    code = issue(client, coordinator(db), ann(db))["code"]

    refused = client.post(f"{API}/auth/activations", json={"code": code, "birth_year": 1961} | wrong)

    assert refused.status_code == 401
    assert refused.content_type == "application/problem+json"
    assert (refused.json["code"], refused.json["detail"]) == ("sign_in_refused", "These details do not match.")
    assert "errors" not in refused.json


def test_an_old_refresh_token_ends_the_family_over_http_too(db, client, clock):
    code = issue(client, coordinator(db), ann(db))["code"]
    first = client.post(f"{API}/auth/activations", json={"code": code, "birth_year": 1961}).json
    second = client.post(f"{API}/auth/refresh", json={"refresh_token": first["refresh_token"]}).json
    clock.move_to("2027-03-01T08:01:00+08:00")

    stolen = client.post(f"{API}/auth/refresh", json={"refresh_token": first["refresh_token"]})

    assert stolen.status_code == 401
    assert client.get(f"{API}/me", headers=bearer(second["access_token"])).status_code == 401


def test_staff_sign_in_with_their_roles(db, client):
    person = coordinator(db)
    authenticator = in_force(db, person)

    answer = sign_in(client, person, authenticator.code())

    assert answer.status_code == 201
    assert answer.json["staff"]["roles"] == [{"role": "coordinator", "site": "site-01"}]
    assert answer.json.keys() == {"access_token", "expires_in", "staff", "second_factor"}
    assert client.get(f"{API}/patients", headers=bearer(answer.json["access_token"])).status_code == 200


def test_staff_are_refused_alike_whatever_is_wrong(db, client):
    person, careful = coordinator(db), coordinator(db)
    authenticator = in_force(db, careful)
    used = authenticator.code()
    sign_in(client, careful, used)

    refused = [
        sign_in(client, replace(person, email="nobody@example.org")),
        sign_in(client, person, password="not it"),
        sign_in(client, careful),
        sign_in(client, careful, ""),
        sign_in(client, careful, "000000"),
        sign_in(client, careful, used),
    ]

    bodies = [{**one.json, "request_id": ""} for one in refused]
    assert {(one.status_code, one.json["code"]) for one in refused} == {(401, "sign_in_refused")}
    assert bodies == [bodies[0]] * len(bodies)
    assert "authenticator" in bodies[0]["detail"]


def test_signing_out_ends_a_staff_session(db, client):
    person = coordinator(db)

    ended = client.delete(f"{API}/auth/session", headers=person.headers).status_code
    after = client.get(f"{API}/patients", headers=person.headers).status_code

    assert (ended, after) == (204, 401)


def test_reading_keeps_a_session_awake(db, client, clock):
    person = coordinator(db)

    answers = []
    for moment in ("08:25", "08:50", "09:15", "09:45"):
        clock.move_to(f"2027-03-01T{moment}:00+08:00")
        answers.append(client.get(f"{API}/patients", headers=person.headers).status_code)

    assert answers == [200, 200, 200, 401]


@pytest.mark.parametrize("header", ["Bearer unknown", "Bearer ", "Basic YTpi", "unknown"])
def test_a_token_nobody_gave_out_is_not_signed_in(db, client, header):
    answer = client.get(f"{API}/me", headers={"Authorization": header})

    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_no_token_is_not_signed_in_and_the_wrong_kind_of_token_is_not_permitted(db, client):
    phone, person = phone_of(db, ann(db)), coordinator(db)

    answers = [
        client.get(f"{API}/patients").status_code,
        client.get(f"{API}/me").status_code,
        client.get(f"{API}/patients", headers=phone.headers).status_code,
        client.get(f"{API}/me", headers=person.headers).status_code,
    ]

    assert answers == [401, 401, 403, 403]

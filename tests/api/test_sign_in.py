"""Signing in over HTTP: the contract's shapes, and refusals that look alike."""

from dataclasses import replace

import pytest

from tests.authenticator import in_force, sign_in
from tests.people import PASSWORD, ann, bearer, coordinator, phone_of

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


def test_a_phone_signed_out_by_an_old_token_is_a_task_for_its_site(db, client, clock):
    person, patient = coordinator(db), ann(db)
    code = issue(client, person, patient)["code"]
    first = client.post(f"{API}/auth/activations", json={"code": code, "birth_year": 1961}).json
    old = {"refresh_token": first["refresh_token"]}
    client.post(f"{API}/auth/refresh", json=old)
    clock.move_to("2027-03-01T08:00:31+08:00")

    refused = [client.post(f"{API}/auth/refresh", json=old).status_code for _ in range(2)]

    tasks = client.get(f"{API}/worklist?reason=phone_signed_out", headers=person.headers).json["items"]
    elsewhere = client.get(f"{API}/worklist", headers=coordinator(db, "site-02").headers).json["items"]
    assert refused == [401, 401]
    assert [task["patient"]["id"] for task in tasks] == [str(patient.id)]
    assert elsewhere == []


def test_a_retry_that_comes_in_time_is_no_task(db, client, clock):
    person = coordinator(db)
    code = issue(client, person, ann(db))["code"]
    first = client.post(f"{API}/auth/activations", json={"code": code, "birth_year": 1961}).json
    old = {"refresh_token": first["refresh_token"]}

    answers = [client.post(f"{API}/auth/refresh", json=old).status_code for _ in range(2)]

    assert answers == [201, 201]
    assert client.get(f"{API}/worklist", headers=person.headers).json["items"] == []


def from_network(client, path, address, body, headers=None):
    place = {"REMOTE_ADDR": address}
    return client.post(f"{API}/auth/{path}", json=body, headers=headers, environ_base=place).status_code


@pytest.mark.parametrize(("stranger", "neighbour"), [("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:db8::2")])
def test_a_stranger_locks_staff_out_of_the_strangers_own_network_only(db, client, stranger, neighbour):
    person = coordinator(db)
    wrong, right = ({"email": person.email, "password": one} for one in ("not it", PASSWORD))

    guessed = [from_network(client, "staff", stranger, wrong) for _ in range(6)]

    assert guessed == [401] * 5 + [429]
    assert from_network(client, "staff", neighbour, right) == 429
    assert from_network(client, "staff", "2001:db8:0:1::1", right) == 201
    assert from_network(client, "staff", "198.51.100.7", right) == 201


@pytest.mark.parametrize("path", ["password", "totp", "recovery-codes"])
def test_a_password_asked_for_again_is_counted_with_the_guesses_of_its_network(db, client, path):
    person = coordinator(db)
    body = {"password": "not it"} | ({"new_password": "another long password"} if path == "password" else {})
    for _ in range(5):
        from_network(client, "staff", "203.0.113.9", {"email": person.email, "password": "not it"})

    answers = [from_network(client, path, one, body, person.headers) for one in ("203.0.113.9", "198.51.100.7")]

    assert answers == [429, 401]


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

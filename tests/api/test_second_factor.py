"""Setting a second factor up and losing it, over HTTP; what a session without one opens; lock-outs."""

from dataclasses import replace
from uuid import uuid4

import pytest

from backend.api.permissions import TABLE, WHILE_ENROLLING, Who
from backend.app import create_app
from backend.config import Mode
from backend.db import Database
from tests.authenticator import Authenticator, in_force, sign_in
from tests.people import PASSWORD, Person, administrator, ann, bearer, coordinator, phone_of

API = "/api/v1"


@pytest.fixture
def person(db: Database) -> Person:
    return coordinator(db)


def begin(client, headers, **body):
    return client.post(f"{API}/auth/totp", json=body, headers=headers)


def confirm(client, headers, code):
    return client.post(f"{API}/auth/totp/confirmations", json={"totp": code}, headers=headers)


def test_a_newcomer_sets_an_authenticator_up_and_then_works(db, client, person):
    first = sign_in(client, person)
    mine = bearer(first.json["access_token"])
    before = client.get(f"{API}/patients", headers=mine)
    begun = begin(client, mine)
    shown = Authenticator(begun.json["secret"], ())
    confirmed = confirm(client, mine, shown.code())
    after = client.get(f"{API}/patients", headers=mine)
    again = sign_in(client, person, shown.code(+1))

    assert (first.status_code, first.json["second_factor"]) == (201, "to_be_set_up")
    assert (before.status_code, before.json["code"]) == (403, "second_factor_required")
    assert (begun.status_code, begun.json.keys()) == (201, {"secret", "otpauth_uri", "qr_svg"})
    assert begun.json["otpauth_uri"].startswith("otpauth://totp/Followup:")
    assert begun.json["secret"] in begun.json["otpauth_uri"]
    assert begun.json["qr_svg"].startswith("<svg")
    assert (confirmed.status_code, len(set(confirmed.json["recovery_codes"]))) == (201, 10)
    assert after.status_code == 200
    assert (again.status_code, again.json["second_factor"]) == (201, "in_force")


def test_a_session_without_its_second_factor_opens_nothing_else(app, db, client, person):
    mine = bearer(sign_in(client, person).json["access_token"])

    opened = []
    for rule in app.url_map.iter_rules():
        for method, wanted in TABLE.get(rule.endpoint, {}).items():
            if rule.endpoint in WHILE_ENROLLING or wanted is Who.ANYONE:
                continue
            values = {name: 1 if name == "number" else uuid4() for name in rule.arguments}
            answer = client.open(rule.build(values)[1], method=method, headers=mine)
            if (answer.status_code, answer.json["code"]) != (403, "second_factor_required"):
                opened.append((rule.rule, method, answer.status_code))

    assert opened == []
    assert client.delete(f"{API}/auth/session", headers=mine).status_code == 204


def test_a_demo_does_not_insist(settings, db, person):
    demo = create_app(replace(settings, mode=Mode.DEMO), db).test_client()

    answer = sign_in(demo, person)

    assert (answer.status_code, answer.json["second_factor"]) == (201, "optional")
    assert demo.get(f"{API}/patients", headers=bearer(answer.json["access_token"])).status_code == 200


def test_who_has_one_uses_it_in_a_demo_too(settings, db, person):
    demo = create_app(replace(settings, mode=Mode.DEMO), db).test_client()
    authenticator = in_force(db, person)

    assert [sign_in(demo, person).status_code, sign_in(demo, person, authenticator.code()).status_code] == [401, 201]


def test_confirming_ends_every_other_session(db, client, person):
    here, there = (bearer(sign_in(client, person).json["access_token"]) for _ in range(2))
    secret = begin(client, here).json["secret"]

    confirm(client, here, Authenticator(secret, ()).code())

    assert client.get(f"{API}/sites", headers=here).status_code == 200
    assert client.get(f"{API}/sites", headers=there).status_code == 401
    assert client.get(f"{API}/sites", headers=person.headers).status_code == 401


def test_a_wrong_first_code_is_named_and_the_right_one_still_works(db, client, person):
    secret = begin(client, person.headers).json["secret"]

    wrong = confirm(client, person.headers, "000000")
    right = confirm(client, person.headers, Authenticator(secret, ()).code())
    nothing_left = confirm(client, person.headers, Authenticator(secret, ()).code(+1))

    assert (wrong.status_code, [*wrong.json["errors"]]) == (422, ["totp"])
    assert (right.status_code, nothing_left.status_code) == (201, 409)


def test_replacing_it_needs_the_password_again(db, client, person):
    authenticator = in_force(db, person)
    mine = bearer(sign_in(client, person, authenticator.code()).json["access_token"])

    without = begin(client, mine)
    wrong = begin(client, mine, password="not it")
    right = begin(client, mine, password=PASSWORD)

    assert (without.status_code, [*without.json["errors"]]) == (422, ["password"])
    assert (wrong.status_code, wrong.json["code"]) == (401, "sign_in_refused")
    assert right.status_code == 201


def test_new_recovery_codes_are_for_who_knows_the_password(db, client, person):
    authenticator = in_force(db, person)
    mine = bearer(sign_in(client, person, authenticator.code()).json["access_token"])

    wrong = client.post(f"{API}/auth/recovery-codes", json={"password": "not it"}, headers=mine)
    made = client.post(f"{API}/auth/recovery-codes", json={"password": PASSWORD}, headers=mine)

    assert (wrong.status_code, made.status_code) == (401, 201)
    assert sign_in(client, person, authenticator.recovery_codes[0]).status_code == 401
    assert sign_in(client, person, made.json["recovery_codes"][0]).status_code == 201


def test_who_has_no_authenticator_gets_no_recovery_codes(client, person):
    answer = client.post(f"{API}/auth/recovery-codes", json={"password": PASSWORD}, headers=person.headers)

    assert (answer.status_code, answer.json["code"]) == (409, "no_longer_possible")


def test_an_administrator_takes_a_lost_one_away_but_not_their_own(db, client, person):
    chief, authenticator = administrator(db), in_force(db, person)
    mine = bearer(sign_in(client, person, authenticator.code()).json["access_token"])

    taken = client.delete(f"{API}/staff/{person.id}/totp", headers=chief.headers)
    again = client.delete(f"{API}/staff/{person.id}/totp", headers=chief.headers)
    own = client.delete(f"{API}/staff/{chief.id}/totp", headers=chief.headers)
    signed_out = client.get(f"{API}/patients", headers=mine).status_code

    assert (taken.status_code, taken.data, again.status_code) == (204, b"", 409)
    assert (own.status_code, own.json["code"]) == (403, "same_person_may_not")
    assert signed_out == 401
    assert sign_in(client, person).json["second_factor"] == "to_be_set_up"


@pytest.mark.parametrize("what", ["totp", "sessions", "lock-out"])
def test_only_administrators_of_the_whole_person_touch_anothers_sign_in(db, client, person, what):
    elsewhere = coordinator(db, "site-02")
    path = f"{API}/staff/{person.id}/{what}"

    foreign = client.delete(path, headers=administrator(db, "site-02").headers)
    unknown = client.delete(f"{API}/staff/{uuid4()}/{what}", headers=administrator(db, "site-02").headers)
    colleague = client.delete(path, headers=coordinator(db).headers)

    assert (foreign.status_code, colleague.status_code) == (404, 403)
    assert {**foreign.json, "request_id": ""} == {**unknown.json, "request_id": ""}
    assert client.delete(path, headers=elsewhere.headers).status_code == 403


def test_a_locked_account_says_how_long_and_is_opened_by_an_administrator(db, client, person):
    authenticator = in_force(db, person)
    for _ in range(5):
        sign_in(client, person, authenticator.code(), password="not it")

    locked = sign_in(client, person, authenticator.code())
    lifted = client.delete(f"{API}/staff/{person.id}/lock-out", headers=administrator(db).headers)

    assert (locked.status_code, locked.json["code"]) == (429, "too_many_attempts")
    assert locked.headers["Retry-After"] == "900"
    assert lifted.status_code == 204
    assert sign_in(client, person, authenticator.code()).status_code == 201


def test_an_unknown_account_is_locked_like_a_known_one(client, person):
    nobody = replace(person, email="nobody@example.org")

    answers = [[sign_in(client, who, password="not it") for _ in range(6)] for who in (person, nobody)]

    known, unknown = ([(one.status_code, {**one.json, "request_id": ""}) for one in each] for each in answers)
    assert known == unknown
    assert [status for status, _ in known] == [401] * 5 + [429]


def test_a_token_sent_along_with_a_sign_in_holds_nothing_up(client, person):
    body = {"email": person.email, "password": PASSWORD}

    assert client.post(f"{API}/auth/staff", json=body, headers=person.headers).status_code == 201


def test_a_patients_phone_has_no_business_with_staffs_sign_in(db, client):
    phone = phone_of(db, ann(db)).headers

    answers = [
        begin(client, phone),
        confirm(client, phone, "000000"),
        client.post(f"{API}/auth/recovery-codes", json={"password": PASSWORD}, headers=phone),
        client.post(f"{API}/auth/password", json={"password": "a", "new_password": "b"}, headers=phone),
        client.get(f"{API}/auth/sessions", headers=phone),
        client.delete(f"{API}/auth/sessions", headers=phone),
    ]

    assert [one.status_code for one in answers] == [403] * 6


@pytest.mark.parametrize("totp", [5, None, [], {}, "0" * 41])
def test_a_code_of_the_wrong_shape_is_named(client, person, totp):
    answer = client.post(f"{API}/auth/staff", json={"email": person.email, "password": PASSWORD, "totp": totp})

    assert (answer.status_code, [*answer.json["errors"]]) == (422, ["totp"])

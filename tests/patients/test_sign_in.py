"""A phone's sign-in: one code, one phone, tokens that renew themselves, and nothing to be read from the database."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import select

from backend import audit
from backend.db import Database, Transaction, system
from backend.errors import SignInRefused
from backend.patients.models import ActivationCode, Device, Patient
from backend.patients.sign_in import SignedIn, activate, actor_for, issue_code, refresh, sign_out
from tests.people import ann, ben
from tests.stored import everything_stored

PHONE = "the phone in Ann's hand"


def code_for(db: Database, patient: Patient) -> str:
    with db.transaction(system("test")) as txn:
        return issue_code(txn, txn.session.get_one(Patient, patient.id)).code


def activated(db: Database, code: str, birth_year: int = 1961, device_id: str | None = PHONE) -> SignedIn:
    with db.transaction(system("test")) as txn:
        return activate(txn, code, birth_year, device_id)


def refreshed(db: Database, token: str) -> SignedIn:
    with db.transaction(system("test")) as txn:
        return refresh(txn, token)


def is_signed_in(db: Database, token: str) -> bool:
    with db.reading(system("test")) as txn:
        return actor_for(txn, token) is not None


def test_a_code_and_the_birth_year_sign_the_phone_in_as_the_patient(db):
    patient = ann(db)

    tokens = activated(db, code_for(db, patient))

    with db.reading(system("test")) as txn:
        actor = actor_for(txn, tokens.access_token)
    assert (actor.id, actor.name) == (patient.id, "01-0001")
    assert tokens.expires_in == 30 * 60


def test_a_code_may_be_typed_in_small_letters_and_with_spaces(db):
    code = code_for(db, ann(db)).lower()

    assert activated(db, f" {code[:5]}-{code[5:]} ").access_token


def test_wrong_year_wrong_code_used_code_and_expired_code_are_refused_alike(db, clock):
    patient, other = ann(db), ben(db)
    used, code = code_for(db, other), code_for(db, patient)
    activated(db, used, 1955)

    refusals = []
    for attempt in ((code, 1962, PHONE), ("AAAAAAAAAA", 1961, PHONE), (used, 1955, "another phone")):
        with pytest.raises(SignInRefused) as refused:
            activated(db, *attempt)
        refusals.append((refused.value.code, refused.value.detail, refused.value.facts))
    clock.move_to("2027-03-08T08:00:00+08:00")
    with pytest.raises(SignInRefused):
        activated(db, code)

    assert len(set(map(str, refusals))) == 1


def test_a_new_code_voids_the_unused_one(db):
    patient = ann(db)
    first, second = code_for(db, patient), code_for(db, patient)

    with pytest.raises(SignInRefused):
        activated(db, first)

    assert activated(db, second).access_token


def test_of_two_codes_given_out_at_the_same_moment_one_works(db):
    patient = ann(db)

    with ThreadPoolExecutor(1) as colleague:
        with db.transaction(system("test")) as txn:
            first = issue_code(txn, txn.session.get_one(Patient, patient.id)).code
            second = colleague.submit(code_for, db, patient)
            # Time enough for the colleague to look which codes there are, were there no turns.
            wait([second], timeout=0.5)
        last = second.result()

    with db.reading(system("test")) as txn:
        live = select(ActivationCode.id).where(ActivationCode.voided_at.is_(None))
        assert len(txn.session.scalars(live).all()) == 1
    with pytest.raises(SignInRefused):
        activated(db, first)
    assert activated(db, last).access_token


def test_a_lost_answer_burns_no_code(db, clock):
    code = code_for(db, ann(db))
    first = activated(db, code)

    clock.move_to("2027-03-01T08:09:00+08:00")
    again = activated(db, code)

    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)
    assert again.expires_in == 21 * 60


def test_the_same_phone_is_refused_after_ten_minutes(db, clock):
    code = code_for(db, ann(db))
    activated(db, code)

    clock.move_to("2027-03-01T08:10:01+08:00")

    with pytest.raises(SignInRefused):
        activated(db, code)


def test_a_phone_that_gives_no_id_has_one_try(db):
    code = code_for(db, ann(db))
    activated(db, code, device_id=None)

    with pytest.raises(SignInRefused):
        activated(db, code, device_id=None)


def test_one_code_used_twice_at_the_same_moment_signs_one_phone_in(db):
    code = code_for(db, ann(db))

    def attempt(number: int) -> str | None:
        try:
            return activated(db, code, device_id=f"phone number {number}").access_token
        except SignInRefused:
            return None

    with ThreadPoolExecutor(4) as phones:
        tokens = [token for token in phones.map(attempt, range(4)) if token]

    assert len(tokens) == 1


def test_the_same_phone_trying_twice_at_the_same_moment_gets_one_answer(db):
    code = code_for(db, ann(db))

    with ThreadPoolExecutor(4) as phones:
        tokens = set(phones.map(lambda _: activated(db, code).access_token, range(4)))

    assert len(tokens) == 1


def test_a_new_phone_signs_the_old_one_out(db):
    patient = ann(db)
    old = activated(db, code_for(db, patient))

    new = activated(db, code_for(db, patient), device_id="a new phone")

    assert not is_signed_in(db, old.access_token)
    assert is_signed_in(db, new.access_token)
    with pytest.raises(SignInRefused):
        refreshed(db, old.refresh_token)


def test_access_lives_half_an_hour_and_refreshing_gives_new_tokens(db, clock):
    tokens = activated(db, code_for(db, ann(db)))
    clock.move_to("2027-03-01T08:30:00+08:00")

    expired = not is_signed_in(db, tokens.access_token)
    renewed = refreshed(db, tokens.refresh_token)

    assert expired
    assert is_signed_in(db, renewed.access_token)
    assert renewed.refresh_token != tokens.refresh_token


def test_a_refresh_token_still_works_a_year_later(db, clock):
    tokens = activated(db, code_for(db, ann(db)))

    clock.move_to("2028-03-30T08:00:00+08:00")

    assert is_signed_in(db, refreshed(db, tokens.refresh_token).access_token)


def test_a_refresh_token_ends_after_four_hundred_days(db, clock):
    tokens = activated(db, code_for(db, ann(db)))

    clock.move_to("2028-04-04T08:00:00+08:00")

    with pytest.raises(SignInRefused):
        refreshed(db, tokens.refresh_token)


def test_no_token_is_shorter_than_its_256_bits(db):
    tokens = activated(db, code_for(db, ann(db)))

    assert min(len(tokens.access_token), len(tokens.refresh_token)) >= 43


def test_a_retry_within_half_a_minute_gets_the_same_successor(db, clock):
    tokens = activated(db, code_for(db, ann(db)))
    first = refreshed(db, tokens.refresh_token)

    clock.move_to("2027-03-01T08:00:30+08:00")
    again = refreshed(db, tokens.refresh_token)

    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)


def test_refreshing_twice_at_the_same_moment_gives_one_successor(db):
    tokens = activated(db, code_for(db, ann(db)))

    with ThreadPoolExecutor(4) as phones:
        successors = set(phones.map(lambda _: refreshed(db, tokens.refresh_token).refresh_token, range(4)))

    assert len(successors) == 1


def test_an_old_refresh_token_signs_the_whole_family_out(db, clock):
    tokens = activated(db, code_for(db, ann(db)))
    renewed = refreshed(db, tokens.refresh_token)
    clock.move_to("2027-03-01T08:00:31+08:00")

    with pytest.raises(SignInRefused):
        refreshed(db, tokens.refresh_token)

    assert not is_signed_in(db, renewed.access_token)
    with pytest.raises(SignInRefused):
        refreshed(db, renewed.refresh_token)


def test_however_many_old_refresh_tokens_come_at_once_the_sign_out_is_told_once(db, clock):
    patient = ann(db)
    tokens = activated(db, code_for(db, patient))
    refreshed(db, tokens.refresh_token)
    clock.move_to("2027-03-01T08:00:31+08:00")
    told: list[UUID] = []

    def tell(_txn: Transaction, device: Device) -> None:
        told.append(device.patient_id)
        # Time enough for the others to look at the phone, were there no turns.
        Event().wait(0.2)

    def stolen(_number: int) -> None:
        with pytest.raises(SignInRefused), db.transaction(system("test")) as txn:
            refresh(txn, tokens.refresh_token, on_revoked=tell)

    with ThreadPoolExecutor(4) as thieves:
        list(thieves.map(stolen, range(8)))

    assert told == [patient.id]


def test_why_a_family_was_signed_out_is_on_the_trail(db, clock):
    tokens = activated(db, code_for(db, ann(db)))
    refreshed(db, tokens.refresh_token)
    clock.move_to("2027-03-01T08:01:00+08:00")

    with pytest.raises(SignInRefused):
        refreshed(db, tokens.refresh_token)

    with db.reading(system("test")) as txn:
        reasons = select(audit.AuditEvent.new).where(audit.AuditEvent.field == "signed_out_because")
        assert txn.session.scalars(reasons).all() == ["an old refresh token was used"]


def test_the_demos_clock_moves_no_code_and_no_token(db, clock):
    tokens = activated(db, code_for(db, ann(db)))
    code = code_for(db, ben(db))

    clock.move_trial_time_to("2029-03-01T08:00:00+08:00")

    assert is_signed_in(db, tokens.access_token)
    assert activated(db, code, 1955).access_token


def test_signing_out_ends_it_at_once(db):
    tokens = activated(db, code_for(db, ann(db)))

    with db.transaction(system("test")) as txn:
        sign_out(txn, tokens.access_token)

    assert not is_signed_in(db, tokens.access_token)
    with pytest.raises(SignInRefused):
        refreshed(db, tokens.refresh_token)


def test_neither_code_nor_token_is_anywhere_in_the_database(db):
    code = code_for(db, ann(db))
    tokens = activated(db, code)

    stored = everything_stored(db)

    for secret in (code, tokens.access_token, tokens.refresh_token, PHONE):
        assert secret not in stored


def test_each_step_leaves_a_trace(db):
    patient = ann(db)
    activated(db, code_for(db, patient))

    with db.reading(system("test")) as txn:
        events = select(audit.AuditEvent.verb).where(audit.AuditEvent.patient_id == patient.id)
        verbs = set(txn.session.scalars(events))

    assert {"activation_code.issued", "activation_code.used", "device.signed_in"} <= verbs

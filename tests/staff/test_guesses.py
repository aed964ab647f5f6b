"""Guesses at an account: five, however many are made at once, and alike for accounts that do not exist."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import FollowupError, TooManyAttempts
from backend.staff import guesses, passwords, second_factor
from backend.staff.members import update_member
from backend.staff.models import StaffMember
from backend.staff.sign_in import change_password, sign_in
from tests.authenticator import in_force
from tests.people import PASSWORD, Person, coordinator

NOBODY = "nobody@example.org"


class CountingHasher(PasswordHasher):
    """The real one, which counts how often it was asked."""

    asked = 0
    lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        with CountingHasher.lock:
            CountingHasher.asked += 1
        return super().verify(hash, password)


@pytest.fixture
def checks(monkeypatch) -> Callable[[], int]:
    """How many passwords were really checked."""
    CountingHasher.asked = 0
    monkeypatch.setattr(passwords, "HASHER", CountingHasher(time_cost=1, memory_cost=47_104, parallelism=1))
    return lambda: CountingHasher.asked


@pytest.fixture
def person(db) -> Person:
    return coordinator(db)


def outcome(db: Database, email: str, password: str = "not the password", totp: str | None = None) -> str:
    """How signing in ends: "in", or the code of the refusal."""
    try:
        with db.transaction(system("test")) as txn:
            sign_in(txn, email, password, totp)
    except FollowupError as refused:
        return refused.code
    return "in"


def told(db: Database, verb: str) -> list[str]:
    with db.reading(system("test")) as txn:
        wanted = select(AuditEvent.record_id).where(AuditEvent.verb == verb)
        return list(txn.session.scalars(wanted.order_by(AuditEvent.id)))


@pytest.mark.parametrize("exists", [True, False], ids=["an account", "no account"])
def test_a_hundred_guesses_at_once_get_five_answers(db, person, checks, exists):
    email = person.email if exists else NOBODY

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: outcome(db, email), range(100)))

    assert (outcomes.count("sign_in_refused"), outcomes.count("too_many_attempts")) == (5, 95)
    assert checks() == 5
    assert len(told(db, "staff_member.sign_in_refused")) == 5
    assert len(told(db, "staff_member.locked_out")) == 1


def test_a_locked_account_takes_no_right_password_either_until_the_window_ends(db, person, clock, checks):
    for _ in range(5):
        outcome(db, person.email)

    with pytest.raises(TooManyAttempts) as refused, db.transaction(system("test")) as txn:
        sign_in(txn, person.email.upper(), PASSWORD)
    clock.move_to("2027-03-01T08:14:59+08:00")
    still = outcome(db, person.email, PASSWORD)
    clock.move_trial_time_to("2027-06-01T08:00:00+08:00")
    moved = outcome(db, person.email, PASSWORD)
    clock.move_to("2027-03-01T08:15:01+08:00")

    assert (refused.value.facts["retry_after"], still, moved) == (900, "too_many_attempts", "too_many_attempts")
    assert checks() == 5
    assert outcome(db, person.email, PASSWORD) == "in"


def test_a_success_gives_the_guesses_back(db, person):
    for _ in range(3):
        assert [outcome(db, person.email) for _ in range(4)] == ["sign_in_refused"] * 4
        assert outcome(db, person.email, PASSWORD) == "in"


def test_one_account_locks_no_other(db, person):
    for _ in range(6):
        outcome(db, person.email)

    assert outcome(db, coordinator(db).email, PASSWORD) == "in"


def test_each_lock_out_is_told_once(db, person, clock):
    for day in (1, 2):
        clock.move_to(f"2027-03-0{day}T08:00:00+08:00")
        for _ in range(9):
            outcome(db, person.email)

    assert told(db, "staff_member.locked_out") == [str(person.id)] * 2


def test_a_lock_out_is_lifted(db, person):
    for _ in range(6):
        outcome(db, person.email)

    with db.transaction(system("test")) as txn:
        guesses.lift_lock_out(txn, txn.session.get_one(StaffMember, person.id))

    assert outcome(db, person.email, PASSWORD) == "in"
    assert told(db, "staff_member.lock_out_lifted") == [str(person.id)]


def test_wrong_codes_are_counted_like_wrong_passwords(db, person):
    authenticator = in_force(db, person)

    outcomes = [outcome(db, person.email, PASSWORD, "000000") for _ in range(6)]

    assert outcomes == ["sign_in_refused"] * 5 + ["too_many_attempts"]
    assert outcome(db, person.email, PASSWORD, authenticator.code()) == "too_many_attempts"


def test_a_stolen_session_gives_no_more_guesses(db, person, checks):
    token = person.headers["Authorization"].partition(" ")[2]
    acts = (
        lambda txn: second_factor.begin(txn, token, "a guess"),
        lambda txn: second_factor.renew_recovery_codes(txn, token, "a guess"),
        lambda txn: change_password(txn, token, "a guess", "another long password"),
        lambda txn: sign_in(txn, person.email, "a guess"),
    )

    refused = []
    for act in acts * 2:
        with pytest.raises(FollowupError) as one, db.transaction(person.actor) as txn:
            act(txn)
        refused.append(one.value.code)

    assert refused == ["sign_in_refused"] * 5 + ["too_many_attempts"] * 3
    assert checks() == 5


def test_first_codes_cannot_be_guessed_at_for_ever(db, person):
    token = person.headers["Authorization"].partition(" ")[2]
    with db.transaction(person.actor) as txn:
        second_factor.begin(txn, token)

    refused = []
    for _ in range(6):
        with pytest.raises(FollowupError) as one, db.transaction(person.actor) as txn:
            second_factor.confirm(txn, token, "000000")
        refused.append(one.value.code)

    assert refused == ["invalid_input"] * 5 + ["too_many_attempts"]


def test_every_refusal_is_the_same_work(db, checks):
    """The same statements in the same order and one password check, whatever is wrong: so the same time."""
    plain, left, careful = coordinator(db), coordinator(db), coordinator(db)
    authenticator = in_force(db, careful)
    with db.transaction(system("test")) as txn:
        update_member(txn, txn.session.get_one(StaffMember, left.id), {"active": False})
    attempts = {
        "unknown": (NOBODY, PASSWORD, None),
        "left": (left.email, PASSWORD, None),
        "wrong password": (plain.email, "not it", None),
        "wrong password, wrong code": (careful.email, "not it", "000000"),
        "wrong password, right code": (careful.email, "not it", authenticator.code()),
        "no code": (careful.email, PASSWORD, None),
        "wrong code": (careful.email, PASSWORD, "000000"),
    }

    work = {name: statements(db, lambda one=one: outcome(db, *one)) for name, one in attempts.items()}

    assert {name: done for name, done in work.items() if done != work["unknown"]} == {}
    assert checks() == len(attempts)
    assert len(work["unknown"]) > 4


def statements(db: Database, act: Callable[[], str]) -> list[str]:
    """What the database was asked while ``act`` was refused."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert act() == "sign_in_refused"
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return asked

"""Guesses at an account: five from one network, however many are made at once, and alike where there is none."""

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
from backend.staff.members import email_index, update_member
from backend.staff.models import StaffMember
from backend.staff.sign_in import change_password, sign_in
from tests.authenticator import in_force
from tests.people import PASSWORD, Person, coordinator

NOBODY = "nobody@example.org"
WARD = "198.51.100.7"


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


def outcome(
    db: Database, email: str, password: str = "not the password", totp: str | None = None, network: str = WARD
) -> str:
    """How signing in ends: "in", or the code of the refusal."""
    try:
        with db.transaction(system("test")) as txn:
            sign_in(txn, email, password, totp, network=network)
    except FollowupError as refused:
        return refused.code
    return "in"


def elsewhere(db: Database, email: str, networks: int, each: int = guesses.MOST) -> list[str]:
    """A stranger's guesses from so many networks."""
    return [outcome(db, email, network=f"203.0.113.{one}") for one in range(networks) for _ in range(each)]


def counted(db: Database, email: str, networks: int) -> list[bool]:
    """Whether each of five guesses from so many networks would be looked at; none is, for that takes its time."""
    looked_at = []
    for one in range(networks * guesses.MOST):
        try:
            with db.transaction(system("test")) as txn:
                guesses.count_guess(txn, email_index(txn, email), f"203.0.113.{one // guesses.MOST}")
            looked_at.append(True)
        except TooManyAttempts:
            looked_at.append(False)
    return looked_at


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
        sign_in(txn, person.email.upper(), PASSWORD, network=WARD)
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


@pytest.mark.parametrize("exists", [True, False], ids=["an account", "no account"])
def test_a_stranger_elsewhere_locks_nobody_out_of_the_ward(db, person, exists):
    email = person.email if exists else NOBODY

    strangers = elsewhere(db, email, 1, each=9)

    assert strangers == ["sign_in_refused"] * 5 + ["too_many_attempts"] * 4
    assert outcome(db, email) == "sign_in_refused"
    assert outcome(db, email, PASSWORD) == ("in" if exists else "sign_in_refused")


@pytest.mark.parametrize("exists", [True, False], ids=["an account", "no account"])
def test_fifty_guesses_from_all_networks_lock_an_account_for_everybody(db, person, checks, clock, exists):
    email = person.email if exists else NOBODY

    strangers = counted(db, email, 11)
    at_the_ward = outcome(db, email, PASSWORD)
    clock.move_to("2027-03-01T08:15:01+08:00")

    assert strangers == [True] * 50 + [False] * 5
    assert (at_the_ward, checks()) == ("too_many_attempts", 0)
    assert len(told(db, "staff_member.locked_out")) == 1
    assert outcome(db, email, PASSWORD) == ("in" if exists else "sign_in_refused")


def test_one_network_cannot_use_up_what_all_of_them_share(db, person):
    elsewhere(db, person.email, 1, each=60)

    assert outcome(db, person.email, PASSWORD) == "in"


def test_a_success_forgives_no_other_network(db, person):
    elsewhere(db, person.email, 1, each=6)

    assert outcome(db, person.email, PASSWORD) == "in"
    assert elsewhere(db, person.email, 1, each=1) == ["too_many_attempts"]


def test_a_lock_out_is_lifted_for_every_network(db, person):
    counted(db, person.email, 11)

    with db.transaction(system("test")) as txn:
        guesses.lift_lock_out(txn, txn.session.get_one(StaffMember, person.id))

    assert elsewhere(db, person.email, 4, each=1) == ["sign_in_refused"] * 4
    assert outcome(db, person.email, PASSWORD) == "in"


def test_invented_addresses_fill_no_trail_and_hide_no_account(db, person, clock, monkeypatch):
    monkeypatch.setattr(guesses, "MOST_TRACES_OF_NOBODY", 7)
    for number in range(3):
        elsewhere(db, f"invented.{number}@example.org", 1, each=6)
    elsewhere(db, person.email, 2, each=6)

    def traces(verb: str) -> tuple[int, int]:
        found = told(db, verb)
        return found.count(str(guesses.NOBODY)), found.count(str(person.id))

    assert traces("staff_member.sign_in_refused") == (6, 10)
    assert traces("staff_member.locked_out") == (1, 1)
    clock.move_to("2027-03-01T09:00:01+08:00")
    assert outcome(db, NOBODY) == "sign_in_refused"
    assert traces("staff_member.sign_in_refused") == (7, 10)


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
        lambda txn: second_factor.begin(txn, token, "a guess", network=WARD),
        lambda txn: second_factor.renew_recovery_codes(txn, token, "a guess", network=WARD),
        lambda txn: change_password(txn, token, "a guess", "another long password", network=WARD),
        lambda txn: sign_in(txn, person.email, "a guess", network=WARD),
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


def test_a_refusal_that_leaves_no_trace_is_the_same_work(db, person, monkeypatch):
    """Or whoever has used the traces up could tell an account from none by what a guess costs."""
    monkeypatch.setattr(guesses, "MOST_TRACES_OF_NOBODY", 1)
    outcome(db, NOBODY)

    known = statements(db, lambda: outcome(db, person.email))
    unknown = statements(db, lambda: outcome(db, NOBODY))

    assert len(told(db, "staff_member.sign_in_refused")) == 2
    assert [one.partition(" SAVEPOINT ")[2] or one for one in unknown] == [
        one.partition(" SAVEPOINT ")[2] or one for one in known
    ]
    assert any(one.startswith("ROLLBACK TO") for one in unknown)


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

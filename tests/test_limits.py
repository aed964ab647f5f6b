"""Counted attempts: exact whoever counts at once, by real time, under hashes that name nobody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select

from backend.db import Database, system
from backend.limits import AttemptCount, count_of, forget_about, forget_old_counts, give_back, take
from tests.databases import KEYRING
from tests.stored import everything_stored

MINUTE = timedelta(minutes=1)
SOMEBODY = "somebody@example.org"


def rows(db: Database) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.count()).select_from(AttemptCount)) or 0


def attempt(db: Database, subject: str = SOMEBODY, most: int = 3) -> int:
    return take(db, "guesses", subject, most=most, window=MINUTE)


def test_as_many_attempts_as_allowed_and_then_the_time_to_wait(db, clock):
    allowed = [attempt(db) for _ in range(3)]
    clock.move_to("2027-03-01T08:00:20.500+08:00")

    assert allowed == [0, 0, 0]
    assert attempt(db) == 40


def test_a_refused_attempt_does_not_lengthen_the_wait(db, clock):
    for _ in range(5):
        attempt(db)
    clock.move_to("2027-03-01T08:00:59.900+08:00")
    almost = attempt(db)
    clock.move_to("2027-03-01T08:01:00+08:00")

    assert almost == 1
    assert [attempt(db) for _ in range(4)] == [0, 0, 0, 60]


def test_each_subject_and_each_purpose_has_its_own_count(db):
    for _ in range(4):
        attempt(db)

    assert attempt(db, "somebody.else@example.org") == 0
    assert take(db, "other guesses", SOMEBODY, most=3, window=MINUTE) == 0


def test_what_is_given_back_is_forgotten(db):
    for _ in range(4):
        attempt(db)

    give_back(db, "guesses", SOMEBODY)

    assert count_of(db, "guesses", SOMEBODY) is None
    assert attempt(db) == 0


def test_all_counts_about_one_thing_are_forgotten_together_and_no_others(db):
    for place in ("here", "there"):
        take(db, "guesses", place, most=3, window=MINUTE, about=SOMEBODY)
    take(db, "guesses", "elsewhere", most=3, window=MINUTE, about="somebody.else@example.org")
    attempt(db)

    with db.transaction(system("test")) as txn:
        forget_about(txn, SOMEBODY)

    left = [count_of(db, "guesses", place) is not None for place in ("here", "there", "elsewhere", SOMEBODY)]
    assert left == [False, False, True, True]


def test_a_hundred_attempts_at_once_are_a_hundred_counts(db):
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: attempt(db, most=5), range(100)))

    assert answers.count(0) == 5
    assert count_of(db, "guesses", SOMEBODY).hits == 100


def test_two_processes_share_one_count(db):
    other = Database(db.url, KEYRING)

    answers = [attempt(one, most=2) > 0 for one in (db, other, db, other)]
    other.close()

    assert answers == [False, False, True, True]


def test_moving_the_demos_clock_gives_nobody_more_guesses(db, clock):
    for _ in range(3):
        attempt(db)

    clock.move_trial_time_to("2027-04-01T08:00:00+08:00")

    assert attempt(db) == 60


def test_counts_of_the_past_are_deleted_and_those_that_run_are_kept(db, clock, work):
    attempt(db)
    clock.move_to("2027-03-01T08:00:30+08:00")
    attempt(db, "somebody.else@example.org")
    clock.move_to("2027-03-01T08:01:00+08:00")

    forgotten = work.forget_old_counts()

    assert forgotten == {"counts_forgotten": 1}
    assert rows(db) == 1
    assert forget_old_counts(db) == 0


def test_nobody_is_named_by_what_is_counted(db):
    attempt(db)
    take(db, "guesses", "here", most=3, window=MINUTE, about=SOMEBODY)

    assert SOMEBODY not in everything_stored(db)
    assert "guesses" not in everything_stored(db)

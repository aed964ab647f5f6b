"""Who found a patient's code and guesses at the birth year: five tries, however many are made at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import event, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import SignInRefused
from backend.patients.models import ActivationCode, Patient
from backend.patients.sign_in import MOST_WRONG_YEARS, SignedIn, activate, count_guess, issue_code
from tests.people import ann

RIGHT = 1961


@pytest.fixture
def statements(db: Database) -> Iterator[list[str]]:
    """What is said to the database."""
    said: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield said
    event.remove(db.engine, "before_cursor_execute", note)


def code_of(db: Database) -> str:
    patient = ann(db)
    with db.transaction(system("test")) as txn:
        return issue_code(txn, txn.session.get_one(Patient, patient.id)).code


def tried(db: Database, code: str, year: int, told: list[UUID] | None = None) -> SignedIn | None:
    """What the door does: count, then try."""
    noted = [] if told is None else told
    count_guess(db, code)
    try:
        with db.transaction(system("test")) as txn:
            return activate(txn, code, year, "a phone", on_voided=lambda _txn, row: noted.append(row.id))
    except SignInRefused:
        return None


def guessed(db: Database, code: str, how_many: int, told: list[UUID] | None = None) -> None:
    for year in range(1900, 1900 + how_many):
        assert tried(db, code, year, told) is None


def kept(db: Database) -> ActivationCode:
    with db.reading(system("test")) as txn:
        row = txn.session.scalars(select(ActivationCode)).one()
        txn.session.expunge(row)
    return row


def voidings(db: Database) -> list[str | None]:
    with db.reading(system("test")) as txn:
        found = select(AuditEvent.reason).where(AuditEvent.verb == "activation_code.voided")
        return list(txn.session.scalars(found))


def test_after_four_wrong_years_the_right_one_still_signs_in_and_the_count_begins_anew(db):
    code = code_of(db)
    guessed(db, code, MOST_WRONG_YEARS - 1)

    assert tried(db, code, RIGHT)
    assert kept(db).wrong_years == 0


def test_the_fifth_wrong_year_voids_the_code_and_says_so_once(db):
    code, told = code_of(db), []
    guessed(db, code, MOST_WRONG_YEARS + 2, told)

    assert tried(db, code, RIGHT, told) is None
    assert kept(db).voided_at
    assert voidings(db) == ["too many wrong birth years"]
    assert told == [kept(db).id]


def test_a_hundred_years_guessed_at_once_find_nothing(db):
    code = code_of(db)
    years = [year for year in range(1930, 2030) if year != RIGHT] + [RIGHT]

    with ThreadPoolExecutor(8) as guessers:
        answers = list(guessers.map(lambda year: tried(db, code, year), years))

    assert answers == [None] * 100
    assert kept(db).wrong_years == 100
    assert voidings(db) == ["too many wrong birth years"]


def test_of_many_guesses_at_the_same_moment_no_more_than_five_are_compared(db):
    """All are counted before any is made: then even the right year is one guess too many."""
    code = code_of(db)
    for _ in range(MOST_WRONG_YEARS + 1):
        count_guess(db, code)

    with pytest.raises(SignInRefused), db.transaction(system("test")) as txn:
        activate(txn, code, RIGHT, "a phone")


def test_the_same_phone_may_ask_again_as_often_as_it_likes_within_ten_minutes(db):
    code = code_of(db)

    answers = {tried(db, code, RIGHT).access_token for _ in range(MOST_WRONG_YEARS + 3)}

    assert len(answers) == 1


def test_a_code_that_was_used_is_not_voided_by_guesses(db):
    code = code_of(db)
    signed_in = tried(db, code, RIGHT)
    guessed(db, code, MOST_WRONG_YEARS - 1)

    assert tried(db, code, RIGHT).access_token == signed_in.access_token
    assert voidings(db) == []


def test_known_and_unknown_codes_cost_the_same_statements(db, statements):
    code = code_of(db)

    statements.clear()
    tried(db, code, 1962)
    known = list(statements)
    statements.clear()
    tried(db, "AAAAAAAAAA", 1962)

    assert statements == known
    assert len(known) >= 2

"""What a transaction is done with: one connection and, where one is asked for, a session on it."""

from contextlib import suppress

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.staff.models import Site
from tests import people

TEST = system("test")
SITES = Site.__table__


def rename(txn: Transaction, name: str) -> None:
    """Without a session."""
    txn.connection.execute(update(SITES).where(SITES.c.code == "site-01").values(name=name))


def name_of(db: Database) -> str | None:
    with db.reading(TEST) as txn:
        return txn.connection.scalar(select(SITES.c.name).where(SITES.c.code == "site-01"))


def test_what_was_said_to_the_connection_alone_is_kept_and_undone_like_everything(db: Database) -> None:
    before = name_of(db)
    txn = db.open(TEST)
    rename(txn, "East")
    txn.finish(keep=False)
    assert name_of(db) == before

    with db.transaction(TEST) as txn:
        rename(txn, "East")
    assert name_of(db) == "East"


def test_connection_and_session_are_one_transaction_in_either_order(db: Database) -> None:
    ann = people.ann(db)
    for is_first in (True, False):
        txn = db.open(TEST)
        if is_first:
            rename(txn, "East")
        txn.session.get_one(Patient, ann.id).language = "zh-CN"
        txn.session.flush()
        rename(txn, "West")
        assert txn.connection.scalar(select(Patient.language).where(Patient.id == ann.id)) == "zh-CN"
        assert txn.session.scalar(select(Site.name).where(Site.code == "site-01")) == "West"
        txn.finish(keep=False)

        with db.reading(TEST) as later:
            assert later.session.get_one(Patient, ann.id).language == "en"
        assert name_of(db) not in ("East", "West")


def test_a_savepoint_takes_back_what_was_said_to_the_connection_too(db: Database) -> None:
    with db.transaction(TEST) as txn:
        rename(txn, "East")
        with suppress(ZeroDivisionError), txn.savepoint():
            rename(txn, "West")
            raise ZeroDivisionError
        with txn.savepoint() as regretted:
            rename(txn, "North")
            regretted.rollback()

    assert name_of(db) == "East"


def test_after_a_failure_in_a_savepoint_nothing_more_is_said_in_its_name(db: Database) -> None:
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        rename(txn, "East")
        patient = txn.session.get_one(Patient, ann.id)
        with suppress(PendingRollbackError), txn.savepoint():
            patient.site_id = patient.id
            with suppress(IntegrityError):
                txn.session.flush()
            rename(txn, "West")

    assert name_of(db) == "East"


def test_nobody_begins_anew_within_a_savepoint(db: Database) -> None:
    with db.transaction(TEST) as txn, txn.savepoint(), pytest.raises(AssertionError):
        txn.begin_anew()


def test_what_must_survive_a_refusal_does_so_also_where_the_connection_is_found_dead(db: Database) -> None:
    survived: list[str] = []
    txn = db.open(TEST)
    rename(txn, "East")
    txn.after_rollback(lambda: survived.append("written"))
    driver = txn.connection.connection.dbapi_connection
    assert driver is not None
    driver.close()
    with suppress(DBAPIError):
        txn.finish(keep=False)

    assert survived == ["written"]
    assert name_of(db) != "East"


def test_who_begins_anew_holds_nothing_and_sees_what_others_have_done(db: Database) -> None:
    with db.transaction(TEST) as txn:
        rename(txn, "East")
        session = txn.session
        txn.begin_anew()
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        with db.transaction(TEST) as other:
            rename(other, "West")
        assert txn.session is session
        assert txn.session.scalar(select(Site.name).where(Site.code == "site-01")) == "West"
        txn.session.scalars(select(Site).where(Site.code == "site-01")).one().name = "South"

    assert name_of(db) == "South"


def test_who_asks_for_nothing_takes_no_connection_and_no_session(db: Database) -> None:
    with db.transaction(TEST) as txn:
        txn.notes["asked"] = "nothing"
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_rows_say_after_the_commit_what_they_said_in_it(db: Database) -> None:
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        patient.language = "zh-CN"

    assert (patient.language, patient.subject_number) == ("zh-CN", ann.subject_number)


def test_a_failure_that_somebody_swallowed_is_not_kept_in_part(db: Database) -> None:
    ann = people.ann(db)
    txn = db.open(TEST)
    patient = txn.session.get_one(Patient, ann.id)
    patient.language = "zh-CN"
    txn.session.flush()
    patient.site_id = patient.id
    with pytest.raises(IntegrityError):
        txn.session.flush()
    with pytest.raises(PendingRollbackError):
        rename(txn, "East")
    with pytest.raises(PendingRollbackError):
        txn.finish(keep=True)

    assert name_of(db) != "East"
    with db.reading(TEST) as txn:
        assert txn.session.get_one(Patient, ann.id).language == "en"
        assert txn.connection.scalar(select(func.count()).select_from(SITES)) == 3

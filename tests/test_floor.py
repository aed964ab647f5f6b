"""The floor: clocks, transactions, sealing and the audit trail."""

import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from backend import audit
from backend import clock as clocks
from backend.advisory_locks import one_at_a_time
from backend.audit import AuditEvent
from backend.db import Database, RoleAtSite, canonical_json, system
from backend.errors import FollowupError, WrongDataKey, catalogue
from backend.patients.models import Patient
from backend.sealing import Keyring, seal, unseal
from backend.staff.models import Site
from backend.terms import Tier
from tests import people
from tests.conftest import Clock

TEST = system("test")


@pytest.mark.parametrize(
    ("day", "hour", "zone", "expected"),
    [
        (date(2027, 3, 17), time(9), "Asia/Shanghai", "2027-03-17T01:00:00+00:00"),
        # 02:30 does not exist on this night in New York: it moves forward by the gap.
        (date(2027, 3, 14), time(2, 30), "America/New_York", "2027-03-14T07:30:00+00:00"),
        # 01:30 happens twice on this night: the first one.
        (date(2027, 11, 7), time(1, 30), "America/New_York", "2027-11-07T05:30:00+00:00"),
        (date(2028, 2, 29), time(0), "Europe/London", "2028-02-29T00:00:00+00:00"),
        (date(2027, 10, 3), time(2, 15), "Australia/Lord_Howe", "2027-10-02T15:45:00+00:00"),
    ],
)
def test_a_wall_clock_time_is_one_instant(day: date, hour: time, zone: str, expected: str) -> None:
    assert clocks.at_local(day, hour, zone) == datetime.fromisoformat(expected)


def test_moving_trial_time_leaves_real_time_alone(clock: Clock) -> None:
    real = clocks.wall()
    clock.move_trial_time_to("2030-01-01T00:00:00+00:00")

    assert clocks.now() == datetime(2030, 1, 1, tzinfo=UTC)
    assert clocks.wall() == real


def test_a_naive_instant_cannot_be_stored(db: Database) -> None:
    ann = people.ann(db)

    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, ann.id).enrolled_at = datetime(2027, 3, 1)  # noqa: DTZ001

        with pytest.raises(StatementError, match="naive"):
            txn.session.flush()
        txn.session.rollback()


def test_an_instant_comes_back_aware_whatever_zone_it_was_given_in(db: Database) -> None:
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        moment = datetime.fromisoformat("2027-03-01T09:00:00+08:00")
        txn.session.get_one(Patient, ann.id).enrolled_at = moment

    with db.reading(TEST) as txn:
        stored = txn.session.get_one(Patient, ann.id).enrolled_at
    assert (stored, stored.utcoffset()) == (moment, timedelta(0))


def test_a_reading_transaction_cannot_write(db: Database) -> None:
    with pytest.raises(DBAPIError), db.reading(TEST) as txn:
        txn.session.execute(text("DELETE FROM work_item"))


def test_who_reads_and_who_writes_in_turns_is_told_once_what_is_allowed(db: Database) -> None:
    """Being told, SQLite throws away every statement it has read and planned."""
    said: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: said.append(statement))
    for _ in range(2):
        with db.reading(TEST) as reading, db.transaction(TEST) as writing:
            assert reading.session.scalars(select(Site.id)).all() == writing.session.scalars(select(Site.id)).all()
        with pytest.raises(DBAPIError), db.reading(TEST) as txn:
            txn.session.execute(text("DELETE FROM work_item"))
    db.close()
    with pytest.raises(DBAPIError), db.reading(TEST) as txn:
        txn.session.execute(text("DELETE FROM work_item"))

    assert not [statement for statement in said if "PRAGMA" in statement]


def test_a_failed_transaction_leaves_nothing_and_still_does_what_must_survive(db: Database) -> None:
    survived: list[str] = []
    txn = db.open(TEST)
    audit.note(txn, "something.happened", txn.session.scalars(select(Site).limit(1)).one())
    txn.after_rollback(lambda: survived.append("written"))

    txn.finish(keep=False)

    assert survived == ["written"]
    with db.reading(TEST) as later:
        assert not later.session.scalars(select(AuditEvent).where(AuditEvent.verb == "something.happened")).all()


def test_a_change_leaves_one_entry_a_field_with_old_and_new(db: Database) -> None:
    ann = people.ann(db)
    coordinator = people.coordinator(db)
    with db.transaction(coordinator.actor) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        patient.language, patient.time_zone = "zh-CN", "Asia/Urumqi"
        audit.record(txn, "patient.changed", patient, words="Ann moved west")

    with db.reading(TEST) as txn:
        entries = txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "patient.changed")).all()
        seen = {(one.field, one.old, one.new, audit.reason_of(txn, one), one.role) for one in entries}
        assert not any("moved west" in (one.reason_sealed or "") for one in entries)
    assert seen == {
        ("language", "en", "zh-CN", "Ann moved west", "coordinator"),
        ("time_zone", "Asia/Shanghai", "Asia/Urumqi", "Ann moved west", "coordinator"),
    }


def test_a_query_between_a_change_and_its_audit_hides_nothing_from_it(db: Database) -> None:
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        patient.language = "zh-CN"
        txn.session.scalars(select(Patient).where(Patient.language == "en")).all()
        patient.time_zone = "Asia/Urumqi"
        audit.record(txn, "patient.changed", patient)

    with db.reading(TEST) as txn:
        seen = set(txn.session.scalars(select(AuditEvent.field).where(AuditEvent.verb == "patient.changed")))
    assert seen == {"language", "time_zone"}


def test_an_act_that_changes_nothing_is_a_mistake_and_says_so(db: Database) -> None:
    ann = people.ann(db)

    with pytest.raises(ValueError, match="no unsaved change"), db.transaction(TEST) as txn:
        audit.record(txn, "patient.changed", txn.session.get_one(Patient, ann.id))


def test_a_sealed_value_opens_in_its_own_place_only(db: Database) -> None:
    ann, ben = people.ann(db), people.ben(db)
    with db.transaction(TEST) as txn:
        one, other = txn.session.get_one(Patient, ann.id), txn.session.get_one(Patient, ben.id)
        assert unseal(txn, one, "name_sealed") == "Ann Zhang"
        other.name_sealed = one.name_sealed
        one.email_sealed = one.name_sealed

        for row, column in ((other, "name_sealed"), (one, "email_sealed")):
            with pytest.raises(WrongDataKey):
                unseal(txn, row, column)


def test_another_master_key_opens_nothing_and_says_so(db: Database) -> None:
    ann = people.ann(db)
    stranger = Database(db.url, Keyring(("another master key, long enough too",), "i", "s"))

    with pytest.raises(WrongDataKey), stranger.reading(TEST) as txn:
        unseal(txn, txn.session.get_one(Patient, ann.id), "name_sealed")
    stranger.close()


def test_the_same_text_is_never_sealed_alike(db: Database) -> None:
    ann = people.ann(db)
    with db.transaction(TEST) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        assert seal(txn, patient, "name_sealed", "x") != seal(txn, patient, "name_sealed", "x")


def test_those_who_name_the_same_thing_take_turns(db: Database) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with db.transaction(TEST) as txn:
            one_at_a_time(txn, "a thing")
            order.append("second")

    waiting = threading.Thread(target=second)
    waiting.start()
    with db.transaction(TEST) as txn:
        one_at_a_time(txn, "a thing")
        txn.session.execute(text("SELECT 1"))
        inside.set()
        waiting.join(timeout=0.3)
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]


def test_canonical_json_is_one_text_for_one_value() -> None:
    assert canonical_json({"b": [1, "手抖"], "a": None}) == '{"a":null,"b":[1,"手抖"]}'


def test_urgency_is_not_alphabetical() -> None:
    assert Tier.T1.is_more_urgent_than(Tier.T3)
    assert not Tier.T2.is_more_urgent_than(Tier.T2)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in catalogue()]

    assert len(codes) == len(set(codes))
    assert FollowupError.code in codes or FollowupError.code == "unexpected"


def test_a_role_counts_at_its_site_only(db: Database) -> None:
    coordinator = people.coordinator(db, "site-01").actor
    [held] = coordinator.roles

    assert coordinator.role_at(held.site_id) == "coordinator"
    assert coordinator.role_at(None) is None
    assert RoleAtSite(held.role, None) != held

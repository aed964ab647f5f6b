"""Queueing once, recalling, claiming."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import event

from backend import clock as the_clock
from backend.db import Database
from backend.terms import ChannelKind, MessageStatus, Recipient, Urgency
from notifications import cancel, outbox, queue
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import Message
from notifications.outbox import queue_all
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom, letter_to
from tests.notifications.rows import a_patient, a_row


def recall(mailroom: Mailroom, **which: object) -> int:
    with mailroom.db.transaction(TESTER) as txn:
        return cancel(txn, mailroom.ann, reason="moved", **which)  # type: ignore[arg-type]


def claim(db: Database, limit: int = 50) -> outbox.Claim:
    with db.transaction(TESTER) as txn:
        return outbox.claim(txn, due_by=the_clock.now(), lease_seconds=90, limit=limit)


def test_the_same_key_is_queued_once(mailroom: Mailroom) -> None:
    first = mailroom.queue("weekly.w1@2027-03-08:0d")

    assert first is not None
    assert mailroom.queue("weekly.w1@2027-03-08:0d") is None


def test_two_patients_may_have_the_same_key(mailroom: Mailroom) -> None:
    mailroom.queue("weekly.w1@2027-03-08:0d")

    with mailroom.db.transaction(TESTER) as txn:
        assert queue(txn, letter_to(a_patient(txn), "weekly.w1@2027-03-08:0d")) is not None


def test_a_site_has_keys_of_its_own(mailroom: Mailroom) -> None:
    with mailroom.db.transaction(TESTER) as txn:
        site_id = a_row(txn, "site")
        page = letter_to(mailroom.ann, "escalation:1", recipient=Recipient.STAFF, site_id=site_id)
        nobodys = {**page.__dict__, "patient_id": None}

        assert queue(txn, type(page)(**nobodys)) is not None
        assert queue(txn, type(page)(**nobodys)) is None


def test_what_was_recalled_is_queued_again_when_its_date_moves_back(mailroom: Mailroom) -> None:
    first = mailroom.queue()
    recall(mailroom)

    again = mailroom.queue()

    assert again == first
    assert mailroom.message(again).status == MessageStatus.QUEUED


def test_what_was_sent_is_not_queued_again(mailroom: Mailroom) -> None:
    mailroom.queue()
    mailroom.dispatch()

    assert mailroom.queue() is None
    assert recall(mailroom) == 0
    mailroom.dispatch()
    assert len(mailroom.phone()) == 1


def test_a_waiting_message_follows_its_plan_to_another_hour(mailroom: Mailroom) -> None:
    message_id = mailroom.queue(send_at=the_clock.now() + timedelta(hours=2))

    assert mailroom.queue(send_at=the_clock.now() + timedelta(hours=3)) is None

    assert mailroom.message(message_id).next_try_at == the_clock.now() + timedelta(hours=3)


def test_planning_again_does_not_undo_a_postponement(mailroom: Mailroom) -> None:
    send_at = the_clock.now()
    message_id = mailroom.queue(send_at=send_at)
    with mailroom.db.transaction(TESTER) as txn:
        message = txn.session.get_one(Message, message_id)
        outbox.postpone(txn, message, send_at + timedelta(hours=8), "quiet_hours")

    mailroom.queue(send_at=send_at)

    assert mailroom.message(message_id).next_try_at == send_at + timedelta(hours=8)


def test_recalling_by_prefix_touches_nothing_else(mailroom: Mailroom) -> None:
    mailroom.queue("weekly.w1@2027-03-08:0d")
    kept = mailroom.queue("weekly.w12@2027-05-24:0d")

    assert recall(mailroom, key_prefix="weekly.w1@") == 1
    assert mailroom.message(kept).status == MessageStatus.QUEUED


def test_recalling_names_the_keys_it_means(mailroom: Mailroom) -> None:
    mailroom.queue("a@2027-03-08:0d")
    kept = mailroom.queue("b@2027-03-08:0d")

    assert recall(mailroom, keys={"a@2027-03-08:0d"}) == 1
    assert mailroom.message(kept).status == MessageStatus.QUEUED


def test_recalling_everything_to_a_patient_leaves_pages_to_staff(mailroom: Mailroom) -> None:
    mailroom.queue("weekly.w1@2027-03-08:0d")
    page = mailroom.queue("escalation:1", recipient=Recipient.STAFF)

    assert recall(mailroom) == 1
    assert mailroom.message(page).status == MessageStatus.QUEUED


def test_the_urgent_are_claimed_first(mailroom: Mailroom) -> None:
    routine = mailroom.queue("routine", send_at=the_clock.now() - timedelta(hours=2))
    safety = mailroom.queue("safety", urgency=Urgency.SAFETY)

    assert claim(mailroom.db).message_ids == (safety, routine)


def test_what_is_not_due_is_not_claimed(mailroom: Mailroom) -> None:
    mailroom.queue(send_at=the_clock.now() + timedelta(seconds=1))

    assert claim(mailroom.db).message_ids == ()


def test_two_claims_share_nothing(mailroom: Mailroom) -> None:
    for number in range(5):
        mailroom.queue(f"weekly.w{number}@2027-03-08:0d")

    first, second = claim(mailroom.db, limit=3), claim(mailroom.db, limit=3)

    assert len(first.message_ids) == 3
    assert len(second.message_ids) == 2
    assert not set(first.message_ids) & set(second.message_ids)


def test_a_claim_skips_rows_another_claim_is_still_holding(mailroom: Mailroom) -> None:
    """PostgreSQL only in effect: there two claims can be open at once. SQLite lets the second wait its turn."""
    if mailroom.db.is_sqlite:
        return
    for number in range(4):
        mailroom.queue(f"weekly.w{number}@2027-03-08:0d")
    slow = mailroom.db.open(TESTER)
    held = outbox.claim(slow, due_by=the_clock.now(), lease_seconds=90, limit=2)

    quick = claim(mailroom.db)

    slow.finish(keep=True)
    assert len(held.message_ids) == len(quick.message_ids) == 2
    assert not set(held.message_ids) & set(quick.message_ids)


def test_a_claim_skips_locked_rows_on_postgres_and_begins_immediately_on_sqlite(mailroom: Mailroom) -> None:
    said: list[str] = []
    event.listen(mailroom.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: said.append(statement))
    if mailroom.db.is_sqlite:
        with mailroom.db.engine.connect() as connection:
            # The one that was used last is used next.
            cast(sqlite3.Connection, connection.connection.dbapi_connection).set_trace_callback(said.append)

    claim(mailroom.db)

    if mailroom.db.is_sqlite:
        assert said[-1] == "COMMIT"
        assert "BEGIN IMMEDIATE" in said
    else:
        assert any("FOR UPDATE SKIP LOCKED" in statement for statement in said)


@contextmanager
def statements(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is said to the database meanwhile, and with which values."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    yield said
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_run_that_has_taken_everything_does_not_look_again_unless_something_was_put_back(mailroom: Mailroom) -> None:
    mailroom.queue()
    with statements(mailroom.db) as at_ease:
        assert mailroom.dispatch() == {"sent": 1}
    mailroom.channels[ChannelKind.SMS] = Simulator(
        mailroom.db, {ANNS_NUMBER: Undeliverable("429", Refusal.NOT_PROCESSED)}
    )
    for number in range(2):
        with mailroom.db.transaction(TESTER) as txn:
            queue(txn, letter_to(a_patient(txn), f"weekly.w{number}@2027-03-08:0d"))
    with statements(mailroom.db) as in_trouble:
        mailroom.dispatch(first_breath=2)

    claims = [sum(statement.startswith("WITH due") for statement, _ in said) for said in (at_ease, in_trouble)]
    assert claims == [1, 2]


def test_sqlite_finds_what_is_due_by_its_index_and_does_not_sort_all_that_waits(mailroom: Mailroom) -> None:
    if not mailroom.db.is_sqlite:
        return
    mailroom.queue()
    with statements(mailroom.db) as said:
        claim(mailroom.db)

    taking = next(one for one in said if one[0].startswith("WITH due"))
    with mailroom.db.engine.connect() as connection:
        plan = [str(step) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {taking[0]}", taking[1])]
    assert any("INDEX ix_message_due (priority=? AND next_try_at<?)" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_many_are_queued_with_one_statement(mailroom: Mailroom) -> None:
    letters = [letter_to(mailroom.ann, f"weekly.w{number}@2027-03-08:0d") for number in range(5)]

    with statements(mailroom.db) as said, mailroom.db.transaction(TESTER) as txn:
        assert queue_all(txn, letters) == 5

    assert [statement.split()[0] for statement, _ in said] == ["INSERT"]


def test_only_the_outbox_locks_messages() -> None:
    """Whoever locks rows elsewhere has invented a second way to claim."""
    rooms = Path(outbox.__file__).parent
    locking = {file.name for file in rooms.rglob("*.py") if re.search(r"with_for_update|skip_locked", file.read_text())}

    assert locking == {"outbox.py"}


def test_a_claim_that_was_never_used_runs_out(mailroom: Mailroom, later: Callable[[str], None]) -> None:
    message_id = mailroom.queue()
    claim(mailroom.db)
    assert claim(mailroom.db).message_ids == ()

    later("2027-03-01T08:01:31+08:00")

    assert claim(mailroom.db).message_ids == (message_id,)


def test_what_another_left_behind_is_claimed_with_what_waits_and_in_its_order(
    mailroom: Mailroom, later: Callable[[str], None]
) -> None:
    abandoned = mailroom.queue("weekly.w1@2027-03-08:0d")
    claim(mailroom.db)
    later("2027-03-01T08:01:31+08:00")
    waiting = [mailroom.queue(f"weekly.w{number}@2027-03-08:0d", send_at=the_clock.now()) for number in (2, 3)]
    urgent = mailroom.queue("reply", urgency=Urgency.REPLY)

    claimed = claim(mailroom.db).message_ids

    assert claimed[:2] == (urgent, abandoned)
    assert set(claimed[2:]) == set(waiting)


def test_a_claim_that_ran_out_and_was_taken_by_another_is_worth_nothing(
    mailroom: Mailroom, later: Callable[[str], None]
) -> None:
    message_id = mailroom.queue()
    mine = claim(mailroom.db)
    later("2027-03-01T08:01:31+08:00")
    claim(mailroom.db)

    assert isinstance(message_id, UUID)
    with mailroom.db.transaction(TESTER) as txn:
        assert outbox.take(txn, [message_id], mine.token) == []

"""When the next message is due, and that what waits is found among what waits, however much there was before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from backend import clock as the_clock
from backend.conversations.handle import understand_waiting
from backend.db import Database, Transaction
from backend.terms import Urgency
from backend.worklist.items import to_pass_on
from notifications.outbox import open_questions
from notifications.waiting import next_message_at
from tests.notifications.conftest import TESTER, Mailroom


def next_of(db: Database, *, after: datetime | None = None) -> datetime | None:
    with db.reading(TESTER) as txn:
        return next_message_at(txn, after=after)


def test_nothing_waits_at_first(mailroom: Mailroom) -> None:
    assert next_of(mailroom.db) is None


def test_the_next_message_is_the_first_of_all_however_urgent_the_others_are(mailroom: Mailroom) -> None:
    now = the_clock.now()
    for hours, urgency in ((3, Urgency.SAFETY), (1, Urgency.ROUTINE), (2, Urgency.INFUSION)):
        mailroom.queue(f"{urgency}@", urgency=urgency, send_at=now + timedelta(hours=hours))

    assert next_of(mailroom.db) == now + timedelta(hours=1)
    assert next_of(mailroom.db, after=now + timedelta(hours=1)) == now + timedelta(hours=2)
    assert next_of(mailroom.db, after=now + timedelta(hours=2)) == now + timedelta(hours=3)
    assert next_of(mailroom.db, after=now + timedelta(hours=3)) is None


def in_a_reading(ask: Callable[[Transaction], object]) -> Callable[[Mailroom], object]:
    def asking(mailroom: Mailroom) -> None:
        with mailroom.db.reading(TESTER) as txn:
            ask(txn)

    return asking


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (in_a_reading(next_message_at), "ix_message_due (priority=?)"),
        (in_a_reading(to_pass_on), "ix_work_item_open"),
        (lambda mailroom: understand_waiting(mailroom.db), "ix_inbound_message_not_looked_at"),
        (
            lambda mailroom: in_a_reading(lambda txn: open_questions(txn, mailroom.ann))(mailroom),
            "ix_message_unanswered (patient_id=?)",
        ),
    ],
)
def test_what_waits_is_found_among_what_waits(
    mailroom: Mailroom, ask: Callable[[Mailroom], object], index: str
) -> None:
    said: list[tuple[str, Any]] = []
    event.listen(
        mailroom.db.engine, "before_cursor_execute", lambda _c, _k, words, values, *_: said.append((words, values))
    )
    ask(mailroom)

    words, values = next(one for one in said if one[0].startswith("SELECT"))
    with mailroom.db.engine.connect() as connection:
        plan = [str(step) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)]
    assert any(index in step for step in plan), plan

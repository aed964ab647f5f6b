"""What is fetched from a gateway of templates: reports and replies, each once, however often it says them."""

import json
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import func, select, true

from backend.db import Database
from backend.sealing import Keyring
from backend.terms import AttemptStatus, MessageStatus
from notifications import inbound, inbox
from notifications.channels.calls import Unanswered
from notifications.channels.template_gateway import (
    TAKEN_AT_ONCE,
    Name,
    Reply,
    TemplateGateway,
    why_refused,
)
from notifications.inbound import number_of, text_of
from notifications.models import Attempt, InboundMessage, OptOut, Receipt
from notifications.polling import _go_through, poll_replies, poll_reports
from tests.databases import INDEX_KEY, SECRET_KEY
from tests.fakes.template_gateway_process import FakeGateway
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom
from tests.notifications.template_gateway.conftest import settled


def test_a_report_settles_a_message_once_however_often_and_late_it_comes(posted, channel, fake):
    fake.switch(reports="late", doubled=True)
    message_id = posted.queue()
    posted.dispatch()
    nothing = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    fake.release()
    first = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)
    fake.tell("reports", {**report_on(fake), "report_id": "days later"})
    second = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    assert (nothing, first, second) == (
        {},
        {"reports_moved": 1, "reports_without_effect": 1},
        {"reports_without_effect": 1},
    )
    assert (posted.message(message_id).status, count(posted, Receipt)) == (MessageStatus.DELIVERED, 1)
    assert fake.books()["reports"] == []


def report_on(fake: FakeGateway) -> dict[str, str]:
    (row,) = fake.books()["taken"].values()
    return {"biz_id": row["biz_id"], "out_id": row["out_id"], "state": "DELIVERED"}


@pytest.mark.parametrize("code", ["NUMBER_UNASSIGNED", "CARRIER_BUSY", "CONTENT_REFUSED", "NEW_RULE"])
def test_a_report_of_failure_counts_like_a_refusal_of_its_class(posted, channel, fake, code):
    fake.switch(failing={ANNS_NUMBER: code})
    message_id = posted.queue()
    posted.dispatch()

    poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    with posted.db.reading(TESTER) as txn:
        attempt = txn.session.scalars(select(Attempt)).one()
        assert (attempt.code, attempt.refusal) == (code, why_refused(code))
    assert posted.message(message_id).status == MessageStatus.QUEUED


def test_a_report_that_comes_before_anybody_asks_ends_the_doubt(posted, later, channel, fake):
    fake.next("drop", accepting=True)
    message_id = posted.queue()
    posted.dispatch()

    poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)
    later("2027-03-01T08:05:00+08:00")
    posted.reconcile()
    posted.dispatch()

    assert settled(posted, message_id) == (MessageStatus.DELIVERED, [AttemptStatus.ACCEPTED])
    assert len(fake.texts()) == 1


def test_what_could_not_be_committed_is_said_again_by_the_gateway(posted, channel, fake):
    fake.switch(failing={ANNS_NUMBER: "PARAMETER_TOO_LONG"})
    message_id = posted.queue()
    posted.dispatch()
    fake.write(ANNS_NUMBER, "1")
    locked_out = Database(posted.db.url, Keyring(("another master key, which opens nothing",), INDEX_KEY, SECRET_KEY))

    failed = poll_reports(posted.db, channel, on_dead_letter=out_of_order)
    lost = poll_replies(locked_out, channel)
    locked_out.close()
    again = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    assert (failed, lost, again) == ({"reports_failed": 1}, {"replies_failed": 1}, {"reports_moved": 1})
    assert poll_replies(posted.db, channel) == {"replies_received": 1}
    assert posted.dead_letters == [(message_id, "PARAMETER_TOO_LONG")]


def out_of_order(*_: object) -> None:
    raise RuntimeError("this transaction does not end well")


def test_reports_on_nothing_of_ours_and_unreadable_ones_do_not_stand_in_the_way(posted, channel, fake):
    stranger = {"biz_id": "b", "out_id": str(uuid4()), "state": "DELIVERED"}
    rows = [stranger, {**stranger, "out_id": "no id"}, {**stranger, "state": "?"}, {**stranger, "biz_id": 7}]
    fake.tell("reports", *({**row, "report_id": f"r{number}"} for number, row in enumerate(rows)))

    counts = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    assert counts == {"reports_without_effect": 1, "reports_unreadable": 3}
    assert fake.books()["reports"] == []


def test_a_gateway_that_is_not_told_says_it_again_and_nothing_happens_twice(posted, channel, fake):
    posted.queue()
    posted.dispatch()
    fake.write(ANNS_NUMBER, "2")
    for kind in ("reports", "replies"):
        fake.next("drop", on=f"/sms/{kind}/kept")
        with pytest.raises(Unanswered):
            polling(kind)(posted, channel)

    assert polling("reports")(posted, channel) == {"reports_without_effect": 1}
    assert polling("replies")(posted, channel) == {"replies_known": 1}
    assert (count(posted, Receipt), count(posted, InboundMessage)) == (1, 1)
    assert (fake.books()["reports"], fake.books()["replies"]) == ([], [])


def polling(kind: str) -> Callable[[Mailroom, TemplateGateway], dict[str, int]]:
    def poll(mailroom: Mailroom, channel: TemplateGateway) -> dict[str, int]:
        if kind == "replies":
            return poll_replies(mailroom.db, channel)
        return poll_reports(mailroom.db, channel, on_dead_letter=mailroom.on_dead_letter)

    return poll


def test_a_reply_is_kept_word_for_word_and_stop_counts_at_once(posted, channel, fake):
    fake.write(ANNS_NUMBER, "2 但夜里更难受")
    fake.write(ANNS_NUMBER, "TD")

    counts = poll_replies(posted.db, channel)

    with posted.db.reading(TESTER) as txn:
        kept = txn.session.scalars(select(InboundMessage).order_by(InboundMessage.provider_id)).all()
        assert [(text_of(txn, row), number_of(txn, row), row.to_number) for row in kept] == [
            ("2 但夜里更难受", ANNS_NUMBER, "10690001"),
            ("TD", ANNS_NUMBER, "10690001"),
        ]
    assert (counts, count(posted, OptOut)) == ({"replies_received": 2}, 1)


def test_replies_that_cannot_be_read_are_kept_whole_for_a_person_and_hold_up_no_other(posted, channel, fake):
    odd = [{"reply_id": f"odd{number}", "phone": ANNS_NUMBER, "text": None} for number in range(TAKEN_AT_ONCE)]
    fake.tell("replies", *odd, {"reply_id": 7, "phone": ANNS_NUMBER, "text": "a number for a name"}, {"text": "?"})
    fake.write(ANNS_NUMBER, "1")

    counts, again = poll_replies(posted.db, channel), poll_replies(posted.db, channel)

    assert counts == {"replies_unreadable": TAKEN_AT_ONCE + 1, "replies_received": 2}
    assert again == {}
    assert [row.get("reply_id") for row in fake.books()["replies"]] == [None]
    with posted.db.reading(TESTER) as txn:
        page = inbox.waiting(txn, true(), limit=2 * TAKEN_AT_ONCE)
        kept = {
            (json.loads(text_of(txn, row)).get("reply_id"), number_of(txn, row))
            for row in page.items
            if row.handled_how
        }
        said = sorted(text_of(txn, row) for row in inbound.unhandled(txn, limit=900) if row.handled_how is None)
    assert kept == {(row["reply_id"], ANNS_NUMBER) for row in odd} | {(None, None)}
    assert said == ["1", "a number for a name"]


def test_what_cannot_be_named_and_so_never_goes_away_stands_in_the_way_of_nothing():
    there = [Reply(None, f"nameless {number}", {}, None) for number in range(250)]
    there += [Reply(number, f"named {number}", {}, None) for number in range(130)]
    kept: list[str] = []

    def say_kept(ids: Sequence[Name]) -> None:
        there[:] = [one for one in there if one.id not in ids]

    _go_through(lambda most: there[:most], lambda one: not kept.append(one.kept_as), say_kept)

    assert sorted(kept) == sorted({*kept})
    assert (len(kept), len(there)) == (380, 250)


def test_reports_that_cannot_be_read_are_kept_whole_and_nobody_is_asked_to_read_them(posted, channel, fake):
    fake.tell(
        "reports", *({"report_id": f"r{number}", "state": "?"} for number in range(TAKEN_AT_ONCE)), {"no": "name"}
    )
    posted.queue()
    posted.dispatch()

    counts = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    assert counts == {"reports_unreadable": TAKEN_AT_ONCE + 1, "reports_moved": 1}
    with posted.db.reading(TESTER) as txn:
        kept = [text_of(txn, row) for row in txn.session.scalars(select(InboundMessage))]
        assert inbound.unhandled(txn) == []
    assert {'{"report_id": "r0", "state": "?"}', '{"no": "name"}'} <= set(kept)


def test_more_than_one_helping_is_fetched_in_one_run(posted, channel, fake):
    fake.tell("reports", *({"report_id": f"r{number}"} for number in range(TAKEN_AT_ONCE + 1)))

    counts = poll_reports(posted.db, channel, on_dead_letter=posted.on_dead_letter)

    assert counts == {"reports_unreadable": TAKEN_AT_ONCE + 1}
    assert fake.books()["reports"] == []


def count(mailroom: Mailroom, table: type) -> int:
    with mailroom.db.reading(TESTER) as txn:
        return txn.session.scalar(select(func.count()).select_from(table)) or 0

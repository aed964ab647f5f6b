"""Texts that no webhook brought: fetched from the provider's list, each once, and taken for no newer than they are."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from backend import clock as the_clock
from backend.app import create_app
from backend.config import SmsGateway
from backend.db import Database, system
from backend.jobs import ticker_of, work_of
from backend.twilio_account import TwilioAccount
from notifications import opt_outs
from notifications.channels.calls import Unanswered
from notifications.channels.sms import Twilio
from notifications.inbound import ReceivedText, text_of
from notifications.models import InboundMessage, JobRun
from notifications.sweeping import JOB, NotAllKept, sweep
from tests.databases import KEYRING, Databases, settings_of
from tests.fakes.twilio_account import ACCOUNT_SID, AUTH_TOKENS, SENDER
from tests.fakes.twilio_process import a_fake_twilio
from tests.notifications.odd_twilio import odd_twilio, says

TEST = system("test")
ANN, BEN = "+8613800138001", "+8613800138002"
ACCOUNT = TwilioAccount(ACCOUNT_SID, AUTH_TOKENS[:1], SENDER, "")
SERVICE = "MG" + "3" * 32


@pytest.fixture
def of_today(databases: Databases) -> Iterator[Database]:
    """A database whose clock is the provider's: the real one."""
    url = databases.fresh_url("postgres")
    opened = Database(url, KEYRING, threads=8)
    yield opened
    opened.close()
    databases.drop(url)


def kept(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(InboundMessage).order_by(InboundMessage.received_at)).all()
        return [text_of(txn, row) for row in rows]


def counts_of_sweeps(db: Database) -> list[dict[str, Any]]:
    with db.reading(TEST) as txn:
        return [run.counts for run in txn.session.scalars(select(JobRun).where(JobRun.name == JOB))]


def listed(*texts: ReceivedText) -> Any:
    return lambda _since: iter(texts)


def text(sid: str, words: str, written_at: str, number: str = ANN) -> ReceivedText:
    return ReceivedText(sid, number, SENDER, words, written_at=datetime.fromisoformat(written_at))


def test_of_a_hundred_texts_of_which_a_fifth_came_by_no_webhook_none_is_lost_and_none_is_kept_twice(
    of_today: Database, tmp_path: Any
) -> None:
    words = [f"text number {number}" for number in range(100)]
    where: dict[str, Any] = {}
    server = make_server("127.0.0.1", 0, lambda *asked: where["app"](*asked), threaded=True)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with a_fake_twilio() as fake:
            here = f"http://127.0.0.1:{server.server_port}"
            account = replace(ACCOUNT, base_url=fake.address)
            usual = replace(settings_of(of_today.url, tmp_path), public_url=here, sms_gateway=SmsGateway.TWILIO)
            settings = replace(usual, twilio=account)
            where["app"] = create_app(settings, of_today)
            fake.tell_texts_to(f"{here}/webhooks/twilio/messages")
            fake.switch(webhooks_dropped_share=0.2, seed=7)
            told = sum(fake.write(ANN, one)["status"] == 200 for one in words)
            before = len(kept(of_today))
            ticker = ticker_of(work_of(of_today, settings))

            ticker.run(JOB)
            ticker.run(JOB)
            numbers = where["app"].test_client().get("/metrics").get_data(as_text=True)
    finally:
        server.shutdown()
        server.server_close()

    assert 60 < told == before < 95
    assert sorted(kept(of_today)) == sorted(words)
    assert f"followup_texts_fetched {100 - told}.0" in numbers
    assert counts_of_sweeps(of_today) == [{"sweeps": 1, "texts_fetched": 100 - told}, {"sweeps": 1}]


def test_it_looks_back_to_the_last_time_that_ended_well_and_half_a_day_more(
    db: Database, work: Any, clock: Any
) -> None:
    looked: list[datetime] = []

    def listing(since: datetime) -> Iterator[ReceivedText]:
        looked.append(since)
        yield text(f"SM{len(looked):032}", "1", "2027-03-01T07:00:00+08:00")

    def breaks_off(since: datetime) -> Iterator[ReceivedText]:
        looked.append(since)
        raise Unanswered("HTTP 503")

    now = the_clock.wall()
    with db.transaction(TEST) as txn:
        usual = {"milliseconds": 1, "counts": {}}
        txn.session.add(JobRun(name=JOB, started_at=now - timedelta(days=3), error=None, **usual))
        txn.session.add(JobRun(name=JOB, started_at=now - timedelta(days=1), error="Unanswered", **usual))
        # Noted by a clock that was ahead.
        txn.session.add(JobRun(name=JOB, started_at=now + timedelta(hours=6), error=None, **usual))

    assert sweep(db, listing) == {"sweeps": 1, "texts_fetched": 1}
    with pytest.raises(Unanswered):
        sweep(db, breaks_off)

    assert looked == [now - timedelta(days=3, hours=12)] * 2


def test_what_cannot_be_kept_does_not_keep_back_the_others_and_the_next_time_begins_as_early(db: Database) -> None:
    words = "2027-03-01T07:00:00+08:00"
    broken = replace(text("SM" + "1" * 32, "x", words), from_number=None)  # type: ignore[arg-type]

    with pytest.raises(NotAllKept):
        sweep(db, listed(broken, text("SM" + "2" * 32, "well", words)))

    assert kept(db) == ["well"]


def test_a_word_that_comes_late_does_not_overrule_a_newer_one(db: Database, clock: Any) -> None:
    for number, first, second in ((ANN, "STOP", "START"), (BEN, "START", "STOP")):
        sweep(db, listed(text(f"SM-{second}{number}", second, "2027-03-01T07:10:00+08:00", number)))
        sweep(db, listed(text(f"SM-{first}{number}", first, "2027-03-01T07:00:00+08:00", number)))

    with db.reading(TEST) as txn:
        assert not opt_outs.has_stopped(txn, ANN)
        assert opt_outs.has_stopped(txn, BEN)


def test_a_stop_that_no_webhook_brought_counts_from_the_sweep_on(db: Database, clock: Any) -> None:
    sweep(db, listed(text("SM1", "STOP", "2027-03-01T07:00:00+08:00")))

    with db.reading(TEST) as txn:
        assert opt_outs.has_stopped(txn, ANN)
        received = txn.session.scalars(select(InboundMessage.received_at)).one()
    assert received == datetime.fromisoformat("2027-03-01T07:00:00+08:00")


# --- what Twilio lists


def a_text(number: int, **fields: Any) -> dict[str, Any]:
    made = format_datetime(the_clock.wall() - timedelta(minutes=number))
    usual = {"direction": "inbound", "body": f"words {number}", "date_created": made, "date_sent": made}
    return {"sid": f"SM{number:032}", "from": ANN, "to": SENDER, "messaging_service_sid": None} | usual | fields


PAGES = (
    [
        (1, {}),
        (2, {"direction": "outbound-api"}),
        (3, {"date_sent": None}),
        (4, {"date_created": None, "date_sent": None}),
        (5, {"messaging_service_sid": "MG" + "9" * 32}),
        (6, {"body": None, "messaging_service_sid": SERVICE, "from": "\x00+1"}),
        # Scheduled long ago, and listed by when it went.
        (1_000_000, {"direction": "outbound-api"}),
    ],
    [(7, {}), *[(10_000_000 + number, {}) for number in range(201)], (8, {})],
)


def test_of_what_twilio_lists_only_what_was_written_to_us_is_fetched_however_it_is_dated(clock: Any) -> None:
    def answer(desk: Any) -> None:
        turn = len(odd.asked)
        shown = [a_text(number, **fields) for number, fields in PAGES[turn - 1]]
        following = "/2010-04-01/next" if turn < len(PAGES) else None
        says(200, {"messages": shown, "next_page_uri": following, "page": 0, "uri": "/"})(desk)

    with odd_twilio() as odd:
        odd.answer = answer
        by_service = replace(ACCOUNT, base_url=odd.address, from_number="", messaging_service_sid=SERVICE)
        found = list(Twilio(by_service, "http://127.0.0.1:9").received_since(the_clock.wall() - timedelta(hours=1)))
        odd.answer = says(200, {"messages": [], "next_page_uri": None, "page": 0, "uri": "/"})
        list(Twilio(replace(ACCOUNT, base_url=odd.address), "http://127.0.0.1:9").received_since(the_clock.wall()))
        odd.answer = says(502, "<html></html>", "text/html")
        with pytest.raises(Unanswered):
            list(Twilio(by_service, "http://127.0.0.1:9").received_since(the_clock.wall()))

    assert [one.text for one in found] == ["words 1", "words 3", "words 4", "", "words 7"]
    assert (found[3].from_number, found[2].written_at) == ("+1", None)
    assert [asked["said"].get("To") for asked in odd.asked] == [None, None, SENDER, None]

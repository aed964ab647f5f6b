"""A silent worker cannot say so: the web process writes to the staff by e-mail, once, and once more when it is over."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from backend import clock as clocks
from backend.config import Settings
from backend.db import Database, system
from backend.jobs import Work, work_of
from backend.terms import ChannelKind, MessageStatus
from backend.watch import Watch
from notifications.channels.email import Email
from notifications.models import Message, WorkerHeartbeat
from tests import people
from tests.conftest import Clock
from tests.databases import Databases
from tests.notifications.mail_server import Mailbox, at, mail_server

TEST = system("test")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def posted(settings: Settings, db: Database, mailbox: Mailbox) -> Iterator[Work]:
    """A web process that can send mail."""
    # The tests' server tells whom it hears of; ours does not.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    with mail_server(mailbox) as port:
        server = at(port)
        work = work_of(db, replace(settings, smtp_url=server))
        channels = {**work.channels, ChannelKind.EMAIL: Email(server, seconds=5.0)}
        yield replace(work, channels=channels)


def watch(work: Work) -> Watch:
    return Watch(work.db, work.send_letters_about_outages)


def beat(db: Database) -> None:
    with db.transaction(TEST) as txn:
        txn.session.add(WorkerHeartbeat(started_at=clocks.wall(), beat_at=clocks.wall()))


def subjects(mailbox: Mailbox) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in mailbox.mails)


SILENT, BACK = "消息目前无法发送", "消息已恢复发送"


def test_administrators_and_who_is_on_call_get_one_letter_an_outage_and_one_when_it_is_over(
    posted: Work, db: Database, mailbox: Mailbox, clock: Clock
) -> None:
    people.ann(db)
    people.administrator(db)
    people.investigator(db)
    people.coordinator(db)
    first, second = watch(posted), watch(posted)
    beat(db)
    assert first.look() is False
    clock.move_to("2027-03-01T08:03:00+08:00")

    for _ in range(2):
        assert (first.look(), second.look()) == (True, True)
    told = subjects(mailbox)
    beat(db)
    for one in (first, second, watch(posted)):
        assert one.look() is False
    over = subjects(mailbox)
    clock.move_to("2027-03-01T09:00:00+08:00")
    first.look()

    assert told == {SILENT: 2}
    assert over == {SILENT: 2, BACK: 2}
    assert subjects(mailbox) == {SILENT: 4, BACK: 2}
    assert "自3月1日(周一)00:00（世界协调时）起" in mailbox.mails[0].get_content()


def test_nothing_but_these_letters_is_sent_and_one_that_the_server_puts_off_is_tried_again(
    posted: Work, db: Database, mailbox: Mailbox, clock: Clock
) -> None:
    people.ann(db)
    people.administrator(db)
    posted.plan()
    beat(db)
    clock.move_to("2027-03-18T10:05:00+08:00")
    mailbox.answers["RCPT"] = "450 later"
    looking = watch(posted)
    looking.look()
    del mailbox.answers["RCPT"]

    clock.move_to("2027-03-18T10:10:00+08:00")
    looking.look()

    assert subjects(mailbox) == {SILENT: 1}
    with db.reading(TEST) as txn:
        said = select(Message.status, Message.template).where(Message.next_try_at <= clocks.now() + timedelta(hours=1))
        others = {status for status, template in txn.session.execute(said) if template != "worker_silent_email"}
    assert others == {MessageStatus.QUEUED}


def test_where_no_mail_server_is_named_the_log_alone_tells(work: Work, db: Database, clock: Clock) -> None:
    people.administrator(db)
    beat(db)
    clock.move_to("2027-03-01T08:03:00+08:00")

    assert watch(work).look() is True

    with db.reading(TEST) as txn:
        assert txn.session.execute(select(Message.status, Message.reason)).one() == (
            MessageStatus.SUPPRESSED,
            "no_email_gateway",
        )

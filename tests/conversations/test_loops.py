"""Two machines that answer each other: when it is one, what is still said, and one mark in the inbox for all of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, true

import notifications
from backend import clock as the_clock
from backend.conversations import loops
from backend.db import Database, Transaction, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.terms import Recipient, Urgency
from notifications import inbox
from notifications.inbound import ReceivedText, keep
from notifications.models import InboundMessage
from notifications.outbox import Letter
from tests import people
from tests.conftest import Clock
from tests.phone import Phone

TEST = system("test")
OTHER = "+8613800138044"
NOW, JUST_STILL, NO_MORE = timedelta(0), timedelta(minutes=9, seconds=59), timedelta(minutes=10)


@pytest.fixture(params=["sqlite"])
def database_url(request, databases):
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def phone(work: Work) -> Phone:
    return Phone(work, people.ANNS_PHONE)


# What was answered before to which number, how often and how long ago; what would be said now; is that one too many?
TABLE = [
    ("help_reply", people.ANNS_PHONE, 5, NOW, "help_reply", False),
    ("help_reply", people.ANNS_PHONE, 6, NOW, "help_reply", True),
    ("help_reply", people.ANNS_PHONE, 6, JUST_STILL, "thanks_reply", True),
    ("help_reply", people.ANNS_PHONE, 9, NO_MORE, "help_reply", False),
    ("help_reply", OTHER, 9, NOW, "help_reply", False),
    ("danger_reply", people.ANNS_PHONE, 9, NOW, "help_reply", False),
    ("kind_reply", people.ANNS_PHONE, 9, NOW, "help_reply", False),
    ("survey_question", people.ANNS_PHONE, 30, NOW, "help_reply", False),
    ("letter", people.ANNS_PHONE, 9, NOW, "help_reply", False),
    ("help_reply", people.ANNS_PHONE, 9, NOW, "danger_reply", False),
    ("help_reply", people.ANNS_PHONE, 9, NOW, "kind_reply", False),
    ("help_reply", people.ANNS_PHONE, 9, NOW, "survey_question", False),
]


def test_what_counts_as_a_loop_and_what_is_said_in_one_all_the_same(db: Database, clock: Clock, ann: Patient) -> None:
    for row in TABLE:
        with db.transaction(TEST) as txn:
            found = _is_one_too_many(txn, ann, *row[:5])
            txn.session.rollback()

        assert found == row[5], row


def _is_one_too_many(
    txn: Transaction, ann: Patient, template: str, number: str, times: int, ago: timedelta, now_said: str
) -> bool:
    for _ in range(times):
        queued = notifications.queue(txn, _an_answer(txn, ann, template, _wrote(txn, number)))
        assert queued is not None
        queued.created_at = the_clock.now() - ago
    txn.session.flush()
    return loops.is_a_loop(txn, _wrote(txn, people.ANNS_PHONE), now_said)


def _wrote(txn: Transaction, number: str) -> InboundMessage:
    kept = keep(txn, ReceivedText(str(uuid4()), number, "10690000", "x"))
    assert kept is not None
    return kept


def _an_answer(txn: Transaction, ann: Patient, template: str, received: InboundMessage) -> Letter:
    return Letter(
        key=f"reply:{received.id}",
        template=template,
        recipient=Recipient.PATIENT,
        send_at=txn.now,
        urgency=Urgency.REPLY,
        patient_id=ann.id,
        site_id=ann.site_id,
        in_reply_to=received.id,
    )


def test_a_loop_is_one_mark_in_the_inbox_until_it_is_dealt_with_and_danger_is_answered_within_it(
    db: Database, clock: Clock, ann: Patient, phone: Phone
) -> None:
    answers = [len(phone.writes("help")) for _ in range(6)]
    silence = [phone.writes("help"), phone.writes("the plums are ripe"), phone.writes("and the pears")]
    marks = _waiting(db)
    emergency = phone.writes("I am bleeding")
    _resolve(db)
    silence.append(phone.writes("help"))

    assert answers == [1] * 6
    assert silence == [[]] * 4
    assert marks == ["loop"]
    assert "120" in emergency[0]
    assert _waiting(db) == ["loop"]
    clock.move_to("2027-03-01T08:20:00+08:00")
    assert len(phone.writes("help")) == 1
    assert len(_texts(db)) == 12


def _waiting(db: Database) -> list[str | None]:
    with db.reading(TEST) as txn:
        return [one.handled_how for one in inbox.waiting(txn, true()).items]


def _resolve(db: Database) -> None:
    with db.transaction(TEST) as txn:
        for one in inbox.waiting(txn, true()).items:
            inbox.resolve(txn, one, "nothing_to_do")


def _texts(db: Database) -> list[str | None]:
    with db.reading(TEST) as txn:
        return list(txn.session.scalars(select(InboundMessage.handled_how)))

"""What Twilio tells us is believed only under its signature over the address we gave out, and counts only once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from backend.app import create_app
from backend.db import Database, system
from backend.terms import ChannelKind, MessageStatus
from notifications import opt_outs
from notifications.inbound import text_of, unhandled
from notifications.models import Attempt, InboundMessage, Message, OptOut, Receipt
from tests.notifications.conftest import ANNS_NUMBER, Mailroom, settings_with
from tests.notifications.rows import a_patient, the_studys_key
from tests.twilio_webhooks import ACCOUNT, MESSAGES, OURS, PUBLIC, STATUS, TOKENS, signed, with_twilio

SID = "SM" + "a" * 32
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
TEST = system("test")


class Silent:
    """A provider that takes everything and never answers."""

    gateway = "simulator"
    looks_to_be_sure, seconds_between_looks = 2, 60.0

    def send(self, *_: object) -> Any:
        raise TimeoutError

    def find(self, *_: object) -> Any:
        raise TimeoutError


@pytest.fixture
def web(settings: Any, db: Database) -> Any:
    """A server whose texts Twilio carries."""
    return create_app(with_twilio(settings), db).test_client()


@pytest.fixture
def attempt(db: Database, tmp_path: Any) -> UUID:
    """One that was made, and of which nothing was heard."""
    with db.transaction(TEST) as txn:
        the_studys_key(txn)
        ann = a_patient(txn)
    mailroom = Mailroom(db, settings_with(db, tmp_path), ann, {ChannelKind.SMS: Silent()})
    mailroom.queue()
    assert mailroom.dispatch() == {"unknown": 1}
    with db.reading(TEST) as txn:
        return txn.session.scalars(select(Attempt.id)).one()


def tell(web: Any, attempt: object, word: str, token: str = TOKENS[0], **more: str) -> Any:
    """One callback, as Twilio makes it."""
    where = f"{STATUS}?attempt={attempt}"
    said = {"AccountSid": ACCOUNT.sid, "MessageSid": SID, "MessageStatus": word, "SmsStatus": word, **more}
    return web.post(where, data=said, headers=signed(PUBLIC + where, said, token))


def write(web: Any, words: str, **more: str) -> Any:
    """A text, as Twilio passes it on."""
    named = {"MessageSid": SID, "From": ANNS_NUMBER, "To": OURS, "NumMedia": "0", "FromCity": ""}
    said = {"AccountSid": ACCOUNT.sid, **named, "Body": words, **more}
    return web.post(MESSAGES, data=said, headers=signed(PUBLIC + MESSAGES, said))


def found(db: Database) -> tuple[str, str | None, list[str]]:
    """Where the message stands, whose id its attempt bears, and which receipts were kept."""
    with db.reading(TEST) as txn:
        message, attempt = txn.session.execute(select(Message, Attempt).join(Attempt)).one()
        kept = txn.session.scalars(select(Receipt.status).order_by(Receipt.status)).all()
        return message.status, attempt.provider_id, list(kept)


def texts(db: Database) -> list[str]:
    with db.reading(TEST) as txn:
        return [text_of(txn, one) for one in unhandled(txn)]


# --- what became of a message


def test_a_callback_under_either_token_ends_the_doubt_about_its_attempt(web, db, attempt):
    answers = [tell(web, attempt, "sent"), tell(web, attempt, "delivered", TOKENS[1])]

    assert [(one.status_code, one.text, one.mimetype) for one in answers] == [(200, NOTHING, "text/xml")] * 2
    assert found(db) == (MessageStatus.DELIVERED, SID, ["delivered", "sent"])


def test_callbacks_that_come_twice_and_in_any_order_never_move_it_back(web, db, attempt):
    for word in ("delivered", "queued", "delivered", "sending", "sent", "accepted"):
        assert tell(web, attempt, word).status_code == 200

    assert found(db) == (MessageStatus.DELIVERED, SID, ["delivered", "sent"])


def test_what_was_not_delivered_is_kept_with_its_code(web, db, attempt):
    assert tell(web, attempt, "undelivered", ErrorCode="30005").status_code == 200

    status, sid, kept = found(db)
    assert status not in (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED)
    assert (sid, kept) == (SID, ["failed"])
    with db.reading(TEST) as txn:
        assert txn.session.scalars(select(Receipt.code)).one() == "30005"


def test_a_forged_callback_gets_a_bare_403_and_changes_nothing(web, db, attempt):
    answers = [tell(web, attempt, "delivered", token) for token in ("another token", "", "ÿ")]

    assert [(one.status_code, one.data) for one in answers] == [(403, b"")] * 3
    assert found(db) == (MessageStatus.SENDING, None, [])


def test_a_signature_is_good_for_what_was_signed_and_for_nothing_else(web, db, attempt):
    where = f"{STATUS}?attempt={attempt}"
    said = {"AccountSid": ACCOUNT.sid, "MessageSid": SID, "MessageStatus": "failed"}
    good = signed(PUBLIC + where, said)
    of_the_host = signed(f"http://localhost{where}", said)

    refused = [
        web.post(where, data=said),
        web.post(where, data=said, headers={"X-Twilio-Signature": "ÿ"}),
        web.post(where, data=said | {"MessageStatus": "delivered"}, headers=good),
        web.post(f"{STATUS}?attempt={uuid4()}", data=said, headers=good),
        web.post(f"{where}&more=1", data=said, headers=good),
        web.post(MESSAGES, data=said, headers=good),
        web.post(where, data=said, headers=of_the_host),
        web.post(where, data=said, headers=of_the_host | {"X-Forwarded-Host": "localhost"}),
    ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert found(db) == (MessageStatus.SENDING, None, [])
    assert web.post(where, data=said, headers=good | {"Host": "elsewhere.example"}).status_code == 200


def test_what_twilio_says_of_another_account_is_not_for_us(web, db, attempt):
    assert tell(web, attempt, "delivered", AccountSid="AC" + "6" * 32).status_code == 403
    assert found(db)[0] == MessageStatus.SENDING


def test_what_nobody_knows_is_answered_and_has_no_effect(web, db, attempt):
    strangers = (uuid4(), "", "7", "'; DROP TABLE message", "%00", "ÿ")

    answers = [tell(web, quote(str(stranger)), "delivered") for stranger in strangers]
    answers.append(tell(web, attempt, "teleported"))

    assert [(one.status_code, one.text) for one in answers] == [(200, NOTHING)] * len(answers)
    assert found(db) == (MessageStatus.SENDING, None, [])


def test_a_callback_that_lacks_something_is_told_what(web):
    for missing, wrong in (("MessageSid", None), ("MessageStatus", None), ("MessageSid", "x\x00")):
        said = {"AccountSid": ACCOUNT.sid, "MessageSid": SID, "MessageStatus": "sent"}
        said = {name: value for name, value in said.items() if name != missing} | ({missing: wrong} if wrong else {})

        answer = web.post(STATUS, data=said, headers=signed(PUBLIC + STATUS, said))

        assert (answer.status_code, list(answer.json["errors"])) == (422, [missing])


# --- what somebody wrote


def test_a_text_is_kept_once_however_often_it_is_told(web, db):
    answers = [write(web, "2 but worse at night 💊"), write(web, "2 but worse at night 💊"), write(web, "other words")]

    assert [(one.status_code, one.text) for one in answers] == [(200, NOTHING)] * 3
    assert texts(db) == ["2 but worse at night 💊"]
    with db.reading(TEST) as txn:
        kept = txn.session.scalars(select(InboundMessage)).one()
        assert (kept.provider_id, kept.to_number, kept.channel) == (SID, OURS, ChannelKind.SMS)


def test_stop_counts_from_the_moment_it_is_answered(web, db):
    assert write(web, "STOP").status_code == 200

    with db.reading(TEST) as txn:
        assert opt_outs.has_stopped(txn, ANNS_NUMBER)


def test_an_odd_text_is_kept_all_the_same(web, db):
    odd: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("a\x00b", {}),
        ("x" * 60_000, {}),
        ("no number", {"From": "", "To": ""}),
        ("no such number", {"From": "whatsapp:+8613800138001\x00", "To": "\x00" * 500}),
    ]

    answers = [write(web, words, MessageSid=f"SM{turn:032}", **ends) for turn, (words, ends) in enumerate(odd)]

    assert [one.status_code for one in answers] == [200] * len(odd)
    assert sorted(texts(db)) == sorted(words for words, _ in odd)


def test_a_text_that_lacks_something_is_told_what(web, db):
    for missing in ("MessageSid", "From", "Body"):
        said = {"AccountSid": ACCOUNT.sid, "MessageSid": SID, "From": ANNS_NUMBER, "To": OURS, "Body": "hello"}
        del said[missing]

        answer = web.post(MESSAGES, data=said, headers=signed(PUBLIC + MESSAGES, said))

        assert (answer.status_code, list(answer.json["errors"])) == (422, [missing])
    assert texts(db) == []


def test_a_text_that_cannot_be_stored_is_refused_so_that_it_comes_again(web, db):
    with db.transaction(TEST) as txn:
        txn.session.execute(text("ALTER TABLE inbound_message RENAME TO away"))

    assert write(web, "hello").status_code in (500, 503)

    with db.transaction(TEST) as txn:
        txn.session.execute(text("ALTER TABLE away RENAME TO inbound_message"))
    assert write(web, "hello").status_code == 200
    assert texts(db) == ["hello"]


def test_nobody_writes_without_a_signature(web, db):
    said = {"AccountSid": ACCOUNT.sid, "MessageSid": SID, "From": ANNS_NUMBER, "To": OURS, "Body": "STOP"}

    answer = web.post(MESSAGES, data=said, headers=signed(PUBLIC + MESSAGES, said, "guessed"))

    assert (answer.status_code, answer.data) == (403, b"")
    with db.reading(TEST) as txn:
        assert txn.session.scalar(select(func.count()).select_from(InboundMessage)) == 0


def test_ten_of_the_same_text_at_once_are_all_answered_and_count_once(web, db):
    ready = Barrier(10)

    def told(_: int) -> int:
        ready.wait()
        return write(web.application.test_client(), "STOP").status_code

    with ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(told, range(10)))

    # Whoever finds the database held is told to come again, as Twilio will.
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert write(web, "STOP").status_code == 200
    with db.reading(TEST) as txn:
        counted = [txn.session.scalar(select(func.count()).select_from(kind)) for kind in (InboundMessage, OptOut)]
    assert counted == [1, 1]


def test_a_text_that_is_told_again_days_later_does_not_undo_what_was_said_since(web, db):
    write(web, "STOP")
    write(web, "START", MessageSid="SM" + "b" * 32)

    assert write(web, "STOP").status_code == 200

    with db.reading(TEST) as txn:
        assert not opt_outs.has_stopped(txn, ANNS_NUMBER)


def test_a_text_of_another_account_is_not_for_us(web, db):
    assert write(web, "STOP", AccountSid="AC" + "6" * 32).status_code == 403
    assert texts(db) == []


def test_a_text_that_was_kept_before_our_own_failure_is_kept_once_when_it_comes_again(web, db, monkeypatch):
    def broken(*_: Any) -> None:
        raise RuntimeError("after the text was kept")

    monkeypatch.setattr("backend.api.twilio._thanks", broken)
    first = write(web, "2 but worse at night")
    monkeypatch.undo()

    assert (first.status_code, write(web, "2 but worse at night").status_code) == (500, 200)
    assert texts(db) == ["2 but worse at night"]

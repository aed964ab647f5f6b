"""What is wrong with a number, a text, a row or a webhook, and what its users see of it."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from backend.app import create_app
from backend.config import Settings
from backend.db import Database, Transaction, system
from backend.errors import BadTemplate
from backend.sealing import seal
from backend.terms import MessageStatus
from notifications import Send, opt_outs, templates
from notifications.models import Message
from tests import people
from tests.conversations import release_world
from tests.conversations.release_world import a_report_is_due
from tests.notifications.conftest import ANNS_NUMBER, Mailroom, text_to_ann
from tests.twilio_webhooks import ACCOUNT, MESSAGES, OURS, PUBLIC, signed, with_twilio

TEST = system("test")
ONE_KIND_WILL_DO = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_error_of_the_database_in_preparing_one_message_spoils_no_other(
    mailroom: Mailroom, later: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def spoilt(txn: Transaction, message: Message) -> Send:
        if message.key == "letter 1":
            txn.session.execute(text("SELECT no_such_column FROM message"))
        return text_to_ann(txn, message)

    letters = [mailroom.queue(f"letter {number}") for number in range(3)]
    with caplog.at_level(logging.CRITICAL):
        for minute in (0, 5, 30, 59):
            later(f"2027-03-01T08:{minute:02}:00+08:00")
            mailroom.dispatch(spoilt)
        later("2027-03-01T12:00:00+08:00")
        mailroom.dispatch(spoilt)

    statuses = [mailroom.message(one).status for one in letters]
    assert statuses == [MessageStatus.DELIVERED, MessageStatus.FAILED, MessageStatus.DELIVERED]
    assert len(mailroom.phone()) == 2
    assert [message_id for message_id, _ in mailroom.dead_letters] == [letters[1]]


@ONE_KIND_WILL_DO
def test_a_number_that_no_telephone_can_have_is_given_to_no_provider_and_is_a_task(
    work: Any, clock: Any, client: Any
) -> None:
    world = release_world.made(work, clock)
    a_report_is_due(world)
    coordinator = people.coordinator(work.db)
    world.do(lambda txn, ann: setattr(ann, "phone_sealed", seal(txn, ann, "phone_sealed", "+86 138 ext 7")))

    world.work.dispatch()

    listed = client.get("/api/v1/worklist", headers=coordinator.headers).json["items"]
    assert [(one["reason"], one["key"].partition(":")[0]) for one in listed] == [("check_the_phone", "malformed-phone")]
    refused = client.post(
        "/api/v1/patients", json=people.enrolment_body(phone="+86 138 ext 7"), headers=coordinator.headers
    )
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["phone"])


@ONE_KIND_WILL_DO
def test_nothing_starts_with_a_text_whose_placeholder_nobody_knows(
    settings: Settings, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Path(templates.__file__).parent / "templates", tmp_path / "templates")
    (tmp_path / "templates" / "en" / "visit_reminder.txt").write_text("Come on {date}, {nickname}.", "utf-8")
    monkeypatch.setattr(templates, "files", lambda _package: tmp_path)
    templates._our_own.cache_clear()
    try:
        with pytest.raises(BadTemplate) as refused:
            create_app(settings, db)
    finally:
        templates._our_own.cache_clear()

    assert list(refused.value.fields) == ["visit_reminder"]
    assert "nickname" in str(refused.value.fields)


@ONE_KIND_WILL_DO
def test_a_signed_stop_that_somebody_plays_again_stops_nothing_that_was_started_since(settings: Any, db: Any) -> None:
    web = create_app(with_twilio(settings), db).test_client()

    def write(sid: str, words: str) -> int:
        said = {"AccountSid": ACCOUNT.sid, "MessageSid": sid, "From": ANNS_NUMBER, "To": OURS, "Body": words}
        return int(web.post(MESSAGES, data=said, headers=signed(PUBLIC + MESSAGES, said)).status_code)

    answers = [write("SM" + "1" * 32, "STOP"), write("SM" + "2" * 32, "START"), write("SM" + "1" * 32, "STOP")]

    assert answers == [200, 200, 200]
    with db.reading(TEST) as txn:
        assert not opt_outs.has_stopped(txn, ANNS_NUMBER)

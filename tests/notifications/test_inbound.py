"""Texts that come in: kept once, before anything understands them; STOP and START."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from backend.audit import AuditEvent
from backend.db import Transaction
from backend.sealing import keyring_of
from backend.terms import ChannelKind, Keyword, MessageStatus
from notifications import ReceivedText, opt_outs, receive
from notifications.channels.simulator import Simulator
from notifications.inbound import keep, mark_handled, number_of, obey, text_of, unhandled
from notifications.models import InboundMessage, Message, OptOut
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom, text_to_ann

BENS_NUMBER = "+8613800138002"


def write(mailroom: Mailroom, words: str, number: str = ANNS_NUMBER) -> UUID:
    simulator = Simulator(mailroom.db)
    inbound_id = receive(mailroom.db, simulator.write_from(number, words))
    assert inbound_id is not None
    return inbound_id


def stopped(mailroom: Mailroom, number: str = ANNS_NUMBER) -> bool:
    with mailroom.db.transaction(TESTER) as txn:
        return opt_outs.has_stopped(txn, number)


def test_a_text_is_kept_whole_with_words_and_number_sealed(mailroom: Mailroom) -> None:
    inbound_id = write(mailroom, "2 but worse at night \u0000 \U0001f642")

    with mailroom.db.reading(TESTER) as txn:
        kept = txn.session.get_one(InboundMessage, inbound_id)
        assert text_of(txn, kept) == "2 but worse at night \u0000 \U0001f642"
        assert number_of(txn, kept) == ANNS_NUMBER
        assert kept.number_index == keyring_of(txn).blind_index("phone", ANNS_NUMBER)
        row = txn.session.execute(text("SELECT * FROM inbound_message")).one()
        assert "worse" not in str(row)
        assert ANNS_NUMBER[1:] not in str(row)


def test_half_a_character_is_kept_as_a_question_mark(mailroom: Mailroom) -> None:
    inbound_id = receive(mailroom.db, ReceivedText("SM1", ANNS_NUMBER, "", "ab\ud83d"))

    with mailroom.db.reading(TESTER) as txn:
        assert text_of(txn, txn.session.get_one(InboundMessage, inbound_id)) == "ab?"


def test_the_same_provider_id_is_kept_once(mailroom: Mailroom) -> None:
    received = ReceivedText("SM1", ANNS_NUMBER, "", "1")

    assert receive(mailroom.db, received) is not None
    assert receive(mailroom.db, received) is None


def test_the_same_text_arriving_twice_at_once_is_kept_once(mailroom: Mailroom) -> None:
    kept: list[UUID | None] = []
    ready = threading.Barrier(4)

    def arrive() -> None:
        ready.wait()
        kept.append(receive(mailroom.db, ReceivedText("SM1", ANNS_NUMBER, "", "STOP")))

    threads = [threading.Thread(target=arrive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept) == 4
    assert len([inbound_id for inbound_id in kept if inbound_id]) == 1


def test_a_text_stays_unhandled_until_somebody_says_what_became_of_it(mailroom: Mailroom) -> None:
    inbound_id = write(mailroom, "1")

    with mailroom.db.transaction(TESTER) as txn:
        (waiting,) = unhandled(txn)
        assert waiting.id == inbound_id
        assert unhandled(txn, older_than=timedelta(minutes=2)) == []
        mark_handled(txn, waiting, "answered", mailroom.ann)

    with mailroom.db.reading(TESTER) as txn:
        assert unhandled(txn) == []
        assert txn.session.get_one(InboundMessage, inbound_id).patient_id == mailroom.ann


def test_a_text_written_in_the_app_belongs_to_its_patient_and_has_no_number(mailroom: Mailroom) -> None:
    with mailroom.db.transaction(TESTER) as txn:
        kept = keep(txn, ReceivedText("app-1", "", "", "STOP", ChannelKind.IN_APP, mailroom.ann))
        assert kept is not None
        assert kept.key_owner_id == mailroom.ann
        assert number_of(txn, kept) is None
        assert obey(txn, kept) is None


@pytest.mark.parametrize(
    "words", ["STOP", "stop", " Stop. ", "ＳＴＯＰ", "停", "退订", "TD", "td！", "UNSUBSCRIBE", "“STOP”", "取消订阅"]
)
def test_stop_in_any_of_its_forms_is_obeyed(words: str) -> None:
    assert opt_outs.keyword_in(words) is Keyword.STOP


@pytest.mark.parametrize("words", ["START", "start", "恢复", "Unstop"])
def test_start_in_any_of_its_forms_is_obeyed(words: str) -> None:
    assert opt_outs.keyword_in(words) is Keyword.START


@pytest.mark.parametrize("words", ["stop it hurts", "请停止疼痛", "1", "", "restart", "不要停"])
def test_a_word_within_a_sentence_is_for_a_person(words: str) -> None:
    assert opt_outs.keyword_in(words) is None


def test_stop_counts_at_once_and_messages_already_queued_are_suppressed(mailroom: Mailroom) -> None:
    message_id = mailroom.queue()

    write(mailroom, "STOP")

    assert mailroom.dispatch() == {"suppressed": 1}
    assert mailroom.message(message_id).status == MessageStatus.SUPPRESSED
    assert mailroom.message(message_id).reason == "opted_out"


def test_stop_counts_as_it_was_kept_also_with_half_a_character_behind_it(mailroom: Mailroom) -> None:
    assert receive(mailroom.db, ReceivedText("SM1", ANNS_NUMBER, "", "STOP\ud83d"))

    assert stopped(mailroom)


def test_a_text_whose_words_cannot_be_looked_at_is_kept_and_obeyed_later(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(opt_outs, "keyword_in", lambda _words: 1 / 0)
        inbound_id = write(mailroom, "STOP")

    assert not stopped(mailroom)
    with mailroom.db.transaction(TESTER) as txn:
        (waiting,) = unhandled(txn)
        assert waiting.id == inbound_id
        assert obey(txn, waiting) is Keyword.STOP
    assert stopped(mailroom)


def test_stop_from_one_number_says_nothing_about_another(mailroom: Mailroom) -> None:
    write(mailroom, "STOP", BENS_NUMBER)

    assert stopped(mailroom, BENS_NUMBER)
    assert not stopped(mailroom, ANNS_NUMBER)


def test_start_opens_the_number_again_and_the_history_stays(mailroom: Mailroom) -> None:
    for words in ("STOP", "STOP", "START", "START", "STOP", "START"):
        write(mailroom, words)

    assert not stopped(mailroom)
    with mailroom.db.reading(TESTER) as txn:
        assert len(txn.session.scalars(select(OptOut)).all()) == 2
        verbs = set(txn.session.scalars(select(AuditEvent.verb)))
        assert {"messages.stopped", "messages.restarted"} <= verbs


def test_the_answer_to_stop_is_still_sent(mailroom: Mailroom) -> None:
    write(mailroom, "STOP")
    mailroom.queue("stop-reply", template="stop_reply")

    assert mailroom.dispatch() == {"sent": 1}


def test_stop_does_not_reach_the_app(mailroom: Mailroom) -> None:
    write(mailroom, "STOP")
    mailroom.queue()

    def in_app(txn: Transaction, message: Message):  # type: ignore[no-untyped-def]
        return type(text_to_ann(txn, message))(
            ChannelKind.IN_APP, "", text_to_ann(txn, message).language, text_to_ann(txn, message).values
        )

    assert mailroom.dispatch(in_app) == {"sent": 1}


def test_obeying_twice_is_obeying_once(mailroom: Mailroom) -> None:
    inbound_id = write(mailroom, "STOP")

    with mailroom.db.transaction(TESTER) as txn:
        assert obey(txn, txn.session.get_one(InboundMessage, inbound_id)) is Keyword.STOP

    with mailroom.db.reading(TESTER) as txn:
        assert len(txn.session.scalars(select(OptOut)).all()) == 1


def test_a_phone_shows_what_it_wrote_and_what_it_got(mailroom: Mailroom) -> None:
    write(mailroom, "hello")
    mailroom.queue()
    mailroom.dispatch()

    assert {shown.direction for shown in mailroom.phone()} == {"inbound", "outbound"}

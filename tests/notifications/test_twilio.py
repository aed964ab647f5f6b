"""Texts through Twilio's own client: what is a refusal, what is a doubt, and what its list can settle."""

import base64
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.terms import Language
from backend.twilio_account import TwilioAccount
from notifications.channels import Absent, Accepted, CannotTell, Channel, Envelope, Refusal, Sought, Undeliverable
from notifications.channels.calls import Unanswered
from notifications.channels.sms import MOST, TWILIO, Twilio
from notifications.refusal_codes import CODES, refusal_for
from tests.notifications.odd_twilio import Answer, OddTwilio, drips, hangs_up, odd_twilio, refuses, says, says_nothing

SID, OTHER = "SM" + "1" * 32, "SM" + "2" * 32
ACCOUNT = TwilioAccount("AC" + "0" * 32, ("token-one",), "+15005550006", "")
ANN = "+8613800138001"
WORDS = "【随访小组】您好，请回复：1还好，3请来电。"
ENVELOPE = Envelope(ANN, WORDS, Language.CHINESE, "survival_check", {})
ATTEMPT = UUID(int=7)
PUBLIC = "https://followup.example"


@pytest.fixture(scope="module")
def running() -> Iterator[OddTwilio]:
    with odd_twilio() as odd:
        yield odd


@pytest.fixture
def odd(running: OddTwilio) -> OddTwilio:
    running.asked.clear()
    return running


@pytest.fixture
def twilio(odd: OddTwilio) -> Channel:
    return gateway(odd)


def gateway(odd: OddTwilio, seconds: float = 20.0, **account: Any) -> Twilio:
    named = replace(ACCOUNT, base_url=odd.address, **account)
    return Twilio(named, PUBLIC, seconds_between_looks=1.5, seconds_for_an_answer=seconds)


def a_message(**fields: Any) -> dict[str, Any]:
    made = format_datetime(clock.wall())
    return {
        "sid": SID,
        "account_sid": ACCOUNT.sid,
        "status": "queued",
        "direction": "outbound-api",
        "body": WORDS,
        "date_created": made,
        "date_sent": None,
        "error_code": None,
        **fields,
    }


def page(*messages: dict[str, Any], following: str | None = None) -> Answer:
    return says(200, {"messages": list(messages), "next_page_uri": following, "page": 0, "uri": "/"})


def sought(called_at: datetime | None = None, **known: Any) -> Sought:
    return Sought(ATTEMPT, ENVELOPE, called_at or clock.wall(), **known)


def ago(**time: float) -> str:
    return format_datetime((clock.wall() - timedelta(**time)).astimezone(UTC))


# --- handing over


def test_a_text_is_handed_over_with_our_attempt_in_the_address_of_its_callbacks(odd, twilio):
    odd.answer = says(201, a_message())

    answer = twilio.send(ENVELOPE, ATTEMPT)

    assert answer == Accepted(SID)
    (asked,) = odd.asked
    assert asked["path"] == f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    assert asked["said"] == {
        "To": ANN,
        "From": ACCOUNT.from_number,
        "Body": WORDS,
        "StatusCallback": f"{PUBLIC}/webhooks/twilio/status?attempt={ATTEMPT}",
        "SmartEncoded": "false",
    }


def test_a_messaging_service_takes_the_place_of_a_number(odd):
    odd.answer = says(201, a_message())

    gateway(odd, from_number="", messaging_service_sid="MG" + "3" * 32).send(ENVELOPE, ATTEMPT)

    said = odd.asked[0]["said"]
    assert said["MessagingServiceSid"] == "MG" + "3" * 32
    assert "From" not in said


def test_while_tokens_are_exchanged_the_one_that_is_believed_is_used(odd):
    def only_the_second(desk: Any) -> None:
        given = base64.b64decode(desk.headers["Authorization"].removeprefix("Basic ")).decode()
        believed = given == f"{ACCOUNT.sid}:token-two"
        (says(201, a_message()) if believed else refuses(401, 20003))(desk)

    odd.answer = only_the_second

    assert gateway(odd, tokens=("token-one", "token-two")).send(ENVELOPE, ATTEMPT) == Accepted(SID)
    with pytest.raises(Undeliverable) as refused:
        gateway(odd).send(ENVELOPE, ATTEMPT)
    assert (refused.value.code, refused.value.why) == ("20003", Refusal.CONFIGURATION)


@pytest.mark.parametrize(("why", "code"), [(why, code) for why, codes in CODES.items() for code in sorted(codes)])
def test_every_code_of_the_table_is_a_definite_refusal_of_its_class(odd, twilio, why, code):
    odd.answer = refuses(429 if why is Refusal.NOT_PROCESSED else 400, int(code) if code != "429" else None)

    with pytest.raises(Undeliverable) as refused:
        twilio.send(ENVELOPE, ATTEMPT)

    assert (refused.value.code, refused.value.why) == (code, why)
    assert len(odd.asked) == 1


def test_the_table_is_the_designs():
    designed = {
        Refusal.NOT_PROCESSED: "429 20429",
        Refusal.CONFIGURATION: "20003 21408 21606 30002 30032 30034",
        Refusal.NUMBER_OF_NO_USE: "21211 21614 21635 30005 30006",
        Refusal.OPTED_OUT: "21610",
        Refusal.TRANSIENT: "30003 30008 30001 30022 30410",
        Refusal.FILTERED: "30004 30007",
    }

    assert {why: set(codes.split()) for why, codes in designed.items()} == CODES
    assert refusal_for(" 21610 ") is Refusal.OPTED_OUT
    assert {refusal_for(code) for code in ("21999", "", "0", "２１６１０")} == {Refusal.UNKNOWN}


def test_a_code_that_nobody_has_classed_is_unknown_and_still_a_refusal(odd, twilio):
    odd.answer = refuses(400, 21999)

    with pytest.raises(Undeliverable) as refused:
        twilio.send(ENVELOPE, ATTEMPT)

    assert (refused.value.code, refused.value.why) == ("21999", Refusal.UNKNOWN)


@pytest.mark.parametrize("status", [401, 400])
def test_a_refusal_in_twilios_newer_shape_is_understood_too(odd, twilio, status):
    odd.answer = says(status, {"type": "https://x", "title": "No", "status": status, "code": 21610})

    with pytest.raises(Undeliverable) as refused:
        twilio.send(ENVELOPE, ATTEMPT)

    assert refused.value.why is Refusal.OPTED_OUT


@pytest.mark.parametrize(
    "answer",
    [
        says(200, "<html>sign in to the hospital's network</html>", "text/html"),
        says(201, "<html></html>", "text/html"),
        says(403, "<html>blocked</html>", "text/html"),
        says(201, '{"sid": "SM'),
        says(201, ""),
        says(201, []),
        says(201, {}),
        says(201, a_message(sid=None)),
        says(201, a_message(sid="12")),
        says(201, a_message(account_sid="AC" + "9" * 32)),
        says(201, a_message(date_created=17)),
        says(302, ""),
        refuses(400, None),
        refuses(500, 20500),
        says(503, {"code": 20503, "message": "later", "status": 503}),
        says(502, "<html></html>", "text/html"),
        says(400, {"code": {"deep": 1}, "message": "", "status": 400}),
        says(400, {"type": "x", "title": "x", "status": "400", "code": "21610"}),
        hangs_up,
    ],
)
def test_an_answer_that_says_neither_yes_nor_no_leaves_the_outcome_unknown(odd, twilio, answer):
    odd.answer = answer

    with pytest.raises(Unanswered) as unknown:
        twilio.send(ENVELOPE, ATTEMPT)

    assert len(odd.asked) == 1, "it must not be said twice"
    assert ANN not in repr(unknown.value)
    assert unknown.value.__cause__ is None


@pytest.mark.parametrize("answer", [says_nothing, drips])
def test_a_call_ends_when_its_time_is_up_however_often_a_little_arrives(odd, answer):
    odd.answer = answer
    begun = time.monotonic()

    with pytest.raises(Unanswered):
        gateway(odd, seconds=0.4).send(ENVELOPE, ATTEMPT)

    assert time.monotonic() - begun < 2.0


def test_a_connection_that_is_refused_is_a_definite_refusal():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = replace(ACCOUNT, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")

    with pytest.raises(Undeliverable) as refused:
        Twilio(nowhere, PUBLIC).send(ENVELOPE, ATTEMPT)

    assert (refused.value.code, refused.value.why) == ("twilio_unreachable", Refusal.TRANSIENT)


def test_no_log_holds_a_number_or_the_words(odd, twilio, caplog):
    caplog.set_level(logging.INFO)
    odd.answer = says(201, a_message())
    twilio.send(ENVELOPE, ATTEMPT)
    odd.answer = page(a_message())
    twilio.find(sought())

    assert not [record for record in caplog.records if ANN[1:] in record.getMessage()]
    assert logging.getLogger("twilio.http_client").getEffectiveLevel() == logging.WARNING


# --- looking for it


def test_the_one_message_with_the_same_words_at_that_time_is_it(odd, twilio):
    odd.answer = page(
        a_message(),
        a_message(sid=OTHER, body="other words"),
        a_message(sid=OTHER, direction="inbound"),
        a_message(sid=OTHER, date_created=ago(hours=13)),
    )

    assert twilio.find(sought()) == Accepted(SID)
    assert odd.asked[0]["said"]["To"] == ANN


def test_an_account_on_trial_finds_its_texts_behind_twilios_own_words(odd, twilio):
    odd.answer = page(a_message(body=f"Sent from your Twilio trial account - {WORDS}"), a_message(sid=OTHER, body="x"))

    assert twilio.find(sought()) == Accepted(SID)


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_one_that_is_on_the_phone_already_says_so(odd, twilio, status):
    odd.answer = page(a_message(status=status))

    assert twilio.find(sought()) == Accepted(SID, delivered=True)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [("undelivered", 30005, "30005"), ("failed", None, "failed"), ("canceled", None, "canceled")],
)
def test_one_that_will_never_arrive_says_so_with_its_code(odd, twilio, status, code, said):
    odd.answer = page(a_message(status=status, error_code=code))

    assert twilio.find(sought()) == Accepted(SID, failed=said)


def test_a_message_without_dates_may_be_the_one(odd, twilio):
    odd.answer = page(a_message(date_created=None))

    assert twilio.find(sought()) == Accepted(SID)


def test_what_is_known_to_be_another_attempts_is_not_it(odd, twilio):
    odd.answer = page(a_message(sid=OTHER))

    assert twilio.find(sought(others=(OTHER,))) == Absent()


def test_an_empty_list_is_an_absence(odd, twilio):
    odd.answer = page()

    assert twilio.find(sought()) == Absent()


@pytest.mark.parametrize(
    "messages",
    [
        [a_message(), a_message(sid=OTHER)],
        # Somebody's clock was wrong by hours, or the same words went out this morning: nobody can tell which.
        [a_message(date_created=ago(hours=6))],
        [a_message(date_created=ago(hours=-6))],
        # Somebody between us and the list added to our words, or it is another text that holds them.
        [a_message(body=f"{WORDS} Reply STOP to end.")],
        # Twilio was told to forget the words.
        [a_message(body="")],
        [a_message(), a_message(sid=OTHER, body=None)],
    ],
)
def test_whatever_can_mean_two_things_is_for_a_person(odd, twilio, messages):
    odd.answer = page(*messages)

    assert twilio.find(sought()) == CannotTell()


def test_every_page_is_read_up_to_a_bound(odd, twilio):
    def pages(desk: Any) -> None:
        number = len(odd.asked)
        found = [a_message()] if number == 2 else []
        chatter = [a_message(sid=f"SM{i:032}", body="other words") for i in range(100 if number == 1 else 3)]
        (page(*chatter, *found, following="/2010-04-01/next" if number < 2 else None))(desk)

    odd.answer = pages
    assert twilio.find(sought()) == Accepted(SID)

    odd.answer = page(*[a_message(sid=f"SM{i:032}", body="x") for i in range(100)], following="/2010-04-01/on")
    assert twilio.find(sought()) == CannotTell()
    assert len(odd.asked) <= 2 + MOST // 100 + 1


def test_our_token_goes_nowhere_but_to_twilio(odd, twilio):
    with odd_twilio() as elsewhere:
        astray = {"meta": {"key": "messages", "next_page_url": f"{elsewhere.address}/2010-04-01/next"}, "messages": []}
        odd.answer = says(200, astray)

        with pytest.raises(Unanswered):
            twilio.find(sought())

        assert elsewhere.asked == []
    assert TWILIO == "https://api.twilio.com"


@pytest.mark.parametrize(
    "answer", [refuses(500, None), says(200, "<html>", "text/html"), hangs_up, refuses(401, 20003)]
)
def test_a_question_without_an_answer_says_nothing_about_the_message(odd, twilio, answer):
    odd.answer = answer

    with pytest.raises(Unanswered) as unheard:
        twilio.find(sought())

    assert ANN not in repr(unheard.value)


def test_it_is_asked_twice_with_the_pause_of_the_settings(twilio):
    assert (twilio.looks_to_be_sure, twilio.seconds_between_looks) == (2, 1.5)


def test_an_attempt_that_never_said_when_it_was_called_is_found_by_nobody(odd, twilio):
    odd.answer = page(a_message())

    assert twilio.find(Sought(uuid4(), ENVELOPE, None)) == CannotTell()

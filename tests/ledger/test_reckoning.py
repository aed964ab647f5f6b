"""The reckoning itself: each way in which the two books can disagree is found, and nothing else is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.ledger.reckoning import Farewell, OurAttempt, OurMessage, Reckoning, TheirText

MOMENT = datetime.fromisoformat("2027-03-01T08:00:00+08:00")
ATTEMPT = OurAttempt("a1", "accepted", "SM1", "+861", "words", MOMENT)
MESSAGE = OurMessage("m1", "sent", None, (ATTEMPT,))
TEXT = TheirText("SM1", "a1", "+861", "words")


def with_attempt(**changes: object) -> OurMessage:
    return replace(MESSAGE, attempts=(replace(ATTEMPT, **changes),))


def test_a_message_the_provider_has_once_is_even() -> None:
    reckoning = Reckoning([MESSAGE], [TEXT])

    assert reckoning.is_even
    assert list(reckoning.lines())[-1] == "lost 0 duplicated 0 without_id 0"


@pytest.mark.parametrize(
    "message",
    [
        OurMessage("m1", "sent", None, (replace(ATTEMPT, provider_id="SM1"),)),
        OurMessage("m1", "queued", None),
        OurMessage("m1", "sending", None, (replace(ATTEMPT, status="sending"),)),
        OurMessage("m1", "failed", "21211"),
        OurMessage("m1", "in_doubt", None),
        OurMessage("m1", "suppressed", None),
    ],
)
def test_a_message_nobody_has_and_nobody_knows_why_is_lost(message: OurMessage) -> None:
    assert Reckoning([message], []).lost == ["m1"]


@pytest.mark.parametrize(
    "message",
    [
        OurMessage("m1", "suppressed", "opted_out"),
        OurMessage("m1", "cancelled", "moved"),
        OurMessage("m1", "failed", "21211", has_task=True),
        OurMessage("m1", "in_doubt", "in_doubt", has_task=True),
        OurMessage("m1", "queued", "quiet_hours", is_due=False),
    ],
)
def test_a_message_that_ended_for_a_reason_or_is_a_persons_task_is_not_lost(message: OurMessage) -> None:
    assert Reckoning([message], []).is_even


def test_a_message_in_doubt_that_the_provider_has_and_no_person_knows_of_is_lost_to_us() -> None:
    in_doubt = replace(with_attempt(status="in_doubt", provider_id=None), status="in_doubt")

    assert Reckoning([in_doubt], [TEXT]).lost == ["m1"]


def test_one_that_is_said_to_be_suppressed_and_was_sent_is_not_accounted_for() -> None:
    assert Reckoning([replace(MESSAGE, status="suppressed", reason="died")], [TEXT]).lost == ["m1"]


def test_two_attempts_of_one_message_that_were_both_accepted_are_a_duplicate() -> None:
    twice = replace(MESSAGE, attempts=(ATTEMPT, replace(ATTEMPT, id="a2", provider_id="SM2")))

    assert Reckoning([twice], [TEXT, replace(TEXT, sid="SM2", attempt="a2")]).duplicated == ["SM2"]


def test_a_text_of_an_attempt_that_we_never_made_is_a_duplicate() -> None:
    assert Reckoning([MESSAGE], [TEXT, replace(TEXT, sid="SM2", attempt=None, body_hash="other")]).duplicated == ["SM2"]


def test_words_that_reached_a_number_more_often_than_messages_say_them_are_a_duplicate_whatever_their_ids() -> None:
    other = OurMessage("m2", "sent", None, (replace(ATTEMPT, id="a2", provider_id="SM2", body_hash="other words"),))
    texts = [TEXT, replace(TEXT, sid="SM2", attempt="a2")]

    assert Reckoning([MESSAGE, other], texts).duplicated == ["+861: 1 too many"]


@pytest.mark.parametrize("provider_id", [None, "", "SM9"])
def test_an_accepted_attempt_without_the_providers_own_id_is_nameless(provider_id: str | None) -> None:
    assert Reckoning([with_attempt(provider_id=provider_id)], [TEXT]).without_id == ["a1"]


@pytest.mark.parametrize(
    "message",
    [
        OurMessage("m1", "queued", "quiet_hours", is_due=False, is_wanted=True),
        OurMessage("m1", "suppressed", "moved", is_wanted=True),
        OurMessage("m1", "cancelled", "moved", is_wanted=True),
    ],
)
def test_what_was_to_go_at_once_and_was_put_off_or_held_back_by_nobodys_wish_is_lost(message: OurMessage) -> None:
    assert Reckoning([message], [], wanted=1).lost == ["m1"]


def test_what_was_to_go_and_is_in_no_book_is_lost() -> None:
    assert Reckoning([], [], wanted=2).verdict == "lost 2 duplicated 0 without_id 0"


def test_the_last_line_does_not_read_even_when_something_was_released_after_a_farewell() -> None:
    reckoning = Reckoning([MESSAGE], [TEXT], [Farewell("+861", MOMENT - timedelta(seconds=1))])

    assert reckoning.verdict == "lost 0 duplicated 0 without_id 0 after_farewell 1"


def test_what_was_begun_after_a_farewell_is_found_and_what_was_before_is_not() -> None:
    before, after = MOMENT - timedelta(seconds=1), MOMENT + timedelta(seconds=1)

    assert Reckoning([MESSAGE], [TEXT], [Farewell("+861", before)]).after_farewell == ["a1"]
    assert Reckoning([MESSAGE], [TEXT], [Farewell("+861", after)]).is_even
    assert Reckoning([replace(MESSAGE, is_reply=True)], [TEXT], [Farewell("+861", before)]).is_even

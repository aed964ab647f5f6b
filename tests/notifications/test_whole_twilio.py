"""Twilio's own client against a whole Twilio in a process of its own, with what may go wrong between the two."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from backend import clock
from backend.config import SmsGateway
from backend.db import Database
from backend.jobs import work_of
from backend.terms import ChannelKind, Language
from backend.twilio_account import TwilioAccount
from notifications.channels import Absent, Accepted, Envelope, Refusal, Sought, Undeliverable
from notifications.channels.calls import Unanswered
from notifications.channels.sms import Twilio
from tests.databases import KEYRING, settings_of
from tests.fakes.twilio_account import ACCOUNT_SID, AUTH_TOKENS, SENDER
from tests.fakes.twilio_process import FakeTwilio, a_fake_twilio

ACCOUNT = TwilioAccount(ACCOUNT_SID, AUTH_TOKENS[:1], SENDER, "")
WORDS = "【随访小组】您好，请回复：1还好，3请来电。"
ATTEMPT = UUID(int=7)


@pytest.fixture(scope="module")
def whole() -> Iterator[FakeTwilio]:
    with a_fake_twilio() as fake:
        yield fake


def carried_by(fake: FakeTwilio) -> Twilio:
    account = replace(ACCOUNT, base_url=fake.address)
    return Twilio(account, "http://127.0.0.1:9", seconds_for_an_answer=5)


def to(number: str, words: str = WORDS) -> Envelope:
    return Envelope(number, words, Language.CHINESE, "survival_check", {})


def test_what_was_accepted_without_an_answer_is_found_in_the_list(whole):
    twilio = carried_by(whole)
    for number, fault in enumerate(("drop_share", "html_share", "garbled_share"), 1):
        letter, called_at = to(f"+4416329600{number:02}"), clock.wall()
        whole.switch(**{fault: 1.0})
        with pytest.raises(Unanswered):
            twilio.send(letter, ATTEMPT)
        whole.switch(**{fault: 0.0})

        found = twilio.find(Sought(ATTEMPT, letter, called_at))

        assert isinstance(found, Accepted)
        assert whole.books()["accepted"][-1]["sid"] == found.provider_id


def test_what_an_account_on_trial_sent_is_found_and_not_sent_again(whole):
    twilio, letter, called_at = carried_by(whole), to("+441632960020"), clock.wall()
    assert not twilio.is_on_trial()
    whole.switch(drop_share=1.0, is_trial=True)
    with pytest.raises(Unanswered):
        twilio.send(letter, ATTEMPT)

    found = twilio.find(Sought(ATTEMPT, letter, called_at))

    assert isinstance(found, Accepted)
    assert whole.books()["accepted"][-1]["sid"] == found.provider_id
    assert twilio.is_on_trial()
    whole.switch(drop_share=0.0, is_trial=False)


def test_what_was_never_accepted_is_absent_and_what_the_list_holds_back_is_not_there_yet(whole):
    twilio, letter, called_at = carried_by(whole), to("+441632960010"), clock.wall()
    whole.switch(outage_seconds=60.0)
    with pytest.raises(Unanswered):
        twilio.send(letter, ATTEMPT)
    with pytest.raises(Unanswered):
        twilio.find(Sought(ATTEMPT, letter, called_at))
    whole.switch(outage_seconds=0.0)
    assert twilio.find(Sought(ATTEMPT, letter, called_at)) == Absent()

    whole.switch(listing_lag=60.0)
    sent = twilio.send(letter, ATTEMPT)
    assert twilio.find(Sought(ATTEMPT, letter, called_at)) == Absent()
    whole.switch(listing_lag=0.0)
    found = twilio.find(Sought(ATTEMPT, letter, called_at))
    assert isinstance(found, Accepted)
    assert found.provider_id == sent.provider_id


@pytest.mark.parametrize(
    ("number", "code", "why"),
    [
        ("+15005550001", "21211", Refusal.NUMBER_OF_NO_USE),
        ("+15005550003", "21408", Refusal.CONFIGURATION),
        ("+15005550004", "21610", Refusal.OPTED_OUT),
        ("+15005550009", "21614", Refusal.NUMBER_OF_NO_USE),
        ("+15005550002", "21612", Refusal.UNKNOWN),
    ],
)
def test_twilios_magic_numbers_are_refused_as_they_say(whole, number, code, why):
    with pytest.raises(Undeliverable) as refused:
        carried_by(whole).send(to(number), ATTEMPT)

    assert (refused.value.code, refused.value.why) == (code, why)


def test_a_call_is_over_before_others_may_ask_about_it(databases, tmp_path):
    url = databases.fresh_url("sqlite")
    db = Database(url, KEYRING, threads=2)
    settings = replace(settings_of(url, tmp_path), sms_gateway=SmsGateway.TWILIO, twilio=ACCOUNT, look_seconds=0.5)

    usual = work_of(db, settings).channels[ChannelKind.SMS]
    hasty = work_of(db, replace(settings, lease_seconds=2.0)).channels[ChannelKind.SMS]

    assert isinstance(usual, Twilio)
    assert isinstance(hasty, Twilio)
    assert (usual.seconds_for_an_answer, hasty.seconds_for_an_answer) == (35.0, 0.8)
    assert usual.seconds_between_looks == 0.5
    db.close()
    databases.drop(url)

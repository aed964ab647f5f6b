"""A worker halted between its last question and its first word may wake when another has said it: too late."""

import time
from uuid import uuid4

import pytest

from backend.terms import Language
from backend.twilio_account import TwilioAccount
from notifications.channels import Envelope
from notifications.channels.calls import Unreached
from notifications.channels.sms import Twilio
from tests.fakes.twilio_account import ACCOUNT_SID, AUTH_TOKENS, SENDER
from tests.fakes.twilio_process import a_fake_twilio

PATH = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
WORDS = {"To": "+8613800138000", "From": SENDER, "Body": "Hello"}


def test_words_that_come_after_their_time_do_not_leave_and_those_in_time_do() -> None:
    with a_fake_twilio() as fake:
        account = TwilioAccount(ACCOUNT_SID, AUTH_TOKENS, SENDER, "", fake.address)
        twilio = Twilio(account, "http://127.0.0.1:9", seconds_for_an_answer=0.5)

        twilio._wire.speak_now_or_never()
        time.sleep(0.6)
        with pytest.raises(Unreached):
            twilio._wire.request("POST", PATH, data=WORDS)
        late = fake.accepted()
        twilio.send(Envelope(WORDS["To"], WORDS["Body"], Language.ENGLISH, "visit_reminder", {}), uuid4())

        assert (late, fake.accepted()) == (0, 1)

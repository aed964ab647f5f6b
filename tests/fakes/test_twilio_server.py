"""The fake Twilio against the public API it stands for, asked by Twilio's own client."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.fakes.ears import Ears
from tests.fakes.twilio_account import ACCOUNT_SID, AUTH_TOKENS, SENDER
from tests.fakes.twilio_process import FakeTwilio, a_fake_twilio

PUBLIC = "https://api.twilio.com"
HER, HIM = "+8613800138000", "+8613800138001"
ACCOUNT = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
# From the public reference of the Message resource: what each field holds, and which may be null.
SHAPE: dict[str, str] = {
    "account_sid": r"AC[0-9a-f]{32}",
    "api_version": "2010-04-01",
    "body": r"[\s\S]*",
    "date_created": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "date_sent": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "date_updated": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "direction": "inbound|outbound-api",
    "error_code": r"\d{5}",
    "error_message": r".+",
    "from": r"\+\d+",
    "messaging_service_sid": r"MG[0-9a-f]{32}",
    "num_media": r"\d+",
    "num_segments": r"\d+",
    "price": r"-?\d+\.\d+",
    "price_unit": r"[A-Z]{3}",
    "sid": r"SM[0-9a-f]{32}",
    "status": "accepted|queued|sending|sent|delivered|undelivered|failed|received",
    "subresource_uris": r"\{'media': '/2010-04-01/Accounts/AC\w{32}/Messages/SM\w{32}/Media\.json'\}",
    "to": r"\+\d+",
    "uri": r"/2010-04-01/Accounts/AC\w{32}/Messages/SM\w{32}\.json",
}
MAY_BE_NULL = {"date_sent", "error_code", "error_message", "from", "messaging_service_sid", "price", "price_unit"}
PAGE = {"end", "first_page_uri", "messages", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri"}
NOTHING_WRONG: dict[str, Any] = {
    "latency": (0, 0),
    "outage_seconds": 0,
    "listing_fails_share": 0,
    "listing_is_html": False,
    "listing_lag": 0,
    "undelivered": {},
    "step_seconds": 0.01,
    "callbacks_late": 0,
    "carrier_blocks": True,
    "hang_seconds": 0.05,
    **{f"{what}_share": 0 for what in ("drop", "hang", "throttle", "html", "garbled", "outage_accept")},
    **{f"callbacks_{how}": False for how in ("early", "doubled", "shuffled", "for_strangers", "forged")},
}


class Redirected(TwilioHttpClient):
    """Twilio's own way of asking, at another place."""

    def __init__(self, address: str) -> None:
        super().__init__(timeout=5)
        self.address = address

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
        return super().request(method, url.replace(PUBLIC, self.address), *rest, **named)


@pytest.fixture(scope="module")
def running() -> Iterator[FakeTwilio]:
    with a_fake_twilio() as twilio:
        yield twilio


@pytest.fixture
def twilio(running: FakeTwilio) -> FakeTwilio:
    running.switch(**NOTHING_WRONG)
    return running


@pytest.fixture
def client(twilio: FakeTwilio) -> Client:
    return Client(ACCOUNT_SID, AUTH_TOKENS[1], http_client=Redirected(twilio.address))


@pytest.fixture
def ears() -> Iterator[Ears]:
    made = Ears()
    yield made
    made.server.shutdown()
    made.server.server_close()


def create(twilio: FakeTwilio, *, token: str = AUTH_TOKENS[0], **form: str) -> requests.Response:
    whole = {"To": HER, "From": SENDER, "Body": "Hello"} | form
    return requests.post(f"{twilio.address}{ACCOUNT}/Messages.json", whole, auth=(ACCOUNT_SID, token), timeout=5)


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def fits_the_public_shape(said: dict[str, Any]) -> bool:
    assert set(said) == set(SHAPE)
    for name, value in said.items():
        if value is None:
            assert name in MAY_BE_NULL, name
        else:
            assert re.fullmatch(SHAPE[name], str(value)), name
    return True


def test_a_new_text_has_the_public_shape_with_nothing_that_is_not_known_yet(twilio: FakeTwilio) -> None:
    twilio.switch(step_seconds=60)
    answer = create(twilio)

    said = answer.json()

    assert answer.status_code == 201
    assert fits_the_public_shape(said)
    assert said["status"] == "queued"
    assert {name for name, value in said.items() if value is None} == MAY_BE_NULL - {"from"}
    assert abs(parsedate_to_datetime(said["date_created"]) - datetime.now(UTC)) < timedelta(seconds=30)  # noqa: TID251


def test_a_text_of_a_messaging_service_has_no_sender_yet_and_is_accepted_before_it_is_queued(
    twilio: FakeTwilio,
) -> None:
    twilio.switch(step_seconds=60)

    said = create(twilio, From="", MessagingServiceSid="MG" + "1" * 32).json()

    assert fits_the_public_shape(said)
    assert (said["status"], said["from"], said["num_segments"]) == ("accepted", None, "0")


def test_a_delivered_text_has_a_date_and_a_price_and_still_the_public_shape(twilio: FakeTwilio, client: Client) -> None:
    sid = create(twilio).json()["sid"]
    until(lambda: client.messages(sid).fetch().status == "delivered")

    said = requests.get(
        f"{twilio.address}{ACCOUNT}/Messages/{sid}.json", auth=(ACCOUNT_SID, AUTH_TOKENS[0]), timeout=5
    ).json()

    assert fits_the_public_shape(said)
    assert said["date_sent"]
    assert said["price"]
    assert said["error_code"] is None


def test_the_real_client_creates_fetches_and_lists_page_by_page_newest_first(client: Client) -> None:
    number = "+8613800139999"
    made = [client.messages.create(to=number, from_=SENDER, body=f"Text {turn}").sid for turn in range(5)]

    listed = client.messages.list(to=number, page_size=2)

    assert len(set(made)) == 5
    assert [one.sid for one in listed] == made[::-1]
    assert client.messages(made[0]).fetch().body == "Text 0"
    assert client.messages.list(to="+8613800139998") == []


def test_a_page_names_its_neighbours_as_the_public_api_does(twilio: FakeTwilio) -> None:
    for _ in range(3):
        create(twilio, To=HIM)

    page = requests.get(
        f"{twilio.address}{ACCOUNT}/Messages.json?To=%2B8613800138001&PageSize=2",
        auth=(ACCOUNT_SID, AUTH_TOKENS[0]),
        timeout=5,
    ).json()

    assert set(page) == PAGE
    assert (page["page"], page["page_size"], page["start"], page["end"]) == (0, 2, 0, 1)
    assert page["next_page_uri"].startswith(f"{ACCOUNT}/Messages.json?")
    assert page["previous_page_uri"] is None


def test_a_list_by_date_of_sending_leaves_out_what_was_not_sent_yet(twilio: FakeTwilio, client: Client) -> None:
    number, hour = "+8613800139997", timedelta(hours=1)
    sent = client.messages.create(to=number, from_=SENDER, body="sent").sid
    until(lambda: client.messages(sent).fetch().date_sent)
    twilio.switch(step_seconds=60)
    client.messages.create(to=number, from_=SENDER, body="waits")
    moment = client.messages(sent).fetch().date_sent

    assert [one.sid for one in client.messages.list(to=number, date_sent_after=moment - hour)] == [sent]
    assert client.messages.list(to=number, date_sent_before=moment - hour) == []
    assert len(client.messages.list(to=number)) == 2


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"To": "a number"}, 21211),
        ({"To": ""}, 21604),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"From": ""}, 21603),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
    ],
)
def test_what_the_public_api_refuses_is_refused_with_its_code(
    twilio: FakeTwilio, form: dict[str, str], code: int
) -> None:
    before = twilio.accepted()

    answer = create(twilio, **form)

    said = answer.json()
    assert answer.status_code == said["status"] == 400
    assert (said["code"], set(said)) == (code, {"code", "message", "more_info", "status"})
    assert twilio.accepted() == before


def test_each_of_the_accounts_tokens_is_believed_and_no_other(twilio: FakeTwilio) -> None:
    assert [create(twilio, token=token).status_code for token in AUTH_TOKENS] == [201, 201]
    assert (create(twilio, token="guessed").status_code, create(twilio, token="guessed").json()["code"]) == (401, 20003)


def test_an_unknown_text_is_404_with_its_code(client: Client) -> None:
    with pytest.raises((TwilioRestException, TwilioServiceException)) as refused:
        client.messages("SM" + "0" * 32).fetch()

    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_an_answer_dropped_after_accepting_leaves_the_text_with_the_provider(twilio: FakeTwilio) -> None:
    twilio.switch(drop_share=1)
    before = twilio.accepted()

    with pytest.raises(requests.ConnectionError):
        create(twilio, StatusCallback="http://127.0.0.1:9/status?attempt=an-attempt")

    assert twilio.accepted() == before + 1
    assert twilio.books()["accepted"][-1]["attempt"] == "an-attempt"


@pytest.mark.parametrize(
    ("faults", "status", "accepted"),
    [
        ({"throttle_share": 1}, 429, 0),
        ({"outage_seconds": 30}, 503, 0),
        ({"outage_seconds": 30, "outage_accept_share": 1}, 503, 1),
        ({"html_share": 1}, 200, 1),
        ({"html_share": 1, "html_status": 502}, 502, 1),
        ({"garbled_share": 1}, 201, 1),
    ],
)
def test_each_fault_answers_as_told_and_keeps_its_books(
    twilio: FakeTwilio, faults: dict[str, Any], status: int, accepted: int
) -> None:
    twilio.switch(**faults)
    before = twilio.accepted()

    answer = create(twilio)

    assert (answer.status_code, twilio.accepted() - before) == (status, accepted)


def test_a_call_left_hanging_is_accepted_or_not_as_told(twilio: FakeTwilio) -> None:
    before = twilio.accepted()
    for accepts in (True, False):
        twilio.switch(hang_share=1, hang_accepts=accepts)
        with pytest.raises(requests.ConnectionError):
            create(twilio)

    assert twilio.accepted() == before + 1


def test_a_list_fails_lags_or_is_html_as_told(twilio: FakeTwilio, client: Client) -> None:
    number = "+8613800139996"
    client.messages.create(to=number, from_=SENDER, body="is there")
    twilio.switch(listing_lag=30)
    hidden = client.messages.list(to=number)

    for fault in ({"listing_fails_share": 1}, {"listing_fails_share": 0, "listing_is_html": True}):
        twilio.switch(**fault)
        with pytest.raises(Exception, match=r".+"):
            client.messages.list(to=number)

    assert hidden == []


def test_a_fault_nobody_knows_is_refused(twilio: FakeTwilio) -> None:
    answer = requests.post(f"{twilio.address}/faults", json={"gremlins": 1}, timeout=5)

    assert answer.status_code == 400


def test_callbacks_are_signed_over_the_whole_address_and_say_one_state_after_the_other(
    twilio: FakeTwilio, ears: Ears
) -> None:
    url = f"{ears.url}/status?attempt=7"
    sid = create(twilio, StatusCallback=url).json()["sid"]
    until(lambda: len(ears.heard) == 2)

    path, said, headers = ears.heard[-1]

    assert ears.statuses() == ["sent", "delivered"]
    assert path == "/status?attempt=7"
    assert (said["MessageSid"], said["AccountSid"], said["To"]) == (sid, ACCOUNT_SID, HER)
    assert RequestValidator(AUTH_TOKENS[0]).validate(url, said, headers["X-Twilio-Signature"])


def test_callbacks_come_twice_before_the_answer_and_for_strangers_as_told(twilio: FakeTwilio, ears: Ears) -> None:
    twilio.switch(callbacks_doubled=True, callbacks_early=True, callbacks_for_strangers=True, callbacks_shuffled=True)

    sid = create(twilio, StatusCallback=f"{ears.url}/status?attempt=7").json()["sid"]
    before_the_answer = len(ears.heard)
    until(lambda: len(ears.heard) == 5)

    assert before_the_answer == 2
    assert sorted(ears.statuses()) == ["delivered", "delivered", "delivered", "sent", "sent"]
    assert len([said for _, said, _ in ears.heard if said["MessageSid"] != sid]) == 1
    assert len([path for path, _, _ in ears.heard if path != "/status?attempt=7"]) == 1


def test_a_forged_callback_does_not_hold_against_the_account(twilio: FakeTwilio, ears: Ears) -> None:
    twilio.switch(callbacks_forged=True)
    url = f"{ears.url}/status?attempt=7"
    create(twilio, StatusCallback=url)
    until(lambda: ears.heard)

    _, said, headers = ears.heard[0]

    assert not any(RequestValidator(token).validate(url, said, headers["X-Twilio-Signature"]) for token in AUTH_TOKENS)


def test_what_is_not_delivered_comes_back_with_its_code(twilio: FakeTwilio, client: Client, ears: Ears) -> None:
    twilio.switch(undelivered={HIM: 30003})

    sid = create(twilio, To=HIM, StatusCallback=f"{ears.url}/status?attempt=7").json()["sid"]
    until(lambda: len(ears.heard) == 2)

    assert ears.heard[-1][1]["ErrorCode"] == "30003"
    assert (client.messages(sid).fetch().status, client.messages(sid).fetch().error_code) == ("undelivered", 30003)


def test_a_text_from_a_phone_is_told_signed_and_is_in_the_list(twilio: FakeTwilio, client: Client, ears: Ears) -> None:
    twilio.tell_texts_to(f"{ears.url}/messages")

    told = twilio.write("+8613800139995", "您好 1")

    _, said, headers = ears.heard[0]
    assert (told["status"], said["MessageSid"], said["Body"]) == (200, told["sid"], "您好 1")
    assert RequestValidator(AUTH_TOKENS[0]).validate(f"{ears.url}/messages", said, headers["X-Twilio-Signature"])
    listed = client.messages.list(from_="+8613800139995")
    assert [(one.direction, one.status, one.to) for one in listed] == [("inbound", "received", SENDER)]


def test_a_number_that_said_stop_is_refused_by_the_carrier_until_it_says_start(twilio: FakeTwilio, ears: Ears) -> None:
    twilio.tell_texts_to(f"{ears.url}/messages")
    number = "+8613800139994"

    twilio.write(number, "stop")
    refused = create(twilio, To=number)
    twilio.write(number, "START")

    assert refused.json()["code"] == 21610
    assert create(twilio, To=number).status_code == 201

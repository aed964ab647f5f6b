"""The webhooks as doors: there only for Twilio, for one method and one kind of body, and never a 500."""

from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from backend.app import create_app
from notifications.signatures import is_signed
from tests.twilio_webhooks import ACCOUNT, MESSAGES, PUBLIC, STATUS, TOKENS, signed, with_twilio

DOORS = (STATUS, MESSAGES)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(params=["sqlite"])
def database_url(request, databases):
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def web(settings: Any, db: Any) -> Any:
    return create_app(with_twilio(settings), db).test_client()


def test_where_twilio_carries_nothing_there_is_nothing(client):
    answers = [client.post(door, data={"AccountSid": ACCOUNT.sid}) for door in DOORS]

    assert [(one.status_code, one.json["code"]) for one in answers] == [(404, "not_found")] * 2


def test_only_post_comes_through(web):
    answers = [web.open(door, method=method) for door in DOORS for method in ("GET", "PUT", "DELETE", "PATCH")]

    assert [(one.status_code, one.json["code"]) for one in answers] == [(405, "method_not_allowed")] * len(answers)
    assert all("POST" in one.headers["Allow"] for one in answers)


@pytest.mark.parametrize("kind", ["application/json", "text/xml", "multipart/form-data; boundary=x", ""])
def test_only_a_form_is_read(web, kind):
    answers = [web.post(door, data=b'{"MessageSid": "SM1"}', content_type=kind) for door in DOORS]

    assert [one.status_code for one in answers] == [415, 415]
    assert FORM in answers[0].json["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 403),
        (b"\x00\xff=\xfe&%00=%ff", 403),
        (b"AccountSid=%ED%A0%80&=&&==", 403),
        (b"a=1&" * 10_000, 403),
        (b"Body=" + b"x" * 70_000, 413),
    ],
)
def test_no_body_makes_the_server_stumble(web, body, status):
    answers = [web.post(door, data=body, content_type=FORM) for door in DOORS]

    assert [one.status_code for one in answers] == [status, status]


def test_the_signature_is_what_twilios_own_library_makes_of_it():
    said = {"Body": "你好 & x=1", "Empty": "", "a": "1", "Z": "2"}
    form = {name: [value] for name, value in said.items()}
    addresses = [
        "https://followup.example/webhooks/twilio/status?attempt=1&b=%20",
        "https://followup.example:443/x",
        "https://followup.example:8443/x",
        "http://127.0.0.1:8000/x",
        "http://[::1]:8000/x",
        "http://followup.example/x",
    ]

    for url in addresses:
        header = signed(url, said, TOKENS[1])["X-Twilio-Signature"]
        assert is_signed(url, form, header, TOKENS)
        assert RequestValidator(TOKENS[1]).validate(url, said, header)
        assert not is_signed(url + "y", form, header, TOKENS)
        assert not is_signed(url, form | {"Body": ["x"]}, header, TOKENS)
        assert not is_signed(url, form, header, TOKENS[:1])
        assert not is_signed(url, form, "", ())


def test_the_usual_port_may_be_named_or_not():
    header = signed("https://followup.example:443/x", {})["X-Twilio-Signature"]
    assert is_signed("https://followup.example/x", {}, header, TOKENS)

    header = signed("https://followup.example/x", {})["X-Twilio-Signature"]
    assert is_signed("https://followup.example:443/x", {}, header, TOKENS)
    assert not is_signed("https://followup.example:8443/x", {}, header, TOKENS)
    assert PUBLIC.startswith("https://followup.example")


def test_a_field_that_comes_twice_is_signed_twice():
    form = {"a": ["2", "1", "2"]}
    by_hand = RequestValidator(TOKENS[0]).compute_signature("https://x.example/", Several(form))

    assert is_signed("https://x.example/", form, by_hand, TOKENS)


class Several(dict[str, list[str]]):
    """A form as web frameworks hold one."""

    def getlist(self, name: str) -> list[str]:
        return self[name]

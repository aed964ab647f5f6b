"""The settings of the gateway twilio: complete, on one of the two ways of sending, and never to anybody else."""

from pathlib import Path

import pytest

from backend.config import Settings, read_settings
from backend.errors import BadSettings
from backend.twilio_account import TWILIO_SETTINGS, TwilioAccount

SID, TOKEN = "AC" + "1" * 32, "4ecret-of-the-tests-" + "f" * 12
RIGHT = {"SMS_GATEWAY": "twilio", "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "+15005550006"}
PRODUCTION = {
    "MODE": "production",
    "PUBLIC_URL": "https://followup.example",
    "SECRET_KEY": "one secret of 0123456789 abcdefghij",
    "DATA_KEYS": "two secrets of 0123456789 abcdefghij",
    "INDEX_KEY": "three secrets of 0123456789 abcdefghij",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Reads just these."""

    def reading(**said: str) -> Settings:
        for name in (*TWILIO_SETTINGS, *PRODUCTION, *RIGHT, "DATABASE_URL", "SMTP_URL"):
            monkeypatch.delenv(f"FOLLOWUP_{name}", raising=False)
        for name, value in {"MODE": "test", "HOME": str(tmp_path), **said}.items():
            monkeypatch.setenv(f"FOLLOWUP_{name}", value)
        return read_settings()

    return reading


def wrong(read, **said: str) -> dict[str, str]:
    """What is complained of, without the prefix."""
    with pytest.raises(BadSettings) as refused:
        read(**said)
    complaints = refused.value.fields.items()
    return {name.removeprefix("FOLLOWUP_"): " ".join(why) for name, why in complaints}


def test_production_starts_with_twilio(read):
    settings = read(**PRODUCTION, **RIGHT)

    assert settings.twilio == TwilioAccount(SID, (TOKEN,), "+15005550006", "")
    assert settings.look_seconds == 60.0


def test_several_tokens_and_a_messaging_service(read):
    named = {"TWILIO_FROM": "", "TWILIO_MESSAGING_SERVICE_SID": "MG" + "2" * 32}

    settings = read(**RIGHT | named | {"TWILIO_AUTH_TOKEN": "old , new,", "TWILIO_BASE_URL": "http://127.0.0.1:8090/"})

    expected = TwilioAccount(SID, ("old", "new"), "", "MG" + "2" * 32, "http://127.0.0.1:8090")
    assert settings.twilio == expected


def test_whatever_is_missing_is_said_at_once(read):
    assert wrong(read, SMS_GATEWAY="twilio").keys() == {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"}


def test_another_gateway_needs_none_of_it(read):
    assert read().twilio is None
    assert read(**RIGHT | {"SMS_GATEWAY": "simulator"}).twilio is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_ACCOUNT_SID", "SK" + "1" * 32),
        ("TWILIO_ACCOUNT_SID", "AC/../Other"),
        ("TWILIO_AUTH_TOKEN", "two words"),
        ("TWILIO_AUTH_TOKEN", " , "),
        ("TWILIO_FROM", "Hospital"),
        ("TWILIO_FROM", "13800138000138000"),
        ("TWILIO_MESSAGING_SERVICE_SID", "AC" + "1" * 32),
        *[
            ("TWILIO_BASE_URL", address)
            for address in (
                "https://api.twilio.com",
                "http://10.0.0.1:80",
                "http://127.0.0.1.example:80",
                "http://127.0.0.1@example:80",
                "http://user:word@127.0.0.1",
                "http://127.0.0.1:80/path",
                "http://127.0.0.1:99999",
                "http://[::1",
                "ftp://127.0.0.1",
                "127.0.0.1:80",
            )
        ],
    ],
)
def test_a_value_that_cannot_be_right_is_refused_and_not_repeated(read, name, value):
    complaints = wrong(read, **RIGHT | {name: value})

    assert name in complaints
    assert value.strip(" ,") in ("", "127.0.0.1:80") or value not in " ".join(complaints.values())


def test_a_number_and_a_messaging_service_contradict_each_other(read):
    assert "one of the two" in wrong(read, **RIGHT, TWILIO_MESSAGING_SERVICE_SID="MG" + "2" * 32)["TWILIO_FROM"]


def test_a_demo_never_writes_to_real_telephones(read):
    assert "invented" in wrong(read, **RIGHT, MODE="demo")["SMS_GATEWAY"]
    assert read(**RIGHT, MODE="demo", TWILIO_BASE_URL="http://localhost:8090").twilio


def test_no_token_is_ever_printed(read):
    settings = read(**RIGHT)

    assert TOKEN not in repr(settings) + repr(settings.twilio) + str(settings)

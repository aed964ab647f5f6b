"""Twilio at our doors: an account, its tokens, and requests signed by its own library."""

from dataclasses import replace

from twilio.request_validator import RequestValidator

from backend.config import Settings, SmsGateway
from backend.twilio_account import TwilioAccount

PUBLIC = "https://followup.example/study"
TOKENS = ("the-older-token-of-the-tests", "the-newer-token-of-the-tests")
OURS = "+15005550006"
ACCOUNT = TwilioAccount("AC" + "5" * 32, TOKENS, OURS, "")
STATUS, MESSAGES = "/webhooks/twilio/status", "/webhooks/twilio/messages"


def with_twilio(settings: Settings) -> Settings:
    """The same, with texts carried by Twilio."""
    return replace(settings, public_url=PUBLIC, sms_gateway=SmsGateway.TWILIO, twilio=ACCOUNT)


def signed(url: str, said: dict[str, str], token: str = TOKENS[0]) -> dict[str, str]:
    """The header that says so."""
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, said)}

"""The account at Twilio that text messages go through, as the settings name it. Knows nothing of Twilio's library."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# In the order in which the README tells of them.
TWILIO_SETTINGS = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_FROM",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TWILIO_BASE_URL",
)
ACCOUNT_SID, SERVICE_SID = re.compile(r"AC[0-9A-Za-z]{1,62}"), re.compile(r"MG[0-9A-Za-z]{1,62}")
# A number in full, or a short code.
SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[1-9][0-9]{2,7}")
TOKEN = re.compile(r"[!-~]+")
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class TwilioAccount:
    """Whose account, and as whom it writes: one of ``from_number`` and ``messaging_service_sid`` is empty.

    ``tokens`` are several while one takes the place of another. ``base_url`` is empty, or where on this machine
    somebody plays Twilio.
    """

    sid: str
    tokens: tuple[str, ...] = field(repr=False)
    from_number: str
    messaging_service_sid: str
    base_url: str = ""


def twilio_account(said: Mapping[str, str]) -> TwilioAccount:
    """What the settings say, once nothing is wrong with them."""
    return TwilioAccount(
        sid=said["TWILIO_ACCOUNT_SID"],
        tokens=_tokens(said["TWILIO_AUTH_TOKEN"]),
        from_number=said["TWILIO_FROM"],
        messaging_service_sid=said["TWILIO_MESSAGING_SERVICE_SID"],
        base_url=said["TWILIO_BASE_URL"].rstrip("/"),
    )


def wrong_with_twilio(said: Mapping[str, str], *, is_used: bool, is_demo: bool) -> Iterator[tuple[str, str]]:
    """What cannot be right by itself and, if this gateway ``is_used``, what is missing. Never repeats what was said."""
    yield from _unreadable(said)
    if not is_used:
        return
    if not said["TWILIO_ACCOUNT_SID"]:
        yield "TWILIO_ACCOUNT_SID", "Is missing; it stands in Twilio's console and begins with AC."
    if not said["TWILIO_AUTH_TOKEN"].strip(", "):
        yield "TWILIO_AUTH_TOKEN", "Is missing; it stands in Twilio's console."
    senders = [name for name in ("TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID") if said[name]]
    if not senders:
        yield "TWILIO_FROM", "Is missing; give the number to write from, or FOLLOWUP_TWILIO_MESSAGING_SERVICE_SID."
    if len(senders) > 1:
        yield "TWILIO_FROM", "Stands beside FOLLOWUP_TWILIO_MESSAGING_SERVICE_SID; give one of the two."
    if is_demo and not said["TWILIO_BASE_URL"]:
        yield "SMS_GATEWAY", "Reaches real telephones, and a demo's numbers are invented."


def _unreadable(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if said["TWILIO_ACCOUNT_SID"] and not ACCOUNT_SID.fullmatch(said["TWILIO_ACCOUNT_SID"]):
        yield "TWILIO_ACCOUNT_SID", "Must be the SID of an account, which begins with AC."
    if not all(TOKEN.fullmatch(token) for token in _tokens(said["TWILIO_AUTH_TOKEN"])):
        yield "TWILIO_AUTH_TOKEN", "Holds a character that no token has."
    if said["TWILIO_FROM"] and not SENDER.fullmatch(said["TWILIO_FROM"]):
        yield "TWILIO_FROM", "Must be a number like +441632960001 or a short code: nobody can reply STOP to a name."
    if said["TWILIO_MESSAGING_SERVICE_SID"] and not SERVICE_SID.fullmatch(said["TWILIO_MESSAGING_SERVICE_SID"]):
        yield "TWILIO_MESSAGING_SERVICE_SID", "Must be the SID of a messaging service, which begins with MG."
    if said["TWILIO_BASE_URL"] and not _is_on_this_machine(said["TWILIO_BASE_URL"]):
        yield (
            "TWILIO_BASE_URL",
            "May only lead to this machine, as http://127.0.0.1:8090 does; leave it out for Twilio.",
        )


def _is_on_this_machine(address: str) -> bool:
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in {"http", "https"} and parts.port != 0 and parts.hostname in THIS_MACHINE
    except ValueError:
        return False
    return is_whole and "@" not in parts.netloc and not (parts.path.strip("/") or parts.query or parts.fragment)


def _tokens(said: str) -> tuple[str, ...]:
    return tuple(token.strip() for token in said.split(",") if token.strip())

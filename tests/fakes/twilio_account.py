"""What a Twilio account remembers: texts with their states, as the public API (2010-04-01) shows them.

Written from the public documentation alone; the product's code is not used, so that the two can disagree.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

API = "2010-04-01"
ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKENS = ("token-one-of-the-fake-provider", "token-two-of-the-fake-provider")
SENDER = "+15005550006"
E164 = re.compile(r"\+[1-9]\d{7,14}")
ON_TRIAL = "Sent from your Twilio trial account - "
LONGEST_BODY = 1600
# The words that the carrier acts on by itself.
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START = frozenset({"START", "YES", "UNSTOP"})


class Status(StrEnum):
    """The words of the public API for where a text is."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    RECEIVED = "received"


class Refused(Exception):
    """An answer that is an error, with Twilio's own code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


MAGIC_RECIPIENTS = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "Twilio cannot route to the number +15005550002."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient."),
    "+15005550009": (21614, "The 'To' number +15005550009 is not a mobile number."),
}
MAGIC_SENDERS = {
    "+15005550001": (21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (21606, "The 'From' number +15005550007 is not an SMS-capable number of yours."),
    "+15005550008": (21611, "The queue of the 'From' number +15005550008 is full."),
}


@dataclass
class Text:
    """One text, outbound or inbound. ``callback`` is where its sender wants to hear of it."""

    sid: str
    to: str
    sender: str | None
    body: str
    direction: str
    status: Status
    created: datetime
    updated: datetime
    sent: datetime | None = None
    error_code: int | None = None
    service: str | None = None
    callback: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The resource as the public API shows it: what is not known yet is null."""
        where = f"/{API}/Accounts/{ACCOUNT_SID}/Messages/{self.sid}"
        has_ended = self.status in (Status.DELIVERED, Status.UNDELIVERED)
        return {
            "account_sid": ACCOUNT_SID,
            "api_version": API,
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "date_updated": format_datetime(self.updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None if self.error_code is None else "The carrier did not deliver it.",
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "1" if self.sender else "0",
            "price": "-0.00790" if has_ended else None,
            "price_unit": "USD" if has_ended else None,
            "sid": self.sid,
            "status": self.status.value,
            "subresource_uris": {"media": f"{where}/Media.json"},
            "to": self.to,
            "uri": f"{where}.json",
        }


class Account:
    """Every text of one account. Safe for threads; forgets everything when the process ends."""

    def __init__(self) -> None:
        self._texts: dict[str, Text] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()
        # A carrier refuses those who said STOP; a test of the sender's own care switches that off.
        self.carrier_blocks = True
        self.is_trial = False

    def accept(self, form: Mapping[str, str]) -> Text:
        """Keep a text that is to be sent. Raises ``Refused`` as the public API does."""
        to, body, sender = form.get("To", ""), form.get("Body", ""), form.get("From")
        service = form.get("MessagingServiceSid")
        _refuse_incomplete(to, body, sender, service)
        if self.carrier_blocks and to in self._stopped:
            raise Refused(400, 21610, "Attempt to send to unsubscribed recipient.")
        now = moment()
        text = Text(
            sid=new_sid(),
            to=to,
            sender=None if service else sender,
            body=ON_TRIAL + body if self.is_trial else body,
            direction="outbound-api",
            status=Status.ACCEPTED if service else Status.QUEUED,
            created=now,
            updated=now,
            service=service,
            callback=form.get("StatusCallback"),
        )
        return self._keep(text)

    def receive(self, sender: str, to: str, body: str) -> Text:
        """A text from somebody's phone."""
        word, now = body.strip().upper(), moment()
        with self._lock:
            if word in STOP:
                self._stopped.add(sender)
            elif word in START:
                self._stopped.discard(sender)
        return self._keep(Text(new_sid(), to, sender, body, "inbound", Status.RECEIVED, now, now, sent=now))

    def move(self, sid: str, status: Status, error_code: int | None = None) -> Text:
        """The carrier has come further with it."""
        with self._lock:
            text = self._texts[sid]
            text.status, text.updated, text.error_code = status, moment(), error_code
            if status not in (Status.ACCEPTED, Status.QUEUED, Status.SENDING, Status.FAILED):
                text.sent = text.sent or text.updated
            text.sender = text.sender or SENDER
            return text

    def fetch(self, sid: str) -> Text:
        """One text. Raises ``Refused`` with 20404 when there is none."""
        with self._lock:
            text = self._texts.get(sid)
        if text is None:
            raise Refused(404, 20404, f"The requested resource /Messages/{sid}.json was not found")
        return text

    def newest_first(self, wanted: Callable[[Text], bool] = lambda _: True) -> Sequence[Text]:
        """The texts somebody asks for."""
        with self._lock:
            return [text for text in reversed(self._texts.values()) if wanted(text)]

    def __len__(self) -> int:
        with self._lock:
            return sum(text.direction != "inbound" for text in self._texts.values())

    def _keep(self, text: Text) -> Text:
        with self._lock:
            self._texts[text.sid] = text
        return text


def _refuse_incomplete(to: str, body: str, sender: str | None, service: str | None) -> None:
    if not to:
        raise Refused(400, 21604, "A 'To' phone number is required.")
    if not sender and not service:
        raise Refused(400, 21603, "A 'From' phone number is required.")
    if not body:
        raise Refused(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if sender in MAGIC_SENDERS:
        raise Refused(400, *MAGIC_SENDERS[sender])
    if to in MAGIC_RECIPIENTS:
        raise Refused(400, *MAGIC_RECIPIENTS[to])
    if not E164.fullmatch(to):
        raise Refused(400, 21211, f"The 'To' number {to} is not a valid phone number.")


def new_sid() -> str:
    """``SM`` and 32 hexadecimal digits, never the same twice."""
    return f"SM{secrets.token_hex(16)}"


def moment() -> datetime:
    """The provider's clock is the real one, whatever a test does to ours."""
    return datetime.fromtimestamp(time.time(), UTC)

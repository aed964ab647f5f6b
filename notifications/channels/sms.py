"""Text messages through Twilio, by its own client. No other file knows that library.

What Twilio refuses in so many words, with a code of its own, it certainly does not have; nor what never left because
nobody answered the connection. Whatever else goes wrong (silence, a broken connection, 5xx, the page of somebody in
between) leaves the outcome unknown, and Twilio's list of messages is asked later.
"""

import logging
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from threading import local
from typing import Any
from uuid import UUID

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from backend.twilio_account import TwilioAccount
from notifications.channels import (
    Absent,
    Accepted,
    CannotTell,
    Envelope,
    Refusal,
    Sighting,
    Sought,
    Undeliverable,
)
from notifications.channels.calls import (
    LONGEST_ANSWER,
    SECONDS_FOR_AN_ANSWER,
    SECONDS_TO_CONNECT,
    Unanswered,
    Unreached,
    WordsInTime,
    asking_once,
    never_left,
    within,
)
from notifications.inbound import ReceivedText
from notifications.numbers import as_it_came
from notifications.refusal_codes import refusal_for

TWILIO = "https://api.twilio.com"
STATUS_CALLBACK = "/webhooks/twilio/status"
UNREACHABLE = "twilio_unreachable"
NOBODYS_MESSAGE = "SM" + "0" * 32
PROVIDER_ID = re.compile(r"(SM|MM)[0-9a-zA-Z]{8,64}")
OUTWARD, INWARD = "outbound", "inbound"
ON_THE_PHONE, NEVER_ARRIVES = frozenset({"delivered", "read"}), frozenset({"undelivered", "failed", "canceled"})

# Of the messages to one number, newest first: how many are read, and which can be the one that is looked for.
PAGE, MOST = 100, 300
EARLIER, LATER = timedelta(minutes=2), timedelta(minutes=10)
# Somebody's clock may have been wrong by hours. The same words outside the window are then neither it nor not it.
CLOCKS_MAY_JUMP = timedelta(hours=12)

# Of what was written to us: how much is read at most, and after how many in a row that are too old it is believed that
# only older ones follow.
MOST_RECEIVED, OLD_IN_A_ROW = 50_000, 200
# What an account on trial puts in front of every text.
ON_TRIAL, TRIAL = "Sent from your Twilio trial account -", "Trial"

# It tells every number, at "info".
logging.getLogger("twilio").setLevel(logging.WARNING)


class Twilio:
    """The gateway ``twilio``."""

    looks_to_be_sure = 2

    def __init__(
        self,
        account: TwilioAccount,
        public_url: str,
        *,
        seconds_between_looks: float = 60.0,
        seconds_for_an_answer: float = SECONDS_FOR_AN_ANSWER,
    ) -> None:
        """``public_url`` is where Twilio tells us later what became of a message."""
        self.gateway = f"twilio:{account.sid}"
        self.seconds_between_looks = seconds_between_looks
        self.seconds_for_an_answer = seconds_for_an_answer
        self._public_url = public_url
        if account.messaging_service_sid:
            self._sender = {"messaging_service_sid": account.messaging_service_sid}
        else:
            self._sender = {"from_": account.from_number}
        self._wire = _Wire(account, seconds_for_an_answer)
        # Told that there is no region, the client does not look for one among this process's settings.
        self._client = Client(
            account.sid,
            account.tokens[0],
            http_client=self._wire,
            environment={"TWILIO_REGION": "", "TWILIO_EDGE": ""},
        )
        # Its library reads much of itself when first asked for these: now, and not while a message waits.
        self._messages = self._client.messages

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Hand it over. Raises ``Undeliverable`` when Twilio certainly does not have it, else ``Unanswered``."""
        self._wire.speak_now_or_never()
        try:
            message = self._messages.create(
                to=envelope.address,
                body=envelope.text,
                status_callback=f"{self._public_url}{STATUS_CALLBACK}?attempt={attempt_id}",
                # What the list shows later must be the words that were sent.
                smart_encoded=False,
                **self._sender,
            )
        except (TwilioRestException, TwilioServiceException) as refusal:
            raise _understood(refusal) from None
        except Unreached:
            raise Undeliverable(UNREACHABLE, Refusal.TRANSIENT) from None
        except Exception as failure:
            raise Unanswered(type(failure).__name__) from None
        if message.account_sid not in (None, self._client.account_sid) or not _is_id(message.sid):
            raise Unanswered("no id of ours")
        return _accepted(message)

    def find(self, sought: Sought) -> Sighting:
        """Look through Twilio's list of messages to that number, by time and by the words.

        Raises ``Unanswered`` when there was no answer, to be asked again.
        """
        try:
            listed = list(self._listed(sought))
        except Exception as failure:
            raise Unanswered(type(failure).__name__) from None
        return _sighting(sought, listed)

    def received_since(self, moment: datetime) -> Iterator[ReceivedText]:
        """Texts to us that Twilio got after that real moment, the newest first, whether a webhook told of them or not.

        Raises ``Unanswered`` when there was no answer, and when there are so many that the end was not reached.
        """
        old = 0
        try:
            for number, message in enumerate(self._messages.stream(page_size=PAGE, **self._to_us), 1):
                old = old + 1 if _is_older(message, moment) else 0
                if old > OLD_IN_A_ROW:
                    return
                if number > MOST_RECEIVED:
                    raise Unanswered(f"more than {MOST_RECEIVED}")
                if not old and self._is_for_us(message):
                    yield _received(message)
        except Unanswered:
            raise
        except Exception as failure:
            raise Unanswered(type(failure).__name__) from None

    def is_on_trial(self) -> bool:
        """Whether the account reaches only telephones that it knows, and puts words of Twilio's into every text.

        False as well when Twilio does not say.
        """
        try:
            return bool(self._client.api.v2010.accounts(self._client.account_sid).fetch().type == TRIAL)
        except Exception:
            return False

    @property
    def _to_us(self) -> dict[str, str]:
        """A service may have many numbers, which only Twilio knows: then everything is listed."""
        number = self._sender.get("from_")
        return {"to": number} if number else {}

    def _is_for_us(self, message: Any) -> bool:
        """Written by somebody, and to our service where we have one and Twilio says to which it was written."""
        service = self._sender.get("messaging_service_sid")
        is_ours = service is None or message.messaging_service_sid in (None, service)
        return is_ours and message.direction == INWARD and isinstance(message.sid, str)

    def greet(self) -> None:
        """Ask for a message that does not exist: whoever says so believed our token. Raises ``Undeliverable``."""
        try:
            self._client.messages(NOBODYS_MESSAGE).fetch()
        except (TwilioRestException, TwilioServiceException) as refusal:
            if refusal.status != requests.codes.not_found:
                raise Undeliverable(str(refusal.code), refusal_for(str(refusal.code))) from None
        except Exception as failure:
            raise Undeliverable(f"{UNREACHABLE}, {failure}", Refusal.TRANSIENT) from None

    def _listed(self, sought: Sought) -> Iterator[Any]:
        """Newest first, back to where it cannot be any more.

        Not narrowed by date in the question: a message that still waits at Twilio has no date of sending.
        """
        for message in self._messages.stream(to=sought.envelope.address, limit=MOST, page_size=PAGE):
            made_at = message.date_created or message.date_sent
            if sought.called_at and made_at and made_at < sought.called_at - CLOCKS_MAY_JUMP:
                return
            yield message


def _sighting(sought: Sought, listed: list[Any]) -> Sighting:
    """Exactly one that can be it, and nothing that might: found. Nothing at all: absent. Anything else is a guess."""
    if len(listed) >= MOST:
        return CannotTell()
    possible = [message for message in listed if _may_be_it(sought, message)]
    certain = [message for message in possible if _is_said(sought, message) and _is_of_that_time(sought, message)]
    if not possible:
        return Absent()
    if len(certain) != 1 or (len(possible) > 1 and _is_unreadable(possible)):
        return CannotTell()
    return _accepted(certain[0])


def _accepted(message: Any) -> Accepted:
    failed = str(message.error_code or message.status) if message.status in NEVER_ARRIVES else None
    return Accepted(message.sid, delivered=message.status in ON_THE_PHONE, failed=failed)


def _may_be_it(sought: Sought, message: Any) -> bool:
    """From us, no other attempt's, and our words in it; or words that Twilio was told to forget."""
    is_ours = str(message.direction).startswith(OUTWARD) and _is_id(message.sid) and message.sid not in sought.others
    return is_ours and (not message.body or _holds(message.body, sought.envelope.text))


def _is_of_that_time(sought: Sought, message: Any) -> bool:
    made_at = message.date_created or message.date_sent
    if sought.called_at is None:
        return False
    return made_at is None or sought.called_at - EARLIER <= made_at <= sought.called_at + LATER


def _is_unreadable(messages: list[Any]) -> bool:
    return any(not message.body for message in messages)


def _is_said(sought: Sought, message: Any) -> bool:
    """Our words and no others, but for those that Twilio itself puts in front while an account is on trial."""
    listed = _in_one_line(message.body or "")
    return listed.removeprefix(ON_TRIAL).strip() == _in_one_line(sought.envelope.text)


def _holds(listed: str, sent: str) -> bool:
    """Whether our words are in it. With others around them it may be ours that somebody added to: who knows."""
    return _in_one_line(sent) in _in_one_line(listed)


def _in_one_line(words: str) -> str:
    return " ".join(words.split())


def _is_older(message: Any, moment: datetime) -> bool:
    """What has no date may be new."""
    made_at = message.date_sent or message.date_created
    return isinstance(made_at, datetime) and made_at < moment


def _received(message: Any) -> ReceivedText:
    """As a webhook would have told it."""
    at = message.date_sent or message.date_created
    return ReceivedText(
        provider_id=message.sid,
        from_number=as_it_came(message.from_ or ""),
        to_number=as_it_came(message.to or ""),
        text=message.body or "",
        written_at=at if isinstance(at, datetime) else None,
    )


def _is_id(sid: object) -> bool:
    return isinstance(sid, str) and PROVIDER_ID.fullmatch(sid) is not None


def _understood(refusal: TwilioRestException | TwilioServiceException) -> Exception:
    """A definite refusal has a code of Twilio's own; where none came, the library puts the status in its place."""
    status, code = refusal.status, str(refusal.code)
    if status == requests.codes.too_many_requests:
        return Undeliverable(code, Refusal.NOT_PROCESSED)
    if isinstance(status, int) and 400 <= status < 500 and code.isdecimal() and code != str(status):
        return Undeliverable(code, refusal_for(code))
    return Unanswered(f"HTTP {status}")


class _Wire(HttpClient):
    """How the client's requests travel: to one place, once, within a time, and without a word in any log."""

    def __init__(self, account: TwilioAccount, seconds: float) -> None:
        """With the account's tokens in the order in which they are tried."""
        super().__init__(logging.getLogger("twilio.http_client"), False, seconds)
        self._account, self._seconds = account, seconds
        self._session = asking_once()
        if account.base_url:
            # This machine's proxy is for the world outside.
            self._session.trust_env = False
        self._of_this_thread = local()

    def speak_now_or_never(self) -> None:
        """What this thread says next must leave within the time of a call, or not at all."""
        self._of_this_thread.until = time.monotonic() + self._seconds

    def request(self, method: str, uri: str, **asked: Any) -> Response:
        """One call. Raises ``Unreached`` if nothing can have been said, ``Unanswered`` if nothing was heard."""
        where = self._address(uri)
        until = getattr(self._of_this_thread, "until", time.monotonic() + self._seconds)
        for token in self._account.tokens:
            signed = _SignedInTime(self._account.sid, token, until)
            answer = within(self._seconds, partial(self._ask, method, where, signed, asked))
            # While one token takes the place of another, either may be the one that is believed. Who is not believed
            # has said nothing.
            if answer.status_code != requests.codes.unauthorized:
                break
        return answer

    def _address(self, uri: str) -> str:
        """The next page is where an answer says: never anywhere but at Twilio, for our token goes along."""
        if not uri.startswith(f"{TWILIO}/"):
            raise Unreached("an address that is not Twilio's")
        return (self._account.base_url or TWILIO) + uri.removeprefix(TWILIO)

    def _ask(self, method: str, where: str, signed: AuthBase, asked: dict[str, Any]) -> Response:
        try:
            with self._session.request(
                method,
                where,
                params=asked.get("params"),
                data=asked.get("data"),
                headers=asked.get("headers"),
                auth=signed,
                timeout=(min(SECONDS_TO_CONNECT, self._seconds), self._seconds),
                allow_redirects=False,
                stream=True,
            ) as answer:
                words = answer.raw.read(LONGEST_ANSWER, decode_content=True)
                return Response(answer.status_code, words.decode("utf-8", "replace"), answer.headers)
        except Unreached:
            raise
        except Exception as failure:
            said = Unreached if never_left(failure) else Unanswered
            raise said(type(failure).__name__) from None


class _SignedInTime(HTTPBasicAuth):
    """Signs a request, and lets its words out only until a moment by the clock that nobody sets."""

    def __init__(self, user: str, password: str, until: float) -> None:
        """``until`` is what ``time.monotonic`` says then."""
        super().__init__(user, password)
        self._until = until

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Called when the request is whole. One that asks has no words, and may be late."""
        if isinstance(request.body, str):
            request.body = WordsInTime(request.body.encode(), self._until)  # type: ignore[assignment]
        signed: requests.PreparedRequest = super().__call__(request)  # type: ignore[no-untyped-call]
        return signed

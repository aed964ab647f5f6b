"""E-mail to staff over SMTP (RFC 5321). Nobody can be asked later what became of a mail.

A mail server has a message once it has answered the end of its data, and not a moment sooner (4.2.5). So whatever goes
wrong before the data is a refusal, and silence after it leaves the outcome unknown.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from backend import clock
from backend.config import MAIL_ADDRESS, Encryption, MailServer
from notifications.channels import Accepted, CannotTell, Envelope, Refusal, Sighting, Sought, Undeliverable

# For the connection and for every answer. Together they stay below the lease of a message.
SECONDS_FOR_AN_ANSWER = 10.0
READY_FOR_DATA = 354
# Sign in first; too weak a way of signing in; refused; only under encryption (RFC 4954, 6).
SIGN_IN_FIRST = frozenset({530, 534, 535, 538})
UNREACHABLE, UNWRITABLE = "smtp_unreachable", "smtp_unwritable"
NOT_SIGNED_IN, NOT_SUPPORTED = "smtp_not_signed_in", "smtp_not_supported"


class Email:
    """One mail a connection: pages are few, and a connection that is kept is one that may be dead."""

    gateway = "email"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def __init__(
        self, server: MailServer, *, trusting: ssl.SSLContext | None = None, seconds: float = SECONDS_FOR_AN_ANSWER
    ) -> None:
        """``trusting`` says whose certificates are believed; the machine's own list if nothing is given."""
        self._server = server
        self._trusting = trusting or ssl.create_default_context()
        self._seconds = seconds

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Hand it to the mail server. Raises ``Undeliverable`` for whatever is certain not to have been taken."""
        name = f"{attempt_id}@{self._domain}"
        letter = self._written(envelope, name)
        with self._connection() as smtp:
            with _before_the_data():
                _must(smtp.mail(self._server.sender), otherwise=Refusal.CONFIGURATION)
                _must(smtp.rcpt(envelope.address))
                _must(smtp.docmd("DATA"), READY_FOR_DATA)
            # From here on an error that the server did not say in so many words leaves us in doubt.
            smtp.send(_with_dots_stuffed(letter) + b".\r\n")
            _must(smtp.getreply())
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
        return Accepted(provider_id=name)

    def find(self, sought: Sought) -> Sighting:
        """SMTP has no such question."""
        return CannotTell()

    def greet(self) -> None:
        """Connect and sign in, and send nothing. Raises ``Undeliverable`` with what is wrong."""
        with self._connection() as smtp, _before_the_data():
            _must(smtp.noop())

    @property
    def _domain(self) -> str:
        return self._server.sender.rpartition("@")[2]

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        with _before_the_data():
            smtp = self._connected()
        try:
            with _before_the_data():
                self._sign_in(smtp)
            yield smtp
        finally:
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        where, us = (self._server.host, self._server.port), self._domain
        # Without a name given the library would ask the resolver for this machine's, and tell it to everybody.
        if self._server.encryption is Encryption.FROM_THE_START:
            return smtplib.SMTP_SSL(*where, us, timeout=self._seconds, context=self._trusting)
        return smtplib.SMTP(*where, us, timeout=self._seconds)

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        if self._server.encryption is Encryption.BY_STARTTLS:
            _must(smtp.starttls(context=self._trusting))
        smtp.ehlo_or_helo_if_needed()
        if self._server.user:
            smtp.login(self._server.user, self._server.password)

    def _written(self, envelope: Envelope, name: str) -> bytes:
        """The first line is the subject. Whatever could begin a header of its own is taken out or refused."""
        if not MAIL_ADDRESS.fullmatch(envelope.address):
            raise Undeliverable(UNWRITABLE, Refusal.FINAL)
        first, _, rest = envelope.text.strip().partition("\n")
        letter = EmailMessage(policy=SMTP)
        try:
            letter["Subject"] = _in_one_line(first)
            letter["From"] = self._server.sender
            letter["To"] = envelope.address
            letter["Date"] = format_datetime(clock.wall())
            letter["Message-ID"] = f"<{name}>"
            letter["Auto-Submitted"] = "auto-generated"
            letter.set_content(rest.strip() or first)
            return letter.as_bytes()
        except ValueError as unwritable:
            raise Undeliverable(UNWRITABLE, Refusal.FINAL) from unwritable


@contextmanager
def _before_the_data() -> Iterator[None]:
    """What fails in here leaves the server without a message: not now, perhaps later."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as refused:
        is_passing = 400 <= refused.smtp_code < 500
        raise Undeliverable(NOT_SIGNED_IN, Refusal.TRANSIENT if is_passing else Refusal.CONFIGURATION) from refused
    except smtplib.SMTPNotSupportedError as lacking:
        raise Undeliverable(NOT_SUPPORTED, Refusal.CONFIGURATION) from lacking
    except (smtplib.SMTPException, OSError) as failure:
        raise Undeliverable(UNREACHABLE, Refusal.TRANSIENT) from failure


def _must(answer: tuple[int, bytes], wanted: int | None = None, *, otherwise: Refusal = Refusal.FINAL) -> None:
    """Raises ``Undeliverable`` for a refusal: 4 as the first figure may change, 5 will not (RFC 5321, 4.2.1).

    ``otherwise`` says what a 5 means here; one that asks to be signed in to is about our settings wherever it comes.
    What is neither yes nor no is raised as something that nobody understood.
    """
    code, _ = answer
    if code == wanted or (wanted is None and 200 <= code < 300):
        return
    if 400 <= code < 600:
        for_good = Refusal.CONFIGURATION if code in SIGN_IN_FIRST else otherwise
        raise Undeliverable(f"smtp_{code}", for_good if code >= 500 else Refusal.TRANSIENT)
    raise smtplib.SMTPException(f"The mail server answered {code}.")


def _in_one_line(words: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())


def _with_dots_stuffed(letter: bytes) -> bytes:
    """A line that is a dot would end the message (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", letter)

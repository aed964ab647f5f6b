"""A mail server on this machine: a real one, that refuses, dawdles and hangs up when it is told to."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.config import Encryption, MailServer

HANG_UP = "hang up"
SENDER = "followup@hospital.example"


@dataclass
class Mailbox:
    """What arrived, and what is answered at each step: a reply, hanging up, or a pause in seconds."""

    answers: dict[str, Any] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """Everything it took or was about to, as a mail program reads it."""
        return [message_from_bytes(one, policy=policy.SMTP) for one in self.raw]  # type: ignore[misc]

    async def handle_MAIL(self, server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return await self._answer("MAIL", server)

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        self.recipients.append(address)
        return await self._answer("RCPT", server)

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        self.raw.append(envelope.content)
        return await self._answer("DATA", server)

    async def _answer(self, step: str, server: Any) -> str:
        wanted = self.answers.get(step, "250 OK")
        if wanted == HANG_UP:
            server.transport.abort()
        if isinstance(wanted, float):
            await asyncio.sleep(wanted)
        return wanted if isinstance(wanted, str) else "250 OK"


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """The port of a mail server that puts everything there; ``options`` are aiosmtpd's."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def at(port: int, encryption: Encryption = Encryption.NONE, **said: str) -> MailServer:
    """As the settings would name it."""
    told = {"user": "", "password": "", "sender": SENDER, "region": ""} | said
    return MailServer(host="127.0.0.1", port=port, encryption=encryption, **told)


def who_knows(member: str, password: str) -> Any:
    """A server's list of accounts, with one on it."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (member.encode(), password.encode()), handled=False)

    return check


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side with a certificate for this machine, and a client's that believes it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=36_500))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(encoded + made.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    return serving, ssl.create_default_context(cafile=str(file))

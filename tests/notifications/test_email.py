"""E-mail to staff, against a real mail server that answers, refuses, dawdles and hangs up."""

import smtplib
import socket
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.config import Encryption
from backend.terms import AttemptStatus, ChannelKind, Language, MessageStatus
from notifications import Send, breakers
from notifications.channels import CannotTell, Envelope, Refusal, Sought, Undeliverable
from notifications.channels.email import Email
from notifications.models import Attempt
from tests.notifications.conftest import OFFICE, TESTER
from tests.notifications.mail_server import HANG_UP, SENDER, Mailbox, at, certificate, mail_server, who_knows

LI = "li.jing@hospital.example"
PAGE = "【随访】紧急：02-0001\n患者报告急症，请在30分钟内确认。\n.\n末行"
PATIENCE = 0.4


def envelope(text: str = PAGE, address: str = LI) -> Envelope:
    return Envelope(address, text, Language.CHINESE, "page", {})


def refused(channel: Email, *, address: str = LI) -> tuple[str, Refusal]:
    with pytest.raises(Undeliverable) as refusal:
        channel.send(envelope(address=address), uuid4())
    return refusal.value.code, refusal.value.why


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    with mail_server(mailbox) as port:
        yield port


@pytest.fixture
def email(port: int) -> Email:
    return Email(at(port), seconds=PATIENCE)


def test_a_page_in_chinese_arrives_as_it_was_written_and_says_which_attempt_it_was(email, mailbox):
    attempt = UUID("0b9c6a6e-6f0e-4b8e-9a55-3a4f4a0f8f11")

    accepted = email.send(envelope(), attempt)

    (mail,) = mailbox.mails
    assert (accepted.provider_id, accepted.delivered) == (f"{attempt}@hospital.example", False)
    assert mail["Subject"] == "【随访】紧急：02-0001"
    assert mail.get_content().replace("\r\n", "\n") == "患者报告急症，请在30分钟内确认。\n.\n末行\n"
    assert (mail["From"], mail["To"], mailbox.recipients) == (SENDER, LI, [LI])
    assert mail["Message-ID"] == f"<{attempt}@hospital.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.tzinfo is not None


def test_a_plain_text_with_a_line_that_is_a_dot_arrives_whole(email, mailbox):
    email.send(envelope("Please look\n\nfirst\n.\n..\nlast"), uuid4())

    assert mailbox.mails[0].get_content().split() == ["first", ".", "..", "last"]


def test_one_line_is_the_subject_and_the_whole_of_it(email, mailbox):
    email.send(envelope("Please look at the queue"), uuid4())

    assert (mailbox.mails[0]["Subject"], mailbox.mails[0].get_content().strip()) == ("Please look at the queue",) * 2


@pytest.mark.parametrize("line_end", ["\r", "\x0b", "\x85", "\u2028", "\x00", "\r\n "])
def test_no_text_can_write_a_header_of_its_own(email, mailbox, line_end):
    email.send(envelope(f"Urgent{line_end}Bcc: thief@elsewhere.example{line_end}\n\nbody"), uuid4())

    (mail,) = mailbox.mails
    assert "Bcc" not in mail
    assert mailbox.recipients == [LI]
    assert mail["Subject"].startswith("Urgent")


@pytest.mark.parametrize(
    "address",
    ["li@h.example\nBcc: t@e.example", "li@h.example\r\nDATA", "<li@h.example>", "li", "a@b, c@d", "李@h.example", ""],
)
def test_what_is_not_one_plain_address_is_refused_for_good_and_never_said_to_the_server(email, mailbox, address):
    assert refused(email, address=address) == ("smtp_unwritable", Refusal.FINAL)
    assert mailbox.recipients == []


@pytest.mark.parametrize(
    ("step", "answer", "code", "why"),
    [
        ("RCPT", "550 5.1.1 no such person", "smtp_550", Refusal.FINAL),
        ("RCPT", "450 4.2.1 later", "smtp_450", Refusal.TRANSIENT),
        ("DATA", "552 5.3.4 too long", "smtp_552", Refusal.FINAL),
        ("DATA", "451 4.3.0 later", "smtp_451", Refusal.TRANSIENT),
        # Whoever the letter is for: the server wants another sender, or wants us to sign in.
        ("MAIL", "553 5.1.8 not you", "smtp_553", Refusal.CONFIGURATION),
        ("MAIL", "451 4.3.0 later", "smtp_451", Refusal.TRANSIENT),
        ("RCPT", "530 5.7.0 authentication required", "smtp_530", Refusal.CONFIGURATION),
    ],
)
def test_a_refusal_is_of_the_letter_or_of_our_settings_and_for_good_when_its_figure_says_so(
    email, mailbox, step, answer, code, why
):
    mailbox.answers[step] = answer

    assert refused(email) == (code, why)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
@pytest.mark.parametrize("answer", [HANG_UP, PATIENCE * 3])
def test_a_server_that_hangs_up_or_dawdles_before_the_data_has_nothing(email, mailbox, step, answer):
    mailbox.answers[step] = answer

    assert refused(email) == ("smtp_unreachable", Refusal.TRANSIENT)
    assert mailbox.raw == []


@pytest.mark.parametrize("answer", [HANG_UP, PATIENCE * 3, "150 hm", "350 and now?"])
def test_silence_or_nonsense_after_the_data_leaves_us_in_doubt(email, mailbox, answer):
    mailbox.answers["DATA"] = answer

    with pytest.raises(smtplib.SMTPException):
        email.send(envelope(), uuid4())

    assert len(mailbox.raw) == 1
    assert email.find(Sought(uuid4(), envelope(), None)) == CannotTell()


def test_where_nobody_listens_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = int(free.getsockname()[1])

    assert refused(Email(at(nobody))) == ("smtp_unreachable", Refusal.TRANSIENT)


def test_starttls_is_insisted_on_and_only_a_certificate_we_believe_will_do(mailbox, tmp_path):
    serving, trusting = certificate(tmp_path)
    accounts = {"authenticator": who_knows("followup", "s3cret"), "auth_required": True}

    with mail_server(mailbox, tls_context=serving, require_starttls=True, **accounts) as port:
        server = at(port, Encryption.BY_STARTTLS, user="followup", password="s3cret")
        Email(server, trusting=trusting).send(envelope(), uuid4())
        strange = refused(Email(server))
        guess = refused(Email(at(port, Encryption.BY_STARTTLS, user="followup", password="no"), trusting=trusting))

    assert len(mailbox.raw) == 1
    assert (strange, guess) == (("smtp_unreachable", Refusal.TRANSIENT), ("smtp_not_signed_in", Refusal.CONFIGURATION))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_server_without_starttls_gets_neither_the_password_nor_the_page(mailbox):
    asked = []
    accounts = {"authenticator": lambda *told: asked.append(told), "auth_required": True, "auth_require_tls": False}

    with mail_server(mailbox, **accounts) as port:
        server = at(port, Encryption.BY_STARTTLS, user="followup", password="s3cret")

        assert refused(Email(server)) == ("smtp_not_supported", Refusal.CONFIGURATION)
    assert (asked, mailbox.recipients) == ([], [])


def test_a_connection_encrypted_from_the_start_carries_a_page(mailbox, tmp_path):
    serving, trusting = certificate(tmp_path)

    with mail_server(mailbox, ssl_context=serving) as port:
        server = at(port, Encryption.FROM_THE_START)
        Email(server, trusting=trusting).send(envelope(), uuid4())
        Email(server, trusting=trusting).greet()
        strange = refused(Email(server))

    assert (len(mailbox.raw), strange) == (1, ("smtp_unreachable", Refusal.TRANSIENT))


def by_mail(_txn, _message) -> Send:
    return Send(ChannelKind.EMAIL, LI, Language.ENGLISH, {"date": "2027-03-17", "phone": OFFICE})


def outcome(mailroom, message_id) -> tuple[str, list[str]]:
    with mailroom.db.reading(TESTER) as txn:
        attempts = txn.session.scalars(select(Attempt.status).order_by(Attempt.started_at)).all()
    return mailroom.message(message_id).status, list(attempts)


@pytest.mark.parametrize(
    ("answers", "status", "attempt", "letters"),
    [
        ({}, MessageStatus.SENT, AttemptStatus.ACCEPTED, []),
        ({"RCPT": "550 gone"}, MessageStatus.FAILED, AttemptStatus.REFUSED, ["smtp_550"]),
        ({"RCPT": "450 later"}, MessageStatus.QUEUED, AttemptStatus.REFUSED, []),
        ({"DATA": HANG_UP}, MessageStatus.IN_DOUBT, AttemptStatus.IN_DOUBT, [None]),
    ],
)
def test_what_the_server_says_settles_the_message(mailroom, later, email, mailbox, answers, status, attempt, letters):
    mailroom.channels[ChannelKind.EMAIL], mailbox.answers = email, answers
    message_id = mailroom.queue()

    mailroom.dispatch(by_mail)
    later("2027-03-01T08:02:00+08:00")
    for _ in range(2):
        mailroom.reconcile()

    assert outcome(mailroom, message_id) == (status, [attempt])
    assert [code for _, code in mailroom.dead_letters] == letters


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_password_that_is_refused_stops_all_mail_and_costs_no_letter_a_try(mailroom, mailbox, later):
    accounts = {"authenticator": who_knows("followup", "s3cret"), "auth_required": True, "auth_require_tls": False}
    with mail_server(mailbox, **accounts) as port:
        mailroom.channels[ChannelKind.EMAIL] = Email(at(port, user="followup", password="old"))
        letters = [mailroom.queue(f"letter {number}") for number in range(3)]
        mailroom.dispatch(by_mail)
        waiting = [(mailroom.message(one).status, mailroom.message(one).tries) for one in letters]
        with mailroom.db.reading(TESTER) as txn:
            stopped = [(breaker.channel, breaker.code) for breaker in breakers.standing_open(txn)]

        mailroom.channels[ChannelKind.EMAIL] = Email(at(port, user="followup", password="s3cret"))
        later("2027-03-01T08:05:00+08:00")
        mailroom.dispatch(by_mail)
        mailroom.dispatch(by_mail)

    assert waiting == [(MessageStatus.QUEUED, 0)] * 3
    assert stopped == [(ChannelKind.EMAIL, "smtp_not_signed_in")]
    assert len(mailbox.raw) == 3


def test_a_mail_in_doubt_is_for_a_person_when_the_server_is_no_longer_in_the_settings(mailroom, later, email, mailbox):
    mailroom.channels[ChannelKind.EMAIL], mailbox.answers = email, {"DATA": HANG_UP}
    message_id = mailroom.queue()
    mailroom.dispatch(by_mail)
    del mailroom.channels[ChannelKind.EMAIL]

    later("2027-03-01T08:02:00+08:00")
    mailroom.reconcile()

    assert mailroom.message(message_id).status == MessageStatus.IN_DOUBT
    assert len(mailroom.dead_letters) == 1

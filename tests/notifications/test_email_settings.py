"""FOLLOWUP_SMTP_URL: what it says, what is refused of it, and that no complaint repeats the password."""

from pathlib import Path

import pytest

from backend.config import Encryption, MailServer, read_settings
from backend.errors import BadSettings
from backend.jobs import work_of
from backend.opening import open_database
from backend.providers import mail_provider
from backend.terms import ChannelKind


@pytest.fixture(autouse=True)
def a_rehearsal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"MODE": "test", "HOME": str(tmp_path), "DATABASE_URL": "", "PUBLIC_URL": ""}.items():
        monkeypatch.setenv(f"FOLLOWUP_{name}", value)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):
    def read(url: str) -> MailServer | None:
        monkeypatch.setenv("FOLLOWUP_SMTP_URL", url)
        return read_settings().smtp_url

    return read


def test_a_server_is_read_with_its_account_its_sender_and_its_country(read):
    server = read(
        "smtp://followup%40hospital.example:p%40ss%2Fw%20rd@mail.hospital.example?from=cells@h.example&region=CN"
    )

    assert server == MailServer(
        "mail.hospital.example",
        587,
        Encryption.BY_STARTTLS,
        "followup@hospital.example",
        "p@ss/w rd",
        "cells@h.example",
        "CN",
    )
    assert "p@ss" not in repr(server)


def test_only_this_machine_is_spoken_to_in_plain_text(read):
    urls = ["smtp://127.0.0.1:2525", "smtp://localhost", "smtp://[::1]:25", "smtp://10.0.0.5:25", "smtps://127.0.0.1"]

    found = [read(url) for url in urls]

    plain, starttls, tls = Encryption.NONE, Encryption.BY_STARTTLS, Encryption.FROM_THE_START
    assert [one.encryption for one in found] == [plain, plain, plain, starttls, tls]
    assert [one.port for one in found] == [2525, 587, 25, 25, 465]


def test_mail_comes_from_the_account_that_sends_it_or_from_where_patients_reach_us(read, monkeypatch):
    assert read("smtp://a%40h.example:x@mail.h.example").sender == "a@h.example"
    assert read("smtp://127.0.0.1:2525").sender == "followup@localhost"
    monkeypatch.setenv("FOLLOWUP_PUBLIC_URL", "https://followup.h.example")
    assert read("smtp://mail.h.example").sender == "followup@followup.h.example"


@pytest.mark.parametrize(
    "url",
    [
        "mail.h.example:587",
        "http://mail.h.example",
        "smtp://",
        "smtp://:s3cret@",
        "smtp://u:s3cret@h:99999",
        "smtp://u:s3cret@h:port",
        "smtp://u:s3cret@[h",
        "smtp://u:s3cret@h/path",
        "smtp://u:s3cret@h#part",
        "smtp://u:s3cret@h?from=a@h.example%0aBcc:b@h.example",
        "smtp://u:s3cret@h?from=two@h.example,b@h.example",
        "smtp://u:s3cret@h?from=nobody",
        "smtp://u:s3cret@h?sender=a@h.example",
        "smtp://u:s3cret@h?region=china",
        "smtp://u:s3cret@h?from",
        "smtp://u@h",
        "smtp://:s3cret@h",
    ],
)
def test_whatever_else_is_refused_in_a_sentence_without_the_password(read, url):
    with pytest.raises(BadSettings) as refused:
        read(url)

    assert list(refused.value.fields) == ["FOLLOWUP_SMTP_URL"]
    assert "s3cret" not in repr(refused.value.fields) + refused.value.detail


def test_a_demo_writes_to_nobody_outside(read, monkeypatch):
    monkeypatch.setenv("FOLLOWUP_MODE", "demo")

    assert read("smtp://127.0.0.1:2525") is not None
    with pytest.raises(BadSettings):
        read("smtp://mail.h.example")


def test_a_server_elsewhere_counts_as_abroad_until_it_names_its_country(read):
    urls = ["smtp://127.0.0.1", "smtp://m.example?region=CN", "smtp://m.example?region=US", "smtp://m.example"]

    assert [mail_provider(read(url)).leaves_the_country for url in urls] == [False, False, True, True]


def test_pages_go_by_mail_only_when_a_server_is_named(read, monkeypatch):
    ways = []
    for url in ("", "smtp://127.0.0.1:2525"):
        read(url)
        settings = read_settings()
        db = open_database(settings)
        ways.append(ChannelKind.EMAIL in work_of(db, settings).channels)
        db.close()

    assert ways == [False, True]

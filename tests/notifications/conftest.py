"""A mailroom with simulated phones, and a trial that releases whatever it is asked about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from backend import clock as the_clock
from backend.config import Mode, Settings, SmsGateway
from backend.db import Database, Transaction, system
from backend.terms import ChannelKind, Language, Recipient
from notifications import Letter, Release, Send, dispatch_due, queue
from notifications.channels import Channel
from notifications.channels.in_app import InApp
from notifications.channels.simulator import PhoneText, Simulator, texts_of
from notifications.models import Attempt, Message
from notifications.reconciliation import reconcile
from notifications.templates import load_templates
from tests.databases import MASTER_KEY
from tests.notifications.rows import a_patient, the_studys_key

TESTER = system("test")
ANNS_NUMBER = "+8613800138001"
OFFICE = "+862012345678"
TEMPLATES = load_templates()


def text_to_ann(_txn: Transaction, _message: Message) -> Send:
    """A trial with no objection, and one patient."""
    return Send(ChannelKind.SMS, ANNS_NUMBER, Language.ENGLISH, {"date": "2027-03-17", "phone": OFFICE})


@dataclass
class Mailroom:
    """Everything assembled, with what would be asked of it."""

    db: Database
    settings: Settings
    ann: UUID
    channels: dict[str, Channel]
    release: Release = text_to_ann
    dead_letters: list[tuple[UUID, str | None]] = field(default_factory=list)

    def queue(self, key: str = "visit.m1@2027-03-17:-1d", **intent: Any) -> UUID | None:
        letter = letter_to(self.ann, key, **intent)
        with self.db.transaction(TESTER) as txn:
            message = queue(txn, letter)
            return message.id if message else None

    def dispatch(self, release: Release | None = None, *, first_breath: int = 1) -> dict[str, int]:
        return dispatch_due(
            self.db,
            self.channels,
            lambda _txn, _patient_ids: release or self.release,
            self.settings,
            on_dead_letter=self.on_dead_letter,
            templates=TEMPLATES,
            first_breath=first_breath,
        )

    def reconcile(self) -> dict[str, int]:
        return reconcile(self.db, self.channels, on_dead_letter=self.on_dead_letter)

    def on_dead_letter(self, _txn: Transaction, message: Message, attempt: Attempt | None) -> None:
        self.dead_letters.append((message.id, attempt.code if attempt else message.reason))

    def message(self, message_id: UUID | None) -> Message:
        with self.db.reading(TESTER) as txn:
            message = txn.session.get_one(Message, message_id)
            txn.session.expunge(message)
            return message

    def attempts(self) -> int:
        with self.db.reading(TESTER) as txn:
            return txn.session.scalar(select(func.count()).select_from(Attempt)) or 0

    def phone(self, number: str = ANNS_NUMBER) -> list[PhoneText]:
        with self.db.reading(TESTER) as txn:
            return texts_of(txn, number)


def letter_to(patient_id: UUID, key: str, **intent: Any) -> Letter:
    """An invitation due now, unless said otherwise."""
    told: dict[str, Any] = {"template": "visit_reminder", "recipient": Recipient.PATIENT, "send_at": the_clock.now()}
    return Letter(key=key, patient_id=patient_id, **{**told, **intent})


@pytest.fixture
def mailroom(db: Database, tmp_path: Path) -> Mailroom:
    with db.transaction(TESTER) as txn:
        the_studys_key(txn)
        ann = a_patient(txn)
    channels: Mapping[str, Channel] = {ChannelKind.SMS: Simulator(db), ChannelKind.IN_APP: InApp()}
    return Mailroom(db, settings_with(db, tmp_path), ann, dict(channels))


def settings_with(db: Database, home: Path, lease_seconds: float = 90.0) -> Settings:
    """Of these only the lease matters here."""
    return Settings(
        mode=Mode.TEST,
        home=home,
        database_url=db.url,
        public_url="http://127.0.0.1:8000",
        secret_key="x" * 40,
        data_keys=(MASTER_KEY,),
        index_key="y" * 40,
        sms_gateway=SmsGateway.SIMULATOR,
        smtp_url=None,
        tick_seconds=2.0,
        lease_seconds=lease_seconds,
        threads=4,
        trusted_proxies=0,
        metrics_token="",
        heartbeat_url="",
    )


@pytest.fixture
def later(clock: Any) -> Callable[[str], None]:
    """Moves both clocks."""

    def move(moment: str) -> None:
        assert datetime.fromisoformat(moment).tzinfo
        clock.move_to(moment)

    return move

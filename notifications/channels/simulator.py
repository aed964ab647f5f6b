"""Simulated phones, kept in the database: what a fresh checkout runs on. Not for production.

It behaves as a provider does: it commits by itself, so what it accepted stays accepted whatever becomes of us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.db import Database, Transaction, system
from backend.sealing import keyring_of, seal, unseal
from backend.terms import Direction
from notifications.channels import Absent, Accepted, Envelope, Sighting, Sought, Undeliverable
from notifications.inbound import ReceivedText
from notifications.models import SimulatedText

PROVIDER = system("simulated provider")
# Where a clock stands still, what was written comes before what was answered.
IN_ORDER = (SimulatedText.at, SimulatedText.direction, SimulatedText.id)


@dataclass(frozen=True)
class PhoneText:
    """A text as its phone shows it."""

    direction: Direction
    text: str
    at: datetime


class Simulator:
    """The SMS gateway of demos and tests."""

    gateway = "simulator"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def __init__(self, db: Database, refusing: Mapping[str, Undeliverable] | None = None) -> None:
        """``refusing`` names numbers that take nothing, and what is answered for them."""
        self._db = db
        self._refusing = dict(refusing or {})

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Put the text on its phone; the same attempt a second time changes nothing."""
        refusal = self._refusing.get(envelope.address)
        if refusal:
            raise refusal
        try:
            with self._db.transaction(PROVIDER) as txn:
                _write(txn, Direction.OUTBOUND, envelope.address, envelope.text, attempt_id)
        except IntegrityError:
            # The unique attempt id: this phone has it already.
            pass
        return _accepted(attempt_id)

    def find(self, sought: Sought) -> Sighting:
        """Whether the phone has it: the attempt id is in its memory or it is not."""
        with self._db.reading(PROVIDER) as txn:
            known = txn.session.scalar(select(SimulatedText.id).where(SimulatedText.attempt_id == sought.attempt_id))
        return _accepted(sought.attempt_id) if known else Absent()

    def write_from(self, number: str, text: str, *, to: str = "") -> ReceivedText:
        """Somebody types on a phone: keep it there, and give what the mailroom is to ``receive``."""
        with self._db.transaction(PROVIDER) as txn:
            row = _write(txn, Direction.INBOUND, number, text, None)
            provider_id = f"simulated-{row.id}"
        return ReceivedText(provider_id=provider_id, from_number=number, to_number=to, text=text)


def texts_of(txn: Transaction, number: str) -> list[PhoneText]:
    """Everything on one phone, oldest first."""
    index = keyring_of(txn).blind_index("phone", number)
    rows = txn.session.scalars(select(SimulatedText).where(SimulatedText.number_index == index).order_by(*IN_ORDER))
    return [PhoneText(Direction(row.direction), unseal(txn, row, "text_sealed") or "", row.at) for row in rows]


def _write(txn: Transaction, direction: Direction, number: str, text: str, attempt_id: UUID | None) -> SimulatedText:
    row = SimulatedText(
        id=uuid4(),
        attempt_id=attempt_id,
        number_index=keyring_of(txn).blind_index("phone", number),
        direction=direction,
        text_sealed=None,
        at=txn.now,
    )
    row.text_sealed = seal(txn, row, "text_sealed", text)
    txn.session.add(row)
    return row


def _accepted(attempt_id: UUID) -> Accepted:
    return Accepted(provider_id=f"simulated-{attempt_id}", delivered=True)

"""What every way of reaching a person must be able to do, and how it says that it could not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from backend.terms import Language


@dataclass(frozen=True)
class Envelope:
    """One message as it leaves: an address and the words. Gateways with approved templates use name and values."""

    address: str
    text: str
    language: Language
    template: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Accepted:
    """The provider has it. ``delivered``: it also said at once that the message is with the person.

    ``failed``: it said at once that it will never be, with this code.
    """

    provider_id: str
    delivered: bool = False
    failed: str | None = None


@dataclass(frozen=True)
class Absent:
    """The provider was asked and does not have it."""


@dataclass(frozen=True)
class CannotTell:
    """The provider cannot be asked, or what it said can mean two things: a person must decide."""


Sighting = Accepted | Absent | CannotTell


@dataclass(frozen=True)
class Sought:
    """An attempt in doubt. ``called_at`` is real time; ``others`` are the provider's ids of our other attempts."""

    attempt_id: UUID
    envelope: Envelope
    called_at: datetime | None
    others: Collection[str] = ()


class Refusal(StrEnum):
    """Why a provider would not have a message, as far as it decides what we do next."""

    # Too many at once: nothing was processed, so the same again, slower.
    NOT_PROCESSED = "not_processed"
    # Our account, our sender or our settings: every message would be refused, so none is tried meanwhile.
    CONFIGURATION = "configuration"
    NUMBER_OF_NO_USE = "number_of_no_use"
    OPTED_OUT = "opted_out"
    TRANSIENT = "transient"
    # The carrier took offence at the words.
    FILTERED = "filtered"
    # This message can never go this way.
    FINAL = "final"
    UNKNOWN = "unknown"


class Undeliverable(Exception):
    """A definite refusal: the provider does not have the message and never will from this call.

    Anything else a channel raises leaves the outcome unknown, and reconciliation decides.
    """

    def __init__(self, code: str, why: Refusal) -> None:
        """``code`` is the provider's own word for it."""
        super().__init__(code)
        self.code = code
        self.why = why


class Channel(Protocol):
    """A way to reach a person."""

    @property
    def gateway(self) -> str:
        """Which provider, and which account there: another one knows nothing of what this one took."""

    @property
    def looks_to_be_sure(self) -> int:
        """How many times it must be asked before ``Absent`` is believed."""

    @property
    def seconds_between_looks(self) -> float:
        """How long to wait between two such questions, in real time."""

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Hand it over. Raises ``Undeliverable`` when it was refused for certain."""

    def find(self, sought: Sought) -> Sighting:
        """What became of an attempt whose answer we never got."""


class Removed:
    """A way that the settings no longer name, while messages that were begun on it are still in doubt."""

    gateway = "removed"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Nobody is there to take it."""
        raise Undeliverable("channel_removed", Refusal.FINAL)

    def find(self, sought: Sought) -> Sighting:
        """Nor to be asked."""
        return CannotTell()

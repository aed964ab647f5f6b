"""The lines of invented people: the simulator's, but for numbers that have been given up."""

from uuid import UUID

from backend.db import Database
from notifications.channels import Accepted, Envelope, Refusal, Sighting, Sought, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.inbound import ReceivedText

# What a carrier says of a number that is not in service.
NOT_IN_SERVICE = "30005"


class Telephones:
    """A gateway whose numbers may go out of service while it works."""

    gateway = Simulator.gateway
    looks_to_be_sure = Simulator.looks_to_be_sure
    seconds_between_looks = Simulator.seconds_between_looks

    def __init__(self, db: Database) -> None:
        """All numbers are in service."""
        self._simulator = Simulator(db)
        self.given_up: set[str] = set()

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Put the text on its phone, or refuse it as a carrier does."""
        if envelope.address in self.given_up:
            raise Undeliverable(NOT_IN_SERVICE, Refusal.NUMBER_OF_NO_USE)
        return self._simulator.send(envelope, attempt_id)

    def find(self, sought: Sought) -> Sighting:
        """Whether the phone has it."""
        return self._simulator.find(sought)

    def write_from(self, number: str, text: str) -> ReceivedText:
        """Somebody types on a phone."""
        return self._simulator.write_from(number, text)

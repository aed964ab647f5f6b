"""The lines of invented people: a gateway's, but for numbers that have been given up."""

from typing import Protocol
from uuid import UUID, uuid4

from notifications.channels import Accepted, Envelope, Refusal, Sighting, Sought, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.inbound import ReceivedText
from notifications.templates import load_templates

# What a carrier says of a number that is not in service.
NOT_IN_SERVICE = "30005"


class Phones(Protocol):
    """What texts lie on."""

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Put the text on its phone."""

    def find(self, sought: Sought) -> Sighting:
        """Whether the phone has it."""

    def write_from(self, number: str, text: str) -> ReceivedText:
        """Somebody types on a phone."""


class Unseen:
    """Phones at which nobody ever looks: they take every text, and keep none."""

    def send(self, _envelope: Envelope, attempt_id: UUID) -> Accepted:
        """It is there at once."""
        return Accepted(f"unseen-{attempt_id}", delivered=True)

    def find(self, sought: Sought) -> Sighting:
        """Whoever would ask dies together with these phones, so all that was sent has come."""
        return Accepted(f"unseen-{sought.attempt_id}", delivered=True)

    def write_from(self, number: str, text: str) -> ReceivedText:
        """What the mailroom is to receive."""
        return ReceivedText(provider_id=f"unseen-{uuid4()}", from_number=number, to_number="", text=text)


class Telephones:
    """A gateway whose numbers may go out of service while it works, and which sees what comes after a STOP."""

    gateway = Simulator.gateway
    looks_to_be_sure = Simulator.looks_to_be_sure
    seconds_between_looks = Simulator.seconds_between_looks

    def __init__(self, phones: Phones) -> None:
        """All numbers are in service, and want texts."""
        self._phones = phones
        self._may_follow_a_stop = {name for name, one in load_templates().items() if one.answers_after_stop}
        self.given_up: set[str] = set()
        # Who has typed STOP, and how many texts have come there all the same, but for what answers a STOP.
        self.stopped: set[str] = set()
        self.sent_after_stop = 0

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Put the text on its phone, or refuse it as a carrier does."""
        if envelope.address in self.given_up:
            raise Undeliverable(NOT_IN_SERVICE, Refusal.NUMBER_OF_NO_USE)
        if envelope.address in self.stopped and envelope.template not in self._may_follow_a_stop:
            self.sent_after_stop += 1
        return self._phones.send(envelope, attempt_id)

    def find(self, sought: Sought) -> Sighting:
        """Whether the phone has it."""
        return self._phones.find(sought)

    def write_from(self, number: str, text: str) -> ReceivedText:
        """Somebody types on a phone."""
        return self._phones.write_from(number, text)

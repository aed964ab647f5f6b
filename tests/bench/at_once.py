"""The provider of the benchmark, the same for everybody: it takes every message at once."""

from uuid import UUID, uuid4

from notifications.channels import Accepted, CannotTell, Envelope, Sighting, Sought


class AtOnce:
    """A provider that takes everything, and is never asked again."""

    gateway = "at once"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def send(self, _envelope: Envelope, _attempt_id: UUID) -> Accepted:
        """Taken."""
        return Accepted(uuid4().hex)

    def find(self, _sought: Sought) -> Sighting:
        """It keeps nothing."""
        return CannotTell()

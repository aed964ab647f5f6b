"""A person's phone in a test: what it received, and writing from it."""

from collections import Counter
from dataclasses import dataclass

import notifications
from backend.db import system
from backend.jobs import Work
from backend.terms import Direction
from notifications.channels.simulator import Simulator, texts_of


@dataclass(frozen=True)
class Phone:
    """One number, on the simulated network of the test's worker."""

    work: Work
    number: str

    @property
    def received(self) -> list[str]:
        """The texts that reached it, oldest first; in no order where the test's clock stood still."""
        with self.work.db.reading(system("test")) as txn:
            return [one.text for one in texts_of(txn, self.number) if one.direction is Direction.OUTBOUND]

    def writes(self, text: str) -> list[str]:
        """Send a text from it, let it be understood, and give the texts that came back."""
        before = Counter(self.received)
        simulator = self.work.channels["sms"]
        assert isinstance(simulator, Simulator)
        notifications.receive(self.work.db, simulator.write_from(self.number, text))
        self.work.understand()
        self.work.dispatch()
        return list((Counter(self.received) - before).elements())


def plan_and_send(work: Work) -> None:
    """One pass of a worker."""
    work.plan()
    work.understand()
    work.reconcile()
    work.dispatch()

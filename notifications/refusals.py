"""What a refusal asks of us: by its class and by how many tries were for nothing, and by nothing else.

Whether the provider refused our call or said later that it could not deliver, the rule is the same.
"""

import random
from dataclasses import dataclass
from datetime import timedelta

from notifications.channels import Refusal

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class TryAgain:
    """The same once more, after a while. One try was for nothing."""

    after: timedelta


@dataclass(frozen=True)
class StopTheGateway:
    """Nothing more by this way for now. It is nobody's message that is wrong, so no try was for nothing."""


@dataclass(frozen=True)
class StopTheNumber:
    """Nothing more to this number until somebody has seen to it; the message may go another way."""


@dataclass(frozen=True)
class ObeyTheCarrier:
    """The person said STOP to the carrier, which counts like one said to us; the message may go another way."""


@dataclass(frozen=True)
class GiveUp:
    """A person's task."""


NextStep = TryAgain | StopTheGateway | StopTheNumber | ObeyTheCarrier | GiveUp


@dataclass(frozen=True)
class Patience:
    """How often a class is tried in all, and how long is waited: ``first``, each time ``growth`` as long, never over
    ``longest``.
    """

    tries: int
    first: timedelta
    growth: int
    longest: timedelta

    def wait_after(self, tries: int, chance: float) -> timedelta:
        """Spread by a quarter either way, so that those who failed together do not return together.

        ``chance`` is between 0 and 1. The growth ends early, because no number of tries may become too large a number.
        """
        wait: timedelta = min(self.first * self.growth ** min(tries, 16), self.longest)
        return wait * (0.75 + chance / 2)


PATIENCE = {
    # Nothing was processed and it will be, if only we are slower.
    Refusal.NOT_PROCESSED: Patience(tries=12, first=2 * MINUTE, growth=2, longest=HOUR),
    Refusal.TRANSIENT: Patience(tries=5, first=MINUTE, growth=4, longest=HOUR),
    # A carrier that took offence takes more at being asked again and again.
    Refusal.FILTERED: Patience(tries=2, first=HOUR, growth=1, longest=HOUR),
    Refusal.UNKNOWN: Patience(tries=3, first=5 * MINUTE, growth=4, longest=HOUR),
}
AT_ONCE: dict[Refusal, NextStep] = {
    Refusal.CONFIGURATION: StopTheGateway(),
    Refusal.NUMBER_OF_NO_USE: StopTheNumber(),
    Refusal.OPTED_OUT: ObeyTheCarrier(),
    Refusal.FINAL: GiveUp(),
}


def next_step(why: Refusal, tries: int, *, chance: float | None = None) -> NextStep:
    """What to do after a refusal of this class, when ``tries`` were for nothing before it.

    ``chance``, between 0 and 1, places the wait within its spread; drawn when not given.
    """
    if why in AT_ONCE:
        return AT_ONCE[why]
    patience = PATIENCE[why]
    if tries + 1 >= patience.tries:
        return GiveUp()
    return TryAgain(patience.wait_after(tries, random.random() if chance is None else chance))

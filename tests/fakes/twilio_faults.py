"""What goes wrong at the provider, switched on and off by request, and decided by chance for each call."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Faults:
    """Shares are between 0 and 1, durations in seconds. Nothing is wrong by default."""

    # Every call takes between the two.
    latency: tuple[float, float] = (0.0, 0.0)
    # Accepted, and the connection is reset before the answer.
    drop_share: float = 0.0
    # Held open for so long and then reset; accepted before, or not at all.
    hang_share: float = 0.0
    hang_seconds: float = 60.0
    hang_accepts: bool = True
    # Not accepted: too many requests.
    throttle_share: float = 0.0
    # 5xx for everything from now on for so long, of which a share is accepted all the same.
    outage_seconds: float = 0.0
    outage_accept_share: float = 0.0
    # A page of HTML in place of the answer, accepted before.
    html_share: float = 0.0
    html_status: int = 200
    # 200 and a body cut off in the middle, accepted before.
    garbled_share: float = 0.0
    # Lists answer 500, or with HTML, or do not show what is younger than the lag.
    listing_fails_share: float = 0.0
    listing_is_html: bool = False
    listing_lag: float = 0.0
    # Numbers that are accepted and not delivered, with the code that is given as the reason.
    undelivered: Mapping[str, int] = field(default_factory=dict)
    # Between two states of a text.
    step_seconds: float = 0.05
    callbacks_early: bool = False
    callbacks_doubled: bool = False
    callbacks_shuffled: bool = False
    callbacks_late: float = 0.0
    # For texts and attempts that nobody sent.
    callbacks_for_strangers: bool = False
    callbacks_forged: bool = False
    # Of the texts that somebody writes, so many are told to nobody; they stand in the list all the same.
    webhooks_dropped_share: float = 0.0
    # The account is on trial: its own words stand in front of every text.
    is_trial: bool = False
    carrier_blocks: bool = True
    seed: int | None = None


class Fate(StrEnum):
    """What becomes of one call."""

    ANSWERED = "answered"
    DROPPED = "dropped"
    HANGING = "hanging"
    THROTTLED = "throttled"
    FAILED = "failed"
    FAILED_AFTER_ACCEPTING = "failed_after_accepting"
    HTML = "html"
    GARBLED = "garbled"


NOT_ACCEPTED = frozenset({Fate.THROTTLED, Fate.FAILED})


class Switchboard:
    """The faults that are on, and the dice."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._dice = random.Random(1)
        self._lock = threading.Lock()
        self._outage_ends = 0.0

    def switch(self, wanted: Mapping[str, Any]) -> Faults:
        """Change what is named; the rest stays. Raises ``ValueError`` for a fault nobody knows."""
        unknown = set(wanted) - {one.name for one in fields(Faults)}
        if unknown:
            raise ValueError(f"No such fault: {', '.join(sorted(unknown))}")
        with self._lock:
            self.faults = replace(self.faults, **wanted)
            if "outage_seconds" in wanted:
                self._outage_ends = time.monotonic() + self.faults.outage_seconds
            if self.faults.seed is not None and "seed" in wanted:
                self._dice = random.Random(self.faults.seed)
            return self.faults

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self.faults), "is_down": self.is_down}

    @property
    def is_down(self) -> bool:
        """Whether everything is answered with 5xx at this moment."""
        return time.monotonic() < self._outage_ends

    def somewhere(self) -> float:
        """Between nothing and all of it."""
        with self._lock:
            return self._dice.random()

    def latency(self) -> float:
        """How long this call takes."""
        with self._lock:
            return self._dice.uniform(*self.faults.latency)

    def chance(self, share: float) -> bool:
        """Whether it happens this time."""
        with self._lock:
            return self._dice.random() < share

    def shuffled(self, things: list[Any]) -> list[Any]:
        """In another order."""
        with self._lock:
            return self._dice.sample(things, len(things))

    def fate_of_a_create(self) -> Fate:
        """What becomes of this call; of several faults the first that strikes."""
        faults = self.faults
        if self.is_down:
            return Fate.FAILED_AFTER_ACCEPTING if self.chance(faults.outage_accept_share) else Fate.FAILED
        for share, fate in (
            (faults.throttle_share, Fate.THROTTLED),
            (faults.drop_share, Fate.DROPPED),
            (faults.hang_share, Fate.HANGING),
            (faults.html_share, Fate.HTML),
            (faults.garbled_share, Fate.GARBLED),
        ):
            if self.chance(share):
                return fate
        return Fate.ANSWERED

    def fate_of_a_listing(self) -> Fate:
        """The same for a question."""
        if self.is_down or self.chance(self.faults.listing_fails_share):
            return Fate.FAILED
        return Fate.HTML if self.faults.listing_is_html else Fate.ANSWERED

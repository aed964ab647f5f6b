"""The ways in which a provider, a network or a machine misbehaves while the ledger runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What the fake provider is told, and what the ledger does besides killing.

    ``is_heard``: the provider's callbacks reach a server. ``outage``: the faults end by themselves, and are switched
    on once a part of the messages has gone. ``halts``: workers stand still instead of being killed. ``farewells``:
    people say STOP or die meanwhile.
    """

    switches: Mapping[str, Any] = field(default_factory=dict)
    is_heard: bool = False
    has_outage: bool = False
    halts: bool = False
    farewells: bool = False


# So that a kill meets a call that is under way about as often as anything else.
USUAL = {"latency": [0.0, 0.06], "step_seconds": 0.05, "seed": 1}
FAULTS: Mapping[str, Fault] = {
    "none": Fault(),
    "drop": Fault({"drop_share": 0.1}),
    "outage": Fault({"outage_accept_share": 0.2}, has_outage=True),
    "throttle": Fault({"throttle_share": 0.5}),
    "hang": Fault({"hang_share": 0.03, "hang_seconds": 60.0}),
    "stop-cont": Fault(halts=True),
    "callbacks": Fault(
        {
            "drop_share": 0.1,
            "callbacks_early": True,
            "callbacks_doubled": True,
            "callbacks_shuffled": True,
            "callbacks_for_strangers": True,
            "callbacks_late": 0.5,
        },
        is_heard=True,
    ),
    # The carrier would refuse those who said STOP. What is looked at is whether we ask it at all.
    "farewell": Fault({"carrier_blocks": False}, is_heard=True, farewells=True),
}

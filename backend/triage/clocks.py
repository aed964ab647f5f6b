"""How long things may take, as the protocol says it: pages, escalations, due times, how long an episode stays quiet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from backend.protocol.definition import value_of

# What a protocol version that was stored before these times were protocol data is followed by.
USUAL: Mapping[str, Any] = {
    "t1_repeat_every_minutes": 10,
    "t1_repeat_slowly_after_hours": 24,
    "t1_repeat_slowly_every_hours": 4,
    "t1_investigator_after_minutes": 30,
    "t1_principal_investigator_after_minutes": 60,
    "t1_quiet_after_acknowledgement_hours": 12,
    "t2_due_after_hours": 24,
    "t2_principal_investigator_after_hours": 36,
    "t3_working_days": 3,
    "quiet_after_acknowledgement_days": 14,
    "symptom_zeros_apart_days": 7,
    "sign_zeros_apart_days": 1,
    "last_calls_from": "16:00",
    "country": "CN",
}


@dataclass(frozen=True)
class Clocks:
    """The times of a protocol's triage. Elapsed time, but for ``t3_working_days`` and ``last_calls_from``.

    ``country`` names the public holidays and moved working days (ISO 3166-1) that working days are counted by.
    """

    t1_repeat_every: timedelta
    t1_repeat_slowly_after: timedelta
    t1_repeat_slowly_every: timedelta
    t1_investigator_after: timedelta
    t1_principal_investigator_after: timedelta
    t1_quiet_after_acknowledgement: timedelta
    t2_due_after: timedelta
    t2_principal_investigator_after: timedelta
    t3_working_days: int
    quiet_after_acknowledgement: timedelta
    symptom_zeros_apart: timedelta
    sign_zeros_apart: timedelta
    last_calls_from: time
    country: str

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Clocks":
        """Read ``content["triage"]["clocks"]`` of a protocol version; its shape was checked when it was loaded.

        What the content does not say is as usual (``USUAL``), so ``{}`` gives the usual clocks.
        """
        said = {name: value_of(content.get(name, usual)) for name, usual in USUAL.items()}
        return cls(
            t1_repeat_every=timedelta(minutes=said["t1_repeat_every_minutes"]),
            t1_repeat_slowly_after=timedelta(hours=said["t1_repeat_slowly_after_hours"]),
            t1_repeat_slowly_every=timedelta(hours=said["t1_repeat_slowly_every_hours"]),
            t1_investigator_after=timedelta(minutes=said["t1_investigator_after_minutes"]),
            t1_principal_investigator_after=timedelta(minutes=said["t1_principal_investigator_after_minutes"]),
            t1_quiet_after_acknowledgement=timedelta(hours=said["t1_quiet_after_acknowledgement_hours"]),
            t2_due_after=timedelta(hours=said["t2_due_after_hours"]),
            t2_principal_investigator_after=timedelta(hours=said["t2_principal_investigator_after_hours"]),
            t3_working_days=said["t3_working_days"],
            quiet_after_acknowledgement=timedelta(days=said["quiet_after_acknowledgement_days"]),
            symptom_zeros_apart=timedelta(days=said["symptom_zeros_apart_days"]),
            sign_zeros_apart=timedelta(days=said["sign_zeros_apart_days"]),
            last_calls_from=time.fromisoformat(said["last_calls_from"]),
            country=said["country"],
        )

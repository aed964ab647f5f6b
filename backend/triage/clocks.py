"""How long things may take, as the protocol says it: pages, escalations, due times, how long an episode stays quiet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any


@dataclass(frozen=True)
class Clocks:
    """The times of a protocol's triage. Elapsed time, but for ``t3_working_days`` and ``last_calls_from``.

    ``country`` names the public holidays and moved working days (ISO 3166-1) that working days are counted by.
    """

    t1_repeat_every: timedelta
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
        """Read ``content["triage"]["clocks"]`` of a protocol version; its shape was checked when it was loaded."""
        return cls(
            t1_repeat_every=timedelta(minutes=content["t1_repeat_every_minutes"]),
            t1_investigator_after=timedelta(minutes=content["t1_investigator_after_minutes"]),
            t1_principal_investigator_after=timedelta(minutes=content["t1_principal_investigator_after_minutes"]),
            t1_quiet_after_acknowledgement=timedelta(hours=content["t1_quiet_after_acknowledgement_hours"]),
            t2_due_after=timedelta(hours=content["t2_due_after_hours"]),
            t2_principal_investigator_after=timedelta(hours=content["t2_principal_investigator_after_hours"]),
            t3_working_days=content["t3_working_days"],
            quiet_after_acknowledgement=timedelta(days=content["quiet_after_acknowledgement_days"]),
            symptom_zeros_apart=timedelta(days=content["symptom_zeros_apart_days"]),
            sign_zeros_apart=timedelta(days=content["sign_zeros_apart_days"]),
            last_calls_from=time.fromisoformat(content["last_calls_from"]),
            country=content["country"],
        )

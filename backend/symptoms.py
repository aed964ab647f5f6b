"""What an examination of a server can find: see ``backend.doctor``."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a check came out. Only a failure makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Symptom:
    """What one check saw, and what to do about it."""

    name: str
    health: Health
    saw: str
    advice: str = ""


Examination = Iterator[Symptom]


def failed(name: str, saw: str, advice: str) -> Symptom:
    """Something is wrong, and what to do about it."""
    return Symptom(name, Health.FAILED, saw, advice)

"""What the calendar is computed from, and what it yields: plain values, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from backend.protocol.definition import Protocol
from backend.protocol.rules import Rule
from backend.terms import AgendaKind, AgendaState, Attendance, CycleStatus, Reply


@dataclass(frozen=True)
class CycleCourse:
    """One attempt at one treatment cycle, as it stands.

    ``day_2_missed_at`` is when somebody recorded the miss. ``was_confirmed`` tells whether the patient can
    have heard of the dates of a cycle that came to nothing. ``is_reversed``: its collection was entered by mistake.
    """

    number: int
    attempt: int
    donor_collection_on: date
    status: CycleStatus
    day_1_on: date
    day_2_on: date | None
    day_1_started_at: datetime | None = None
    day_2_started_at: datetime | None = None
    day_2_missed: bool = False
    day_2_missed_at: datetime | None = None
    was_confirmed: bool = True
    is_reversed: bool = False


class Reported(NamedTuple):
    """A report that was filed, whether or not it answered an item of the agenda."""

    instrument: str
    completed_at: datetime


@dataclass(frozen=True)
class Earlier:
    """A version of the protocol that the patient was under, ``until`` the move to the next was entered."""

    protocol: Protocol
    until: datetime


@dataclass(frozen=True)
class Course:
    """Everything about one patient that the calendar depends on: anchors and facts, by agenda key."""

    arm: str
    randomised_on: date
    site_zone: str
    patient_zone: str
    cycles: tuple[CycleCourse, ...] = ()
    answered: Mapping[str, datetime] = field(default_factory=dict)
    attended: Mapping[str, tuple[Attendance, date]] = field(default_factory=dict)
    replies: Mapping[str, tuple[Reply, date]] = field(default_factory=dict)
    alive_as_of: tuple[date, ...] = ()
    died_on: date | None = None
    withdrawn_from_reporting_on: date | None = None
    withdrawn_from_study_on: date | None = None
    cells_discontinued_on: date | None = None
    reported: tuple[Reported, ...] = ()
    # Versions of before, the oldest first. Whoever never moved has none.
    earlier: tuple[Earlier, ...] = ()

    def under(self, now_under: Protocol, moment: datetime | None) -> Protocol:
        """The version the patient was under at that moment, who is under ``now_under`` now."""
        if moment is None:
            return now_under
        return next((one.protocol for one in self.earlier if moment <= one.until), now_under)


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """One thing a patient has ahead, or had. The window is half-open: from ``opens_at`` to before ``closes_at``.

    ``rule`` names the row of the protocol it comes from, and ``row`` is that row in the version the item is under.
    ``not_before`` holds back prompts after an infusion. ``was_announced`` is false for what a patient has never been
    told of.
    """

    key: str
    family: str
    kind: AgendaKind
    instrument: str | None
    due_on: date
    opens_at: datetime
    closes_at: datetime
    expires_at: datetime | None
    zone: str
    state: AgendaState
    reply: Reply | None
    completed_at: datetime | None
    titles: Mapping[str, str]
    rule: str
    row: Rule = field(compare=False, repr=False)
    not_before: datetime | None = None
    was_announced: bool = True

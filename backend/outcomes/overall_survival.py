"""Overall survival: randomisation to death by any cause, else censored at the day last known alive.

Days are end - start + 1. A death known to the month or the year is put, for the analysis alone, on its first day; never
before the patient was last known alive or the day after randomisation; where that leaves what was reported, on its
last day. Whoever was so placed is flagged and listed. A data cut-off ignores what came after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select

from backend.db import Transaction
from backend.outcomes.survival_curves import (
    Curve,
    LogRank,
    Observed,
    kaplan_meier,
    log_rank,
    reverse_kaplan_meier,
)
from backend.partial_dates import earliest, is_whole, latest
from backend.patients.life import COUNTS
from backend.patients.models import EvidenceOfLife, Patient


@dataclass(frozen=True)
class Life:
    """What is known of one randomised patient; ``died_on`` is as precise as it was reported.

    ``last_alive_on`` is by the cut-off. ``alive_until`` is by now: nobody dies for an analysis and lives on after it.
    """

    patient_id: UUID
    subject_number: str
    site_id: UUID
    arm: str
    randomised_on: date
    died_on: str | None
    last_alive_on: date
    alive_until: date


@dataclass(frozen=True)
class Followed:
    """One patient of the analysis. ``is_imputed``: the day of death is not the reported one, which was no day."""

    life: Life
    end_on: date
    has_died: bool
    is_imputed: bool

    @property
    def days(self) -> int:
        """From randomisation to the end, both days counted."""
        return max(1, (self.end_on - self.life.randomised_on).days + 1)

    @property
    def observed(self) -> Observed:
        """As the arithmetic takes it."""
        return Observed(self.days, self.has_died)


@dataclass(frozen=True)
class Survival:
    """The curves of everybody and of each arm, how complete the follow-up is, and who they rest on."""

    followed: tuple[Followed, ...]
    together: Curve
    by_arm: Mapping[str, Curve]
    follow_up: Mapping[str, Curve]
    follow_up_together: Curve
    difference: LogRank | None

    @property
    def imputed(self) -> tuple[Followed, ...]:
        """Whose day of death was placed by the rule."""
        return tuple(one for one in self.followed if one.is_imputed)


def survival_of(lives: Sequence[Life], cutoff: date | None) -> Survival:
    """Analyse these patients as of the cut-off: those randomised by then, in the order given. Pure."""
    followed = tuple(follow_up(one, cutoff) for one in lives if cutoff is None or one.randomised_on <= cutoff)
    everybody = [one.observed for one in followed]
    by_arm: dict[str, list[Observed]] = {}
    for one in followed:
        by_arm.setdefault(one.life.arm, []).append(one.observed)
    groups = {arm: by_arm[arm] for arm in sorted(by_arm)}
    return Survival(
        followed,
        kaplan_meier(everybody),
        {arm: kaplan_meier(observed) for arm, observed in groups.items()},
        {arm: reverse_kaplan_meier(observed) for arm, observed in groups.items()},
        reverse_kaplan_meier(everybody),
        log_rank(*groups.values()) if len(groups) == 2 else None,
    )


def follow_up(life: Life, cutoff: date | None) -> Followed:
    """Until when a patient is counted, and whether that day is the day of death. Pure."""
    died_on = None if life.died_on is None else day_of_death(life)
    if died_on is not None and (cutoff is None or died_on <= cutoff):
        return Followed(life, died_on, has_died=True, is_imputed=not is_whole(life.died_on or ""))
    last = max(life.last_alive_on, life.randomised_on)
    return Followed(life, last if cutoff is None else min(last, cutoff), has_died=False, is_imputed=False)


def day_of_death(life: Life) -> date:
    """The day on which the analysis places a death, by the rule above."""
    assert life.died_on is not None, "Only of the dead."
    if is_whole(life.died_on):
        return earliest(life.died_on)
    not_before = max(life.alive_until, life.randomised_on + timedelta(days=1))
    return min(max(earliest(life.died_on), not_before), latest(life.died_on))


def lives(
    txn: Transaction, visible: ColumnElement[bool], *, arm: str | None = None, cutoff: date | None = None
) -> Sequence[Life]:
    """Every randomised patient that ``visible`` allows, by subject number; one look, however many there are."""
    as_of = EvidenceOfLife.as_of
    by_cutoff = func.max(as_of) if cutoff is None else func.max(case((as_of <= cutoff, as_of)))
    of_each = select(EvidenceOfLife.patient_id, by_cutoff.label("by_cutoff"), func.max(as_of).label("by_now"))
    known = of_each.where(COUNTS).group_by(EvidenceOfLife.patient_id).subquery()
    wanted = (
        select(Patient, known.c.by_cutoff, known.c.by_now)
        .outerjoin(known, known.c.patient_id == Patient.id)
        .where(visible, *([Patient.arm == arm] if arm else []))
        .order_by(Patient.subject_number)
    )
    return [
        Life(
            patient_id=patient.id,
            subject_number=patient.subject_number,
            site_id=patient.site_id,
            arm=patient.arm,
            randomised_on=patient.randomised_on,
            died_on=patient.died_on,
            last_alive_on=by_cutoff or patient.randomised_on,
            alive_until=by_now or patient.randomised_on,
        )
        for patient, by_cutoff, by_now in txn.session.execute(wanted)
    ]

"""What a simulation left behind, counted from what is stored: of one hospital or of all, which can be added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, true

from backend.audit_checkpoints import FILE_NAME
from backend.config import Settings
from backend.db import Transaction, lift_time_limits
from backend.fsck import check, invariants
from backend.outcomes.overall_survival import lives, survival_of
from backend.outcomes.survival_curves import Observed
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.simulation.counting import sent_after_death, sent_after_withdrawal, unanswered_checks
from backend.simulation.curves import true_course
from backend.simulation.fate import Fate
from backend.simulation.stage import Stage, day_of
from backend.simulation.trial import LIFE
from backend.survival.models import DeathReport, LostToFollowUp
from backend.triage.models import CandidateEvent
from notifications.models import Message


@dataclass(frozen=True)
class Account:
    """Counts. ``must_be_zero`` is what must not have happened, ``broken`` what ``fsck`` found, ``done`` what was tried.

    ``figures`` has a title, the values under it, and how many there are of each. ``known`` and ``true`` are the
    courses of the same patients, as far as the study knows them and as they were.
    """

    figures: Mapping[str, Counter[str]] = field(default_factory=dict)
    must_be_zero: Counter[str] = field(default_factory=Counter)
    known: tuple[Observed, ...] = ()
    true: tuple[Observed, ...] = ()
    broken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Account") -> "Account":
        """Both, as if it had been one."""
        titles, names = {**self.figures, **other.figures}, {**self.broken, **other.broken}
        return Account(
            {one: _sum(self.figures.get(one, Counter()), other.figures.get(one, Counter())) for one in titles},
            _sum(self.must_be_zero, other.must_be_zero),
            self.known + other.known,
            self.true + other.true,
            {one: self.broken.get(one, ()) + other.broken.get(one, ()) for one in names},
            _sum(self.done, other.done),
        )


def give_account(
    stage: Stage, fates: Sequence[Fate], ends_at: datetime, done: Mapping[str, int], settings: Settings
) -> Account:
    """Count everything, at the end of the trial."""
    ends_on = day_of(ends_at)
    with stage.db.reading(LIFE) as txn:
        lift_time_limits(txn)
        figures, zeros, known = _figures(txn), _must_be_zero(txn, stage, ends_at), _known(txn, ends_on)
    broken = {
        one.invariant.name: tuple(one.first) + ("...",) * (one.broken > len(one.first))
        for one in check(stage.db, invariants(settings.home / FILE_NAME))
        if not one.holds
    }
    true = tuple(true_course(one, ends_on) for one in fates if one.enrolled_on <= ends_on)
    return Account(figures, zeros, known, true, broken, Counter(done))


def _sum(one: Counter[str], other: Counter[str]) -> Counter[str]:
    """As Counter's own addition, which forgets what is zero."""
    return Counter({name: one[name] + other[name] for name in {**one, **other}})


def _figures(txn: Transaction) -> dict[str, Counter[str]]:
    return {
        "messages": _counted(txn, Message.status),
        "messages suppressed": _counted(txn, Message.reason, Message.status == "suppressed"),
        "reports by mode": _counted(txn, SymptomReport.mode),
        "reports by standing": _counted(txn, SymptomReport.standing),
        "reports by tier": _counted(txn, SymptomReport.tier),
        "candidates by tier": _counted(txn, CandidateEvent.tier),
        "candidates by status": _counted(txn, CandidateEvent.status),
        "patients": _counted(txn, Patient.status),
        "reports of death": _counted(txn, DeathReport.status),
        "found": Counter(
            {"lost to follow-up": txn.session.scalar(select(func.count()).select_from(LostToFollowUp)) or 0}
        ),
    }


def _must_be_zero(txn: Transaction, stage: Stage, ends_at: datetime) -> Counter[str]:
    return Counter(
        {
            "messages sent after a report of death": sent_after_death(txn),
            "messages sent after a withdrawal from the study": sent_after_withdrawal(txn),
            "texts sent after STOP": stage.telephones.sent_after_stop,
            "unanswered survival checks without a work item": len(unanswered_checks(txn, ends_at)),
        }
    )


def _known(txn: Transaction, ends_on: date) -> tuple[Observed, ...]:
    return tuple(one.observed for one in survival_of(lives(txn, true()), ends_on).followed)


def _counted(txn: Transaction, column: Any, *where: Any) -> Counter[str]:
    rows = txn.session.execute(select(column, func.count()).where(*where).group_by(column))
    return Counter({str(value): count for value, count in rows})

"""The ledger of a simulation: counted from what is stored, held against what must be so and what truly happened."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, true

from backend.audit_checkpoints import FILE_NAME
from backend.config import Settings
from backend.db import Transaction, lift_time_limits
from backend.fsck import Finding, check, invariants
from backend.outcomes.overall_survival import lives, survival_of
from backend.outcomes.survival_curves import Curve
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.simulation.counting import sent_after_death, sent_after_stop, sent_after_withdrawal, unanswered_checks
from backend.simulation.curves import compare, true_curve
from backend.simulation.fate import Fate
from backend.simulation.stage import Stage, day_of
from backend.simulation.trial import LIFE
from backend.survival.models import DeathReport, LostToFollowUp
from backend.triage.models import CandidateEvent
from notifications.models import Message


@dataclass(frozen=True)
class Line:
    """One figure. ``is_wrong`` where it must be zero and is not."""

    name: str
    figure: str
    is_wrong: bool = False

    def __str__(self) -> str:
        """As it is printed."""
        return f"{self.name}: {self.figure}"


@dataclass(frozen=True)
class Ledger:
    """Everything that was counted, in order."""

    lines: tuple[Line, ...]

    @property
    def wrong(self) -> list[Line]:
        """What must not be so."""
        return [line for line in self.lines if line.is_wrong]

    @property
    def verdict(self) -> str:
        """``clean``, or what is wrong, in one line."""
        return "clean" if not self.wrong else "not clean: " + "; ".join(map(str, self.wrong))


def draw_up(
    stage: Stage, fates: Sequence[Fate], ends_at: datetime, done: Mapping[str, int], settings: Settings
) -> Ledger:
    """Count everything, at the end of the trial."""
    with stage.db.reading(LIFE) as txn:
        lift_time_limits(txn)
        lines = [
            *_of_messages(txn),
            *_must_be_zero(txn, ends_at),
            *_of_reports(txn),
            *_of_people(txn),
            *_of_survival(txn, fates, ends_at),
        ]
    findings = list(check(stage.db, invariants(settings.home / FILE_NAME)))
    return Ledger((*lines, *_of_findings(findings), *_of_done(done)))


def _of_messages(txn: Transaction) -> Iterator[Line]:
    yield from _counted(txn, "messages", Message.status)
    yield from _counted(txn, "messages suppressed", Message.reason, Message.status == "suppressed")


def _must_be_zero(txn: Transaction, ends_at: datetime) -> Iterator[Line]:
    for name, count in (
        ("messages sent after a report of death", sent_after_death(txn)),
        ("messages sent after a withdrawal from the study", sent_after_withdrawal(txn)),
        ("texts sent after STOP", sent_after_stop(txn)),
        ("unanswered survival checks without a work item", len(unanswered_checks(txn, ends_at))),
    ):
        yield Line(name, str(count), is_wrong=count != 0)


def _of_reports(txn: Transaction) -> Iterator[Line]:
    yield from _counted(txn, "reports by mode", SymptomReport.mode)
    yield from _counted(txn, "reports by standing", SymptomReport.standing)
    yield from _counted(txn, "reports by tier", SymptomReport.tier)
    yield from _counted(txn, "candidates by tier", CandidateEvent.tier)
    yield from _counted(txn, "candidates by status", CandidateEvent.status)


def _of_people(txn: Transaction) -> Iterator[Line]:
    yield from _counted(txn, "patients", Patient.status)
    yield from _counted(txn, "reports of death", DeathReport.status)
    lost = txn.session.scalar(select(func.count()).select_from(LostToFollowUp)) or 0
    yield Line("found lost to follow-up", str(lost))


def _of_survival(txn: Transaction, fates: Sequence[Fate], ends_at: datetime) -> Iterator[Line]:
    ends_on = day_of(ends_at)
    known = survival_of(lives(txn, true()), ends_on).together
    compared = compare(known, true_curve([one for one in fates if one.enrolled_on <= ends_on], ends_on))
    yield Line("deaths, true and known", f"{compared.true.events} {compared.known.events}")
    yield Line("median survival in days, true and known", f"{_median(compared.true)} {_median(compared.known)}")
    yield Line("largest difference between the curves", f"{compared.apart:.4f} on day {compared.day}")


def _median(curve: Curve) -> str:
    return str(curve.median) if curve.median is not None else "not reached"


def _of_findings(findings: Sequence[Finding]) -> Iterator[Line]:
    broken = [one for one in findings if not one.holds]
    yield Line("fsck findings", str(len(broken)), is_wrong=bool(broken))
    for one in broken:
        yield Line(f"fsck {one.invariant.name}", f"{one.broken} ({', '.join(one.first)})", is_wrong=True)


def _of_done(done: Mapping[str, int]) -> Iterator[Line]:
    """What the jobs could not do must be nothing; what the product refused to people is told."""
    for name in sorted(done):
        if name.startswith("refused") or "failed" in name or name in ("steps", "waited for nothing"):
            yield Line(name, str(done[name]), is_wrong="failed" in name and bool(done[name]))


def _counted(txn: Transaction, name: str, column: Any, *where: Any) -> Iterator[Line]:
    counts: Counter[Any] = Counter(
        dict(txn.session.execute(select(column, func.count()).where(*where).group_by(column)).all())
    )
    for value in sorted(counts, key=str):
        yield Line(f"{name} {value}", str(counts[value]))

"""The ledger of a simulation: what was counted, held against what must be so and what truly happened. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from backend.outcomes.survival_curves import Curve
from backend.simulation.account import Account
from backend.simulation.curves import compare


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


def draw_up(account: Account) -> Ledger:
    """Write down a trial's account, line by line."""
    return Ledger(
        (
            *_of_figures(account),
            *(Line(name, str(count), is_wrong=count != 0) for name, count in account.must_be_zero.items()),
            *_of_survival(account),
            *_of_findings(account),
            *_of_done(account),
        )
    )


def _of_figures(account: Account) -> Iterator[Line]:
    for title, counts in account.figures.items():
        for value in sorted(counts):
            yield Line(f"{title} {value}", str(counts[value]))


def _of_survival(account: Account) -> Iterator[Line]:
    compared = compare(account.known, account.true)
    yield Line("deaths, true and known", f"{compared.true.events} {compared.known.events}")
    yield Line("median survival in days, true and known", f"{_median(compared.true)} {_median(compared.known)}")
    yield Line("largest difference between the curves", f"{compared.apart:.4f} on day {compared.day}")


def _median(curve: Curve) -> str:
    return str(curve.median) if curve.median is not None else "not reached"


def _of_findings(account: Account) -> Iterator[Line]:
    yield Line("fsck findings", str(len(account.broken)), is_wrong=bool(account.broken))
    for name, first in account.broken.items():
        yield Line(f"fsck {name}", ", ".join(first), is_wrong=True)


def _of_done(account: Account) -> Iterator[Line]:
    """What the jobs could not do must be nothing; what the product refused to people is told."""
    for name, count in sorted(account.done.items()):
        if name.startswith("refused") or "failed" in name or name in ("steps", "waited for nothing"):
            yield Line(name, str(count), is_wrong="failed" in name and bool(count))

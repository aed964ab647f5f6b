"""How far patients and clinicians agree: composites against grades, the days between the steps, what waits. Pure.

A pair is a candidate event that was judged: the worst composite of its episode, and the worst grade of the adverse
event it was confirmed as, or 0 where it was dismissed because it was not present. A composite is not a grade; that
they differ is no mistake of anybody's. What is not signed yet is a draft and counted apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from uuid import UUID

COMPOSITES: tuple[int | None, ...] = (0, 1, 2, 3, None)
GRADES = (0, 1, 2, 3, 4, 5)
SEVERE_COMPOSITE, SEVERE_ANSWER = 3, 4
URGENT = frozenset({"T1", "T2"})
A_DAY = timedelta(days=1)
# Of an answer these attributes say how bad it is; how often something is, says less.
HOW_BAD = (".severity", ".interference")
STEPS = ("received_to_known", "known_to_confirmed", "confirmed_to_signed", "received_to_signed")


@dataclass(frozen=True)
class Judged:
    """One pair. ``composite`` is None where the term has none or an answer was missing.

    ``is_settled``: signed, or dismissed. ``same_term``: the event is coded by the term that was reported.
    """

    term: str | None
    composite: int | None
    grade: int
    is_settled: bool
    same_term: bool
    received_at: datetime
    known_at: datetime | None = None
    confirmed_at: datetime | None = None
    signed_at: datetime | None = None


@dataclass(frozen=True)
class Waiting:
    """An open candidate event, as far as it matters here."""

    candidate_id: UUID
    tier: str
    composite: int | None
    answers: Mapping[str, float]
    received_at: datetime


@dataclass(frozen=True)
class Quartiles:
    """Days; all None where nothing was counted."""

    n: int
    q1: float | None
    median: float | None
    q3: float | None


@dataclass(frozen=True)
class Row:
    """Of one composite, how many pairs have the grades 0 to 5."""

    composite: int | None
    grades: tuple[int, ...]


@dataclass(frozen=True)
class OfTerm:
    """One term's table and lags; ``term`` is None for what was reported under no term."""

    term: str | None
    pairs: int
    coded_otherwise: int
    settled: tuple[Row, ...]
    drafts: tuple[Row, ...]
    lags: Mapping[str, Quartiles]


def by_term(pairs: Sequence[Judged]) -> tuple[OfTerm, ...]:
    """The figures of every term that was judged, in the order of their codes; what has no term comes last."""
    terms = sorted({pair.term for pair in pairs}, key=lambda code: (code is None, code or ""))
    return tuple(_of_term(term, [pair for pair in pairs if pair.term == term]) for term in terms)


def lags_of(pairs: Iterable[Judged]) -> Mapping[str, Quartiles]:
    """By step, the days it took. A step that was not taken, and one taken before the step it follows, counts not."""
    days: dict[str, list[float]] = {step: [] for step in STEPS}
    for pair in pairs:
        moments = (
            (pair.received_at, pair.known_at),
            (pair.known_at, pair.confirmed_at),
            (pair.confirmed_at, pair.signed_at),
            (pair.received_at, pair.signed_at),
        )
        for step, (since, until) in zip(STEPS, moments, strict=True):
            if since is not None and until is not None and until >= since:
                days[step].append((until - since) / A_DAY)
    return {step: quartiles(taken) for step, taken in days.items()}


def quartiles(values: Sequence[float]) -> Quartiles:
    """Median and quartiles, interpolated between the values; of a single value, that value."""
    if not values:
        return Quartiles(0, None, None, None)
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Quartiles(len(values), round(low, 2), round(middle, 2), round(high, 2))


def is_severe(tier: str, composite: int | None, answers: Mapping[str, float]) -> bool:
    """Composite 3, a severity or interference answered with 4, or an urgent tier."""
    answered_worst = any(value >= SEVERE_ANSWER for item, value in answers.items() if item.endswith(HOW_BAD))
    return tier in URGENT or composite == SEVERE_COMPOSITE or answered_worst


def undecided(open_events: Iterable[Waiting], now: datetime, days: int) -> list[Waiting]:
    """The severe ones that nobody has decided for so many days or longer, the longest first."""
    late = (
        one
        for one in open_events
        if is_severe(one.tier, one.composite, one.answers) and now - one.received_at >= days * A_DAY
    )
    return sorted(late, key=lambda one: (one.received_at, str(one.candidate_id)))


def _of_term(term: str | None, pairs: Sequence[Judged]) -> OfTerm:
    return OfTerm(
        term=term,
        pairs=len(pairs),
        coded_otherwise=sum(not pair.same_term for pair in pairs),
        settled=_table(pair for pair in pairs if pair.is_settled),
        drafts=_table(pair for pair in pairs if not pair.is_settled),
        lags=lags_of(pairs),
    )


def _table(pairs: Iterable[Judged]) -> tuple[Row, ...]:
    counts = {composite: dict.fromkeys(GRADES, 0) for composite in COMPOSITES}
    for pair in pairs:
        counts[pair.composite][pair.grade] += 1
    return tuple(Row(composite, tuple(by_grade.values())) for composite, by_grade in counts.items())

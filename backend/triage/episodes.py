"""What a new report means for a term's open episode, so that a queue is not flooded. Pure.

One candidate event is one episode of one term in one patient. Later reports of the term join it; whether they
do so silently is decided here, sentence by sentence of the design. Ending an episode only stops the joining.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.terms import Tier, Trend

QUIET_AFTER_T1 = timedelta(hours=12)
QUIET_AFTER_ACKNOWLEDGEMENT = timedelta(days=14)
SYMPTOM_ZEROS_APART = timedelta(days=7)
SIGN_ZEROS_APART = timedelta(days=1)
SYMPTOM_ATTRIBUTES = frozenset({"frequency", "severity", "interference", "amount", "presence"})


@dataclass(frozen=True)
class Level:
    """How bad one report says a term is. ``tier`` is None when no rule fired; None elsewhere is unknown."""

    tier: Tier | None
    composite: int | None = None
    grade: int | None = None


@dataclass(frozen=True)
class Episode:
    """A running episode as it stood before the report. ``worst`` and ``latest`` are of its reports so far.

    ``tier`` is the candidate's own. ``acknowledged_at`` is when a person last took note of it; it is None again
    once a report has returned it to the queue or paged. ``items`` are what its findings rested on so far.
    """

    tier: Tier
    worst: Level
    latest: Level
    due_at: datetime
    acknowledged_at: datetime | None = None
    items: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Opens:
    """No episode is running: a new candidate."""

    tier: Tier
    due_at: datetime
    pages: bool


@dataclass(frozen=True)
class JoinsSilently:
    """The report joins; the candidate stays where it is, with the clock it has."""

    worst: Level
    trend: Trend


@dataclass(frozen=True)
class ReturnsToQueue:
    """The report joins, and a person must look again by ``due_at``."""

    tier: Tier
    due_at: datetime
    worst: Level
    trend: Trend


@dataclass(frozen=True)
class PagesAgain:
    """The report joins, and the person on call is paged, once more if need be."""

    due_at: datetime
    worst: Level
    trend: Trend


Outcome = Opens | JoinsSilently | ReturnsToQueue | PagesAgain


def decide(
    episode: Episode | None, level: Level, *, items: frozenset[str], received_at: datetime, fresh_due_at: datetime
) -> Outcome:
    """What becomes of a report about a term.

    ``fresh_due_at`` is when its tier would fall due, counted from now. A report about which no rule fired
    (``level.tier`` None) has nothing to open and joins silently; call it only for a running episode.
    """
    if episode is None:
        assert level.tier is not None, "A report that fired no rule opens no episode."
        return Opens(level.tier, fresh_due_at, pages=level.tier is Tier.T1)
    worst, trend = worse_of(episode.worst, level), trend_between(episode.latest, level)
    if level.tier is Tier.T1 and _pages(episode, level, items, received_at):
        return PagesAgain(_earlier_unless_acknowledged(episode, fresh_due_at), worst, trend)
    if level.tier in (None, Tier.T1) or _stays_quiet(episode, level, received_at):
        return JoinsSilently(worst, trend)
    if episode.acknowledged_at is None and not level.tier.is_more_urgent_than(episode.tier):
        # It is waiting in the queue already: nobody has looked, so its place and its clock stay.
        return JoinsSilently(worst, trend)
    return ReturnsToQueue(level.tier, _earlier_unless_acknowledged(episode, fresh_due_at), worst, trend)


def _pages(episode: Episode, level: Level, items: frozenset[str], received_at: datetime) -> bool:
    """T1 pages on every report, unless this term's T1 was acknowledged under 12 h ago and nothing is worse."""
    if episode.tier is not Tier.T1 or episode.acknowledged_at is None:
        return True
    is_fresh = received_at - episode.acknowledged_at < QUIET_AFTER_T1
    # A second danger sign of the same term is worse, though it changes no number: vomited blood after black stool.
    return not is_fresh or is_higher(level, episode.worst) or not items <= episode.items


def _stays_quiet(episode: Episode, level: Level, received_at: datetime) -> bool:
    """T2 and T3: same or lower tier, no higher grade or composite, within 14 d of the last acknowledgement."""
    if level.tier is None or level.tier.is_more_urgent_than(episode.tier) or is_higher(level, episode.worst):
        return False
    acknowledged = episode.acknowledged_at
    return acknowledged is not None and received_at - acknowledged <= QUIET_AFTER_ACKNOWLEDGEMENT


def _earlier_unless_acknowledged(episode: Episode, fresh_due_at: datetime) -> datetime:
    """An unacknowledged candidate keeps its clock: a later report may shorten it, never put it off."""
    if episode.acknowledged_at is None:
        return min(episode.due_at, fresh_due_at)
    return fresh_due_at


def is_higher(level: Level, than: Level) -> bool:
    """Whether the composite or the grade is above what was known; unknown counts as none."""
    return (level.composite or 0) > (than.composite or 0) or (level.grade or 0) > (than.grade or 0)


def worse_of(one: Level, other: Level) -> Level:
    """The worst of each: most urgent tier, highest composite, highest grade."""
    tiers = [tier for tier in (one.tier, other.tier) if tier is not None]
    return Level(
        tier=min(tiers, key=lambda tier: tier.rank, default=None),
        composite=_highest(one.composite, other.composite),
        grade=_highest(one.grade, other.grade),
    )


def trend_between(before: Level, now: Level) -> Trend:
    """How a report compares with the one before: worse if anything is worse, else better if anything is better.

    Composites and grades are compared where both are known. Tiers only speak where neither is: a rule may fire
    once and not again ("first composite 2"), and the same answers are the same whatever fired.
    """
    known = [
        _sign(earlier, later)
        for earlier, later in ((before.composite, now.composite), (before.grade, now.grade))
        if earlier is not None and later is not None
    ]
    signs = known or [_sign(_rank(before.tier), _rank(now.tier))]
    if 1 in signs:
        return Trend.WORSE
    return Trend.BETTER if -1 in signs else Trend.SAME


def has_ended(zero_since: date | None, today: date, *, by_symptom: bool) -> bool:
    """Whether a report at 0 ends the episode: the second in a row, far enough from the first.

    ``zero_since`` is the patient's day of the first report of an unbroken run that asked the term and was
    answered with 0; None when this one begins the run. An episode that rests on danger signs and measurements
    ends on another day, one that rests on a symptom question after 7 days, because that looks back over a week.
    """
    if zero_since is None:
        return False
    return today - zero_since >= (SYMPTOM_ZEROS_APART if by_symptom else SIGN_ZEROS_APART)


def rests_on_a_symptom(items: Iterable[str]) -> bool:
    """Whether any of an episode's items is a symptom question, not a danger sign, measurement or text."""
    return any(item.rpartition(".")[2] in SYMPTOM_ATTRIBUTES for item in items)


def _rank(tier: Tier | None) -> int:
    return 0 if tier is None else 4 - tier.rank


def _sign(before: int, now: int) -> int:
    return (now > before) - (now < before)


def _highest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)

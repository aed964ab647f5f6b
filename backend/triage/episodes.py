"""What a new report means for a term's running episode, so that a queue is not flooded. Pure.

One candidate event is one episode of one term in one patient. Later reports of the term join it; whether they
do so silently is decided here, sentence by sentence of the design. Ending an episode only stops the joining, and
what a person has closed is never opened again by a report: news about it is a candidate of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from backend.terms import Tier, Trend
from backend.triage import readings
from backend.triage.clocks import Clocks
from backend.triage.readings import Readings

SYMPTOM_ATTRIBUTES = frozenset({"frequency", "severity", "interference", "amount", "presence"})


@dataclass(frozen=True)
class Level:
    """How bad one report says a term is. ``tier`` is None when no rule fired; None elsewhere is unknown.

    ``readings`` are the raw values it rests on: worse within one grade, or where there is none, is worse as well.
    """

    tier: Tier | None
    composite: int | None = None
    grade: int | None = None
    readings: Readings = field(default_factory=dict)

    @classmethod
    def of_stored(cls, stored: Mapping[str, Any]) -> "Level":
        """As ``stored`` put it into a row."""
        tier = Tier(stored["tier"]) if stored["tier"] else None
        return cls(tier, stored["composite"], stored["grade"], readings.of_stored(stored))

    def stored(self) -> dict[str, Any]:
        """As a row holds it."""
        known = {"tier": self.tier, "composite": self.composite, "grade": self.grade}
        return {**known, **readings.stored(self.readings)}


@dataclass(frozen=True)
class Episode:
    """A running episode as it stood before the report. ``worst`` and ``latest`` are of its reports so far.

    ``tier`` is the candidate's own, and ``is_open`` is False once a person has confirmed, merged or dismissed it.
    ``acknowledged_at`` is when a person last took note of it; it is None again once a report has returned it to
    the queue or paged. ``items`` are what its findings rested on so far. ``expected`` is the level up to which a
    person expects it, while a snooze is in force.
    """

    tier: Tier
    worst: Level
    latest: Level
    due_at: datetime
    acknowledged_at: datetime | None = None
    items: frozenset[str] = frozenset()
    is_open: bool = True
    expected: Level | None = None


@dataclass(frozen=True)
class Opens:
    """A new candidate: no episode is running, or a person has closed the one that is and this is news."""

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


Joins = JoinsSilently | ReturnsToQueue | PagesAgain
Outcome = Opens | Joins


@dataclass(frozen=True)
class Said:
    """What one report says about a term: how bad, resting on which items, and when it reached us.

    ``fresh_due_at`` is when its tier would fall due, counted from now.
    """

    level: Level
    items: frozenset[str]
    received_at: datetime
    fresh_due_at: datetime


def decide(episode: Episode | None, said: Said, clocks: Clocks) -> Outcome:
    """What becomes of a report in which a rule fired about a term. Without a running episode it opens one."""
    tier = said.level.tier
    assert tier is not None, "A report that fired no rule opens nothing: ask decide_unalarmed."
    if episode is None:
        return _opens(tier, said)
    if _stays_quiet(episode, tier, said, clocks):
        return _joins_silently(episode, said)
    if not episode.is_open:
        return _opens(tier, said)
    worst, trend, due_at = _worst(episode, said), _trend(episode, said), _due_at(episode, said)
    if tier is Tier.T1:
        return PagesAgain(due_at, worst, trend)
    return ReturnsToQueue(tier, due_at, worst, trend)


def decide_unalarmed(episode: Episode, said: Said) -> Joins:
    """What becomes of a report that asked about a term and fired no rule: it joins silently.

    Only a snooze it exceeds is over: what was expected is no longer what is reported, whatever the rules think.
    """
    assert said.level.tier is None, "A rule has fired: ask decide."
    if episode.is_open and episode.expected is not None and exceeds(said.level, episode.expected):
        return ReturnsToQueue(episode.tier, _due_at(episode, said), _worst(episode, said), _trend(episode, said))
    return _joins_silently(episode, said)


def _opens(tier: Tier, said: Said) -> Opens:
    return Opens(tier, said.fresh_due_at, pages=tier is Tier.T1)


def _joins_silently(episode: Episode, said: Said) -> JoinsSilently:
    return JoinsSilently(_worst(episode, said), _trend(episode, said))


def _stays_quiet(episode: Episode, tier: Tier, said: Said, clocks: Clocks) -> bool:
    if tier is Tier.T1:
        # An emergency about what a person has closed is news, however lately it was closed.
        return episode.is_open and _is_quiet_emergency(episode, said, clocks)
    if episode.is_open and episode.expected is not None:
        return not exceeds(said.level, episode.expected)
    if episode.is_open and episode.acknowledged_at is None:
        # It is waiting in the queue already: nobody has looked, so its place and its clock stay.
        return not tier.is_more_urgent_than(episode.tier)
    return _was_noted_lately(episode, tier, said, clocks)


def _is_quiet_emergency(episode: Episode, said: Said, clocks: Clocks) -> bool:
    """T1 pages on every report, unless this term's T1 was acknowledged under 12 h ago and nothing is worse."""
    if episode.tier is not Tier.T1 or episode.acknowledged_at is None:
        return False
    is_fresh = said.received_at - episode.acknowledged_at < clocks.t1_quiet_after_acknowledgement
    # A second danger sign of the same term is worse, though it changes no number: vomited blood after black stool.
    return is_fresh and not is_higher(said.level, episode.worst) and said.items <= episode.items


def _was_noted_lately(episode: Episode, tier: Tier, said: Said, clocks: Clocks) -> bool:
    """T2 and T3: same or lower tier, nothing worse, within 14 d of the last acknowledgement."""
    if episode.acknowledged_at is None or tier.is_more_urgent_than(episode.tier):
        return False
    is_recent = said.received_at - episode.acknowledged_at <= clocks.quiet_after_acknowledgement
    return is_recent and not is_higher(said.level, episode.worst)


def _worst(episode: Episode, said: Said) -> Level:
    return worse_of(episode.worst, said.level)


def _trend(episode: Episode, said: Said) -> Trend:
    return trend_between(episode.latest, said.level)


def _due_at(episode: Episode, said: Said) -> datetime:
    """An unacknowledged candidate keeps its clock: a later report may shorten it, never put it off."""
    if episode.acknowledged_at is None:
        return min(episode.due_at, said.fresh_due_at)
    return said.fresh_due_at


def expected_level(tier: Tier, worst: Level, latest: Level) -> Level:
    """The level a snooze expects: the tier the candidate stands at, and what was last said of everything else.

    Where the latest report says nothing of it, the worst that was said so far.
    """
    return Level(
        tier,
        worst.composite if latest.composite is None else latest.composite,
        worst.grade if latest.grade is None else latest.grade,
        {**worst.readings, **latest.readings},
    )


def exceeds(level: Level, expected: Level) -> bool:
    """Whether a level is above one that is expected: a more urgent tier, or anything that ``is_higher``."""
    is_more_urgent = level.tier is not None and (expected.tier is None or level.tier.is_more_urgent_than(expected.tier))
    return is_more_urgent or is_higher(level, expected)


def is_higher(level: Level, than: Level) -> bool:
    """Whether the composite or the grade is above what was known, or a raw value is worse by what counts.

    An unknown composite or grade counts as none; an unknown raw value says nothing.
    """
    if (level.composite or 0) > (than.composite or 0) or (level.grade or 0) > (than.grade or 0):
        return True
    return readings.is_any_worse(level.readings, than.readings)


def worse_of(one: Level, other: Level) -> Level:
    """The worst of each: most urgent tier, highest composite, highest grade; ``other`` is the later one."""
    tiers = [tier for tier in (one.tier, other.tier) if tier is not None]
    return Level(
        tier=min(tiers, key=lambda tier: tier.rank, default=None),
        composite=highest(one.composite, other.composite),
        grade=highest(one.grade, other.grade),
        readings=readings.worst_of(one.readings, other.readings),
    )


def trend_between(before: Level, now: Level) -> Trend:
    """How a report compares with the one before: worse if anything is worse, else better if anything is better.

    Composites and grades are compared where both are known. Tiers only speak where neither is: a rule may fire
    once and not again ("first composite 2"), and the same answers are the same whatever fired. Raw values speak
    where both are known and differ by what counts.
    """
    known = [
        _sign(earlier, later)
        for earlier, later in ((before.composite, now.composite), (before.grade, now.grade))
        if earlier is not None and later is not None
    ]
    signs = known or [_sign(_rank(before.tier), _rank(now.tier))]
    signs = [*signs, *readings.changes(before.readings, now.readings)]
    if 1 in signs:
        return Trend.WORSE
    return Trend.BETTER if -1 in signs else Trend.SAME


def has_ended(zero_since: date | None, today: date, clocks: Clocks, *, by_symptom: bool) -> bool:
    """Whether a report at 0 ends the episode: the second in a row, far enough from the first.

    ``zero_since`` is the patient's day of the first report of an unbroken run that asked the term and was
    answered with 0; None when this one begins the run. An episode that rests on danger signs and measurements
    ends on another day, one that rests on a symptom question after 7 days, because that looks back over a week.
    """
    if zero_since is None:
        return False
    return today - zero_since >= (clocks.symptom_zeros_apart if by_symptom else clocks.sign_zeros_apart)


def rests_on_a_symptom(items: Iterable[str]) -> bool:
    """Whether any of an episode's items is a symptom question, not a danger sign, measurement or text."""
    return any(item.rpartition(".")[2] in SYMPTOM_ATTRIBUTES for item in items)


def _rank(tier: Tier | None) -> int:
    return 0 if tier is None else 4 - tier.rank


def _sign(before: int, now: int) -> int:
    return (now > before) - (now < before)


def highest(one: int | None, other: int | None) -> int | None:
    """Of two levels, either of which may not be known."""
    return max((value for value in (one, other) if value is not None), default=None)
